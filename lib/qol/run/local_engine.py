"""A pool of processes on one machine; small work stays in this process."""

import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing import resource_tracker, util
from multiprocessing.forkserver import ensure_running
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

from qol.lake.local import LocalLake
from qol.run.fork import ONE_THREAD, fork

T = TypeVar("T")
R = TypeVar("R")


class LocalEngine:
    """Works on this machine's cores; blocks are files in the scratch folder."""

    name = "local"

    def __init__(self, scratch: Path, workers: int) -> None:
        self.scratch = LocalLake(scratch)
        self._workers = workers
        if workers > 1:  # it imports while this process makes the tasks
            _start_server()

    def map(self, items: Iterable[T], function: Callable[[T], R]) -> list[R]:
        """Call the function for every item, in the pool when there is more than one worker and item."""
        items = list(items)
        if self._workers < 2 or len(items) < 2:
            return [function(item) for item in items]
        # The function travels through the pipe that starts a worker: it holds the key, which no file may.
        shipped = pickle.dumps(function, protocol=pickle.HIGHEST_PROTOCOL)
        with _pool(min(self._workers, len(items)), shipped) as pool:
            return list(pool.map(_call, items))

    def close(self) -> None:
        """Nothing outlives a call."""


_functions: list[Callable[[Any], Any]] = []


def _call(item: Any) -> Any:
    return _functions[0](item)


def fork_server() -> None:
    """Fork what workers are forked from off this process, which has imported what they need, and not yet used Polars.

    The standard library starts a new interpreter instead, which imports everything again: 0.6 seconds and as much work.
    """
    usual = util.spawnv_passfds
    with suppress(OSError):  # no process to spare; a small run needs none, and a large one tries again
        resource_tracker.ensure_running()
        util.spawnv_passfds = _fork  # type: ignore[assignment]
        _ensure_server()
    util.spawnv_passfds = usual


def _fork(_interpreter: str, arguments: Sequence[str], descriptors: Sequence[int]) -> int:
    """A child that does what a new interpreter would do with these arguments, and has only these open files."""
    work = partial(exec, arguments[-1])  # the standard library's own code, after -c
    return fork(work, (resource_tracker.getfd(), *descriptors))


def _start_server() -> None:
    """Start what workers are forked from: a process that imports everything but starts no thread; one thread each is enough."""
    os.environ.update(ONE_THREAD)
    _ensure_server()


def _ensure_server() -> None:
    multiprocessing.get_context("forkserver").set_forkserver_preload(["qol.run.preload"])
    ensure_running()


def _pool(workers: int, shipped: bytes) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("forkserver")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare, initargs=(shipped,))


def _prepare(shipped: bytes) -> None:
    """Load the function, and let this worker end when the run's own process does, however that ended."""
    _functions[:] = [pickle.loads(shipped)]  # noqa: S301 (comes from the process that started this one)
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
