"""A simulated cloud whose store fails on purpose: a WSGI layer in front of moto, on a loopback port."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Literal

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

Fault = Literal["503", "500", "hang", "cut", "lost", "dead"]
#: Method and path of a request and its number among the mutating ones, 0 for one that only reads -> what goes wrong.
Plan = Callable[[str, str, int], Fault | None]
MUTATING = {"PUT", "POST", "DELETE"}
_ERRORS = {"503": ("503 Slow Down", "SlowDown"), "500": ("500 Internal Server Error", "InternalError")}


def no_fault(_method: str, _path: str, _number: int) -> None:
    """Everything works."""


class _Quiet(MotoRequestHandler):
    """Says nothing about every request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (werkzeug's name)
        """Nothing."""


class FaultyCloud:
    """The server; `plan` says what goes wrong, `watch` is called after every request that changed the store."""

    def __init__(self, hang_seconds: float) -> None:
        self.plan: Plan = no_fault
        self.watch: Callable[[], None] = lambda: None
        self.delay: Callable[[str, str], float] = lambda _method, _path: 0.0
        self.broken: list[str] = []
        self.mutations = 0
        self.requests = 0
        self._hang_seconds = hang_seconds
        self._app: Any = DomainDispatcherApplication(create_backend_app)
        self._one_at_a_time = threading.Lock()
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def heal(self) -> None:
        """From now on everything works, and is counted from the start."""
        self.plan, self.watch, self.mutations, self.requests = no_fault, lambda: None, 0, 0
        self.delay = lambda _method, _path: 0.0

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request as planned."""
        time.sleep(self.delay(environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        with self._one_at_a_time:
            fault = self._next_fault(environ)
            if fault in _ERRORS:
                return self._refuse(environ, start_response, fault)
            if fault not in ("hang", "dead"):
                return self._forward(environ, start_response, fault)
        time.sleep(self._hang_seconds if fault == "hang" else 0)
        return _drop(environ)

    def _next_fault(self, environ: dict[str, Any]) -> Fault | None:
        method, number = environ["REQUEST_METHOD"], 0
        self.requests += 1
        if method in MUTATING:
            self.mutations += 1
            number = self.mutations
        return self.plan(method, environ["PATH_INFO"], number)

    def _refuse(self, environ: dict[str, Any], start_response: Callable[..., Any], fault: str) -> list[bytes]:
        _read_body(environ)
        status, code = _ERRORS[fault]
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _forward(
        self, environ: dict[str, Any], start_response: Callable[..., Any], fault: str | None
    ) -> Iterable[bytes]:
        answer: list[Any] = []
        body = b"".join(self._app(environ, lambda *given: answer.extend(given)))
        if environ["REQUEST_METHOD"] in MUTATING:
            try:
                self.watch()
            except AssertionError as err:
                self.broken.append(str(err))
        if fault == "lost":
            return _drop(environ)
        if fault == "cut" and len(body) > 1:
            headers = [(name, value) for name, value in answer[1] if name.lower() != "content-length"]
            start_response(answer[0], [*headers, ("Content-Length", str(len(body)))])
            return _cut(environ, body)
        start_response(*answer[:2])
        return [body]


def _read_body(environ: dict[str, Any]) -> None:
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))


def _drop(environ: dict[str, Any]) -> Iterable[bytes]:
    """Close the connection without a word."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


def _cut(environ: dict[str, Any], body: bytes) -> Iterable[bytes]:
    """Half of a body, then the connection closes."""
    yield body[: len(body) // 2]
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


def stored(bucket: str, *prefixes: str) -> dict[str, bytes]:
    """What a reader would find below prefixes of a bucket right now, without a request."""
    found = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys
    return {key: found[key].value for key in sorted(found.keys()) if key.startswith(prefixes)}
