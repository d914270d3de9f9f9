"""A week goes back to what it was before a run, all its files together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from qol.errors import UsageError
from qol.lake.s3 import S3Lake
from qol.publish.restore import plan_restore, restore
from tests.builders import daily_record, run_lake, write_lines
from tests.edges import ENVIRONMENT, QUICK, contents, make_bucket

WEEK = date(2026, 11, 9)
TABLES = ["records_garmin_dailies", "daily_metrics", "weekly_metrics"]


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Lake]:
    """A lake in a bucket that keeps versions."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("qol.pipeline.run_gate", lambda *_: [])
    with mock_aws():
        make_bucket("bucket").put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
        yield S3Lake("bucket", patience=QUICK)


def deliver(folder: Path, name: str, **values: Any) -> None:
    """A day arrives."""
    file = write_lines(folder, "2026-11-17", [daily_record("u1", 1, **values)], name=name)
    boto3.session.Session().client("s3").upload_file(str(file), "bucket", f"raw/daily/date=2026-11-17/{name}")


def published() -> dict[str, bytes]:
    return contents(boto3.session.Session().client("s3"), "bucket", "processed/")


def test_a_week_goes_back_to_before_the_last_run_that_replaced_it(lake: S3Lake, tmp_path: Path) -> None:
    deliver(tmp_path, "a.jsonl", steps=1_000)
    run_lake(lake)
    before = published()
    deliver(tmp_path, "b.jsonl", steps=90_000, _received_at="2026-11-17T05:00:00Z")
    bad = run_lake(lake)
    assert published() != before
    run_lake(lake)  # nothing to do: not the run to undo
    manifest, plan = plan_restore(lake, WEEK, None)
    assert (manifest.run_id, [item.table for item in plan]) == (bad.run_id, TABLES)
    restore(lake, "restore", WEEK, plan)
    assert published() == before
    assert lake.stat("_locks/publish.lock") is None


def test_two_bad_runs_are_undone_one_after_the_other(lake: S3Lake, tmp_path: Path) -> None:
    states, runs = [], []
    for number in range(3):
        deliver(tmp_path, f"{number}.jsonl", steps=1_000 * number, _received_at=f"2026-11-17T0{number}:00:00Z")
        runs.append(run_lake(lake).run_id)
        states.append(published())
    for number in (2, 1):
        manifest, plan = plan_restore(lake, WEEK, runs[number])
        assert manifest.run_id == runs[number]
        restore(lake, "restore", WEEK, plan)
        assert published() == states[number - 1]


def test_a_restore_that_died_half_way_is_finished_by_another_one(lake: S3Lake, tmp_path: Path) -> None:
    deliver(tmp_path, "a.jsonl", steps=1_000)
    run_lake(lake)
    before = published()
    deliver(tmp_path, "b.jsonl", steps=90_000, _received_at="2026-11-17T05:00:00Z")
    run_lake(lake)
    _, plan = plan_restore(lake, WEEK, None)
    restore(lake, "restore", WEEK, plan[:1])
    _, rest = plan_restore(lake, WEEK, None)
    assert [item.table for item in rest] == TABLES[1:]
    restore(lake, "restore", WEEK, rest)
    assert published() == before
    with pytest.raises(UsageError, match="all its files of 2026-W46 are put back already"):
        plan_restore(lake, WEEK, None)


def test_only_the_run_that_replaced_a_file_last_can_be_undone(lake: S3Lake, tmp_path: Path) -> None:
    runs = []
    for number in range(3):
        stamp = f"2026-11-17T0{number}:00:00Z"
        deliver(tmp_path, f"{number}.jsonl", steps=number, _received_at=stamp)
        runs.append(run_lake(lake).run_id)
    with pytest.raises(UsageError, match=f"was replaced after run {runs[1]}; allowed: the run that replaced it last"):
        plan_restore(lake, WEEK, runs[1])
    assert len(plan_restore(lake, WEEK, runs[2])[1]) == 3


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
