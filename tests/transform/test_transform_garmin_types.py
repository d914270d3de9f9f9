"""What the rest of Garmin's record types says of a day, and what it does not."""

from datetime import date
from typing import Any

import pytest

from tests.builders import CONTRACTS

from .builders import Row, a_night, days, local, picked, the_day, utc


def at(clock: str, **fields: Any) -> Row:
    """A measurement of 2026-11-09 at a local time."""
    seconds = local(f"2026-11-09 {clock}")
    return {
        "day": "2026-11-09", "start_time_seconds": seconds, "measurement_time_seconds": seconds,
        "source_timestamp": utc(f"2026-11-09 {clock}"),
    } | fields  # fmt: skip


@pytest.mark.parametrize("order", [1, -1])
def test_the_last_weighing_of_a_day_counts_and_what_it_did_not_measure_is_from_the_one_before(order: int) -> None:
    scale = at("07:00", weight_grams=75_450, body_fat_pct=17.1, bmi=23.2)
    typed = at("21:00", weight_grams=76_100)
    row = the_day(bodyComps=[scale, typed][::order])
    assert picked(row, "weight_kg", "body_fat_pct", "bmi") == (76.1, 17.1, 23.2)


def test_readings_of_a_day_are_averaged() -> None:
    readings = [at("07:00", systolic_mmhg=129, diastolic_mmhg=82), at("07:02", systolic_mmhg=120, diastolic_mmhg=75)]
    assert picked(the_day(bloodPressures=readings), "systolic_mmhg", "diastolic_mmhg") == (124.5, 78.5)


def test_oxygen_on_demand_stays_out_of_the_day() -> None:
    spot = at("15:00", on_demand=True, spo2_mean_pct=88.0, spo2_min_pct=88.0)
    rest = at("00:00", on_demand=False, spo2_mean_pct=95.0, spo2_min_pct=91.0)
    assert picked(the_day(pulseox=[spot]), "spo2_mean_pct", "spo2_min_pct") == (None, None)
    assert picked(the_day(pulseox=[spot, rest]), "spo2_mean_pct", "spo2_min_pct") == (95.0, 91.0)
    assert the_day(pulseox=[rest | {"on_demand": None}])["spo2_mean_pct"] == 95.0


def test_oxygen_of_the_night_comes_before_that_of_the_day() -> None:
    row = the_day(
        pulseox=[at("00:00", spo2_mean_pct=95.0, spo2_min_pct=91.0)],
        sleeps=[a_night("2026-11-09", "2026-11-08 23:00", 420, spo2_mean_pct=93.5)],
    )
    assert picked(row, "spo2_mean_pct", "spo2_min_pct") == (93.5, 91.0)


def test_skin_temperature_is_the_deviation_and_0_is_one() -> None:
    assert the_day(skinTemp=[at("00:00", average_deviation_c=0.0)])["skin_temp_deviation_c"] == 0.0


def a_series(rmssd: float, count: int | None, seconds: int | None, received: str, clock: str = "02:00") -> Row:
    """An HRV record of the night before 2026-11-09, each with a start of its own."""
    told = {"last_night_avg": rmssd, "hrv_value_count": count, "duration_seconds": seconds}
    return at(clock, received_at=utc(f"2026-11-09 {received}")) | told


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (a_series(44.0, 80, 2, "07:00"), a_series(20.0, 79, 25_000, "12:00", "02:05")),
        (a_series(44.0, 80, 24_000, "07:00"), a_series(20.0, 80, 23_999, "12:00", "02:05")),
        (a_series(44.0, 80, None, "12:00", "02:05"), a_series(20.0, 80, None, "07:00")),
        (a_series(44.0, 1, 2, "07:00"), a_series(20.0, None, 25_000, "12:00", "02:05")),
        (a_series(44.0, 80, 24_000, "07:00", "02:05"), a_series(20.0, 80, 24_000, "07:00")),
    ],
    ids=["more values", "the longer of as many", "the later of equals", "any against none", "nothing but the start"],
)
def test_of_several_hrv_records_of_a_night_the_fullest_counts(better: Row, worse: Row, order: int) -> None:
    assert the_day(hrv=[better, worse][::order])["hrv_rmssd_ms"] == 44.0


def test_of_several_skin_temperatures_of_a_night_the_longest_counts() -> None:
    night = at("00:00", average_deviation_c=-0.4, duration_seconds=27_480, received_at=utc("2026-11-09 07:00"))
    nap = at("14:00", average_deviation_c=1.5, duration_seconds=2_700, received_at=utc("2026-11-09 16:00"))
    assert the_day(skinTemp=[night, nap])["skin_temp_deviation_c"] == -0.4


@pytest.mark.parametrize(
    "name", ["epochs", "allDayRespiration", "healthSnapshot", "moveIQActivities", "activities", "activityDetails"]
)
def test_what_is_counted_elsewhere_or_not_comparable_gives_no_metric(name: str) -> None:
    fields = {
        "steps": 93,
        "respiration_mean_brpm": 15.2,
        "hr_mean_bpm": 83.0,
        "stress_mean": 30.0,
        "spo2_mean_pct": 95.0,
    }
    (row,) = days(**{name: [at("09:00", **fields)]})
    assert row["day"] == date(2026, 11, 9)
    assert {metric for metric in CONTRACTS.metric if row[metric] is not None} == set()
