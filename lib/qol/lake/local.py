"""A lake in a folder of this machine: `os.replace` publishes atomically, an OS file lock is the lock."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from qol.errors import LakeError, LockedError, PublishConflictError
from qol.lake.base import LOCK_KEY, Listing, StoredObject

if TYPE_CHECKING:
    import pyarrow as pa

#: Errors of missing rights, of a read-only file system, and of a link that is not followed.
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP)


class LocalLake:
    """A folder as a lake; it holds only its path, so that it can be pickled for worker processes."""

    #: A disk serves one thread as fast as sixteen.
    reads_at_once = 1
    packs_parts = False

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).expanduser().resolve()

    def __repr__(self) -> str:
        return f"LocalLake({str(self.root)!r})"

    @property
    def uri(self) -> str:
        """The folder's path."""
        return str(self.root)

    def path(self, key: str) -> Path:
        """The file of a key; LakeError when the key leads out of the lake."""
        return Path(self.location(key))

    def location(self, key: str) -> str:
        """The path of a key's file; LakeError when the key leads out of the lake."""
        if key.startswith("/") or ".." in key.split("/"):
            raise LakeError(f"{key}: leads out of the lake; allowed: a path below {self.root}")
        return f"{self.root}/{key}"

    def children(self, prefix: str) -> Listing:
        """Objects and folders directly below `prefix`."""
        folder = self.path(prefix)
        objects: list[StoredObject] = []
        folders: list[str] = []
        with _translate_errors(prefix, "read"):
            if not folder.is_dir():
                return Listing((), ())
            for entry in sorted(os.scandir(folder), key=lambda e: e.name):
                if entry.is_symlink():
                    objects.append(StoredObject(prefix + _decodable(entry.name), 0, "", is_link=True))
                elif entry.is_dir():
                    folders.append(entry.name + "/")
                elif entry.is_file():
                    objects.append(self._stored(prefix + _decodable(entry.name), entry.stat()))
        return Listing(tuple(objects), tuple(folders))

    def walk(self, prefix: str) -> Iterator[StoredObject]:
        """All objects below `prefix`, in key order within each folder."""
        listing = self.children(prefix)
        yield from listing.objects
        for folder in listing.folders:
            yield from self.walk(prefix + folder)

    def stat(self, key: str) -> StoredObject | None:
        """The object at `key`, or None."""
        with _translate_errors(key, "read"), suppress(FileNotFoundError):
            return self._stored(key, self.path(key).stat())
        return None

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The object's bytes from `start`."""
        try:  # a file of Python and a context manager take longer than a small object
            descriptor = _no_link(self.location(key), os.O_RDONLY | os.O_CLOEXEC)
            try:
                if length is not None:
                    return os.pread(descriptor, length, start)
                with os.fdopen(descriptor, "rb", closefd=False) as file:
                    file.seek(start)
                    return file.read()
            finally:
                os.close(descriptor)
        except OSError as err:
            raise _translated(err, key, "read") from None

    def open_table(self, key: str) -> pa.NativeFile:
        """The file as a memory map."""
        import pyarrow as pa  # a collector on AWS writes lines and has no Arrow

        with _translate_errors(key, "read"):
            return pa.memory_map(str(self.path(key)), "r")

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """A new file below `_staging/`."""
        path = self.path(key)
        with _translate_errors(key, "written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            opened = path.open("xb")  # no file that exists, and no link
        with opened as file:
            yield file

    def publish(self, staged: str, key: str, expected_etag: str | None) -> StoredObject:
        """Rename a staged file over `key`; the caller holds the lock, so no other run writes between check and rename."""
        current = self.stat(key)
        if (current.etag if current else None) != expected_etag:
            raise PublishConflictError(f"{key}: changed since this run started; run again")
        target = self.path(key)
        with _translate_errors(key, "written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync(self.path(staged))
            os.replace(self.path(staged), target)
            _sync(target.parent)
            return self._stored(key, target.stat())

    def register(self, table: str, date: str, key: str) -> None:
        """A folder has no catalog."""

    def put(self, key: str, data: bytes) -> None:
        """Write a temporary file in the same folder, then rename it; those that a killed run left of the file go."""
        target = self.path(key)
        with _translate_errors(key, "written"):
            with _written_beside(target, data) as temporary:
                os.replace(temporary, target)
            for left in target.parent.glob(f".{glob.escape(target.name)}.*"):
                _remove_left(left)
            _sync(target.parent)

    def put_if_absent(self, key: str, data: bytes | BinaryIO) -> bool:
        """Write a temporary file in the same folder, then link it under its name, unless there is a file; whether there was none."""
        target = self.path(key)
        with _translate_errors(key, "written"):
            with _written_beside(target, data) as temporary:
                try:
                    os.link(temporary, target)
                except FileExistsError:
                    return False
                finally:
                    temporary.unlink()
            _sync(target.parent)
        return True

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> None:
        """Replace a file while its OS lock is held; a file that was replaced before the lock was had is read again."""
        while self.stat(key) is not None or not self.put_if_absent(key, change(None)):
            with (
                _translate_errors(key, "written"),
                suppress(FileNotFoundError),
                open(self.location(key), "r+b", opener=_no_link) as file,
            ):
                fcntl.flock(file, fcntl.LOCK_EX)
                if os.path.samestat(os.fstat(file.fileno()), self.path(key).stat()):
                    self.put(key, change(file.read()))
                    return

    def delete(self, key: str) -> None:
        """Remove a file."""
        with _translate_errors(key, "written"):
            self.path(key).unlink(missing_ok=True)

    def sweep(self, prefix: str) -> int:
        """Remove a folder with its content, and parent folders that are empty then, as in a bucket."""
        count = sum(1 for _ in self.walk(prefix))
        folder = self.path(prefix)
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            while folder.parent != self.root:
                folder = folder.parent
                folder.rmdir()
        return count

    @contextmanager
    def lock(self, owner: str, job_run_id: str | None = None) -> Iterator[None]:  # noqa: ARG002 (the lock dies with its process)
        """Hold an OS lock on the lock file; the system releases it when this process ends."""
        path = self.path(LOCK_KEY)
        with _translate_errors(LOCK_KEY, "written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            opened = os.fdopen(_no_link(str(path), os.O_RDWR | os.O_CREAT | os.O_APPEND), "a+")
        with opened as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                file.seek(0)
                message = f"{LOCK_KEY}: held by run {file.read().strip() or 'unknown'}; wait until it has ended"
                raise LockedError(message) from err
            file.truncate(0)
            file.write(owner)
            file.flush()
            yield

    @staticmethod
    def _stored(key: str, stat: os.stat_result) -> StoredObject:
        return StoredObject(key, stat.st_size, f"{stat.st_mtime_ns:x}-{stat.st_ino:x}-{stat.st_size:x}")


@contextmanager
def _translate_errors(key: str, act: Literal["read", "written"]) -> Iterator[None]:
    """A denied access, or a file to read that was deleted, becomes a LakeError that names the key and what is needed."""
    try:
        yield
    except OSError as err:
        raise _translated(err, key, act) from None


def _translated(error: OSError, key: str, act: Literal["read", "written"]) -> OSError | LakeError:
    if isinstance(error, FileNotFoundError) and act == "read":
        return LakeError(f"{key}: gone from the lake while it was needed")
    if error.errno not in _DENIED:
        return error
    kind, may = "folder" if key.endswith("/") else "file", "read" if act == "read" else "write"
    allowed = f"a {kind} that the user of this process can {may}"
    return LakeError(f"{key}: may not be {act} ({str(error.strerror).lower()}); allowed: {allowed}")


def _no_link(path: str, flags: int) -> int:
    """Open a file as `open` does, but none that a link leads to: it could lie outside the lake."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def _decodable(name: str) -> str:
    """A file's name as text; one that is not UTF-8 gets the extension `.not-utf8`, which ingest skips."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "backslashreplace").decode() + ".not-utf8"
    return name


@contextmanager
def _written_beside(target: Path, data: bytes | BinaryIO) -> Iterator[Path]:
    """A temporary file with the data in the folder of a file, on disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with _temporary_file(target) as file:
        if isinstance(data, bytes):
            file.write(data)
        else:
            shutil.copyfileobj(data, file, 2**20)
        file.flush()
        os.fsync(file.fileno())
        yield Path(file.name)


def _temporary_file(target: Path) -> BinaryIO:
    """A new file beside a target; its lock tells other writers that this process is alive."""
    while True:
        file = target.with_name(f".{target.name}.{uuid.uuid4().hex}").open("xb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # removed before it was locked


def _remove_left(path: Path) -> None:
    """Remove a temporary file, unless the process that writes it is alive."""
    with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
