import math
from datetime import date
from typing import Any

import polars as pl
import pytest

from qol.contracts.columns import arrow_schema, daily_columns
from qol.formulas.half_away import round_half_away
from qol.transform.daily_rows import daily
from qol.transform.decimals import as_stored
from tests.builders import CONTRACTS

from .builders import (
    MEASUREMENTS,
    a_day,
    a_night,
    an_hrv,
    contract_of,
    days,
    picked,
    records,
    the_day,
    the_day_of,
    the_week,
    utc,
)


def test_a_day_has_one_row_with_the_metrics_of_all_record_types() -> None:
    row = the_day(
        dailies=[a_day("2026-11-09", steps=8123, resting_hr_bpm=57, body_battery_charged=55)],
        stressDetails=[a_day("2026-11-09", mean_stress=28.5)],
        hrv=[an_hrv("2026-11-09", 44.25)],
        sleeps=[a_night("2026-11-09", "2026-11-08 23:00", 420)],
        userMetrics=[{"day": "2026-11-09", "vo2_max": 48.0, "fitness_age": 32}],
    )
    assert picked(row, "user_id", "day", "source", "worn") == ("p1", date(2026, 11, 9), "garmin", True)
    assert picked(row, "steps", "resting_hr_bpm", "stress_mean", "hrv_rmssd_ms") == (8123, 57, 28.5, 44.25)
    assert picked(row, "sleep_minutes", "vo2max", "fitness_age_years") == (420.0, 48.0, 32)


def test_rows_are_sorted_and_have_the_columns_of_the_contract() -> None:
    names = [("p2", "2026-11-09"), ("p1", "2026-11-10"), ("p1", "2026-11-09")]
    frame = daily(CONTRACTS, {"garmin_dailies": records("dailies", [a_day(d, user_id=u) for u, d in names])}, {})
    schema = pl.DataFrame(arrow_schema(daily_columns(CONTRACTS)).empty_table()).schema
    assert list(frame.schema.items()) == list(schema.items())
    assert frame.select("user_id", pl.col("day").cast(pl.String)).rows() == sorted(names)


@pytest.mark.parametrize("contract", CONTRACTS.sources, ids=lambda c: c.name)
def test_one_record_type_alone_gives_days_and_none_gives_none(contract: Any) -> None:
    rows = [a_day(day, calendar_date=None) for day in ("2026-11-09", "2026-11-10", "2026-11-11")]
    expected = 0 if contract.deletes or contract.name == "oura_ring_configuration" else 3
    assert daily(CONTRACTS, {contract.name: records(contract.name, rows)}, {}).height == expected
    assert daily(CONTRACTS, {contract.name: records(contract.name, [])}, {}).height == 0


def test_without_records_there_is_no_day() -> None:
    assert daily(CONTRACTS, {}, {}).height == 0
    nothing = {contract.name: records(contract.name, []) for contract in CONTRACTS.sources}
    assert daily(CONTRACTS, nothing, nothing).height == 0


@pytest.mark.parametrize("order", [1, -1])
def test_a_day_told_from_two_starts_is_one_day_and_the_longest_counts(order: int) -> None:
    tokyo = a_day("2026-11-10", steps=7000, duration_seconds=61_200)
    los_angeles = a_day("2026-11-10", offset=-28_800, steps=9000)
    assert [row["steps"] for row in days(dailies=[tokyo, los_angeles][::order])] == [9000]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_starts_of_the_same_length_the_one_received_last_counts_then_the_later_start(order: int) -> None:
    first = a_day("2026-11-10", steps=1, start_time_seconds=1_794_236_400, received_at=utc("2026-11-12 00:00"))
    second = a_day("2026-11-10", steps=2, start_time_seconds=1_794_236_460, received_at=utc("2026-11-11 00:00"))
    assert the_day(dailies=[first, second][::order])["steps"] == 1
    second = {**second, "received_at": first["received_at"]}
    assert the_day(dailies=[first, second][::order])["steps"] == 2


@pytest.mark.parametrize(("offset", "duration"), [(-18_000, 82_800), (-14_400, 90_000)], ids=["23 h", "25 h"])
def test_a_day_on_which_the_clocks_change_is_a_day(offset: int, duration: int) -> None:
    row = the_day(dailies=[a_day("2026-11-01", offset=offset, duration_seconds=duration, steps=9000)])
    assert picked(row, "day", "steps", "worn") == (date(2026, 11, 1), 9000, True)


def test_on_a_day_of_25_hours_a_watch_may_be_worn_25_hours() -> None:
    row = the_day(dailies=[a_day("2026-11-01", duration_seconds=90_000, hr_sample_count=6000)])
    assert picked(row, "wear_minutes", "worn") == (1500.0, True)


def test_what_another_makers_device_measured_stays_out_but_the_day_was_observed() -> None:
    row = the_day(dailies=[a_day("2026-11-09", steps=8000, hr_sample_count=240, third_party_source="FITBIT")])
    assert picked(row, "steps", "wear_minutes", "worn") == (None, None, True)


def test_another_makers_device_does_not_hide_ones_own() -> None:
    own = a_day("2026-11-09", steps=5000, duration_seconds=50_000)
    other = a_day("2026-11-09", steps=8000, third_party_source="FITBIT", duration_seconds=86_400)
    assert [row["steps"] for row in days(dailies=[own, other])] == [5000]


@pytest.mark.parametrize(
    ("samples", "duration", "wear_minutes", "worn"),
    [
        (None, 86_400, None, True),
        (239, 86_400, None, True),
        (240, 86_400, 60.0, False),
        (2399, 86_400, 599.75, False),
        (2400, 86_400, 600.0, True),
        (5760, 86_400, 1440.0, True),
        (None, 18_000, None, False),
        (None, 35_999, None, False),
        (None, 36_000, None, True),
        (5760, 30_000, 500.0, False),
        (239, 18_000, None, False),
        (5760, None, 1440.0, True),
        (None, None, None, True),
        (0, 0, None, False),
    ],
)
def test_a_day_is_worn_unless_the_samples_or_its_length_say_less_than_ten_hours(
    samples: int | None, duration: int | None, wear_minutes: float | None, worn: bool
) -> None:
    row = the_day(dailies=[a_day("2026-11-09", hr_sample_count=samples, duration_seconds=duration)])
    assert picked(row, "wear_minutes", "worn") == (wear_minutes, worn)


def test_a_day_not_worn_keeps_its_values() -> None:
    row = the_day(dailies=[a_day("2026-11-09", steps=0, resting_hr_bpm=60, duration_seconds=18_000)])
    assert picked(row, "steps", "resting_hr_bpm", "worn") == (0, 60, False)


def test_the_watch_decides_about_wear_also_for_what_other_records_say() -> None:
    row = the_day(
        dailies=[a_day("2026-11-09", duration_seconds=18_000)], stressDetails=[a_day("2026-11-09", mean_stress=20.0)]
    )
    assert picked(row, "stress_mean", "worn") == (20.0, False)


def test_the_days_summary_goes_before_stress_details_metric_by_metric() -> None:
    summary = a_day("2026-11-09", average_stress_level=31, rest_stress_seconds=2700)
    details = a_day("2026-11-09", mean_stress=28.5, max_stress=90, rest_minutes=40.0, low_minutes=12.0)
    row = the_day(stressDetails=[details], dailies=[summary])
    assert picked(row, "stress_mean", "stress_max") == (31.0, 90)
    assert picked(row, "rest_stress_minutes", "low_stress_minutes", "high_stress_minutes") == (45.0, 12.0, None)


@pytest.mark.parametrize(("steps", "energy"), [(9000, None), (1000, None), (999, 0), (None, 0)])
def test_energy_and_body_battery_of_0_beside_steps_are_not_known(steps: int | None, energy: int | None) -> None:
    names = ("active_kcal", "body_battery_charged", "body_battery_drained")
    row = the_day(dailies=[a_day("2026-11-09", steps=steps, **dict.fromkeys(names, 0))])
    assert picked(row, *names) == (energy, energy, energy)
    drained = a_day("2026-11-09", steps=steps, body_battery_charged=0, body_battery_drained=40)
    assert picked(the_day(dailies=[drained]), *names[1:]) == (0, 40)


def test_a_stress_of_zero_is_a_value() -> None:
    assert the_day(stressDetails=[a_day("2026-11-09", mean_stress=0.0, max_stress=0)])["stress_mean"] == 0.0


def test_the_latest_measurement_of_a_night_counts_whole_even_when_it_says_less() -> None:
    first = an_hrv("2026-11-09", 44, received_at=utc("2026-11-09 08:00"))
    empty = an_hrv("2026-11-09", None, received_at=utc("2026-11-09 09:00"), start_time_seconds=1_794_160_800)
    assert [row["hrv_rmssd_ms"] for row in days(hrv=[first, empty])] == [None]


@pytest.mark.parametrize("order", [1, -1])
def test_the_best_record_of_a_day_may_be_told_by_what_is_made_of_its_fields(order: int) -> None:
    contract = contract_of(
        MEASUREMENTS,
        "{derived: {span: end_seconds - start_seconds}, best: [span], daily: {skin_temp_deviation_c: value}}",
    )
    long, late = (
        {
            "uuid": name,
            "start_seconds": start,
            "end_seconds": 7200,
            "value": value,
            "received_at": utc(f"2026-11-10 {at}"),
        }
        for name, start, value, at in (("a", 3599, 1.0, "01:00"), ("b", 3600, 2.0, "02:00"))
    )
    assert the_day_of(contract, [long, late][::order])["skin_temp_deviation_c"] == 1.0


def test_vigorous_minutes_count_twice_and_what_is_not_known_counts_nothing() -> None:
    def minutes(moderate: int | None, vigorous: int | None) -> Any:
        row = a_day("2026-11-09", moderate_intensity_seconds=moderate, vigorous_intensity_seconds=vigorous)
        return the_day(dailies=[row])["mvpa_equivalent_minutes"]

    assert minutes(1200, 600) == 40.0
    assert minutes(1200, None) == 20.0
    assert minutes(None, 600) == 20.0
    assert minutes(0, 0) == 0.0
    assert minutes(None, None) is None


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(100, 1.6666666667), (5, 0.0833333333), (3, 0.05), (0, 0.0), (86_399, 1439.9833333333), (90, 1.5)],
)
def test_minutes_of_a_day_keep_ten_decimals(seconds: int, minutes: float) -> None:
    assert the_day(dailies=[a_day("2026-11-09", moderate_intensity_seconds=seconds)])["moderate_minutes"] == minutes


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (60.125, 60.13),
        (-60.125, -60.13),
        (1.005, 1.01),
        (-1.005, -1.01),
        (0.37499, 0.37),
        (7, 7.0),
        (math.inf, None),
        (math.nan, None),
    ],
)
def test_halves_are_rounded_away_from_zero_and_what_is_no_number_is_null(value: float, expected: float | None) -> None:
    metric = CONTRACTS.metric["skin_temp_deviation_c"]
    row = pl.DataFrame({"x": [value]}).select(round_half_away(as_stored(pl.col("x"), metric), 2))
    assert row.item() == expected


def test_a_half_that_binary_fractions_miss_is_a_half() -> None:
    """0.575 is a little less in binary, and 69 seconds times 1/120 less again."""
    night = a_night("2026-11-10", "2026-11-10 00:00:34", 1 / 60)
    others = [{**night, "user_id": f"q{n}"} for n in range(3)]
    assert the_day(sleeps=[night])["midsleep_minute"] == 0.575
    assert [row["midsleep_minute"] for row in days(sleeps=[night, *others])] == [0.575] * 4


def test_whole_metrics_are_rounded_to_whole_numbers() -> None:
    halves = pl.DataFrame({"x": [56.5, 57.5, -0.5, 57.49, None]})
    whole = halves.select(as_stored(pl.col("x"), CONTRACTS.metric["stress_max"])).to_series()
    assert whole.to_list() == [57, 58, -1, 57, None]


@pytest.mark.parametrize("samples", [None, 2400], ids=["wear not known", "worn"])
def test_no_steps_are_zero_steps_when_the_watch_was_worn_or_wear_is_unknown(samples: int | None) -> None:
    row = the_day(dailies=[a_day("2026-11-09", steps=0, hr_sample_count=samples)])
    assert picked(the_week([row]), "activity_valid_days", "steps_mean", "steps_sum", "steps_days") == (1, 0.0, 0, 1)


def test_one_metric_missing_removes_no_other_metric_of_the_day() -> None:
    whole = {"steps": 9000, "floors": 4, "resting_hr_bpm": 55, "average_stress_level": 30}
    for missing in whole:
        row = the_day(dailies=[a_day("2026-11-09") | whole | {missing: None}])
        stayed = [row[name] for name in ("steps", "floors", "resting_hr_bpm", "stress_mean")]
        assert stayed == [None if name == missing else value for name, value in whole.items()]
