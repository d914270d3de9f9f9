"""What a leaked webhook token can change: recent weeks, and no old one without a warning or an operator."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from qol.tables.manifest import CheckResult, Manifest
from tests.builders import daily_record, run_lake, write_lines

WEEKLY = "processed/weekly/date=2026-11-09/part-00000.parquet"


def steps(lake: Path) -> list[float]:
    return pl.read_parquet(lake / WEEKLY, hive_partitioning=False)["steps_mean"].unique().sort().to_list()


def check(manifest: Manifest, name: str) -> CheckResult:
    return next(check for check in manifest.checks if check.id == name)


def test_a_push_of_an_old_day_changes_nothing_until_an_operator_lets_it_in(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1", 0, steps=8_000)])
    run_lake(tmp_path)
    write_lines(tmp_path, "2027-03-01", [daily_record("u1", 0, steps=100_000)])
    now = datetime(2027, 3, 2, tzinfo=UTC)
    manifest = run_lake(tmp_path, now=now)
    assert (manifest.rejects_by_reason, manifest.weeks, steps(tmp_path)) == ({"day_too_old": 1}, [], [8_000])
    first = now.date().replace(day=1)
    manifest = run_lake(tmp_path, now=now, command="backfill", first_day=first, last_day=first, old=True)
    assert (manifest.rejects_by_reason, manifest.weeks, steps(tmp_path)) == ({}, ["2026-W46"], [100_000])
    # Runs that read the day again reject it again, and leave what was let in.
    assert (run_lake(tmp_path, now=now).weeks, steps(tmp_path)) == ([], [100_000])


def test_an_old_week_that_changes_for_many_users_is_published_with_a_warning(tmp_path: Path) -> None:
    users = [f"u{number}" for number in range(20)]
    write_lines(tmp_path, "2026-11-10", [daily_record(user, 0, steps=8_000) for user in users])
    run_lake(tmp_path)
    write_lines(tmp_path, "2026-12-21", [daily_record(user, 0, steps=9_000) for user in users[:4]])
    few = check(run_lake(tmp_path, now=datetime(2026, 12, 22, tzinfo=UTC)), "old_weeks_kept")
    assert (few.success, few.checked) == (True, True)
    write_lines(tmp_path, "2026-12-22", [daily_record(user, 0, steps=100_000) for user in users[:5]])
    many = check(run_lake(tmp_path, now=datetime(2026, 12, 23, tzinfo=UTC)), "old_weeks_kept")
    assert (many.success, many.severity) == (False, "warning")
    assert "other values for 5 of 20 users" in many.observed
    assert "weekly_metrics 2026-W46" in many.observed
    assert steps(tmp_path) == [8_000, 100_000]
