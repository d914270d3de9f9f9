"""Quantities of a record over local midnight are shared between its days; means and instants are not."""

from datetime import date, timedelta
from typing import Any

import pytest

from .builders import MEASUREMENTS, Row, after_midnight, contract_of, days_of, picked

SHARED = """
split: {start: start_seconds, end: end_seconds, values: [value], where: "kind = 'STEPS'"}
overlaps: {start: start_seconds, end: end_seconds, kind: kind, by: device, order: [WATCH, PHONE], share: share}
derived: {doubled: value * 2}
daily:
  steps: {value: value * share, over: sum, where: "kind = 'STEPS'"}
  floors: {value: doubled * share, over: sum, where: "kind = 'STEPS'"}
  dropped_overlap_minutes: {value: (end_seconds - start_seconds) * (1 - share) / 60, over: sum, where: "kind = 'STEPS'"}
  mean_hr_bpm: {value: value, over: mean, where: "kind = 'HEART'"}
"""
CONTRACT = contract_of(MEASUREMENTS, SHARED)
SUNDAY, MONDAY, TUESDAY = date(2026, 11, 8), date(2026, 11, 9), date(2026, 11, 10)


def a_walk(start: float, end: float, value: float, day: date = SUNDAY, device: str = "PHONE", **fields: Any) -> Row:
    """Steps between minutes after the midnight of Monday 2026-11-09."""
    times = {"start_seconds": after_midnight(start), "end_seconds": after_midnight(end)}
    return {"uuid": f"{device}{start}", "kind": "STEPS", "device": device, "value": value, "day": day} | times | fields


def shared(column: str, *rows: Row) -> list[tuple[date, Any]]:
    return [(row["day"], row[column]) for row in days_of(CONTRACT, rows)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (a_walk(-30, 30, 600), [(SUNDAY, 300), (MONDAY, 300)]),
        (a_walk(-240, 480, 120), [(SUNDAY, 40), (MONDAY, 80)]),
        (a_walk(-720, 2160, 400), [(SUNDAY, 100), (MONDAY, 200), (TUESDAY, 100)]),
        (a_walk(-1440, 0, 500), [(SUNDAY, 500)]),
        (a_walk(0, 1440, 500, MONDAY), [(MONDAY, 500)]),
        (a_walk(-5, -5, 7), [(SUNDAY, 7)]),
        (a_walk(-5, -65, 7), [(SUNDAY, 7)]),
        (a_walk(-30, 30, 600, end_seconds=None), [(SUNDAY, 600)]),
    ],
    ids=["an hour", "a night", "two midnights", "up to midnight", "a day", "an instant", "ends first", "no end"],
)
def test_steps_are_shared_between_days_in_proportion_to_time(row: Row, expected: list[Any]) -> None:
    assert shared("steps", row) == expected


def test_midnight_is_that_of_the_records_own_offset() -> None:
    """23:30 to 0:30 in New York."""
    walk = a_walk(780 + 30, 780 + 90, 600, SUNDAY, utc_offset_seconds=-18_000)
    assert shared("steps", walk) == [(SUNDAY, 300), (MONDAY, 300)]


def test_a_record_of_four_days_and_of_31_is_shared_and_a_longer_one_is_not() -> None:
    days = shared("steps", a_walk(0, 4 * 1440, 40_000, MONDAY))
    assert [steps for _, steps in days] == [10_000] * 4
    month = shared("steps", a_walk(0, 31 * 1440, 62_000, MONDAY))
    assert [steps for _, steps in month] == [2000] * 7
    assert shared("steps", a_walk(0, 31 * 1440 + 1, 62_000, MONDAY)) == [(MONDAY, 62_000)]


@pytest.mark.parametrize(("weekday", "days"), [(0, 7), (3, 4), (4, 10), (6, 8)])
def test_a_long_record_reaches_into_the_next_week_from_its_last_three_days(weekday: int, days: int) -> None:
    begins = MONDAY + timedelta(days=weekday)
    found = shared("steps", a_walk(weekday * 1440, (weekday + 20) * 1440, 20_000, begins))
    assert found == [(begins + timedelta(days=nth), 1000) for nth in range(days)]


def test_a_mean_belongs_to_the_day_its_record_begins_on() -> None:
    assert shared("mean_hr_bpm", a_walk(-30, 30, 70, kind="HEART")) == [(SUNDAY, 70.0)]


def test_helpers_are_of_the_piece() -> None:
    assert shared("floors", a_walk(-30, 30, 600)) == [(SUNDAY, 600), (MONDAY, 600)]


def test_a_watch_takes_its_time_from_each_piece_of_the_phones_walk() -> None:
    """The watch has 0:00 to 0:15: the phone keeps 300 of Sunday and half of Monday's 300."""
    rows = [a_walk(-30, 30, 600), a_walk(0, 15, 90, MONDAY, "WATCH")]
    found = [picked(row, "day", "steps", "dropped_overlap_minutes") for row in days_of(CONTRACT, rows)]
    assert found == [(SUNDAY, 300, 0.0), (MONDAY, 240, 15.0)]
