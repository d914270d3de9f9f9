"""A week goes back to what it was before a run, all its files together."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from qol.cli.app import app
from qol.errors import LakeError, LockedError, UsageError
from qol.identity.erasures import Tombstone, write_tombstone
from qol.ingest.listing import Window
from qol.lake.s3 import S3Lake
from qol.lake.s3_objects import StoredVersion
from qol.publish.restore import plan_restore, restore
from qol.run.plan import find_scope
from qol.run.request import RunRequest
from qol.tables.layout import find_published
from qol.tables.manifest import Manifest, RawObjects, manifest_key, read_manifest, read_manifests
from tests.builders import NOW, daily_record, run_lake, write_lines
from tests.edges import ENVIRONMENT, QUICK, contents, make_bucket

WEEK = date(2026, 11, 9)
TABLES = ["records_garmin_dailies", "daily_metrics", "weekly_metrics"]


@pytest.fixture
def lake(no_gate: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Lake]:
    """A lake in a bucket that keeps versions."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        make_bucket("bucket", keeps_versions=True)
        yield S3Lake("bucket", policy=QUICK)


def deliver(folder: Path, name: str, **values: Any) -> None:
    """A day arrives."""
    arrive(folder, "2026-11-17", name, daily_record("u1", 1, **values))


def arrive(folder: Path, day: str, name: str, line: Any) -> None:
    file = write_lines(folder, day, [line], name=name)
    boto3.session.Session().client("s3").upload_file(str(file), "bucket", f"raw/daily/date={day}/{name}")


def published() -> dict[str, bytes]:
    return contents(boto3.session.Session().client("s3"), "bucket", "processed/")


def test_a_week_goes_back_to_before_the_last_run_that_replaced_it(lake: S3Lake, tmp_path: Path) -> None:
    deliver(tmp_path, "a.jsonl", steps=1_000)
    run_lake(lake)
    before = published()
    deliver(tmp_path, "b.jsonl", steps=90_000, _received_at="2026-11-17T05:00:00Z")
    arrive(tmp_path, "2026-11-09", "bad.jsonl", b"{")  # rejects of a Monday are no file of its week
    bad = run_lake(lake)
    later = published()
    assert later != before
    run_lake(lake)  # nothing to do: not the run to undo
    manifest, plan = plan_restore(lake, WEEK, None)
    assert (manifest.run_id, [item.table for item in plan]) == (bad.run_id, TABLES)
    restore(lake, WEEK, manifest, plan, NOW)
    assert published() == before
    assert lake.stat("_locks/publish.lock") is None
    again = run_lake(
        lake
    )  # reads what was read of the week a minute before the undone run and later, and not its rejects
    size = sum(len(lake.read(f"raw/daily/date=2026-11-17/{name}.jsonl")) for name in "ab")
    assert again.raw_objects == RawObjects("objects_read", 2, size, passed_over=1)
    assert published() == later


def test_nothing_is_restored_while_an_erasure_has_not_ended(lake: S3Lake, tmp_path: Path) -> None:
    deliver(tmp_path, "a.jsonl", steps=1_000)
    run_lake(lake)
    before = published()
    deliver(tmp_path, "b.jsonl", steps=90_000, _received_at="2026-11-17T05:00:00Z")
    run_lake(lake)
    later, plan = published(), plan_restore(lake, WEEK, None)
    write_tombstone(lake, Tombstone("0" * 32, "2026-11-18T00:00:00Z"))
    with pytest.raises(UsageError, match="an erasure has begun and not ended"):
        restore(lake, WEEK, *plan, NOW)
    assert published() == later
    write_tombstone(lake, Tombstone("0" * 32, "2026-11-18T00:00:00Z", finished="2026-11-18T00:01:00Z"))
    restore(lake, WEEK, *plan, NOW)
    assert published() == before


@pytest.mark.acceptance
def test_a_deleted_file_is_not_restored_but_published_by_a_plain_run(lake: S3Lake, tmp_path: Path) -> None:
    for number in (1, 2):
        deliver(tmp_path, f"{number}.jsonl", steps=number, _received_at=f"2026-11-17T0{number}:00:00Z")
        run_lake(lake)
    key = "processed/weekly/date=2026-11-09/part-00000.parquet"
    boto3.session.Session().client("s3").delete_object(Bucket="bucket", Key=key)
    with pytest.raises(LakeError, match="no such file; a plain `qol run` publishes it again"):
        plan_restore(lake, WEEK, None)
    run_lake(lake)
    assert key in {f"processed/{name}" for name in published()}


@pytest.mark.acceptance
def test_two_bad_runs_are_undone_one_after_the_other(lake: S3Lake, tmp_path: Path) -> None:
    states, runs = [], []
    for number in range(3):
        deliver(tmp_path, f"{number}.jsonl", steps=1_000 * number, _received_at=f"2026-11-17T0{number}:00:00Z")
        runs.append(run_lake(lake).run_id)
        states.append(published())
    for number in (2, 1):
        manifest, plan = plan_restore(lake, WEEK, runs[number])
        assert manifest.run_id == runs[number]
        restore(lake, WEEK, manifest, plan, NOW)
        assert published() == states[number - 1]


@pytest.mark.acceptance
def test_bytes_that_were_there_long_before_a_run_are_not_taken_for_its_own(
    lake: S3Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, steps in enumerate((1_000, 2_000, 1_000)):  # days and weeks become again what they were at first
        deliver(tmp_path, f"{number}.jsonl", steps=steps, _received_at=f"2026-11-17T0{number}:00:00Z")
        run_lake(lake)
        if number == 1:
            before = published()

    versions = S3Lake.versions

    def written_long_ago(lake: S3Lake, key: str) -> list[StoredVersion]:
        *later, first = versions(lake, key)
        return [*later, replace(first, written=first.written - timedelta(hours=2))]

    monkeypatch.setattr(S3Lake, "versions", written_long_ago)
    undone, plan = plan_restore(lake, WEEK, None)
    assert [item.table for item in plan] == TABLES
    restore(lake, WEEK, undone, plan, NOW)
    assert published() == before


def test_a_restore_that_died_half_way_is_finished_by_another_one(lake: S3Lake, tmp_path: Path) -> None:
    deliver(tmp_path, "a.jsonl", steps=1_000)
    run_lake(lake)
    before = published()
    deliver(tmp_path, "b.jsonl", steps=90_000, _received_at="2026-11-17T05:00:00Z")
    run_lake(lake)
    bad, plan = plan_restore(lake, WEEK, None)
    restore(lake, WEEK, bad, plan[:1], NOW)
    _, rest = plan_restore(lake, WEEK, None)
    assert [item.table for item in rest] == TABLES[1:]
    restore(lake, WEEK, bad, rest, NOW)
    assert published() == before
    with pytest.raises(UsageError, match="all its files of 2026-W46 are restored already"):
        plan_restore(lake, WEEK, None)


@pytest.fixture
def twice(lake: S3Lake, tmp_path: Path) -> Manifest:
    """A week published twice; the later run's manifest."""
    deliver(tmp_path, "a.jsonl", steps=1_000)
    run_lake(lake)
    deliver(tmp_path, "b.jsonl", steps=90_000, _received_at="2026-11-17T05:00:00Z")
    return run_lake(lake)


def restores(lake: S3Lake) -> list[Manifest]:
    """Manifests that restores have left."""
    return [manifest for manifest in read_manifests(lake) if manifest.trigger == "restore"]


def test_a_restore_leaves_a_manifest_with_what_it_put_back_and_the_run_it_undid(lake: S3Lake, twice: Manifest) -> None:
    undone, plan = plan_restore(lake, WEEK, None)
    manifest, problem = restore(lake, WEEK, undone, plan, NOW)
    assert (restores(lake), problem) == ([manifest], None)
    assert manifest.run_id.startswith("20261118T000500Z-")
    assert (manifest.status, manifest.week, manifest.weeks) == ("published", "2026-W46", ["2026-W46"])
    assert (manifest.undone, manifest.job_run_id, manifest.error) == (twice.run_id, None, None)
    assert [(file.name, file.date, file.rows, file.replaced) for file in manifest.tables] == [
        (name, "2026-11-09", 1, True) for name in TABLES
    ]
    hashes = {hashlib.sha256(data).hexdigest() for data in published().values()}
    assert {file.sha256 for file in manifest.tables} == hashes


def test_a_restore_that_fails_half_way_leaves_a_manifest_with_what_it_had_put_back(
    lake: S3Lake, twice: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: S3Lake, table: str, *__: str) -> None:
        if table == "daily_metrics":
            raise LakeError("the catalog does not answer")

    undone, plan = plan_restore(lake, WEEK, None)
    monkeypatch.setattr(S3Lake, "register", fail)
    with pytest.raises(LakeError):
        restore(lake, WEEK, undone, plan, NOW)
    (manifest,) = restores(lake)
    assert (manifest.status, manifest.error, manifest.weeks) == ("failed", "the catalog does not answer", ["2026-W46"])
    assert [file.name for file in manifest.tables] == TABLES[:1]


@pytest.mark.acceptance
def test_who_may_not_write_manifests_restores_all_the_same_and_is_told(
    lake: S3Lake, twice: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: S3Lake, key: str, _: bytes) -> None:
        raise LakeError(f"{key}: the request failed with AccessDenied")

    bad = published()
    monkeypatch.setattr(S3Lake, "put", refuse)
    ended = CliRunner().invoke(app, ["restore", "--week", "2026-W46", "--lake", "s3://bucket"])
    assert (ended.exit_code, published() == bad) == (0, False)
    assert "The week is put back, but `qol runs` does not show it: no manifest was written. _runs/2" in ended.stderr
    assert "Manifest" not in ended.stdout


@pytest.mark.acceptance
def test_a_restore_that_finds_a_run_at_work_changes_nothing_and_says_so(lake: S3Lake, twice: Manifest) -> None:
    undone, plan = plan_restore(lake, WEEK, None)
    before = published()
    with lake.lock("20261118T000500Z-schedule-00000000"), pytest.raises(LockedError):
        restore(lake, WEEK, undone, plan, NOW)
    (manifest,) = restores(lake)
    assert (manifest.status, manifest.weeks, published()) == ("locked", [], before)


def test_a_restore_is_no_weekly_run_and_is_not_undone_itself(lake: S3Lake, twice: Manifest) -> None:
    undone, plan = plan_restore(lake, WEEK, None)
    later = datetime(2026, 12, 9, tzinfo=UTC)
    made, _ = restore(lake, WEEK, undone, plan, later)
    scope = find_scope(lake, RunRequest(now=later, raw_days=1), find_published(lake, ["weekly_metrics"]))
    assert scope.window == Window(date(2026, 11, 16), date(2026, 12, 9))  # two days before the last weekly run
    with pytest.raises(UsageError, match="is a restore; allowed: a run that computed"):
        plan_restore(lake, WEEK, made.run_id)


def test_a_refused_run_has_replaced_nothing_that_could_be_undone(lake: S3Lake, twice: Manifest) -> None:
    twice.status = "refused"
    lake.put(manifest_key(twice.run_id), twice.to_line())
    with pytest.raises(UsageError, match="replaced no file of 2026-W46; allowed: a run that did"):
        plan_restore(lake, WEEK, twice.run_id)


def test_the_command_shows_its_manifest_and_qol_runs_shows_the_restore(lake: S3Lake, twice: Manifest) -> None:
    def qol(*words: str) -> str:
        result = CliRunner().invoke(app, [*words, "--lake", "s3://bucket"], env={"COLUMNS": "200"})
        assert result.exit_code == 0, result.stderr
        return " ".join(result.stdout.split())

    assert "Would put back 3 files of 2026-W46" in qol("restore", "--week", "2026-W46", "--dry-run")
    assert restores(lake) == []
    said = qol("restore", "--week", "2026-W46")
    (manifest,) = restores(lake)
    assert f"Manifest s3://bucket/_runs/{manifest.run_id}.json" in said
    assert f"{manifest.run_id} published restore 2026-W46 2026-W46 (1)" in qol("runs")
    shown = qol("runs", manifest.run_id)
    assert f"undone run {twice.run_id} weeks replaced 2026-W46" in shown
    assert ("engine" in shown, "user map" in shown) == (False, False)


@pytest.mark.acceptance
def test_only_the_run_that_replaced_a_file_last_can_be_undone(lake: S3Lake, tmp_path: Path) -> None:
    runs = []
    for number in range(3):
        stamp = f"2026-11-17T0{number}:00:00Z"
        deliver(tmp_path, f"{number}.jsonl", steps=number, _received_at=stamp)
        runs.append(run_lake(lake).run_id)
    run_lake(lake, trigger="schedule")  # finds the same files in place
    refused = read_manifest(lake, manifest_key(runs[2]))
    refused.run_id, refused.trigger, refused.status = f"20261119{runs[2][8:]}", "schedule", "refused"
    lake.put(manifest_key(refused.run_id), refused.to_line())
    says = f"was replaced after run {runs[1]} by manual run {runs[2]}; allowed: the run that replaced it last"
    with pytest.raises(UsageError, match=says):
        plan_restore(lake, WEEK, runs[1])
    assert len(plan_restore(lake, WEEK, runs[2])[1]) == 3


@pytest.mark.acceptance
def test_a_file_that_of_no_manifest_names_no_later_run(lake: S3Lake, twice: Manifest) -> None:
    key = f"processed/records/garmin_dailies/date={WEEK}/part-00000.parquet"
    current = lake.stat(key)
    assert current is not None
    lake.put_if(key, b"by another hand", current.etag)
    with pytest.raises(UsageError, match=f"was replaced after run {twice.run_id}; allowed: the run that replaced it"):
        plan_restore(lake, WEEK, twice.run_id)


def test_a_week_that_was_published_once_has_nothing_to_go_back_to(lake: S3Lake, tmp_path: Path) -> None:
    deliver(tmp_path, "a.jsonl")
    run_lake(lake)
    with pytest.raises(UsageError, match="has no earlier version; allowed: a week that was published before"):
        plan_restore(lake, WEEK, None)


@pytest.mark.parametrize(
    ("week", "run", "says"),
    [
        (date(2026, 1, 5), None, "--week 2026-W02: no run replaced a file of it; allowed: a week of `qol runs`"),
        (WEEK, "x", "--run x: no such run; allowed: a run of `qol runs`"),
    ],
)
def test_a_week_or_run_that_is_not_there_is_named(
    lake: S3Lake, tmp_path: Path, week: date, run: str | None, says: str
) -> None:
    deliver(tmp_path, "a.jsonl")
    run_lake(lake)
    with pytest.raises(UsageError) as caught:
        plan_restore(lake, week, run)
    assert str(caught.value) == says
