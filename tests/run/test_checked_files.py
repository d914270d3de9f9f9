"""A published file is opened by one run to see whether it is readable and has today's columns, and again once it changed."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from qol.contracts.columns import table_columns, table_schemas
from qol.identity.lake_state import read_lake_state
from qol.lake import LocalLake
from qol.run.checked_files import CheckedFiles
from qol.tables.layout import find_published
from tests.builders import CONTRACTS, daily_record, run_lake, write_lines
from tests.damage import without_end

pytestmark = pytest.mark.usefixtures("no_gate")
MONDAY = date(2026, 11, 9)
DAILY, RECORDS, WEEKLY = FILES = [
    f"processed/{table}/date=2026-11-09/part-00000.parquet" for table in ("daily", "records/garmin_dailies", "weekly")
]


class WatchedLake(LocalLake):
    """A folder that notes which published files are opened."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.opened: list[str] = []

    def open_table(self, key: str) -> pa.NativeFile:
        if key.startswith("processed/"):
            self.opened.append(key)
        return super().open_table(key)


@pytest.fixture
def lake(tmp_path: Path) -> WatchedLake:
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    run_lake(tmp_path)
    return WatchedLake(tmp_path)


def check(lake: WatchedLake, checked: Collection[str] = ()) -> tuple[set[date], list[str], list[str]]:
    """Outdated weeks, the files that were opened, and the digests of checked files."""
    lake.opened.clear()
    files = CheckedFiles(lake, CONTRACTS, find_published(lake, table_schemas(CONTRACTS)), checked)
    return files.outdated_weeks(), sorted(lake.opened), files.digests()


def test_checked_files_are_not_opened_again(lake: WatchedLake) -> None:
    outdated, opened, digests = check(lake)
    assert (outdated, opened, len(digests)) == (set(), FILES, 3)
    assert check(lake, digests) == (set(), [], digests)


def test_a_checked_file_that_was_replaced_is_opened_again(lake: WatchedLake) -> None:
    digests = check(lake)[2]
    file = lake.path(DAILY)
    pl.read_parquet(file, hive_partitioning=False).drop("steps").write_parquet(file)
    outdated, opened, left = check(lake, digests)
    assert (outdated, opened, len(left)) == ({MONDAY}, [DAILY], 2)


def test_files_of_a_table_whose_columns_change_are_opened_again(
    lake: WatchedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = check(lake)[2]
    monkeypatch.setattr("qol.run.checked_files.table_columns", lambda *of: table_columns(*of)[:-1])
    outdated, opened, _ = check(lake, digests)
    assert (outdated, opened) == ({MONDAY}, [DAILY, WEEKLY])


@pytest.mark.parametrize(("key", "weeks"), [(DAILY, {MONDAY}), (WEEKLY, {MONDAY}), (RECORDS, set())])
def test_a_damaged_file_is_opened_by_every_run(lake: WatchedLake, key: str, weeks: set[date]) -> None:
    without_end(lake.path(key))
    digests = check(lake)[2]
    assert len(digests) == 2
    assert check(lake, digests)[:2] == (weeks, [key])


def test_a_file_of_another_program_is_opened_by_every_run(lake: WatchedLake) -> None:
    pl.DataFrame({"steps": [1]}).write_parquet(lake.path(RECORDS))
    digests = check(lake)[2]
    assert check(lake, digests)[:2] == (set(), [RECORDS])


def test_records_beyond_the_newest_files_are_not_opened(lake: WatchedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qol.quality.partition_checks.MAX_READABLE", 1)
    outdated, opened, digests = check(lake)
    assert (outdated, opened, len(digests)) == (set(), [DAILY, WEEKLY], 2)


def test_a_run_leaves_what_it_checked_and_the_next_opens_only_files_of_the_week_before(lake: WatchedLake) -> None:
    later = [MONDAY + timedelta(weeks=week) for week in (20, 40, 60)]
    for monday in later:
        write_lines(lake.root, str(monday), [daily_record(day=(monday - MONDAY).days)])
        lake.opened.clear()
        run_lake(lake, now=datetime(monday.year, monday.month, monday.day, 12, tzinfo=UTC) + timedelta(days=9))
    assert {key.split("date=")[1][:10] for key in lake.opened} == {str(later[1])}
    assert len(read_lake_state(lake).checked_files) == 9


def test_a_run_that_publishes_nothing_leaves_the_state_as_it_is(lake: WatchedLake) -> None:
    before = lake.read("_locks/lake.json")
    run_lake(lake)
    assert lake.read("_locks/lake.json") == before
