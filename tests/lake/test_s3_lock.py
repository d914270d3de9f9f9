"""The lock of a lake in a bucket, an object that is renewed: who holds it, who takes it over, who has lost it."""

import json
import threading
import time
from dataclasses import replace
from typing import Any

import boto3
import pytest

from qol.aws.requests import BREAKER, RequestError, TransientError
from qol.errors import LakeError, LeaseLostError, LockedError
from qol.lake.base import LOCK_KEY
from qol.lake.s3 import S3Lake
from qol.lake.s3_lock import LeaseTimes
from tests.edges import SHORT

WEEKLY = "processed/weekly/date=2026-11-09/part-00000.parquet"


@pytest.fixture
def locked(bucket: S3Lake) -> S3Lake:
    """The lake with a lock that runs out soon."""
    return replace(bucket, lease_times=SHORT)


def held_by(lake: S3Lake) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lake.read(LOCK_KEY))
    return found


def leave_behind(lake: S3Lake, job: str | None = None) -> None:
    """A lock as a run leaves it that was killed."""
    lake.put_if(LOCK_KEY, json.dumps({"run_id": "dead", "job": job, "token": "t", "renewal": 7}).encode(), None)


def test_only_one_holds_the_lock_and_the_other_hears_who(locked: S3Lake) -> None:
    with locked.lock("run-1"):
        with (
            pytest.raises(LockedError, match="held by run run-1; wait until it has ended"),
            replace(locked).lock("run-2"),
        ):
            pass
        assert held_by(locked)["run_id"] == "run-1"
    assert locked.stat(LOCK_KEY) is None
    with locked.lock("run-3"):
        assert held_by(locked)["run_id"] == "run-3"


def test_of_several_at_once_exactly_one_gets_the_lock(locked: S3Lake) -> None:
    ends: list[str] = []
    ready = threading.Barrier(4)
    done = threading.Event()

    def compete(number: int) -> None:
        ready.wait()
        try:
            with replace(locked).lock(f"run-{number}"):
                ends.append("held")
                done.wait(5)
        except LockedError:
            ends.append("locked")
        if len(ends) == 4:
            done.set()

    threads = [threading.Thread(target=compete, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["held", "locked", "locked", "locked"]


def test_a_lock_that_nobody_renews_is_taken_over_when_it_ran_out(locked: S3Lake) -> None:
    leave_behind(locked)
    started = time.monotonic()
    with locked.lock("next"):
        assert held_by(locked)["run_id"] == "next"
    assert time.monotonic() - started >= SHORT.free


@pytest.mark.parametrize("before", ["jr_1", "jr_1_attempt_1"])
def test_the_next_attempt_of_the_same_job_run_takes_the_lock_over_at_once(bucket: S3Lake, before: str) -> None:
    patient = replace(bucket, lease_times=LeaseTimes(free=3_600))
    leave_behind(bucket, "jr_1")
    with patient.lock("next", "jr_1_attempt_2" if "_" in before[4:] else "jr_1_attempt_1"):
        assert held_by(bucket)["job"] == "jr_1"


def test_a_lock_that_is_no_lock_is_waited_for_and_replaced(locked: S3Lake) -> None:
    locked.put_if(LOCK_KEY, b"not a lock", None)
    with locked.lock("next"):
        assert held_by(locked)["run_id"] == "next"


def test_a_held_lock_is_renewed(locked: S3Lake) -> None:
    with locked.lock("run"):
        time.sleep(SHORT.free + 0.3)
        assert held_by(locked)["renewal"] > 3
        locked.put("_locks/lake.json", b"{}")


def test_a_run_that_lost_its_lock_publishes_nothing_more(locked: S3Lake) -> None:
    with locked.create("_staging/a") as file:
        file.write(b"1")
    with locked.lock("run"):
        thief = json.dumps({"run_id": "thief", "job": None, "token": "x"}).encode()
        boto3.session.Session().client("s3").put_object(Bucket="bucket", Key=f"lake/{LOCK_KEY}", Body=thief)
        time.sleep(1.0)
        with pytest.raises(LeaseLostError, match="could not be renewed in time, another run may hold it"):
            locked.publish("_staging/a", WEEKLY, None)
        with pytest.raises(LeaseLostError):
            locked.put("_locks/lake.json", b"{}")
    assert held_by(locked)["run_id"] == "thief"
    assert locked.stat(WEEKLY) is None


def test_a_lock_in_a_bucket_that_is_gone_is_no_endless_loop(bucket: S3Lake) -> None:
    with pytest.raises(LakeError, match="NoSuchBucket"), replace(bucket, bucket="gone").lock("run"):
        pass


def test_a_store_that_contradicts_itself_is_asked_five_times(locked: S3Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(_lake: S3Lake, key: str, _data: bytes, _etag: str | None) -> str:
        asked.append(key)
        raise RequestError(key, "PreconditionFailed")

    monkeypatch.setattr(S3Lake, "put_if", refuse)
    with pytest.raises(LakeError, match="could not be taken"), locked.lock("run"):
        pass
    assert asked == [LOCK_KEY] * 5


def test_a_renewal_that_is_refused_without_another_holder_does_not_count(
    locked: S3Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked.lock("run"):

        def refuse(_lake: S3Lake, key: str, _data: bytes, _etag: str | None) -> str:
            raise RequestError(key, "ConditionalRequestConflict")

        monkeypatch.setattr(S3Lake, "put_if", refuse)
        time.sleep(SHORT.free)
        with pytest.raises(LeaseLostError):
            locked.put("_locks/lake.json", b"{}")


def test_a_renewal_whose_answer_is_lost_is_no_other_holder(locked: S3Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put_if, lost = S3Lake.put_if, [True]

    def lose(lake: S3Lake, key: str, data: bytes, etag: str | None) -> str:
        found = put_if(lake, key, data, etag)
        if etag is not None and lost:
            lost.pop()
            raise TransientError(key, "ReadTimeoutError")
        return found

    monkeypatch.setattr(S3Lake, "put_if", lose)
    with locked.lock("run"):
        time.sleep(0.6)
        assert (lost, held_by(locked)["renewal"] > 3) == ([], True)
        locked.put("_locks/lake.json", b"{}")


def test_a_failed_renewal_is_tried_again_soon_and_leaves_others_their_attempts(
    bucket: S3Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_if = S3Lake.put_if
    failing = [True]

    def fail(lake: S3Lake, key: str, data: bytes, etag: str | None) -> str:
        if etag is not None and failing:
            failing.pop()
            raise TransientError(key, "InternalError")
        return put_if(lake, key, data, etag)

    monkeypatch.setattr(S3Lake, "put_if", fail)
    with replace(bucket, lease_times=LeaseTimes(renew=0.6, free=1.0, look=0.05, margin=0.1)).lock("run"):
        time.sleep(0.8)
        assert held_by(bucket)["renewal"] == 3
    assert not BREAKER.is_open
