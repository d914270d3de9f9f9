"""The parent of Spark's Python workers (`spark.python.daemon.module`): what every worker needs is imported once, here.

Java starts it for the first task, as a new interpreter. `qol run` has forked another off itself by then (`fork_daemon`), which
takes over the files and the environment of the one that Java started; that only waits for its end.

Spark puts its own jar on Python's path and has Python read again, before each task, the directory of every archive there:
thousands of entries, 50 ms. No module of ours is in a jar, so workers are forked without it.
"""

import atexit
import json
import os
import select
import socket
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

#: Where the forked one listens; Java and what it starts inherit it.
_SOCKET = "QOL_SPARK_DAEMON"
_STANDARD_FILES = (0, 1, 2)


def fork_daemon() -> None:
    """Fork the parent of workers off this process, which has imported most of what they need; it ends with this process or Java."""
    from qol.run.fork import fork

    with suppress(OSError), socket.socket(socket.AF_UNIX) as listener:  # without it, the one that Java starts imports
        folder = TemporaryDirectory(prefix="qol-spark-")  # only its owner may open it
        atexit.register(folder.cleanup)
        path = str(Path(folder.name, "daemon"))
        listener.bind(path)
        listener.listen()
        ended, _ = os.pipe()  # its other end is closed when this process has ended
        fork(partial(_wait_for_java, listener, ended), (listener.fileno(), ended))
        os.close(ended)
        os.environ[_SOCKET] = path


def _wait_for_java(listener: socket.socket, ended: int) -> None:
    """Import the rest, take over from the process that Java starts, and do its work."""
    os.setpgid(0, 0)  # Ctrl-C is for the run
    _import()
    with listener:
        if listener.fileno() not in select.select([listener.fileno(), ended], [], [])[0]:
            return
        connection, _ = listener.accept()
    _, files, _, _ = socket.recv_fds(connection, 1, len(_STANDARD_FILES))
    for given, standard in zip(files, _STANDARD_FILES, strict=True):
        os.dup2(given, standard)
        os.close(given)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    with connection, connection.makefile("rb") as environment:
        os.environ.update(json.load(environment))
        connection.sendall(b"1")
        _manage()


def _hand_over(path: str) -> None:
    """Give the files and the environment of this process to the forked one, and wait for its end; OSError without one."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        socket.send_fds(connection, [b"1"], _STANDARD_FILES)
        connection.sendall(json.dumps(dict(os.environ)).encode())
        connection.shutdown(socket.SHUT_WR)
        if not connection.recv(1):
            raise ConnectionError(path)
        connection.recv(1)


def _import() -> None:
    import pyspark.daemon  # noqa: F401

    import qol.run.preload  # noqa: F401


def _manage() -> None:
    from pyspark.daemon import manager

    sys.path[:] = [entry for entry in sys.path if not entry.endswith(".jar")]
    sys.path_importer_cache.clear()
    manager()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    with suppress(KeyError, OSError):
        _hand_over(os.environ.pop(_SOCKET))
        sys.exit()
    # As many workers as cores: one thread each is enough.
    os.environ["POLARS_MAX_THREADS"] = "1"
    _import()
    _manage()
