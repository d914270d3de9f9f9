"""Sums over a stretch of time, per device or merged, told again and in other groupings: no minute counts twice."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.builders import run_lake, user_id, write_lines

pytestmark = pytest.mark.usefixtures("no_gate")
WATCH, PHONE, BOTH = "Ann's Apple Watch", "Ann's iPhone", "Ann's iPhone|Ann's Apple Watch"

Bucket = tuple[str, float, str]


def pushed(buckets: Sequence[Bucket], received: str | None = None, metric: str = "step_count") -> dict[str, Any]:
    """One body of the app: buckets of 2026-11-09 in Tokyo by clock (or whole times), value and source."""
    rows = [
        {"date": at if " " in at else f"2026-11-09 {at}:00 +0900", "qty": value, "source": source}
        for at, value, source in buckets
    ]
    body = {"user_id": "u1", "data": {"metrics": [{"name": metric, "units": "count", "data": rows}]}}
    return body if received is None else body | {"_received_at": f"2026-11-10T{received}:00Z"}


def days(lake: Path, *runs: Sequence[dict[str, Any]], column: str = "steps") -> list[Any]:
    """A column of every day after a run for each of the lists of bodies."""
    found = days_by_user(lake, [{"u1": bodies} for bodies in runs], column)
    return [value for (value,) in found["u1"]]


def days_by_user(
    lake: Path, runs: Sequence[Mapping[str, Sequence[dict[str, Any]]]], *columns: str
) -> dict[str, list[tuple[Any, ...]]]:
    """Columns of every day of each user after a run for each of the bodies by user."""
    for number, told in enumerate(runs):
        bodies = [body | {"user_id": user} for user, of_user in told.items() for body in of_user]
        write_lines(lake, "2026-11-17", bodies, folder="raw/healthkit/health_auto_export", name=f"{number}.jsonl")
        run_lake(lake)
    rows = pl.concat([pl.read_parquet(file) for file in sorted((lake / "processed/daily").rglob("*.parquet"))])
    users = {user for told in runs for user in told}
    of_user = {user: rows.filter(pl.col("user_id") == user_id(user, "healthkit")).sort("day") for user in users}
    return {user: found.select(columns).rows() for user, found in of_user.items()}


def every(minutes: int, value: float, source: str, first: int = 0) -> list[Bucket]:
    """Buckets of the hour from 8:00."""
    return [(f"08:{minute:02d}", value, source) for minute in range(first, 60, minutes)]


HOURS = [("08:00", 3000.0, WATCH), ("09:00", 2000.0, WATCH), ("12:00", 2500.0, WATCH)]
CASES: dict[str, tuple[list[Bucket], int, float]] = {
    "a watch and a phone in the same five minutes": (every(5, 100, WATCH) + every(5, 90, PHONE), 1200, 60.0),
    # The last of the phone's begins at 8:57 and has two minutes for itself.
    "a phone that is two minutes later": (every(5, 100, WATCH) + every(5, 90, PHONE, first=2), 1236, 58.0),
    "a phone where the watch has nothing": (every(5, 100, WATCH)[:6] + every(5, 90, PHONE)[6:], 1140, 0.0),
    "one source, every five minutes": (every(5, 100, PHONE), 1200, 0.0),
    "hours with gaps": (HOURS, 7500, 0.0),
    "hours of a watch and of a phone": ([*HOURS, ("09:00", 2600.0, PHONE), ("10:00", 40.0, PHONE)], 7540, 60.0),
    "a day of each device": ([("00:00", 8000.0, WATCH), ("00:00", 9000.0, PHONE)], 8000, 1440.0),
    "a bucket without a source": ([("08:00", 300.0, ""), ("09:00", 200.0, "")], 500, 0.0),
}


def test_buckets_of_one_delivery(tmp_path: Path) -> None:
    told = {name: [pushed(buckets)] for name, (buckets, _, _) in CASES.items()}
    found = days_by_user(tmp_path, [told], "steps", "dropped_overlap_minutes")
    assert found == {name: [(steps, dropped)] for name, (_, steps, dropped) in CASES.items()}


DAY, OTHER_ZONE = "2026-11-09 00:00:00 +0900", "2026-11-09 00:00:00 -0500"
TOLD_AGAIN: dict[str, tuple[list[dict[str, Any]], list[int]]] = {
    "hours after the day's total": ([pushed([(DAY, 7500, WATCH)], "01:00"), pushed(HOURS, "02:00")], [7500]),
    "hours that have grown": ([pushed([(DAY, 7000, WATCH)], "01:00"), pushed(HOURS, "02:00")], [7500]),
    "a few hours and then the day's total": ([pushed(HOURS, "01:00"), pushed([(DAY, 9000, BOTH)], "02:00")], [9000]),
    "hours and then minutes of one": ([pushed(HOURS, "01:00"), pushed(every(5, 260, WATCH), "02:00")], [7620]),
    "hours of a phone beside a day of all devices": (
        [pushed([(DAY, 8000, BOTH)], "01:00"), pushed([("08:00", 9000, PHONE)], "02:00")],
        [8000],
    ),
    "a day told with another offset": (
        [pushed([(DAY, 8000, BOTH)], "01:00"), pushed([(OTHER_ZONE, 9000, BOTH)], "02:00")],
        [9000],
    ),
    "a day told with another offset that had less": (
        [pushed([(DAY, 8000, BOTH)], "01:00"), pushed([(OTHER_ZONE, 7000, BOTH)], "02:00")],
        [7000],
    ),
    "an hour told again": (
        [pushed([("08:00", 200, WATCH)], "01:00"), pushed([("08:00", 350, WATCH)], "02:00")],
        [350],
    ),
    "an hour of Monday told again as one of Sunday": (
        [
            pushed([("2026-11-09 08:00:00 +0900", 700, BOTH)], "01:00"),
            pushed([("2026-11-08 18:00:00 -0500", 700, BOTH)], "02:00"),
        ],
        [700],
    ),
    "an hour of all devices and then all of its minutes": (
        [pushed([("08:00", 900, BOTH)], "01:00"), pushed(every(5, 50, WATCH) + every(5, 40, PHONE), "02:00")],
        [600],
    ),
    "five minutes and then minutes that had less": (
        [pushed(every(5, 10, WATCH), "01:00"), pushed(every(1, 8, WATCH), "02:00")],
        [480],
    ),
    "minutes and then five minutes that had more": (
        [pushed(every(1, 8, WATCH), "01:00"), pushed(every(5, 50, WATCH), "02:00")],
        [600],
    ),
    "some minutes and then five minutes of a watch, beside a phone": (
        [pushed(every(1, 8, WATCH)[:7] + every(5, 90, PHONE), "01:00"), pushed(every(5, 50, WATCH), "02:00")],
        [600],
    ),
    "the last five minutes alone, grown": (
        [pushed(every(5, 100, WATCH), "01:00"), pushed([("08:55", 130, WATCH)], "02:00")],
        [1230],
    ),
    "a list that has one bucket more": (
        [
            pushed([("08:00", 50, WATCH), ("08:07", 50, WATCH), ("08:20", 50, WATCH)], "01:00"),
            pushed([("08:00", 50, WATCH), ("08:03", 50, WATCH), ("08:07", 40, WATCH), ("08:20", 50, WATCH)], "02:00"),
        ],
        [190],
    ),
    "the first five minutes alone, grown, which look like an hour": (
        [pushed(every(5, 100, WATCH), "01:00"), pushed([("08:00", 130, WATCH)], "02:00")],
        [1230],
    ),
    "an hour's total that is less than its minutes": (
        [pushed(every(5, 100, WATCH), "01:00"), pushed([("08:00", 1190, WATCH)], "02:00")],
        [1200],
    ),
    "the first hour of a day alone, grown, which looks like a day": (
        [pushed([("00:00", 100, WATCH), *HOURS], "01:00"), pushed([("00:00", 120, WATCH)], "02:00")],
        [7620],
    ),
    "half a day in hours and then the day's total": (
        [
            pushed([(f"{hour:02d}:00", 100, BOTH) for hour in range(12)], "01:00"),
            pushed([(DAY, 3000, BOTH)], "02:00"),
        ],
        [3000],
    ),
    "a day's total and then half of it in hours": (
        [
            pushed([(DAY, 3000, BOTH)], "01:00"),
            pushed([(f"{hour:02d}:00", 100, BOTH) for hour in range(12)], "02:00"),
        ],
        [2700],
    ),
}


def test_buckets_that_are_told_again_count_once_in_any_order_and_split(tmp_path: Path) -> None:
    expected = {name: [(steps,)] for name, (_, [steps]) in TOLD_AGAIN.items()}
    first, second = ({name: [bodies[at]] for name, (bodies, _) in TOLD_AGAIN.items()} for at in (0, 1))
    both = {name: bodies for name, (bodies, _) in TOLD_AGAIN.items()}
    for number, runs in enumerate(([first, second], [second, first], [both])):
        assert days_by_user(tmp_path / f"{number}", runs, "steps") == expected


def test_two_real_hours_of_the_same_clock_count_both(tmp_path: Path) -> None:
    """A flight to the west: 8:00 in Tokyo, and 8:00 in New York 14 hours later."""
    hours = [("2026-11-09 08:00:00 +0900", 500, WATCH), ("2026-11-09 08:00:00 -0500", 600, WATCH)]
    assert days(tmp_path, [pushed(hours)]) == [1100]


def test_an_average_of_the_day_does_not_count_beside_those_of_its_hours(tmp_path: Path) -> None:
    told = [[("00:00", 50, WATCH)], [("02:00", 30, WATCH), ("03:00", 40, WATCH)]]
    bodies = [pushed(buckets, f"0{number}:00", "respiratory_rate") for number, buckets in enumerate(told)]
    for body in bodies:
        body["data"]["metrics"][0]["units"] = "count/min"
    assert days(tmp_path, bodies, column="respiration_mean_brpm") == [35.0]


def test_an_implausible_bucket_takes_no_time_from_another_device(tmp_path: Path) -> None:
    assert days(tmp_path, [pushed([("08:00", 999_999, WATCH), ("08:00", 300, PHONE)])]) == [300]


TOO_MANY: dict[str, tuple[list[Bucket], int | None]] = {
    "a minute": ([*every(1, 50, WATCH)[:9], ("08:09", 26_450, WATCH)], 450),
    "ten minutes": ([*every(1, 50, WATCH)[:9], ("08:09", 3000, WATCH)], 3450),
    "hours": ([("08:00", 18_001, WATCH), ("09:00", 18_000, WATCH)], 18_000),
    "an hour alone": ([("08:00", 18_001, WATCH)], None),
    "alone": ([("08:05", 18_000, WATCH)], 18_000),
    "a day": ([("00:00", 26_450, WATCH)], 26_450),
}


def test_more_steps_than_a_bucket_has_time_for_do_not_count(tmp_path: Path) -> None:
    found = days_by_user(tmp_path, [{name: [pushed(buckets)] for name, (buckets, _) in TOO_MANY.items()}], "steps")
    assert found == {name: [(steps,)] for name, (_, steps) in TOO_MANY.items()}


LONG: dict[str, tuple[list[tuple[int, float]], list[int]]] = {
    "weeks": ([(2, 70_000), (9, 63_000), (16, 35_000)], [10_000] * 7 + [9000] * 7 + [5000] * 7),
    "two days": ([(2, 7000), (9, 6000)], [7000, 6000]),
    "some days": ([(9, 4000), (11, 6000), (14, 5000)], [4000, 6000, 5000]),
    "days with a gap": ([(9, 4000), (10, 6000), (13, 500)], [4000, 6000, 500]),
}


def test_buckets_of_weeks_are_shared_between_their_days_and_no_others(tmp_path: Path) -> None:
    told = {
        name: [pushed([(f"2026-11-{day:02d} 00:00:00 +0900", value, BOTH) for day, value in rows])]
        for name, (rows, _) in LONG.items()
    }
    found = days_by_user(tmp_path, [told], "steps")
    assert found == {name: [(steps,) for steps in expected] for name, (_, expected) in LONG.items()}


def test_buckets_of_more_than_a_month_do_not_count(tmp_path: Path) -> None:
    rows = [(f"2026-{day} 00:00:00 +0900", 90_000.0, BOTH) for day in ("07-01", "09-01", "11-09")]
    assert [steps for steps in days(tmp_path, [pushed(rows)]) if steps is not None] == []
