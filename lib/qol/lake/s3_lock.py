"""The lock of a lake on S3: a lease, an object that its holder renews and that is free when the renewals stop.

Clocks of two machines are never compared: a run that finds the lock watches whether its tag changes. A holder that could
not renew in time stops writing before another run may take over, and its writes are conditional anyway.
"""

import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from qol.aws.requests import CONDITION_FAILED, MISSING, RequestError
from qol.errors import LakeError, LockedError
from qol.lake.base import LOCK_KEY
from qol.lake.s3_objects import S3Objects

MAX_ATTEMPTS = 5


@dataclass(frozen=True)
class LeaseTimes:
    """Seconds between renewals, until an unrenewed lock is free, between checks of another run's lock, of safety margin."""

    renew: float = 20.0
    free: float = 60.0
    look: float = 2.0
    margin: float = 20.0


class LockObject(msgspec.Struct):
    """Content of the lock object: the run that holds it, its job run, and a number that grows with every renewal."""

    run_id: str
    job: str | None
    token: str
    renewal: int = 0


class Lease:
    """The lock of one run."""

    def __init__(self, store: S3Objects, run_id: str, job_run_id: str | None, times: LeaseTimes) -> None:
        self._store = store
        self._times = times
        job = job_run_id.split("_attempt_")[0] if job_run_id else None
        self._own = LockObject(run_id, job, secrets.token_hex(8))
        self._etag = ""
        self._valid_until = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_stopped, name="qol-lock", daemon=True)

    @property
    def is_held(self) -> bool:
        """Whether no other run can have taken the lock over yet."""
        return _now() < self._valid_until

    def acquire(self) -> None:
        """Take the lock and keep it renewed; LockedError when another run renews it."""
        for _ in range(MAX_ATTEMPTS):
            if self._take():
                self._thread.start()
                return
            time.sleep(self._times.look)
        raise LakeError(f"{LOCK_KEY}: could not be taken in {MAX_ATTEMPTS} attempts; run again")

    def release(self) -> None:
        """Stop renewing and remove the lock, if it is still this run's; a lock that cannot be removed expires."""
        self._stop.set()
        self._thread.join(timeout=self._times.free)
        if self.is_held and not self._thread.is_alive():
            with suppress(LakeError):
                self._store.delete_if(LOCK_KEY, self._etag)
        self._valid_until = 0.0

    def _take(self) -> bool:
        """Whether a lock that is free, of the same job run, or no longer renewed could be taken."""
        if self._write(None):
            return True
        found = self._store.get_tagged(LOCK_KEY)
        if found is None:
            return False
        etag, holder = found[0], _parse(found[1])
        if holder is None or holder.job is None or holder.job != self._own.job:
            self._watch(etag, holder)
        return self._write(etag)

    def _watch(self, etag: str, holder: LockObject | None) -> None:
        """Wait until the lock expires or is removed; LockedError when another run renews it."""
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
        """Write the lock when the object has that tag, and say whether this run holds it now."""
        sent = _now()
        self._own.renewal += 1
        try:
            self._etag = self._store.put_if(LOCK_KEY, msgspec.json.encode(self._own), etag)
        except RequestError as err:
            if err.code not in CONDITION_FAILED | MISSING:
                raise
            # The condition also fails when the answer to this run's own write was lost, now or at the renewal before.
            found = self._store.get_tagged(LOCK_KEY)
            holder = None if found is None else _parse(found[1])
            if found is None or holder is None or holder.token != self._own.token:
                return False
            self._etag = found[0]
            if holder.renewal != self._own.renewal:
                return self._etag != etag and self._write(self._etag)
        self._valid_until = sent + self._times.free - self._times.margin
        return True

    def _renew_until_stopped(self) -> None:
        pause = self._times.renew
        while not self._stop.wait(pause):
            pause = self._times.renew
            try:
                if not self._write(self._etag):
                    self._valid_until = 0.0  # taken over by another run
                    return
            except Exception:  # noqa: BLE001 (any failure is repeated; when it lasts, the lease expires)
                pause = self._times.look


def _now() -> float:
    """Monotonic seconds, counted while the machine sleeps where the system can."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _parse(data: bytes) -> LockObject | None:
    try:
        return msgspec.json.decode(data, type=LockObject)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
