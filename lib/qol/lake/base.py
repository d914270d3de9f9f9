"""The interface to a lake's storage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa

LOCK_KEY = "_locks/publish.lock"

T = TypeVar("T")
Item = TypeVar("Item")


class StoredObject(NamedTuple):
    """One object: its key relative to the lake, its size in bytes and an opaque tag that changes with its content.

    A link in a folder is not followed: it could lead out of the lake.
    """

    key: str
    bytes: int
    etag: str
    is_link: bool = False


@dataclass(frozen=True)
class Listing:
    """The objects directly below a prefix, and the names of its folders with a trailing slash."""

    objects: tuple[StoredObject, ...]
    folders: tuple[str, ...]


class Lake(Protocol):
    """A lake: keys are relative, use `/`, and never start with one.

    An implementation is picklable, because tasks of other processes and machines read and stage through it.
    Only `publish`, `put`, `update` and `delete` change what readers of published tables see; tasks call none of them.
    """

    @property
    def reads_at_once(self) -> int:
        """How many reads of small objects to keep open at the same time."""

    @property
    def packs_parts(self) -> bool:
        """Whether staged rows are packed: a network takes longer to move them, a disk of this machine does not."""

    @property
    def uri(self) -> str:
        """The lake's folder or `s3://` address, as `--lake` takes it."""

    def location(self, key: str) -> str:
        """The path or `s3://` address of a key's object."""

    def children(self, prefix: str) -> Listing:
        """Objects and folders directly below `prefix`, which ends with `/`."""

    def walk(self, prefix: str) -> Iterator[StoredObject]:
        """All objects below `prefix`, hidden names too, in key order."""

    def stat(self, key: str) -> StoredObject | None:
        """The object at `key`, or None."""

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The object's bytes from `start`; fewer than `length` only at its end. LakeError when it was deleted."""

    def open_table(self, key: str) -> pa.NativeFile:
        """A seekable file of the object for Arrow readers."""

    def create(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A new object below `_staging/` to write to; it exists when the context ends without an error."""

    def publish(self, staged: str, key: str, expected_etag: str | None) -> StoredObject:
        """Put a staged object over `key` by one atomic, durable act.

        PublishConflictError when `key` no longer carries `expected_etag` (None: must not exist).
        """

    def register(self, table: str, date: str, key: str) -> None:
        """Register or update the partition of a published file in the catalog; a folder has none."""

    def put(self, key: str, data: bytes) -> None:
        """Write a small object by one atomic act, over an existing one."""

    def put_if_absent(self, key: str, data: bytes | BinaryIO) -> bool:
        """Write an object, of bytes or of a file from its start, by one atomic act, unless there is one; whether there was none."""

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> None:
        """Write what `change` makes of an object's bytes (None: no object), over no other writer's bytes.

        `change` is called again when another writer comes between.
        """

    def delete(self, key: str) -> None:
        """Remove an object if it exists."""

    def sweep(self, prefix: str) -> int:
        """Remove all objects below `prefix` and return their number."""

    def lock(self, owner: str, job_run_id: str | None = None) -> AbstractContextManager[None]:
        """Hold the lake's only lock for the run `owner`; LockedError when another run holds it.

        The lock of an earlier attempt of the same `job_run_id` is taken over at once.
        """


def read_many(lake: Lake, read: Callable[[Item], T], items: Iterable[Item]) -> list[T]:
    """What `read` gives of each item, in their order, as many at a time as the lake takes; the first error is raised."""
    if lake.reads_at_once == 1:  # each handing over to a thread waits for the interpreter while another one imports
        return list(map(read, items))
    with ThreadPoolExecutor(lake.reads_at_once) as pool:
        return list(pool.map(read, items))
