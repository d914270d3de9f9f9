"""A source that delivered in the last four weeks and then stopped is named; one a study does not have is not."""

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from qol.lake import LocalLake
from qol.quality.comparison import Comparison
from qol.quality.freshness import compare_clock
from qol.tables.footers import Footers, WeekFiles
from qol.tables.layout import find_published, partition_key
from qol.tables.manifest import CheckResult
from qol.tables.weeks import monday_of
from tests.builders import CONTRACTS, NOW, daily_record, run_lake, write_lines

DAILIES = "records_garmin_dailies"


def _fresh(folder: Path, newest: dict[str, date], users: int = 20, now: datetime = NOW) -> list[Comparison]:
    """What is found of tables whose only published week ends with the newest day."""
    for table, day in newest.items():
        key = folder / partition_key(table, monday_of(day).isoformat())
        key.parent.mkdir(parents=True)
        pl.DataFrame({"user_id": [f"p{n}" for n in range(users)], "day": [day] * users}).write_parquet(key)
    lake = LocalLake(folder)
    weeks = WeekFiles([], find_published(lake, [f"records_{contract.name}" for contract in CONTRACTS.sources]))
    return compare_clock(CONTRACTS, Footers(lake), weeks, now)


def test_data_as_new_as_the_contract_says_is_fresh(tmp_path: Path) -> None:
    assert _fresh(tmp_path, {DAILIES: date(2026, 11, 15)}) == [Comparison("fresh", DAILIES, "2026-11-09")]


def test_a_record_type_that_stopped_before_the_end_of_the_closed_week_is_named(tmp_path: Path) -> None:
    assert _fresh(tmp_path, {DAILIES: date(2026, 11, 14)}) == [
        Comparison(
            "fresh",
            DAILIES,
            "2026-11-09",
            {
                "warning": "None of 20 users has Garmin dailies after 2026-11-14, 4 days before 2026-11-18; 3 are allowed"
            },
        )
    ]


@pytest.mark.parametrize(("newest", "found"), [(date(2026, 10, 19), 1), (date(2026, 10, 18), 0)])
def test_what_stopped_longer_than_four_weeks_ago_has_left_the_study(tmp_path: Path, newest: date, found: int) -> None:
    assert len(_fresh(tmp_path, {DAILIES: newest})) == found


def test_a_record_type_without_data_or_without_a_declared_lateness_is_not_compared(tmp_path: Path) -> None:
    assert CONTRACTS.by_name["garmin_activities"].quality.fresh_within_days is None
    assert _fresh(tmp_path, {"records_garmin_activities": date(2026, 11, 1)}) == []


def test_few_users_who_do_not_sync_are_no_outage(tmp_path: Path) -> None:
    found = _fresh(tmp_path, {DAILIES: date(2026, 11, 14)}, users=19)
    assert found == [Comparison("fresh", DAILIES, "2026-11-09", not_checked="fewer than 20 users")]


def test_a_run_reports_that_garmin_stopped_also_when_there_is_nothing_else_to_do(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record(f"u{n}") for n in range(20)])
    manifest = run_lake(tmp_path)
    stopped = "1 of 1 file; records_garmin_dailies 2026-W46: None of 20 users has Garmin dailies after 2026-11-09, {} days before {}; 3 are allowed"
    assert _failed(manifest.checks) == {"data_is_fresh.warning": stopped.format(9, "2026-11-18")}
    later = run_lake(tmp_path, now=NOW + timedelta(days=7), week=date(2026, 11, 16), docs=tmp_path / "_docs")
    assert later.status == "nothing_to_do"
    assert _failed(later.checks) == {"data_is_fresh.warning": stopped.format(16, "2026-11-25")}


def test_a_backfill_of_old_days_says_nothing_of_today(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record(f"u{n}") for n in range(20)])
    manifest = run_lake(tmp_path, backfill=(date(2026, 11, 10), date(2026, 11, 10)))
    assert _failed(manifest.checks) == {}


def _failed(checks: list[CheckResult]) -> dict[str, str]:
    return {check.id: check.observed for check in checks if not check.success}
