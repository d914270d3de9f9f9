"""A fork of this process, which has imported what workers need, and not yet used Polars."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import polars as pl

#: Every core has a worker, so a worker needs no more.
ONE_THREAD = {"POLARS_MAX_THREADS": "1"}


def fork(work: Callable[[], None], kept: Iterable[int | None]) -> int:
    """Start a child that does the work and ends, with no open file but the standard ones and those kept; its process id.

    OSError when there is no process to spare. Threads are not in a fork: this process must have no other.
    """
    child = os.fork()
    if child:
        return child
    try:
        for descriptor in {int(file.name) for file in Path("/proc/self/fd").iterdir()} - {0, 1, 2, *kept}:
            with suppress(OSError):  # the listing itself
                os.close(descriptor)
        os.environ.update(ONE_THREAD)
        pl.Config.reload_env_vars()
        work()
    finally:
        os._exit(1)
