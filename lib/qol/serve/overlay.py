"""A lake with objects of its own in memory: the job's own code works on it and writes nothing."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, ClassVar, cast

import pyarrow as pa

from qol.ingest.line_reader import ObjectRange
from qol.ingest.results import IngestResult
from qol.ingest.task import ingest
from qol.lake.base import Lake, StoredObject
from qol.serve.service import Service


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


def ingest_object(service: Service, key: str, record: str, day: str, data: bytes) -> IngestResult:
    """What the job's ingest makes of an object with these bytes that arrived on a day."""
    part = ObjectRange(0, key, record, day, len(data), 0, len(data))
    return ingest(cast("Lake", Overlay(service.lake, {key: data})), service.ingest_context(), [part])
