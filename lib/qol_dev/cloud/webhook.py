"""The webhook's address on this machine: HTTP in, the receiver's answer out, as API Gateway does it.

`python -m qol_dev.cloud.webhook [FOLDER]` serves the local cloud in a folder (else of `QOL_CLOUD`, else `.cloud`) until it is interrupted.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from qol_dev.cloud.feed import read_credentials
from qol_dev.cloud.functions import open_function
from qol_dev.cloud.pushes import Push, api_event
from qol_dev.cloud.state import FOLDER, PROJECT, load_cloud

ROUTE = "/garmin/"
#: What Lambda takes as one event, the body in it as an escaped string; a longer one never reaches the function.
MAX_EVENT_BYTES = 6 * 2**20
_NOT_FOUND, _TOO_LARGE = 404, 413

Receiver = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class _Gateway(BaseHTTPRequestHandler):
    """One request: the route and the size are looked at here, everything else by the receiver."""

    protocol_version = "HTTP/1.1"

    def __init__(self, receiver: Receiver, *args: Any) -> None:
        self._receiver = receiver
        super().__init__(*args)

    def do_POST(self) -> None:
        """Hand the request on."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status = self._answer(body)
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def _answer(self, body: bytes) -> int:
        token = self.path.removeprefix(ROUTE)
        if not self.path.startswith(ROUTE) or not token or "/" in token:
            return _NOT_FOUND
        event = api_event(Push(body, datetime.now(UTC)), token, "")
        event["headers"] = {name.lower(): value for name, value in self.headers.items()}
        if len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_EVENT_BYTES:
            return _TOO_LARGE
        return int(self._receiver(event)["statusCode"])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name for it)
        """Say nothing: the path holds the token."""


def make_server(receiver: Receiver, port: int = 0) -> HTTPServer:
    """A server on a port of 127.0.0.1, a free one by default, in front of a receiver."""
    return HTTPServer(("127.0.0.1", port), partial(_Gateway, receiver))


def main(folder: Path) -> None:
    """Serve the local cloud in a folder; UsageError when it is not up."""
    cloud = load_cloud(folder)
    credentials = read_credentials(cloud)
    with open_function(cloud, "receiver") as receiver, make_server(receiver) as server:
        address = f"http://127.0.0.1:{server.server_port}{ROUTE}{credentials.token}"
        print(f"curl -i -H 'garmin-client-id: {credentials.client_id}' --data-binary @body.json {address}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def chosen_folder(words: Sequence[str]) -> Path:
    """The folder of the local cloud: the argument, else QOL_CLOUD, else `.cloud`; as `qol cloud` chooses it."""
    named = words[0] if words else os.environ.get("QOL_CLOUD")
    return Path(named).resolve() if named else PROJECT / FOLDER


if __name__ == "__main__":
    main(chosen_folder(sys.argv[1:]))
