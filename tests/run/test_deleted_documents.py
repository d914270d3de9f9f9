"""A document of Oura's that was deleted is in no day and no week, whichever of the two came first."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.builders import run_lake, user_id, write_lines

pytestmark = pytest.mark.usefixtures("edge", "no_gate")

TABLES = ("daily", "weekly")


def a_night(user: str, document: str, day: int) -> dict[str, Any]:
    """Seven hours of sleep that end on that day of November 2026."""
    times = {
        "bedtime_start": f"2026-11-{day - 1:02d}T23:00:00+09:00",
        "bedtime_end": f"2026-11-{day:02d}T07:00:00+09:00",
    }
    head = {"user_id": user, "id": document, "day": f"2026-11-{day:02d}", "type": "long_sleep"}
    return head | times | {"time_in_bed": 28_800, "total_sleep_duration": 25_200}


NIGHTS = [a_night("u1", "a", 10), a_night("u1", "b", 11), a_night("u2", "a", 10)]
#: The type is wrong, as it may be: ids are unique among all documents.
GONE = {
    "event_type": "delete",
    "data_type": "daily_sleep",
    "object_id": "a",
    "event_time": "2026-11-12T00:00:00Z",
    "user_id": "u1",
}
SEEN = [GONE | {"event_type": "create"}, GONE]


def delivered(lake: Path, *arrivals: list[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    """Daily and weekly rows after a run for each arrival, from 2026-11-12 on."""
    for number, records in enumerate(arrivals):
        folder = "raw/oura/deleted" if records == SEEN else "raw/oura/sleep"
        write_lines(lake, f"2026-11-{12 + number}", records, folder=folder)
        run_lake(lake)
    return {name: pl.read_parquet(lake / f"processed/{name}/date=2026-11-09/part-00000.parquet") for name in TABLES}


@pytest.mark.parametrize("arrivals", [(NIGHTS, SEEN), (SEEN, NIGHTS)], ids=["deleted later", "deleted before"])
def test_a_deleted_night_is_in_no_day_and_no_week_of_its_own_person(
    tmp_path: Path, arrivals: tuple[list[dict[str, Any]], ...]
) -> None:
    tables = delivered(tmp_path, *arrivals)
    u1, u2 = (user_id(name, "oura") for name in ("u1", "u2"))
    slept = tables["daily"].select("user_id", "day", "sleep_minutes")
    assert set(slept.rows()) == {(u1, date(2026, 11, 11), 420.0), (u2, date(2026, 11, 10), 420.0)}
    nights = tables["weekly"].select("user_id", "sleep_minutes_days")
    assert set(nights.rows()) == {(u1, 1), (u2, 1)}
