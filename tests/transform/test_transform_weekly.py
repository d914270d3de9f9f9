from datetime import date
from fractions import Fraction
from math import floor
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol.contracts.columns import arrow_schema, weekly_columns
from qol.transform.weekly_rows import weekly
from tests.builders import CONTRACTS
from tests.effort import examples

from .builders import MONDAY, a_day, daily_frame, each_day, picked, the_day, the_week, weeks

GROUP = {group.name: group for group in CONTRACTS.groups}
SIX = ("mean", "median", "sd", "min", "max", "sum")


def of(metric: str, row: dict[str, Any], aggregates: tuple[str, ...] = SIX) -> tuple[Any, ...]:
    """A metric's aggregates."""
    return picked(row, *[f"{metric}_{aggregate}" for aggregate in aggregates])


def test_a_whole_number_metric_has_six_aggregates_and_a_count() -> None:
    row = the_week(each_day("steps", [8000, 4000, 0, 6000]))
    assert of("steps", row) == (4500.0, 5000.0, 3415.65, 0, 8000, 18_000)
    assert row["steps_days"] == 4


def test_the_deviation_is_of_a_sample_and_needs_two_days() -> None:
    assert the_week(each_day("steps", [10]))["steps_sd"] is None
    assert the_week(each_day("steps", [10, 20]))["steps_sd"] == 7.07
    assert the_week(each_day("steps", [10, 10]))["steps_sd"] == 0.0
    assert the_week(each_day("steps", [2, 4, 4, 4, 5, 5, 7]))["steps_sd"] == 1.51


def rounded_half_away(exact: Fraction, decimals: int) -> float:
    """An exact number with so many decimals."""
    whole: int = floor(abs(exact) * 10**decimals + Fraction(1, 2))
    return float((whole if exact >= 0 else -whole) / 10**decimals)


@settings(max_examples=examples(20, 60))
@given(st.lists(st.integers(-999, 99_999), min_size=1, max_size=7))
def test_means_medians_and_sums_are_those_of_fractions(hundredths: list[int]) -> None:
    row = the_week(each_day("sleep_minutes", [value / 100 for value in hundredths]))
    steps = the_week(each_day("steps", hundredths))
    ordered, count = sorted(hundredths), len(hundredths)
    middle = Fraction(ordered[(count - 1) // 2] + ordered[count // 2], 2)
    exact = Fraction(sum(hundredths), count)
    assert of("sleep_minutes", row, ("mean", "median")) == tuple(rounded_half_away(v / 100, 2) for v in (exact, middle))
    assert of("steps", steps, ("mean", "median")) == tuple(rounded_half_away(v, 2) for v in (exact, middle))
    if count > 5:
        weekday, weekend = (Fraction(sum(part), len(part)) for part in (hundredths[:5], hundredths[5:]))
        assert steps["steps_weighted_mean"] == rounded_half_away((5 * weekday + 2 * weekend) / 7, 2)


def test_a_users_week_is_the_same_alone_and_among_others() -> None:
    row = {"day": 0, "sleep_minutes": 31.15, "deep_minutes": 5.03, "steps": 1, "distance_m": 1000.29}
    alone = the_week([row])
    among = weeks([row, *({"user_id": f"q{n}", "day": 0, "sleep_minutes": 5.0, "steps": 2} for n in range(3))])[0]
    assert alone == among
    assert of("sleep_minutes", among, ("mean", "median", "min", "max")) == (31.15,) * 4
    assert of("distance_m", among, ("mean", "sum")) == (1000.29, 1000.29)


def test_min_max_and_last_are_the_days_own_values() -> None:
    row = the_week(each_day("sleep_minutes", [401.33, 380.1, 399.99]))
    assert of("sleep_minutes", row, ("min", "max")) == (380.1, 401.33)
    rows = [*each_day("vo2max", [48.5, 47.25]), {"day": 4, "fitness_age_years": 30}]
    for row in (the_week(rows), the_week(rows[::-1])):
        assert picked(row, "vo2max_last", "vo2max_days", "fitness_age_years_last") == (47.25, 2, 30)
        assert row["fitness_valid_days"] == 3


@pytest.mark.parametrize(
    ("group", "metric", "enough"),
    [
        ("activity", "steps", 4),
        ("heart", "resting_hr_bpm", 4),
        ("stress", "stress_mean", 4),
        ("sleep", "sleep_minutes", 3),
        ("respiration", "spo2_mean_pct", 4),
        ("body", "weight_kg", 1),
        ("fitness", "vo2max", 1),
    ],
)
def test_a_group_is_valid_from_its_number_of_days_on_and_counts_them_before(
    group: str, metric: str, enough: int
) -> None:
    columns = (f"{group}_valid_days", f"{group}_valid", f"{group}_source")
    assert picked(the_week(each_day(metric, [60] * enough)), *columns) == (enough, True, "garmin")
    few = the_week([*each_day(metric, [60] * (enough - 1)), {"day": 6}])
    assert picked(few, *columns) == (enough - 1, False, "garmin" if enough > 1 else None)


def test_a_day_not_worn_stays_out_of_activity_heart_and_stress_but_not_out_of_the_night() -> None:
    measured = {"steps": 100, "resting_hr_bpm": 60, "stress_mean": 30.0, "sleep_minutes": 400.0, "spo2_mean_pct": 95.0}
    row = the_week([{"day": 0} | measured, {"day": 1, "worn": False} | measured])
    groups = ("activity", "heart", "stress", "sleep", "respiration")
    assert picked(row, *[f"{group}_valid_days" for group in groups]) == (1, 1, 1, 2, 2)
    assert picked(row, "days_observed", "steps_sum", "sleep_minutes_days") == (2, 100, 2)


def test_a_day_without_its_anchor_does_not_count_for_metrics_that_need_it() -> None:
    row = the_week([{"day": 0, "sleep_minutes": 400.0, "deep_minutes": 60.0}, {"day": 1, "deep_minutes": 90.0}])
    assert picked(row, "sleep_valid_days", "deep_minutes_max", "deep_minutes_days") == (1, 60.0, 1)


def test_a_metric_that_needs_no_anchor_counts_on_its_own_worn_days() -> None:
    alone = [{"day": 1, "floors": 9}, {"day": 2, "floors": 20, "worn": False}]
    row = the_week([{"day": 0, "steps": 10, "floors": 1}, *alone])
    assert picked(row, "activity_valid_days", "steps_days", "floors_mean", "floors_days") == (1, 1, 5.0, 2)
    row = the_week(alone)
    assert picked(row, "activity_source", "activity_valid_days", "activity_valid") == ("garmin", 0, False)
    assert picked(row, "floors_max", "floors_days", "steps_sum", "steps_days") == (9, 1, None, 0)


@pytest.mark.parametrize("name", [*GROUP["stress"].own_days, *GROUP["activity"].own_days, *GROUP["heart"].own_days])
def test_a_metric_that_a_record_may_have_alone_reaches_the_week_alone(name: str) -> None:
    row = the_week(each_day(name, [30.0, 40.0]))
    assert picked(row, f"{name}_mean", f"{name}_days", f"{CONTRACTS.metric[name].group}_valid_days") == (35.0, 2, 0)


@pytest.mark.parametrize(
    ("record", "value", "name"),
    [
        ({"body_battery_charged": 55}, 55, "body_battery_charged"),
        ({"max_stress_level": 90}, 90, "stress_max"),
        ({"low_stress_seconds": 600, "high_stress_seconds": 0}, 10.0, "low_stress_minutes"),
    ],
)
def test_a_day_of_one_field_reaches_the_week(record: dict[str, Any], value: float, name: str) -> None:
    day = the_day(dailies=[a_day("2026-11-09", **record)])
    row = weekly(CONTRACTS, daily_frame([day]), MONDAY).row(0, named=True)
    assert picked(row, f"{name}_mean", f"{name}_days", "stress_source") == (value, 1, "garmin")


def test_a_source_with_one_valid_day_comes_before_one_with_none_then_the_one_with_most_days() -> None:
    series = each_day("mean_hr_bpm", [70.0, 72.0, 74.0], source="oura")
    one = {"day": 6, "mean_hr_bpm": 80.0, "source": "healthkit"}
    assert picked(the_week([*series, one]), "heart_source", "mean_hr_bpm_mean") == ("oura", 72.0)
    valid = {"day": 6, "resting_hr_bpm": 60}
    assert picked(the_week([*series, one, valid]), "heart_source", "mean_hr_bpm_days") == ("garmin", 0)


@pytest.mark.parametrize("anchor", ["resting_hr_bpm", "hrv_rmssd_ms"])
def test_either_anchor_makes_the_heart_day(anchor: str) -> None:
    row = the_week([{"day": 0, anchor: 50}, {"day": 1, "max_hr_bpm": 190}])
    assert picked(row, "heart_valid_days", "max_hr_bpm_max") == (1, 190)


def test_a_score_counts_without_its_night_and_from_another_device_than_the_nights() -> None:
    scores = each_day("sleep_score", [80, 70, 90], source="oura")
    columns = ("sleep_score_source", "sleep_score_mean", "sleep_score_days", "sleep_score_valid", "sleep_source")
    assert picked(the_week(scores), *columns) == ("oura", 80.0, 3, True, None)
    nights = each_day("sleep_minutes", [400.0, 410.0], source="healthkit")
    assert picked(the_week([*scores, *nights]), *columns) == ("oura", 80.0, 3, True, "healthkit")


def test_a_user_with_days_but_no_metrics_has_a_row_of_nulls_and_zero_counts() -> None:
    row = the_week([{"day": 0}, {"day": 3}])
    known = {name: value for name, value in row.items() if value is not None}
    fixed = {"user_id", "week_start", "week_end", "iso_week", "days_observed"}
    counts = {name for name in row if name.endswith(("_days", "_valid", "_pairs"))}
    assert known.keys() == fixed | counts
    assert not any(known[name] for name in counts)
    assert known["days_observed"] == 2


@pytest.mark.parametrize("worn", [True, False])
def test_the_source_with_most_valid_days_gives_the_group(worn: bool) -> None:
    garmin = each_day("steps", [100, 100, 100])
    oura = each_day("steps", [7, 7, 7, 7], source="oura")
    row = the_week([*garmin, {"day": 3, "steps": 100, "worn": worn}, *oura])
    expected = ("garmin", 4, 100) if worn else ("oura", 4, 7)
    assert picked(row, "activity_source", "activity_valid_days", "steps_max") == expected


@pytest.mark.parametrize(
    ("sources", "winner"),
    [
        (["oura", "garmin"], "garmin"),
        (["healthkit", "oura"], "oura"),
        (["a_new_one", "healthkit"], "healthkit"),
        (["b_new_one", "a_new_one"], "a_new_one"),
    ],
)
def test_equal_counts_go_by_precedence_then_by_name(sources: list[str], winner: str) -> None:
    rows = [row for source in sources for row in each_day("steps", [1, 2], source=source)]
    assert the_week(rows)["activity_source"] == the_week(rows[::-1])["activity_source"] == winner


def test_sources_are_never_mixed_within_a_group_but_each_group_has_its_own() -> None:
    garmin = {"day": 0, "steps": 100, "floors": None, "sleep_minutes": None}
    oura = {"day": 0, "source": "oura", "steps": 7, "floors": 3, "sleep_minutes": 400.0}
    row = the_week([garmin, oura])
    assert picked(row, "activity_source", "steps_sum", "floors_max", "floors_days") == ("garmin", 100, None, 0)
    assert picked(row, "sleep_source", "sleep_minutes_mean") == ("oura", 400.0)
    assert row["days_observed"] == 1


def test_each_user_has_a_source_of_their_own() -> None:
    rows = [{"user_id": "p2", "day": 0, "steps": 1, "source": "oura"}, {"user_id": "p1", "day": 0, "steps": 2}]
    expected = [("p1", "garmin", 2), ("p2", "oura", 1)]
    assert [picked(row, "user_id", "activity_source", "steps_sum") for row in weeks(rows)] == expected


def test_a_trend_needs_three_days_and_may_have_gaps() -> None:
    def trend(*values: float | None) -> Any:
        return the_week(each_day("resting_hr_bpm", values))["resting_hr_bpm_slope"]

    assert trend(60, 70) is None
    assert trend(60, None, 61, None, None, None, 63) == 0.5
    assert trend(60, 60, 60) == 0.0
    assert trend(60, 58, 59) == -0.5


def test_a_trend_is_over_the_days_that_have_the_metric_not_over_all_valid_ones() -> None:
    rows = [*each_day("resting_hr_bpm", [60, 61, 62]), {"day": 6, "hrv_rmssd_ms": 40.0}]
    assert picked(the_week(rows), "heart_valid_days", "resting_hr_bpm_slope") == (4, 1.0)


def test_the_variation_of_hrv_needs_five_nights_its_mean_one() -> None:
    four = the_week(each_day("hrv_rmssd_ms", [44, 38, 51.5, 47.25]))
    assert picked(four, "hrv_ln_rmssd_mean", "hrv_ln_rmssd_cv") == (3.804703, None)
    one = the_week(each_day("hrv_rmssd_ms", [50]))
    assert picked(one, "hrv_ln_rmssd_mean", "hrv_ln_rmssd_cv") == (3.912023, None)
    assert the_week(each_day("hrv_rmssd_ms", [50] * 5))["hrv_ln_rmssd_cv"] == 0.0


@pytest.mark.parametrize(
    ("minutes", "mean", "sd"),
    [
        ([1380], 1380.0, None),
        ([1380, 1380, 1380], 1380.0, 0.0),
        ([1439.99, 0.0], 0.0, 0.01),
        ([360, 1080], None, None),
        ([0, 480, 960], None, None),
        ([1410, 1430], 1420.0, 10.0),
        ([30, 1430], 10.0, 20.01),
    ],
)
def test_times_of_day_are_averaged_around_the_clock(minutes: list[float], mean: float | None, sd: float | None) -> None:
    row = the_week(each_day("bedtime_minute", minutes, sleep_minutes=400.0))
    assert picked(row, "bedtime_minute_circular_mean", "bedtime_minute_circular_sd") == (mean, sd)


def test_enough_activity_is_known_early_too_little_only_in_a_valid_week() -> None:
    def meets(*minutes: float) -> Any:
        days = each_day("mvpa_equivalent_minutes", minutes, steps=1) or each_day("steps", [9000] * 7)
        return the_week(days)["mvpa_meets_who"]

    assert meets() is None
    assert meets(150) is True
    assert meets(149.99) is None
    assert meets(50, 50, 49.99) is None
    assert meets(50, 50, 49.99, 0) is False
    assert meets(50, 50, 49.99, 0.01) is True
    assert meets(8.82, 32.06, 33.15, 17.95, 39.34, 9.17, 9.51) is True, "150, of doubles 149.99999999999997"


def test_a_share_is_the_ratio_of_the_weeks_sums_not_the_mean_of_ratios() -> None:
    rows = [{"day": 0, "high_stress_minutes": 10.0, "rest_stress_minutes": 90.0}]
    rows += [{"day": 1, "high_stress_minutes": 0.0, "rest_stress_minutes": 300.0}]
    row = the_week([row | {"stress_mean": 30.0} for row in rows])
    assert picked(row, "stress_high_share", "stress_rest_share") == (0.025, 0.975)


def test_a_share_of_what_is_not_known_or_of_nothing_is_null() -> None:
    row = the_week([{"day": 0, "stress_mean": 30.0, "high_stress_minutes": 10.0, "rest_stress_minutes": 30.0}])
    assert picked(row, "stress_high_share", "stress_low_share") == (0.25, None)
    row = the_week([{"day": 0, "stress_mean": 30.0, "high_stress_minutes": 0.0, "rest_stress_minutes": 0.0}])
    assert row["stress_high_share"] is None


@pytest.mark.parametrize(
    ("monday", "sunday", "name"),
    [
        (date(2020, 12, 28), date(2021, 1, 3), "2020-W53"),
        (date(2025, 12, 29), date(2026, 1, 4), "2026-W01"),
        (date(2026, 11, 9), date(2026, 11, 15), "2026-W46"),
    ],
)
def test_a_week_says_when_it_was(monday: date, sunday: date, name: str) -> None:
    (row,) = weeks([{"day": monday, "steps": 3}, {"day": sunday, "steps": 5}], monday)
    assert picked(row, "week_start", "week_end", "iso_week") == (monday, sunday, name)
    assert picked(row, "days_observed", "steps_sum") == (2, 8)


def test_every_column_resolves_without_any_day() -> None:
    schema = pl.DataFrame(arrow_schema(weekly_columns(CONTRACTS)).empty_table()).schema
    for rows in ([], [{"day": 0, "steps": 1}], [{"day": 0}]):
        frame = weekly(CONTRACTS, daily_frame(rows), MONDAY)
        assert list(frame.schema.items()) == list(schema.items())
        assert frame.height == len(rows)


def test_every_metric_that_is_known_on_its_groups_days_reaches_the_week() -> None:
    metrics = {name: aggregates for group in CONTRACTS.groups for name, aggregates in group.metrics.items()}
    row = the_week([{"day": day} | dict.fromkeys(metrics, value) for day, value in enumerate((60, 62, 61))])
    by_hand: dict[str, float | None] = {
        "mean": 61.0,
        "median": 61.0,
        "sd": 1.0,
        "min": 60,
        "max": 62,
        "sum": 183,
        "last": 61,
    }
    by_hand |= {"circular_mean": 61.0, "circular_sd": 0.82}
    by_hand |= {"weekday_mean": 61.0, "weekend_mean": None, "weighted_mean": None}
    for metric, aggregates in metrics.items():
        assert {a: row[f"{metric}_{a}"] for a in aggregates} == {a: by_hand[a] for a in aggregates}
        assert row[f"{metric}_days"] == 3


def test_an_hrv_of_0_has_no_logarithm_and_logarithms_of_0_have_no_variation() -> None:
    week = the_week(each_day("hrv_rmssd_ms", [0, 50]))
    assert picked(week, "hrv_rmssd_ms_mean", "hrv_ln_rmssd_mean") == (25.0, 3.912023)
    ones = the_week(each_day("hrv_rmssd_ms", [1] * 5))
    assert picked(ones, "hrv_ln_rmssd_mean", "hrv_ln_rmssd_cv") == (0.0, None)


def test_a_week_without_any_value_of_a_metric_has_no_value_made_of_it() -> None:
    metrics = [m.name for m in CONTRACTS.metrics if m.type != "intervals"]
    lacking: dict[str, dict[str, Any]] = {name: {m: 70 for m in metrics if m != name} for name in metrics}
    rows = weeks([{"user_id": name, "day": day} | filled for name, filled in lacking.items() for day in range(7)])
    aggregates = {name: of for group in CONTRACTS.groups for name, of in group.metrics.items()}
    for row in rows:
        metric = row["user_id"]
        made_of_it = [f"{metric}_{aggregate}" for aggregate in aggregates.get(metric, ())]
        made_of_it += [d.name for d in CONTRACTS.derived if metric in d.of and d.unit not in ("days", "pairs")]
        assert {name: row[name] for name in made_of_it} == dict.fromkeys(made_of_it)
        assert row.get(f"{metric}_days", 0) == 0
