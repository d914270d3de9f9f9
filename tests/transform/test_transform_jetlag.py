"""Sleep on work days and on free days: the unit tests of ropensci/mctq as weeks, and which days are free."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from qol.transform.jetlag import free_days

from .builders import MONDAY, Row, picked, weeks

HOURS = 60.0


def clock(text: str) -> float:
    hours, minutes = text.split(":")
    return 60.0 * int(hours) + int(minutes)


def nights(work: Sequence[float], free: Sequence[float], monday: date = MONDAY, **minutes: tuple[float, float]) -> Row:
    """A week with middles of sleep from Monday on and from Saturday on; `minutes` are of work and of free days."""
    rows = []
    for first, middles, part in ((0, work, 0), (5, free, 1)):
        for number, middle in enumerate(middles):
            others = {name: values[part] for name, values in minutes.items()}
            day = monday + timedelta(days=first + number)
            rows.append({"day": day, "sleep_minutes": 400.0, "midsleep_minute": middle} | others)
    (row,) = weeks(rows, monday)
    return row


@pytest.mark.parametrize(
    ("work", "free", "apart"),
    [
        ("02:30", "04:30", 120.0),
        ("23:00", "02:00", 180.0),
        ("05:00", "03:00", 120.0),
        ("08:00", "12:00", 240.0),
        ("19:15", "02:30", 435.0),
        ("03:00", "03:00", 0.0),
    ],
)
def test_social_jetlag_is_the_shorter_way_round_the_clock(work: str, free: str, apart: float) -> None:
    """mctq, `sjl` with method "shorter"; the arithmetic difference of 19:15 and 02:30 would be 16 h 45 min."""
    row = nights([clock(work)] * 2, [clock(free)])
    assert row["social_jetlag_minutes"] == apart
    assert picked(row, "midsleep_work_minute", "midsleep_free_minute") == (clock(work), clock(free))
    assert picked(row, "midsleep_work_days", "midsleep_free_days") == (2, 1)


def test_middles_of_sleep_are_averaged_around_the_clock() -> None:
    """23:30 and 00:30 are midnight, 01:00 and 02:00 half past one."""
    row = nights([1410.0, 30.0], [60.0, 120.0])
    assert picked(row, "midsleep_work_minute", "midsleep_free_minute", "social_jetlag_minutes") == (0.0, 90.0, 90.0)


@pytest.mark.parametrize(
    ("free", "slept", "corrected"),
    [
        ("04:00", (6 * HOURS, 8 * HOURS), 197.14),  # 03:17:08.571
        ("02:15", (9 * HOURS, 7 * HOURS), 135.0),  # nothing to make up for
        ("02:15", (7 * HOURS, 7 * HOURS), 135.0),
        ("00:10", (6 * HOURS, 8 * HOURS), 1407.14),  # 42.857 minutes earlier is the evening before
    ],
)
def test_mid_sleep_is_corrected_for_what_is_slept_longer_on_free_days(
    free: str, slept: tuple[float, float], corrected: float
) -> None:
    """mctq, `msf_sc`: MSF - (SDf - SDweek) / 2 with five work days, where SDf > SDw."""
    row = nights([clock("03:00")] * 5, [clock(free)] * 2, time_in_bed_minutes=slept)
    assert row["midsleep_free_corrected_minute"] == corrected


def test_a_holiday_is_a_free_day_and_leaves_four_work_days() -> None:
    """Labour Thanksgiving Day, 2026-11-23: 240 - 4 x 120 / 14 = 205.71."""
    thanksgiving = date(2026, 11, 23)
    middles = [{"day": thanksgiving, "midsleep_minute": 240.0, "time_in_bed_minutes": 480.0}]
    middles += [
        {"day": thanksgiving + timedelta(days=day), "midsleep_minute": 180.0, "time_in_bed_minutes": 360.0}
        for day in (1, 2, 3, 4)
    ]
    (row,) = weeks([{"sleep_minutes": 400.0} | middle for middle in middles], thanksgiving)
    assert picked(row, "midsleep_work_days", "midsleep_free_days") == (4, 1)
    assert picked(row, "social_jetlag_minutes", "midsleep_free_corrected_minute") == (60.0, 205.71)


def test_two_work_nights_and_one_free_night_are_needed() -> None:
    columns = (
        "midsleep_work_minute",
        "midsleep_free_minute",
        "social_jetlag_minutes",
        "midsleep_free_corrected_minute",
    )

    def known(work: int, free: int) -> tuple[Any, ...]:
        row = nights([180.0] * work, [240.0] * free, time_in_bed_minutes=(400.0, 400.0))
        return tuple(value is not None for value in picked(row, *columns))

    assert known(2, 1) == (True, True, True, True)
    assert known(1, 2) == (False, True, False, False)
    assert known(5, 0) == (True, False, False, False)


def test_without_time_in_bed_mid_sleep_is_known_and_not_corrected() -> None:
    row = nights([180.0] * 2, [240.0])
    assert picked(row, "midsleep_free_minute", "midsleep_free_corrected_minute") == (240.0, None)


def test_free_nights_that_point_nowhere_have_no_middle() -> None:
    row = nights([180.0] * 2, [0.0, 720.0])
    assert picked(row, "midsleep_free_minute", "midsleep_free_days", "social_jetlag_minutes") == (None, 2, None)


@pytest.mark.parametrize(
    ("monday", "country", "free"),
    [
        (date(2026, 11, 9), "JP", {5, 6}),
        (date(2026, 5, 4), "JP", {0, 1, 2, 5, 6}),  # Greenery, Children's, and the substitute for Constitution Day
        (date(2026, 9, 21), "JP", {0, 1, 2, 5, 6}),  # Respect for the Aged, a day between two holidays, the equinox
        (date(2025, 12, 29), "JP", {3, 5, 6}),  # New Year's Day, a Thursday of the next year
        (date(2026, 5, 4), None, {5, 6}),
    ],
)
def test_saturdays_sundays_and_public_holidays_are_free(monday: date, country: str | None, free: set[int]) -> None:
    assert free_days(monday, country) == free
