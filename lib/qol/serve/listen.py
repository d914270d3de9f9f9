"""The API under uvicorn: one process, on this machine or in a container."""

import logging
import socket
import sys
from collections.abc import Callable

import uvicorn

from qol.errors import UsageError
from qol.serve.api import create_app
from qol.serve.serve_options import ServeOptions
from qol.serve.service import open_service

#: Seconds for which an idle connection stays, and for which open requests may end once the server is stopped.
KEEP_ALIVE_SECONDS, SHUTDOWN_SECONDS = 65, 10
MAX_REQUESTS_AT_ONCE = 200


def listen(options: ServeOptions, port: int, say: Callable[[str], None]) -> None:
    """Answer requests until the process is stopped; UsageError when the port is taken."""
    app = create_app(open_service(options))
    _log_to_standard_error()
    bound = _bind(options.host, port)
    shown = f"[{options.host}]" if ":" in options.host else options.host
    say(f"API on http://{shown}:{bound.getsockname()[1]}, its documentation on /docs. Stop it with Ctrl+C.")
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, limit_concurrency=MAX_REQUESTS_AT_ONCE,
        timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=SHUTDOWN_SECONDS, proxy_headers=False,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[bound])


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
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
    logger = logging.getLogger("qol.serve")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
