"""Daily metrics made of all records of a day."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .builders import MEASUREMENTS, Row, contract_named, contract_of, days_of, picked, the_day_of, utc

A_VALUE = "daily: {{skin_temp_deviation_c: {{value: value, over: {over}}}}}"


def measured(*values: float | None, **others: Any) -> list[Row]:
    """Measurements one after the other, an hour apart."""
    return [
        {"uuid": f"id{n}", "start_seconds": n * 3600, "end_seconds": n * 3600 + 60, "value": value} | others
        for n, value in enumerate(values)
    ]


def joined(over: str, rows: Sequence[Row]) -> Any:
    contract = contract_of(MEASUREMENTS, A_VALUE.format(over=over))
    return the_day_of(contract, rows)["skin_temp_deviation_c"]


@pytest.mark.parametrize(
    ("over", "expected"),
    [("sum", 10.5), ("mean", 2.625), ("median", 2.25), ("min", 1.0), ("max", 5.0), ("first", 2.0), ("last", 2.5), ("count", 4.0)],
)  # fmt: skip
def test_a_day_is_made_of_all_of_its_records(over: str, expected: float) -> None:
    assert joined(over, measured(None, 2.0, 5.0, 1.0, 2.5, None)) == expected


@pytest.mark.parametrize("over", ["sum", "mean", "median", "min", "max", "first", "last", "count"])
def test_a_day_whose_parts_are_all_unknown_is_unknown(over: str) -> None:
    assert joined(over, measured(None, None)) is None
    assert joined(over, measured(float("nan"), 1e300, float("inf"))[: 1 if over == "count" else 3]) == (
        1.0 if over == "count" else None
    )


def test_many_small_parts_are_rounded_once() -> None:
    contract = contract_of(MEASUREMENTS, "daily: {steps: {value: value, over: sum}}")
    assert the_day_of(contract, measured(*[0.4] * 10))["steps"] == 4


def test_a_sum_does_not_depend_on_the_order_of_records() -> None:
    values = (0.1, 0.7, -0.8, 1e6, -1e6)
    assert {joined("sum", measured(*order)) for order in permutations(values)} == {0.0}


@given(st.lists(st.integers(-9999, 9999), min_size=1, max_size=30))
def test_mean_and_median_are_those_of_fractions(hundredths: list[int]) -> None:
    rows = measured(*[value / 100 for value in hundredths])
    ordered = sorted(hundredths)
    middle = Fraction(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2], 2)
    for over, exact in (("mean", Fraction(sum(hundredths), len(hundredths))), ("median", middle)):
        assert joined(over, rows) == round(float(exact / 100), 10)


def test_the_first_and_last_are_by_time_then_by_receipt_then_by_key() -> None:
    at = {"start_seconds": 0, "end_seconds": 0}
    late, early = utc("2026-11-10 09:00"), utc("2026-11-10 08:00")
    rows = [
        {"uuid": "c", "value": 3.0, "received_at": early} | at,
        {"uuid": "a", "value": 1.0, "received_at": late} | at,
        {"uuid": "b", "value": 2.0, "received_at": late} | at,
    ]
    for order in permutations(rows):
        assert (joined("first", order), joined("last", order)) == (3.0, 2.0)


BY_HOUR = "daily: {skin_temp_deviation_c: {value: value, over: mean, each: start_seconds - start_seconds % 3600}}"


def test_the_mean_of_each_hour_weighs_the_same_however_many_records_it_has() -> None:
    """160 in each of ten samples of one hour, 60 and 61 in the next, nothing known in a third: (160 + 60.5) / 2."""
    exercise = [{"uuid": f"e{n}", "start_seconds": 3600 + n, "value": 160.0} for n in range(10)]
    rest = [{"uuid": f"r{n}", "start_seconds": 7200 + n * 1800, "value": 60.0 + n} for n in range(2)]
    unknown = [{"uuid": "u", "start_seconds": 14_400, "value": None}]
    contract = contract_of(MEASUREMENTS, BY_HOUR)
    for rows in ([*exercise, *rest, *unknown], [*unknown, *rest, *exercise]):
        assert the_day_of(contract, rows)["skin_temp_deviation_c"] == 110.25
    assert the_day_of(contract, unknown)["skin_temp_deviation_c"] is None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-9999, 9999)), min_size=1, max_size=12))
def test_means_of_hours_are_those_of_fractions_but_for_the_tenth_decimal(records: list[tuple[int, int]]) -> None:
    rows = [
        {"uuid": f"id{n}", "start_seconds": hour * 3600 + n, "value": hundredths / 100}
        for n, (hour, hundredths) in enumerate(records)
    ]
    hours = [[value for hour, value in records if hour == one] for one in {hour for hour, _ in records}]
    exact = sum((Fraction(sum(values), 100 * len(values)) for values in hours), Fraction(0)) / len(hours)
    found = the_day_of(contract_of(MEASUREMENTS, BY_HOUR), rows)["skin_temp_deviation_c"]
    assert abs(Fraction(str(found)) - exact) <= Fraction(1, 10**10)


def test_a_workout_does_not_outweigh_the_hours_of_a_phones_day() -> None:
    """Sixty samples of 150 in one hour, one of 60 in each of nine others: 690 / 10, not 9540 / 69."""
    heart = {"metric_type": "HKQuantityTypeIdentifierHeartRate", "device_class": "WATCH"}
    run = [(36_000 + n * 60, 150.0) for n in range(60)]
    desk = [(39_600 + hour * 3600, 60.0) for hour in range(9)]
    rows = [
        heart | {"uuid": f"id{at}", "start_seconds": at, "end_seconds": at, "value": bpm} for at, bpm in [*run, *desk]
    ]
    assert the_day_of(contract_named("healthkit_measurements"), rows)["mean_hr_bpm"] == 69.0
    bucket = {"metric": "heart_rate", "spacing_seconds": 60}
    buckets = [bucket | {"time_seconds": at, "average": bpm} for at, bpm in [*run, *desk]]
    assert the_day_of(contract_named("healthkit_health_auto_export"), buckets)["mean_hr_bpm"] == 69.0


ENDS = "overlaps: {start: start_seconds, end: end_seconds, by: device, order: [WATCH], share: share}"


def test_of_equal_starts_the_later_end_is_last_where_the_contract_says_what_the_end_is() -> None:
    """A day's value that is told again as the day goes on: every version starts at midnight."""
    noon, evening = {"start_seconds": 0, "end_seconds": 43_200}, {"start_seconds": 0, "end_seconds": 72_000}
    unknown = {"start_seconds": 0, "end_seconds": None}
    rows = [
        {"uuid": "c", "value": 3.0, "received_at": utc("2026-11-10 09:00")} | noon,
        {"uuid": "a", "value": 1.0, "received_at": utc("2026-11-10 08:00")} | evening,
        {"uuid": "b", "value": 2.0, "received_at": utc("2026-11-10 09:00")} | unknown,
    ]
    for order in permutations(rows):
        days = {
            over: the_day_of(contract_of(MEASUREMENTS, ENDS, A_VALUE.format(over=over)), order)["skin_temp_deviation_c"]
            for over in ("first", "last")
        }
        assert days == {"first": 2.0, "last": 1.0}


def test_the_resting_heart_rate_of_a_phone_is_the_one_told_last_as_the_day_went_on() -> None:
    """Each version starts at midnight: 61 by noon, 60 by four, 58 by eight in the evening."""
    told = [(43_200, 61.0), (57_600, 60.0), (72_000, 58.0)]
    for names in permutations("abc"):
        rows = [
            {"uuid": name, "metric_type": "HKQuantityTypeIdentifierRestingHeartRate", "value": bpm}
            | {"start_seconds": 0, "end_seconds": end}
            for name, (end, bpm) in zip(names, told, strict=True)
        ]
        assert the_day_of(contract_named("healthkit_measurements"), rows)["resting_hr_bpm"] == 58


@pytest.mark.parametrize(
    ("record", "kinds"),
    [
        ("measurements", ("HKQuantityTypeIdentifierOxygenSaturation", "HKQuantityTypeIdentifierBodyFatPercentage")),
        ("health_auto_export", ("blood_oxygen_saturation", "body_fat_percentage")),
    ],
)
@pytest.mark.parametrize(
    ("sent", "oxygen", "fat"),
    [(0.5, 50.0, 50.0), (0.75, 75.0, 75.0), (1.0, 100.0, None), (1.5, None, None), (18.5, None, 18.5), (49.9, None, 49.9), (50.0, 50.0, 50.0), (60.0, 60.0, 60.0)],
)  # fmt: skip
def test_a_percentage_may_come_as_a_fraction_and_one_that_is_neither_is_no_value(
    record: str, kinds: tuple[str, str], sent: float, oxygen: float | None, fat: float | None
) -> None:
    contract = contract_named(f"healthkit_{record}")
    (kind,) = {"metric", "metric_type"} & contract.by_name.keys()
    rows = [{"uuid": name, kind: name, "value": sent} for name in kinds]
    row = the_day_of(contract, rows)
    assert picked(row, "spo2_mean_pct", "spo2_min_pct", "body_fat_pct") == (oxygen, oxygen, fat)


def test_where_chooses_the_records_of_one_metric_and_the_contracts_where_those_of_all() -> None:
    contract = contract_of(
        MEASUREMENTS,
        """
        derived: {is_walk: kind = 'WALK'}
        daily:
          where: value < 1000
          steps: {value: value, over: sum, where: is_walk}
          floors: {value: value, over: count}
          min_hr_bpm: {value: value, over: min, where: kind = 'HEART'}
        """,
    )
    rows = measured(10, 20, kind="WALK") + measured(7, 5000, kind="RUN")
    row = the_day_of(contract, [row | {"uuid": str(n)} for n, row in enumerate(rows)])
    assert picked(row, "steps", "floors", "min_hr_bpm") == (30, 3, None)


def test_users_and_days_are_apart() -> None:
    contract = contract_of(MEASUREMENTS, "daily: {steps: {value: value, over: sum}}")
    rows = [*measured(1, 2, user_id="p2"), *measured(3, day=date(2026, 11, 10)), *measured(4, day=date(2026, 11, 11))]
    found = [(row["user_id"], row["day"].day, row["steps"]) for row in days_of(contract, rows)]
    assert found == [("p1", 10, 3), ("p1", 11, 4), ("p2", 9, 3)]


def test_parts_stand_beside_metrics_of_the_best_record_and_the_wear_rule_may_name_them() -> None:
    contract = contract_of(
        MEASUREMENTS,
        """
        version: [value]
        daily:
          steps: value
          floors: {value: value, over: sum}
          wear_minutes: {value: value, over: sum}
        wear: {minutes: wear_minutes, limit_minutes: 30}
        """,
    )
    assert picked(the_day_of(contract, measured(9, 20)), "steps", "floors", "worn") == (20, 29, False)
    assert picked(the_day_of(contract, measured(11, 20)), "steps", "floors", "worn") == (20, 31, True)
