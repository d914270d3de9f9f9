"""The lock of a lake on S3: an object that its holder renews, and that is free when the renewals stop.

Nobody compares clocks of two machines: who finds the lock watches whether its tag changes. A holder that could not
renew in time takes itself for dead before anybody else may, and every write of its own is conditional anyway.
"""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import msgspec

from qol.errors import LakeError, LockedError
from qol.lake.base import LOCK_KEY
from qol.lake.s3_client import CONDITION_FAILED, MISSING, RequestError

TAKE_TRIES = 5


@dataclass(frozen=True)
class LeaseTimes:
    """Seconds between renewals, until an unrenewed lock is free, between looks at somebody else's lock, of safety."""

    renew: float = 20.0
    free: float = 60.0
    look: float = 2.0
    margin: float = 20.0


class LockObject(msgspec.Struct):
    """What the lock object says: the run that holds it, its job run, and a number that grows with every renewal."""

    run_id: str
    job: str | None
    token: str
    renewal: int = 0


class LockStore(Protocol):
    """The three requests a lock is made of; RequestError when the condition does not hold or the service fails."""

    def put_if(self, key: str, data: bytes, etag: str | None) -> str:
        """Write over the version with that tag (None: only where nothing is); the new tag."""

    def get_tagged(self, key: str) -> tuple[str, bytes] | None:
        """Tag and content, or None."""

    def delete_if(self, key: str, etag: str) -> None:
        """Delete the version with that tag."""


class Lease:
    """The lock as one run holds it."""

    def __init__(self, store: LockStore, run_id: str, job_run_id: str | None, times: LeaseTimes) -> None:
        self._store = store
        self._times = times
        job = job_run_id.split("_attempt_")[0] if job_run_id else None
        self._mine = LockObject(run_id, job, secrets.token_hex(8))
        self._etag = ""
        self._good_until = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_stopped, name="qol-lock", daemon=True)

    @property
    def is_held(self) -> bool:
        """Whether nobody else can have taken the lock over yet."""
        return _now() < self._good_until

    def acquire(self) -> None:
        """Take the lock and keep it renewed; LockedError when another run renews it."""
        for _ in range(TAKE_TRIES):
            if self._take():
                self._thread.start()
                return
            time.sleep(self._times.look)
        raise LakeError(
            f"{LOCK_KEY}: could not be taken, others were faster or the store contradicts itself; run again"
        )

    def release(self) -> None:
        """Stop renewing and remove the lock, if it is still this run's; a lock that cannot be removed runs out."""
        self._stop.set()
        self._thread.join(timeout=self._times.free)
        if self.is_held and not self._thread.is_alive():
            with suppress(LakeError):
                self._store.delete_if(LOCK_KEY, self._etag)
        self._good_until = 0.0

    def _take(self) -> bool:
        """One attempt to take a lock that is free, left behind by the same job run, or no longer renewed."""
        if self._write(None):
            return True
        found = self._store.get_tagged(LOCK_KEY)
        if found is None:
            return False
        etag, holder = found[0], _parse(found[1])
        if holder is None or holder.job is None or holder.job != self._mine.job:
            self._watch(etag, holder)
        return self._write(etag)

    def _watch(self, etag: str, holder: LockObject | None) -> None:
        """Wait until the lock has not been renewed for long enough, or is gone; LockedError when it is renewed."""
        until = time.monotonic() + self._times.free
        while time.monotonic() < until:
            time.sleep(self._times.look)
            found = self._store.get_tagged(LOCK_KEY)
            if found is None:
                return
            if found[0] != etag:
                holder = _parse(found[1]) or holder
                name = holder.run_id if holder else "unknown"
                raise LockedError(f"{LOCK_KEY}: held by run {name}; wait until it has ended")

    def _write(self, etag: str | None) -> bool:
        """Write the lock under a condition; whether it is this run's now."""
        asked = _now()
        self._mine.renewal += 1
        try:
            self._etag = self._store.put_if(LOCK_KEY, msgspec.json.encode(self._mine), etag)
        except RequestError as err:
            if err.code not in CONDITION_FAILED | MISSING:
                raise
            # The condition also fails for our own write when its answer was lost and the SDK asked again.
            found = self._store.get_tagged(LOCK_KEY)
            if found is None or _parse(found[1]) != self._mine:
                return False
            self._etag = found[0]
        self._good_until = asked + self._times.free - self._times.margin
        return True

    def _renew_until_stopped(self) -> None:
        pause = self._times.renew
        while not self._stop.wait(pause):
            pause = self._times.renew
            try:
                if not self._write(self._etag):
                    self._good_until = 0.0  # another run took it over
                    return
            except Exception:  # noqa: BLE001 (whatever it is: a service that fails for long lets the lease run out)
                pause = self._times.look


def _now() -> float:
    """Seconds that go on while a machine sleeps, where it can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _parse(data: bytes) -> LockObject | None:
    try:
        return msgspec.json.decode(data, type=LockObject)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
