"""A lake in a bucket: one conditional PutObject is the atomic act, a renewed object is the lock."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import pyarrow as pa

from qol.errors import LakeError, LeaseLostError, PublishConflictError
from qol.lake.base import Listing, StoredObject
from qol.lake.catalog import register_partition
from qol.lake.s3_client import (
    CONDITION_FAILED,
    CONNECTIONS,
    MISSING,
    Patience,
    RequestError,
    asking,
    aws_client,
    give_up,
    read_whole,
)
from qol.lake.s3_file import TAIL_BYTES, BlockFile
from qol.lake.s3_lock import Lease, LeaseTimes

STAGING = "_staging/"
#: What holds or may hold vendor ids; it is encrypted with the bucket's own key, everything else with the given one.
IDENTIFIED = ("raw/", "quarantine/", "_staging/", "_locks/")
SPOOL_BYTES = 64 * 2**20
DELETE_AT_ONCE = 1_000
#: Seconds that a renewal of the lock may wait for the store; three tries of it fit into the life of a lock.
HASTY = {"connect_seconds": 2.0, "read_seconds": 5.0}

T = TypeVar("T")


@dataclass(frozen=True)
class S3Lake:
    """A bucket, or a prefix of one, as a lake; made of plain settings, so it travels to worker processes.

    `kms_key` encrypts what is published; `database` is the catalog where partitions are registered, None for none.
    """

    bucket: str
    prefix: str = ""
    kms_key: str | None = None
    database: str | None = None
    patience: Patience = field(default_factory=Patience)
    lease_times: LeaseTimes = field(default_factory=LeaseTimes)
    _leases: list[Lease] = field(default_factory=list, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Without the lease, which is the driver's alone."""
        return S3Lake, (self.bucket, self.prefix, self.kms_key, self.database, self.patience, self.lease_times)

    @property
    def reads_at_once(self) -> int:
        """As many as the client has connections: an object is tens of milliseconds away, whatever its size."""
        return CONNECTIONS

    @property
    def uri(self) -> str:
        """The lake's address."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def location(self, key: str) -> str:
        """The address of the object of a key."""
        return f"s3://{self.bucket}/{self.prefix}{key}"

    @property
    def _s3(self) -> Any:
        return aws_client("s3", self.patience)

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.prefix + key}

    def require(self) -> None:
        """RequestError when the bucket is not there or not this role's to read."""
        with asking(f"s3://{self.bucket}", self.patience):
            self._s3.head_bucket(Bucket=self.bucket)

    def children(self, prefix: str) -> Listing:
        """What lies directly below `prefix`."""
        objects: list[StoredObject] = []
        folders: list[str] = []
        for page in self._pages(prefix, Delimiter="/"):
            objects.extend(self._objects(page))
            start = len(self.prefix) + len(prefix)
            folders.extend(found["Prefix"][start:] for found in page.get("CommonPrefixes", ()))
        return Listing(tuple(objects), tuple(sorted(folders)))

    def walk(self, prefix: str) -> Iterator[StoredObject]:
        """All objects below `prefix`, in key order."""
        for page in self._pages(prefix):
            yield from self._objects(page)

    def _pages(self, prefix: str, **how: str) -> Iterator[dict[str, Any]]:
        pages = iter(
            self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + prefix, **how)
        )
        while True:
            with asking(self.location(prefix), self.patience):
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _objects(self, page: dict[str, Any]) -> Iterator[StoredObject]:
        """The objects of a page of a listing; a key that ends like a folder is a console's mark of one."""
        for found in page.get("Contents", ()):
            if not found["Key"].endswith("/"):
                yield StoredObject(found["Key"][len(self.prefix) :], found["Size"], found["ETag"].strip('"'))

    def stat(self, key: str) -> StoredObject | None:
        """The object at `key`, or None."""
        try:
            with asking(self.location(key), self.patience):
                head = self._s3.head_object(**self._at(key))
        except RequestError as err:
            if err.code in MISSING:
                return None
            raise
        return StoredObject(key, head["ContentLength"], head["ETag"].strip('"'))

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The object's bytes from `start`."""
        if length == 0:
            return b""
        try:
            return self._get(key, _range(start, length))[1]
        except RequestError as err:
            if err.code == "InvalidRange":
                return b""
            raise

    def _get(self, key: str, how: dict[str, str]) -> tuple[Any, bytes]:
        try:
            with asking(self.location(key), self.patience):
                return read_whole(lambda: self._s3.get_object(**self._at(key), **how), self.patience)
        except RequestError as err:
            if err.code in MISSING:
                raise LakeError(f"{key}: gone from the lake while it was needed") from err
            if err.code in CONDITION_FAILED:
                raise LakeError(f"{key}: changed while it was read; run again") from err
            raise

    def open_table(self, key: str) -> pa.NativeFile:
        """A seekable file over range requests, all of the same version of the object."""
        try:
            response, tail = self._get(key, {"Range": f"bytes=-{TAIL_BYTES}"})
        except RequestError as err:
            if err.code == "InvalidRange":  # an empty object has no last bytes
                return pa.BufferReader(b"")
            raise
        size = int(response.get("ContentRange", f"/{len(tail)}").rpartition("/")[2])
        if size == len(tail):
            return pa.BufferReader(tail)
        same = {"IfMatch": response["ETag"]}
        file = BlockFile(size, tail, lambda start, length: self._get(key, _range(start, length) | same)[1])
        return pa.PythonFile(file, mode="r")

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        """A new object below `_staging/`, put when it is complete."""
        if not key.startswith(STAGING):
            raise LakeError(f"{key}: not a staged object; allowed: keys below {STAGING}")
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as file:
            yield cast("BinaryIO", file)
            file.seek(0)
            with asking(self.location(key), self.patience):
                self._s3.put_object(**self._at(key), **self._encryption(key), Body=file)

    def publish(self, staged: str, key: str, expected_etag: str | None) -> StoredObject:
        """Put the bytes of a staged object over `key` under the condition that it is still what was seen."""
        return self.publish_bytes(self.read(staged), key, expected_etag)

    def publish_bytes(self, data: bytes, key: str, expected_etag: str | None) -> StoredObject:
        """Put bytes over `key` by one atomic act; PublishConflictError when it no longer carries `expected_etag`."""

        def attempt(lake: S3Lake) -> StoredObject | None:
            try:
                return StoredObject(key, len(data), lake.put_if(key, data, expected_etag))
            except RequestError as err:
                if err.code not in CONDITION_FAILED | MISSING:
                    raise
            # The condition also fails for our own write when its answer was lost.
            found = self._found(key, data)
            if found is None and not self._is_still(key, expected_etag):
                raise PublishConflictError(f"{key}: changed since this run started; run again")
            return found

        return self._while_held(attempt)

    def _while_held(self, attempt: Callable[[S3Lake], T | None]) -> T:
        """Attempts of one request each, none of them begun after the lock ran out; None asks for another one."""
        one_try = replace(self, patience=replace(self.patience, attempts=1, gives_up=False))
        for number in range(1, self.patience.attempts + 1):
            self._require_lease()
            try:
                done = attempt(one_try)
            except RequestError as err:
                if not err.may_pass:
                    raise
                if number == self.patience.attempts:
                    give_up()
                    raise
                done = None
            if done is not None:
                return done
            time.sleep(min(20.0, self.patience.pause_seconds * 2**number))
        raise LakeError("a published file could not be written, the store contradicts itself; run again")

    def _found(self, key: str, data: bytes) -> StoredObject | None:
        """The object at `key` when it holds exactly these bytes."""
        stored = self.get_tagged(key)
        if stored is None or hashlib.sha256(stored[1]).digest() != hashlib.sha256(data).digest():
            return None
        return StoredObject(key, len(data), stored[0])

    def _is_still(self, key: str, expected_etag: str | None) -> bool:
        """Whether a write lost a race that nobody won, so that it may be tried again."""
        time.sleep(self.patience.pause_seconds)
        found = self.stat(key)
        return (found.etag if found else None) == expected_etag

    def put_if(self, key: str, data: bytes, etag: str | None) -> str:
        """Write over the version with that tag (None: only where nothing is); the new tag. RequestError otherwise."""
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": f'"{etag}"'}
        with asking(self.location(key), self.patience):
            done = self._s3.put_object(**self._at(key), **self._encryption(key), **condition, Body=data)
        return str(done["ETag"]).strip('"')

    def get_tagged(self, key: str) -> tuple[str, bytes] | None:
        """Tag and content of an object, or None."""
        try:
            with asking(self.location(key), self.patience):
                response, data = read_whole(lambda: self._s3.get_object(**self._at(key)), self.patience)
        except RequestError as err:
            if err.code in MISSING:
                return None
            raise
        return str(response["ETag"]).strip('"'), data

    def delete_if(self, key: str, etag: str) -> None:
        """Delete the version with that tag."""
        with asking(self.location(key), self.patience):
            self._s3.delete_object(**self._at(key), IfMatch=f'"{etag}"')

    def register(self, table: str, date: str, key: str) -> None:
        """Make the partition of a published file known to the catalog, if the lake has one."""
        if self.database is not None:
            folder = self.location(key).rpartition("/")[0]
            register_partition(self.database, table, date, f"{folder}/", self.patience)

    def put(self, key: str, data: bytes) -> None:
        """Write a small object."""
        if key.startswith("_locks/"):
            self._while_held(lambda lake: lake.put_any(key, data))
        else:
            self.put_any(key, data)

    def put_any(self, key: str, data: bytes) -> str:
        """Write an object whatever is there; its tag."""
        with asking(self.location(key), self.patience):
            return str(self._s3.put_object(**self._at(key), **self._encryption(key), Body=data)["ETag"])

    def delete(self, key: str) -> None:
        """Remove an object."""
        with asking(self.location(key), self.patience):
            self._s3.delete_object(**self._at(key))

    def sweep(self, prefix: str) -> int:
        """Remove all objects below `prefix`."""
        keys = [self.prefix + stored.key for stored in self.walk(prefix)]
        for start in range(0, len(keys), DELETE_AT_ONCE):
            self._delete_some(prefix, keys[start : start + DELETE_AT_ONCE])
        return len(keys)

    def _delete_some(self, prefix: str, keys: Sequence[str]) -> None:
        """Delete objects by one request; the store may fail for some of them, which the SDK does not ask for again."""
        code = ""
        for _ in range(self.patience.attempts):
            wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
            with asking(self.location(prefix), self.patience):
                failed = self._s3.delete_objects(Bucket=self.bucket, Delete=wanted).get("Errors", [])
            if not failed:
                return
            keys, code = [error["Key"] for error in failed], failed[0]["Code"]
            time.sleep(self.patience.pause_seconds)
        raise RequestError(f"{self.location(prefix)}: {len(keys)} objects not deleted", code)

    @contextmanager
    def scratch(self, run_id: str) -> Iterator[Path]:
        """A temporary folder of this machine."""
        with tempfile.TemporaryDirectory(prefix=f"qol-{run_id}-") as folder:
            yield Path(folder)

    @contextmanager
    def lock(self, owner: str, job_run_id: str | None = None) -> Iterator[None]:
        """Hold the lock object; what is published meanwhile insists on it."""
        seconds = {name: min(most, getattr(self.patience, name)) for name, most in HASTY.items()}
        hasty = replace(self.patience, attempts=3, gives_up=False, **seconds)
        lease = Lease(replace(self, patience=hasty), owner, job_run_id, self.lease_times)
        lease.acquire()
        self._leases.append(lease)
        try:
            yield
        finally:
            self._leases.remove(lease)
            lease.release()

    def _require_lease(self) -> None:
        """LeaseLostError when this run's lock ran out: another run may hold it."""
        if any(not lease.is_held for lease in self._leases):
            raise LeaseLostError("the lock could not be renewed in time, another run may hold it; run again")

    def _encryption(self, key: str) -> dict[str, str]:
        if self.kms_key is None or key.startswith(IDENTIFIED):
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key}


def _range(start: int, length: int | None) -> dict[str, str]:
    if start == 0 and length is None:
        return {}
    return {"Range": f"bytes={start}-{'' if length is None else start + length - 1}"}
