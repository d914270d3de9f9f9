"""A lake with objects of its own in memory: the steps of a run work on it and write nothing."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, ClassVar

import pyarrow as pa

from qol.lake.base import Lake, StoredObject


class Overlay:
    """Reads what is in memory first, then the lake; what is created stays in memory."""

    #: What is in memory is not worth prefetching.
    reads_at_once: ClassVar[int] = 1

    def __init__(self, lake: Lake, objects: dict[str, bytes] | None = None) -> None:
        self._lake = lake
        self.objects = dict(objects or {})

    def __getattr__(self, name: str) -> Any:
        """Everything else is the lake's."""
        return getattr(self._lake, name)

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The object's bytes from `start`."""
        if key not in self.objects:
            return self._lake.read(key, start, length)
        return self.objects[key][start : None if length is None else start + length]

    def stat(self, key: str) -> StoredObject | None:
        """The object at `key`, or None."""
        return self._lake.stat(key) if key not in self.objects else StoredObject(key, len(self.objects[key]), "")

    def open_table(self, key: str) -> pa.NativeFile:
        """A seekable file of the object."""
        return self._lake.open_table(key) if key not in self.objects else pa.BufferReader(self.objects[key])

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """A new object in memory."""
        file = io.BytesIO()
        yield file
        self.objects[key] = file.getvalue()
