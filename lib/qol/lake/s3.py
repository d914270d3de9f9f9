"""A lake in a bucket: a conditional PutObject publishes atomically, a renewed object is the lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, ClassVar, TypeVar

from qol.aws.requests import CONDITION_FAILED, CONNECTIONS, MISSING, RequestError, TransientError, retry
from qol.errors import LeaseLostError, PublishConflictError
from qol.lake.base import StoredObject
from qol.lake.glue_catalog import register_partition
from qol.lake.s3_lock import Lease, LeaseTimes
from qol.lake.s3_objects import S3Objects

#: Timeouts of requests for the lock; three attempts of a renewal fit into the life of a lock.
LOCK_TIMEOUTS = {"connect_seconds": 2.0, "read_seconds": 5.0}

T = TypeVar("T")


@dataclass(frozen=True)
class S3Lake(S3Objects):
    """A bucket or a prefix of one as a lake; it can be pickled for worker processes.

    `database` is the Glue database that registers partitions, None for no registration.
    """

    #: S3 answers after tens of milliseconds, whatever the size.
    reads_at_once: ClassVar[int] = CONNECTIONS
    packs_parts: ClassVar[bool] = True
    database: str | None = None
    lease_times: LeaseTimes = field(default_factory=LeaseTimes)
    _leases: list[Lease] = field(default_factory=list, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled without the lease, which only the driver holds."""
        return S3Lake, (self.bucket, self.prefix, self.kms_key, self.policy, self.database, self.lease_times)

    @property
    def uri(self) -> str:
        """The lake's `s3://` address."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def publish(self, staged: str, key: str, expected_etag: str | None) -> StoredObject:
        """Put the bytes of a staged object over `key` when that still carries `expected_etag`."""
        return self.publish_bytes(self.read(staged), key, expected_etag)

    def publish_bytes(self, data: bytes, key: str, expected_etag: str | None) -> StoredObject:
        """Put bytes over `key` by one atomic act; PublishConflictError when it no longer carries `expected_etag`."""

        def attempt(lake: S3Lake) -> StoredObject:
            try:
                return StoredObject(key, len(data), lake.put_if(key, data, expected_etag))
            except RequestError as err:
                if err.code not in CONDITION_FAILED | MISSING:
                    raise
            # The condition also fails for our own write when its answer was lost.
            if found := self._found(key, data):
                return found
            if self._is_still(key, expected_etag):
                raise TransientError(self.location(key), "ConditionalRequestConflict")
            raise PublishConflictError(f"{key}: changed since this run started; run again")

        return self._while_held(attempt)

    def _while_held(self, attempt: Callable[[S3Lake], T]) -> T:
        """The result of attempts of one request each, none of which begins after the lock ran out."""
        one_request = replace(self, policy=replace(self.policy, attempts=1, opens_breaker=False))

        def attempt_if_held() -> T:
            self._require_lease()
            return attempt(one_request)

        return retry(attempt_if_held, self.policy, TransientError)

    def _found(self, key: str, data: bytes) -> StoredObject | None:
        """The object at `key` when it holds exactly these bytes."""
        stored = self.get_tagged(key)
        return StoredObject(key, len(data), stored[0]) if stored and stored[1] == data else None

    def _is_still(self, key: str, expected_etag: str | None) -> bool:
        """Whether `key` still carries the tag that was seen, so that a refused write may be tried again."""
        time.sleep(self.policy.pause_seconds)
        found = self.stat(key)
        return (found.etag if found else None) == expected_etag

    def put(self, key: str, data: bytes) -> None:
        """Write a small object; what the lake remembers only over what is there now, so that a late request changes nothing."""
        if key.startswith(("_locks/", "_erasures/")):
            found = self.stat(key)
            self.publish_bytes(data, key, found.etag if found else None)
        else:
            self.put_any(key, data)

    def put_if_absent(self, key: str, data: bytes | BinaryIO) -> bool:
        """Write an object unless there is one; whether there was none. When an answer was lost, its own counts as one."""
        try:
            self.put_any(key, data, IfNoneMatch="*")
        except RequestError as err:
            if err.code not in CONDITION_FAILED:
                raise
            return False
        return True

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> None:
        """Put over the version that was read; when another writer has replaced it, that one is read."""
        while True:
            etag, data = self.get_tagged(key) or (None, None)
            with suppress(PublishConflictError):
                self.publish_bytes(change(data), key, etag)
                return

    def register(self, table: str, date: str, key: str) -> None:
        """Register the partition of a published file, if the lake has a `database`."""
        if self.database is not None:
            folder = self.location(key).rpartition("/")[0]
            register_partition(self.database, table, date, f"{folder}/", self.policy)

    @contextmanager
    def lock(self, owner: str, job_run_id: str | None = None) -> Iterator[None]:
        """Hold the lock object; writes of published files check it meanwhile."""
        seconds = {name: min(limit, getattr(self.policy, name)) for name, limit in LOCK_TIMEOUTS.items()}
        policy = replace(self.policy, attempts=3, opens_breaker=False, **seconds)
        lease = Lease(replace(self, policy=policy), owner, job_run_id, self.lease_times)
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
