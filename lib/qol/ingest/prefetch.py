"""Prefetching of small objects, for lakes with slow answers that take many requests at once."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from qol.ingest.line_reader import ObjectRange, Readable
from qol.lake.base import Lake

#: Larger objects are read range by range when they are needed.
MAX_PREFETCH_BYTES = 2**20


class Prefetcher:
    """A lake whose small objects are requested before they are read, in the order of their ranges."""

    def __init__(self, lake: Lake, parts: list[ObjectRange], pool: ThreadPoolExecutor) -> None:
        self._lake = lake
        self._pool = pool
        self._next = deque(
            part.key for part in parts if 0 < part.bytes <= MAX_PREFETCH_BYTES and part.end - part.start == part.bytes
        )
        self._requested: dict[str, Future[bytes]] = {}

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """As the lake's own `read`; a prefetched object is kept until its first read from the start."""
        while self._next and len(self._requested) < self._lake.reads_at_once:
            ahead = self._next.popleft()
            self._requested[ahead] = self._pool.submit(self._lake.read, ahead)
        if key not in self._requested or start != 0:
            return self._lake.read(key, start, length)
        return self._requested.pop(key).result()[:length]


@contextmanager
def prefetching(lake: Lake, parts: list[ObjectRange]) -> Iterator[Readable]:
    """What to read the ranges from, in their order: a prefetcher, or the lake itself when it reads one object at a time."""
    if lake.reads_at_once == 1:
        yield lake
        return
    with ThreadPoolExecutor(lake.reads_at_once, thread_name_prefix="qol-read") as pool:
        try:
            yield Prefetcher(lake, parts, pool)
        finally:
            pool.shutdown(cancel_futures=True)
