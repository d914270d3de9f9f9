"""The fake vendor on a port of this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

HOST = "127.0.0.1"
_START_SECONDS = 10.0


def make_server(app: Any, port: int) -> uvicorn.Server:
    """A server of the application on a port of 127.0.0.1; 0 takes a free one."""
    return uvicorn.Server(
        uvicorn.Config(app, host=HOST, port=port, log_level="warning", lifespan="off", loop="asyncio")
    )


@contextmanager
def running(app: Any) -> Iterator[str]:
    """The address of the application, served by a thread until the block ends."""
    server = make_server(app, 0)
    listening = server.config.bind_socket()
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_START_SECONDS)
        listening.close()
