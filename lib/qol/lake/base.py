"""The edge to where a lake is stored: all that the rest of the pipeline may ask of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa

LOCK_KEY = "_locks/publish.lock"


@dataclass(frozen=True)
class StoredObject:
    """One object: its key relative to the lake, its size in bytes and an opaque tag of its content."""

    key: str
    bytes: int
    etag: str


@dataclass(frozen=True)
class Listing:
    """What lies directly below a prefix: objects, and the names of folders with a trailing slash."""

    objects: tuple[StoredObject, ...]
    folders: tuple[str, ...]


class Lake(Protocol):
    """A lake: keys are relative, use `/`, and never start with one.

    An implementation must be picklable, because tasks on other processes and machines read and stage through it.
    Only `publish`, `put` and `delete` change what readers of published tables see; workers call none of them.
    """

    @property
    def reads_at_once(self) -> int:
        """How many small objects it pays to ask for at the same time."""

    @property
    def uri(self) -> str:
        """Where the lake is, as a person would type it."""

    def location(self, key: str) -> str:
        """Where the object of a key is, as a person or a catalog would type it."""

    def children(self, prefix: str) -> Listing:
        """What lies directly below `prefix` (ends with `/`); empty when nothing does."""

    def walk(self, prefix: str) -> Iterator[StoredObject]:
        """All objects below `prefix`, hidden names too, in key order."""

    def stat(self, key: str) -> StoredObject | None:
        """The object at `key`, or None."""

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The object's bytes from `start`; fewer than `length` only at its end. LakeError when it is gone."""

    def open_table(self, key: str) -> pa.NativeFile:
        """A seekable file of the object for Arrow readers."""

    def create(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A new object below `_staging/` to write to; it is there when the context ends without an error."""

    def publish(self, staged: str, key: str, expected_etag: str | None) -> StoredObject:
        """Put a staged object over `key` by one atomic, durable act.

        PublishConflictError when `key` no longer carries `expected_etag` (None: must not exist).
        """

    def register(self, table: str, date: str, key: str) -> None:
        """Make the partition of a published file known to the catalog, again if it already is; a folder has none."""

    def put(self, key: str, data: bytes) -> None:
        """Write a small object by one atomic act, over what may be there."""

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when it is not there."""

    def sweep(self, prefix: str) -> int:
        """Remove all objects below `prefix`; how many there were."""

    def scratch(self, run_id: str) -> AbstractContextManager[Path]:
        """A local folder for a run's intermediate files, gone when the context ends."""

    def lock(self, owner: str, job_run_id: str | None = None) -> AbstractContextManager[None]:
        """Hold the lake's only lock; LockedError when another run holds it.

        `owner` is the run; a lock that an earlier attempt of the same `job_run_id` left behind is taken over at once.
        """
