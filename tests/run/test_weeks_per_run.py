"""A run computes a bounded number of weeks; the records of the others are stored, and later runs compute them."""

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from qol.identity.lake_state import read_lake_state
from qol.lake import LocalLake
from qol.run import plan
from tests.builders import published_files, run_lake, write_lines

pytestmark = pytest.mark.usefixtures("no_gate", "edge")
MONDAY = date(2026, 11, 9)


def write_weeks(lake: Path, count: int, *more: bytes) -> Path:
    """One day of each of the last weeks, of one user of a source that has no limit of age."""
    times = dict.fromkeys(("high", "medium", "low"), 3_600)
    days = [
        {
            "user_id": "u1",
            "id": f"a{week}",
            "day": f"{day}",
            "timestamp": f"{day}T04:00:00+09:00",
            "steps": 1_000 + week,
            **{f"{level}_activity_time": seconds for level, seconds in times.items()},
        }
        for week, day in ((week, MONDAY - timedelta(weeks=week)) for week in range(count))
    ]
    lines = [*(json.dumps(day).encode() for day in days), *more]
    return write_lines(lake, "2026-11-17", lines, folder="raw/oura/daily_activity")


def dates(lake: Path, table: str) -> list[str]:
    """Partitions of a table, the latest first."""
    return sorted(
        (folder.name.removeprefix("date=") for folder in (lake / "processed" / table).iterdir()), reverse=True
    )


def mondays(first: int, last: int) -> list[str]:
    """Mondays so many weeks before 2026-11-09."""
    return [f"{MONDAY - timedelta(weeks=week)}" for week in range(first, last)]


def test_weeks_over_the_limit_wait_and_later_runs_publish_what_one_run_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bounded", "whole"):
        write_weeks(tmp_path / name, 9)
    run_lake(tmp_path / "whole")
    monkeypatch.setattr(plan, "MIN_WEEKS", 5)
    lake = tmp_path / "bounded"

    manifest = run_lake(lake)

    assert (manifest.totals["kept"], dates(lake, "records/oura_daily_activity")) == (9, mondays(0, 9))
    assert dates(lake, "daily") == dates(lake, "weekly") == mondays(0, 5)
    assert read_lake_state(LocalLake(lake)).unconfirmed_weeks == mondays(5, 9)
    assert run_lake(lake).weeks == ["2026-W38", "2026-W39", "2026-W40", "2026-W41"]  # nothing is read again
    assert published_files(lake) == published_files(tmp_path / "whole")


def test_a_rebuild_computes_the_weeks_that_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_weeks(tmp_path, 9)
    monkeypatch.setattr(plan, "MIN_WEEKS", 5)
    run_lake(tmp_path)
    run_lake(tmp_path, rebuild=(date(2026, 1, 1), MONDAY))
    assert dates(tmp_path, "weekly") == mondays(0, 9)
    assert read_lake_state(LocalLake(tmp_path)).unconfirmed_weeks == []


def test_every_sixteen_kilobytes_allow_one_more_week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MIN_WEEKS", 1)
    write_weeks(tmp_path, 9, b" " * 3 * 2**14)
    run_lake(tmp_path)
    assert dates(tmp_path, "weekly") == mondays(0, 4)


def test_weeks_whose_files_have_older_columns_do_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_weeks(tmp_path, 9)
    run_lake(tmp_path)
    for file in (tmp_path / "processed/weekly").rglob("*.parquet"):
        pl.read_parquet(file, hive_partitioning=False).drop("steps_mean").write_parquet(file)
    monkeypatch.setattr(plan, "MIN_WEEKS", 1)
    assert len(run_lake(tmp_path).weeks) == 9


@pytest.mark.folder_only
def test_a_small_file_about_two_hundred_weeks_computes_fourteen(tmp_path: Path) -> None:
    file = write_weeks(tmp_path, 200)
    assert 30_000 < file.stat().st_size < 50_000
    manifest = run_lake(tmp_path)
    assert (manifest.totals["kept"], len(dates(tmp_path, "weekly"))) == (200, 14)
