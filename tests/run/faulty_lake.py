"""A lake that dies: from a chosen mutation on, nothing reaches the store any more, as after a kill."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from qol.lake import LocalLake, StoredObject


class Killed(Exception):  # noqa: N818 (it is no error of the lake)
    """When the process is dead as far as the store can tell."""


class DyingLake(LocalLake):
    """Counts mutating requests; dies at the `dies_at`-th, before it is applied or just after."""

    def __init__(self, root: Path, dies_at: int, *, applied: bool, watch: Callable[[], None]) -> None:
        super().__init__(root)
        self.mutations = 0
        self._dies_at = dies_at
        self._applied = applied
        self._watch = watch

    def _mutate(self, act: Callable[[], Any]) -> Any:
        if self.mutations >= self._dies_at > 0:
            raise Killed
        self.mutations += 1
        if self.mutations == self._dies_at and not self._applied:
            raise Killed
        result = act()
        self._watch()
        if self.mutations == self._dies_at:
            raise Killed
        return result

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        self._mutate(lambda: None)
        with super().create(key) as file:
            yield file

    def publish(self, staged: str, key: str, expected_etag: str | None) -> StoredObject:
        stored: StoredObject = self._mutate(lambda: LocalLake.publish(self, staged, key, expected_etag))
        return stored

    def put(self, key: str, data: bytes) -> None:
        self._mutate(lambda: LocalLake.put(self, key, data))

    def sweep(self, prefix: str) -> int:
        count: int = self._mutate(lambda: LocalLake.sweep(self, prefix))
        return count
