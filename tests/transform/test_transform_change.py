"""A week against the person's own week before, and means that weigh work days and free days as a week has them."""

from datetime import timedelta
from typing import Any

import pytest

from qol.contracts.columns import derived_type
from qol.transform.weekly_rows import WeekBefore, weekly
from tests.builders import CONTRACTS

from .builders import MONDAY, Row, after, daily_frame, each_day, picked, the_week


def of_last_week(rows: list[Row]) -> list[Row]:
    return [row | {"day": row["day"] - 7} for row in rows]


def steps(*values: float, **others: Any) -> list[Row]:
    return each_day("steps", values, **others)


def test_a_change_is_this_weeks_value_minus_last_weeks() -> None:
    """7000 against 6000.33: the difference of what is published."""
    row = after(of_last_week(steps(6000, 6000, 6000, 6000, 6000, 6002)), steps(7000, 7000, 7000, 7000))
    assert picked(row, "steps_mean", "steps_mean_change") == (7000.0, 999.67)


def test_a_difference_has_no_more_decimals_than_its_parts() -> None:
    night = {"sleep_minutes": 400.1}
    row = after([{"day": day} | night for day in (-3, -2, -1)], each_day("sleep_minutes", [400.3] * 3))
    assert row["sleep_minutes_mean_change"] == 0.2


def test_a_state_changes_from_last_to_last() -> None:
    row = after([{"day": -7, "weight_kg": 70.0}, {"day": -2, "weight_kg": 71.5}], [{"day": 3, "weight_kg": 70.9}])
    assert row["weight_kg_last_change"] == -0.6


def test_a_whole_number_changes_by_a_whole_number() -> None:
    row = after(
        [{"day": -1, "whoqol_overall": 4, "source": "survey"}], [{"day": 3, "whoqol_overall": 3, "source": "survey"}]
    )
    assert row["whoqol_overall_last_change"] == -1
    assert {derived_type(d, CONTRACTS) for d in CONTRACTS.derived if d.name == "whoqol_overall_last_change"} == {
        "bigint"
    }


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ([], steps(1, 1, 1, 1)),
        (steps(9, 9, 9), steps(1, 1, 1, 1)),
        (steps(9, 9, 9, 9), steps(1, 1, 1)),
        (steps(9, 9, 9, 9, source="oura"), steps(1, 1, 1, 1)),
        (each_day("sleep_minutes", [400] * 7), steps(1, 1, 1, 1)),
    ],
    ids=["no week before", "that week not valid", "this week not valid", "another source", "no steps in that week"],
)
def test_a_change_that_may_not_be_the_users_own_is_not_known(before: list[Row], now: list[Row]) -> None:
    assert after(of_last_week(before), now)["steps_mean_change"] is None


def test_each_group_is_compared_on_its_own_and_each_user_with_themselves() -> None:
    last = [row | {"user_id": user} for user in ("p1", "p3") for row in of_last_week(steps(10, 10, 10, 10))]
    now = [row | {"user_id": user} for user in ("p1", "p2") for row in steps(15, 15, 15, 15)]
    before = daily_frame(last)
    known = WeekBefore(before, weekly(CONTRACTS, before, MONDAY - timedelta(days=7)))
    rows = weekly(CONTRACTS, daily_frame(now), MONDAY, known).to_dicts()
    expected = [("p1", 5.0, None), ("p2", None, None)]
    assert [picked(row, "user_id", "steps_mean_change", "sleep_minutes_mean_change") for row in rows] == expected


def test_every_group_has_one_change_at_least() -> None:
    changing = {derived.group for derived in CONTRACTS.derived if derived.formula == "change"}
    assert changing == {group.name for group in CONTRACTS.groups}


def test_a_week_of_many_free_days_is_weighed_as_five_to_two() -> None:
    """(5 x 7000 + 2 x 3000) / 7 = 5857.14; GGIR part 5, weighted average of weekdays and weekend days."""
    week = [{"day": day, "steps": value} for day, value in ((0, 6000), (3, 8000), (5, 2000), (6, 4000))]
    columns = ("steps_weekday_mean", "steps_weekend_mean", "steps_weighted_mean", "steps_mean")
    assert picked(the_week(week), *columns) == (7000.0, 3000.0, 5857.14, 5000.0)


def test_a_weighted_mean_is_rounded_once() -> None:
    """The weekday mean is 0.02 / 3, published as 0.01: five sevenths of it are 0.0048, not 0.0071."""
    nights = [{"day": day, "sleep_minutes": value} for day, value in ((0, 0.01), (1, 0.0), (2, 0.01), (5, 0.0))]
    columns = ("sleep_minutes_weekday_mean", "sleep_minutes_weighted_mean")
    assert picked(the_week(nights), *columns) == (0.01, 0.0)


def test_a_weighted_mean_needs_both_parts_of_the_week() -> None:
    columns = ("steps_weekday_mean", "steps_weekend_mean", "steps_weighted_mean")
    assert picked(the_week(steps(5, 7)), *columns) == (6.0, None, None)
    assert picked(the_week([{"day": 6, "steps": 5}]), *columns) == (None, 5.0, None)


def test_the_comfort_of_a_week_weighs_every_reading_alike() -> None:
    """50 of 100 and 300 of 300 readings: 350 / 400."""
    room = {"source": "sensor", "temperature_mean_c": 21.0, "humidity_mean_pct": 50.0}
    days = [room | {"day": 0, "comfort_share": 0.5, "valid_readings": 100}]
    days += [room | {"day": 1, "comfort_share": 1.0, "valid_readings": 300}]
    assert the_week(days)["comfort_share"] == 0.875
    days += [room | {"day": 2, "comfort_share": None, "valid_readings": 100}]
    assert the_week(days)["comfort_share"] == 0.875


def test_a_day_of_many_readings_hides_no_silent_one() -> None:
    """(288 + 144 + 288) / (7 x 288), although 1432 readings came."""
    counts = enumerate((288, 144, 1000))
    room = {"source": "sensor", "temperature_mean_c": 21.0}
    row = the_week([room | {"day": day, "valid_readings": count} for day, count in counts])
    assert picked(row, "sensor_coverage", "valid_readings_sum") == (0.357143, 1432)
    whole = the_week([room | {"day": day, "valid_readings": 300} for day in range(7)])
    assert whole["sensor_coverage"] == 1.0


def test_one_band_of_stress_alone_is_no_share_of_all_of_them() -> None:
    days = [{"day": 0, "source": "oura", "high_stress_minutes": 30.0, "recovery_high_minutes": 120.0}]
    assert the_week(days)["stress_high_share"] is None
    assert the_week([{"day": 0, "stress_mean": 30.0, "recovery_high_minutes": 120.0}])["recovery_high_share"] is None
