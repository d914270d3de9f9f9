"""The API under uvicorn: one process, on this machine or in a container."""

import logging
import socket
import sys
import threading
import time
from collections.abc import Callable

import uvicorn

from qol.errors import UsageError
from qol.serve.api import create_app
from qol.serve.goal_events import require_usable_address, webhook_of
from qol.serve.serve_options import ServeOptions
from qol.serve.service import Service, open_service
from qol.serve.work import work_once

#: Seconds for which an idle connection stays, and for which open requests may end once the server is stopped.
KEEP_ALIVE_SECONDS, SHUTDOWN_SECONDS = 65, 10
MAX_REQUESTS_AT_ONCE = 200
BACKLOG = 2048
#: Seconds between two rounds of delivering events and erasing people.
WORK_SECONDS = 5.0

logger = logging.getLogger("qol.serve")


def listen(options: ServeOptions, port: int, say: Callable[[str], None]) -> None:
    """Answer requests until the process is stopped; UsageError when the port is taken."""
    service = open_service(options)
    if options.webhook_url is not None:
        require_usable_address(options.webhook_url)
        webhook_of(service)
    app = create_app(service)
    _log_to_standard_error()
    bound = _bind(options.host, port)
    shown = f"[{options.host}]" if ":" in options.host else options.host
    say(f"API on http://{shown}:{bound.getsockname()[1]}, its documentation on /docs. Stop it with Ctrl+C.")
    threading.Thread(target=_work, args=(service,), daemon=True).start()
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, limit_concurrency=MAX_REQUESTS_AT_ONCE,
        timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=SHUTDOWN_SECONDS, proxy_headers=False,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[bound])


def _work(service: Service) -> None:
    """Deliver events and finish erasures whose time has come, for as long as the process lives."""
    while True:
        work_once(service)
        time.sleep(WORK_SECONDS)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, so that asyncio sends small answers at once; otherwise a body waits 40 ms for the client's next packet.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError as err:
        bound.close()
        raise UsageError(
            f"--host {host} --port {port}: cannot listen there ({err.strerror}); allowed: a free port"
        ) from None
    return bound


def _log_to_standard_error() -> None:
    """The log of requests as JSON lines on standard error; errors of the server by their type alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
