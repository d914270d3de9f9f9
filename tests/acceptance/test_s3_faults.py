"""I2 and I4 in a bucket: what readers can see after every request, crashes at every request, a store that fails."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from qol.aws.requests import BREAKER, RetryPolicy
from qol.errors import LakeError, QolError
from qol.lake.s3 import S3Lake
from qol.lake.s3_lock import LeaseTimes
from tests.acceptance.faulty_cloud import Fault, FaultyCloud, Plan, stored
from tests.acceptance.processes import finish, qol
from tests.builders import daily_record, night_record, run_lake, without_gate, write_lines
from tests.edges import ENVIRONMENT, SHORT, make_bucket, upload

pytestmark = pytest.mark.acceptance
PUBLISHED = ("processed/", "quarantine/rows/")
READ_SECONDS = 1.0
#: As patient as the shipped settings in attempts, with shorter seconds.
PATIENT = RetryPolicy(attempts=7, connect_seconds=1.0, read_seconds=READ_SECONDS, pause_seconds=0.01)
#: No renewals, whose moments would differ from run to run.
UNRENEWED = LeaseTimes(renew=3_600, free=3_600)
#: As the shipped settings relate to each other: a lock outlives a few requests that hang.
STEADY = LeaseTimes(renew=1.0, free=5.0, look=0.1, margin=0.3)
AT_ONCE_DEAD = RetryPolicy(attempts=1, connect_seconds=1.0, read_seconds=READ_SECONDS, pause_seconds=0.0)


@pytest.fixture(scope="module")
def cloud() -> Iterator[FaultyCloud]:
    server = FaultyCloud(hang_seconds=READ_SECONDS + 0.2)
    with pytest.MonkeyPatch.context() as patch, without_gate():
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": server.url}.items():
            patch.setenv(name, value)
        patch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)
        yield server
    server.close()


@pytest.fixture(scope="module")
def before(cloud: FaultyCloud, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every object of a published lake to which late data and a bad line have arrived."""
    folder = tmp_path_factory.mktemp("before")
    write_lines(folder, "2026-11-10", [daily_record("u1", 0), daily_record("u2", 0), daily_record("u1", -7)])
    upload(make_bucket("before"), "before", folder)
    run_lake(S3Lake("before"))
    write_lines(folder, "2026-11-17", [daily_record("u1", 1, steps=5), daily_record("u2", -7), b"{"], name="late.jsonl")
    write_lines(folder, "2026-11-17", [night_record("u1", 1)], folder="raw/garmin/sleeps")
    for path in folder.rglob("*.jsonl"):
        boto3.session.Session().client("s3").put_object(
            Bucket="before", Key=str(path.relative_to(folder)), Body=path.read_bytes()
        )
    return stored("before", "")


@pytest.fixture(scope="module")
def after(cloud: FaultyCloud, before: dict[str, bytes]) -> dict[str, bytes]:
    """What a run that nothing disturbs publishes."""
    run_lake(fresh(before, "after"))
    return stored("after", *PUBLISHED)


@pytest.fixture(autouse=True)
def _healthy(cloud: FaultyCloud) -> Iterator[None]:
    cloud.heal()
    yield
    cloud.heal()
    cloud.broken.clear()
    BREAKER.record_success()


def fresh(objects: dict[str, bytes], bucket: str, policy: RetryPolicy = PATIENT) -> S3Lake:
    """A new bucket that holds these objects."""
    client = make_bucket(bucket)
    for key, data in objects.items():
        client.put_object(Bucket=bucket, Key=key, Body=data)
    return S3Lake(bucket, policy=policy, lease_times=STEADY)


def whole(bucket: str, before: dict[str, bytes], after: dict[str, bytes]) -> Callable[[], None]:
    """A check that every published file is the old one or the new one, whole, and none is missing."""
    old = {key: data for key, data in before.items() if key.startswith(PUBLISHED)}

    def check() -> None:
        found = stored(bucket, *PUBLISHED)
        torn = [key for key, data in found.items() if data not in (old.get(key), after.get(key))]
        assert torn == [], torn
        assert old.keys() <= found.keys()

    return check


def dies_at(cloud: FaultyCloud, point: int, *, applied: bool) -> Plan:
    """The run is dead from a mutating request on: before it reaches the store, or before its answer arrives."""

    def plan(_method: str, _path: str, number: int) -> Fault | None:
        if number == point and applied:
            return "lost"
        return "dead" if cloud.mutations >= point else None

    return plan


def count_mutations(cloud: FaultyCloud, before: dict[str, bytes], after: dict[str, bytes]) -> int:
    """Mutating requests of an undisturbed run, every state between them looked at."""
    lake = replace(fresh(before, f"count-{time.monotonic_ns()}"), lease_times=UNRENEWED)
    cloud.heal()
    cloud.watch = whole(lake.bucket, before, after)
    run_lake(lake)
    return cloud.mutations


def test_after_every_request_each_published_file_is_the_old_or_the_new_one(
    cloud: FaultyCloud, before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    assert count_mutations(cloud, before, after) >= 30
    assert cloud.broken == []
    assert len(after) == 8


@pytest.mark.parametrize("applied", [False, True], ids=["before", "unacknowledged"])
def test_a_run_that_dies_at_any_request_is_repaired_by_a_plain_run(
    cloud: FaultyCloud, before: dict[str, bytes], after: dict[str, bytes], *, applied: bool
) -> None:
    mutations = count_mutations(cloud, before, after)
    for point in range(1, mutations + 1):
        lake = fresh(before, f"dies-{applied}-{point}".lower(), AT_ONCE_DEAD)
        cloud.heal()
        cloud.plan, cloud.watch = dies_at(cloud, point, applied=applied), whole(lake.bucket, before, after)
        ended = None
        try:
            run_lake(replace(lake, lease_times=UNRENEWED), job_run_id="jr_1")
        except QolError as err:
            ended = err
        last = mutations - 1  # the sweep and the lock may fail at the end of a good run
        assert ended is not None or point >= last, point
        cloud.heal()
        BREAKER.record_success()
        run_lake(replace(lake, lease_times=STEADY), job_run_id="jr_1_attempt_1")
        assert cloud.broken == [], point
        assert stored(lake.bucket, *PUBLISHED) == after, point
        assert stored(lake.bucket, "_staging/", "_locks/publish.lock") == {}, point


@pytest.mark.parametrize("rate", [0.05, 0.2])
@pytest.mark.parametrize("fault", ["503", "500", "hang", "cut", "lost"])
def test_a_store_that_often_fails_makes_a_run_slow_and_not_wrong(
    cloud: FaultyCloud, before: dict[str, bytes], after: dict[str, bytes], fault: Fault, rate: float
) -> None:
    lake = replace(fresh(before, f"often-{fault}-{int(rate * 100)}"), lease_times=STEADY)
    dice = random.Random(f"{fault} {rate}")
    failed = 0

    def plan(_method: str, _path: str, _number: int) -> Fault | None:
        nonlocal failed
        hit = dice.random() < rate
        failed += hit
        return fault if hit else None

    cloud.heal()
    cloud.plan, cloud.watch = plan, whole(lake.bucket, before, after)
    manifest = run_lake(lake)
    assert (manifest.status, cloud.broken) == ("published", [])
    assert stored(lake.bucket, *PUBLISHED) == after
    assert failed > 0


@pytest.fixture(scope="module")
def requests(cloud: FaultyCloud, before: dict[str, bytes], after: dict[str, bytes]) -> int:
    """How many requests an undisturbed run makes."""
    count_mutations(cloud, before, after)
    return cloud.requests


@pytest.mark.parametrize("fault", ["503", "hang", "dead"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_a_store_that_stays_away_ends_the_run_in_time_and_leaves_the_old_week(
    cloud: FaultyCloud, before: dict[str, bytes], after: dict[str, bytes], requests: int, fault: Fault, share: float
) -> None:
    lake = replace(fresh(before, f"away-{fault}-{int(share * 10)}"), lease_times=STEADY)
    start = int(share * requests)
    cloud.heal()
    cloud.plan = lambda *_: fault if cloud.requests > start else None
    cloud.watch = whole(lake.bucket, before, after)
    started = time.monotonic()
    with pytest.raises(LakeError):
        run_lake(lake)
    # One request is tried seven times; what ends the run is tried once each.
    assert time.monotonic() - started < (PATIENT.attempts + 8) * (READ_SECONDS + 0.3) + STEADY.free
    cloud.heal()
    BREAKER.record_success()
    assert cloud.broken == []
    run_lake(replace(lake, lease_times=SHORT))
    assert stored(lake.bucket, *PUBLISHED) == after


def qol_run(cloud: FaultyCloud, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The weekly job as a process on a bucket."""
    monkeypatch.setenv("QOL_PSEUDONYM_KEY", "a key of the tests, 32 bytes long!")
    return qol("run", "--lake", f"s3://{bucket}", "--now", "2026-11-18T00:05:00Z", "--no-docs")


def test_a_process_whose_store_is_not_there_exits_1_and_says_so(
    cloud: FaultyCloud, before: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = fresh(before, "not-there")
    cloud.plan = lambda *_: "dead"
    code, output = finish(qol_run(cloud, lake.bucket, monkeypatch))
    assert code == 1, output
    assert "s3://not-there: the request failed with ConnectionClosedError" in output
    old = {key: data for key, data in before.items() if key.startswith(PUBLISHED)}
    assert stored(lake.bucket, *PUBLISHED) == old


def test_of_two_processes_at_once_one_publishes_and_the_other_exits_4(
    cloud: FaultyCloud, before: dict[str, bytes], after: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = fresh(before, "two-at-once")
    # Publishing takes longer than the time between two renewals of the lock, which is what the other run waits for.
    cloud.delay = lambda method, path: 4.0 if method == "PUT" and "/processed/" in path else 0.0
    ends = [finish(run) for run in [qol_run(cloud, lake.bucket, monkeypatch) for _ in range(2)]]
    assert sorted(code for code, _ in ends) == [0, 4], ends
    assert any("held by run" in output for code, output in ends if code)
    assert stored(lake.bucket, *PUBLISHED) == after


def test_a_killed_process_leaves_whole_weeks_and_the_next_waits_for_its_lock(
    cloud: FaultyCloud, before: dict[str, bytes], after: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = fresh(before, "killed")
    run = qol_run(cloud, lake.bucket, monkeypatch)

    def plan(_method: str, path: str, _number: int) -> Fault | None:
        if path.endswith("_locks/lake.json") and run.poll() is None:
            run.kill()  # right before the first file is published
        return None

    cloud.plan, cloud.watch = plan, whole(lake.bucket, before, after)
    assert finish(run)[0] == -9
    assert stored(lake.bucket, "_locks/publish.lock") != {}
    started = time.monotonic()
    assert finish(qol_run(cloud, lake.bucket, monkeypatch))[0] == 0
    assert 50 < time.monotonic() - started < 90
    assert cloud.broken == []
    assert stored(lake.bucket, *PUBLISHED) == after
