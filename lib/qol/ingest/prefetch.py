"""Small objects asked for ahead of the one that is read, where a store answers late but many at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from qol.ingest.raw_lines import ObjectRange, Readable
from qol.lake.base import Lake

#: Larger objects are read piece by piece by whoever needs them.
MAX_PREFETCH_BYTES = 2**20


class Prefetcher:
    """Answers reads of the next small objects from requests that are on their way already."""

    def __init__(self, lake: Lake, parts: list[ObjectRange], pool: ThreadPoolExecutor) -> None:
        self._lake = lake
        self._pool = pool
        small = (
            part for part in parts if 0 < part.bytes <= MAX_PREFETCH_BYTES and (part.start, part.end) == (0, part.bytes)
        )
        self._coming = deque(part.key for part in small)
        self._asked: dict[str, Future[bytes]] = {}

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """As the lake's own `read`; an object asked for ahead is kept no longer than its one whole read."""
        while self._coming and len(self._asked) < self._lake.reads_at_once:
            ahead = self._coming.popleft()
            self._asked[ahead] = self._pool.submit(self._lake.read, ahead)
        if key not in self._asked or start != 0:
            return self._lake.read(key, start, length)
        return self._asked.pop(key).result()[:length]


@contextmanager
def prefetching(lake: Lake, parts: list[ObjectRange]) -> Iterator[Readable]:
    """What to read the ranges from, in their order: the lake itself when it answers one at a time as fast."""
    if lake.reads_at_once == 1:
        yield lake
        return
    with ThreadPoolExecutor(lake.reads_at_once, thread_name_prefix="qol-read") as pool:
        try:
            yield Prefetcher(lake, parts, pool)
        finally:
            pool.shutdown(cancel_futures=True)
