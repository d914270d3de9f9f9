"""Why a weekly column is null although days have its metric: what it needs, and what the week has."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from qol.transform.daily_rows import daily
from qol.transform.weekly_rows import weekly
from tests.builders import CONTRACTS
from tests.explain.builders import reason_of, user_week
from tests.transform.builders import MEASUREMENTS, MONDAY, contract_of, contracts_of, daily_frame, records
from tests.transform.test_transform_overlaps import a_stretch

#: Values of a day by its number in the week.
Days = dict[int, dict[str, Any]]
RESTED = "rest_stress_minutes"
STRESSED = ("low_stress_minutes", "medium_stress_minutes", "high_stress_minutes", "activity_stress_minutes")
BED = "time_in_bed_minutes"


def why(column: str, days: Days) -> str:
    """The reason for a column that these days leave null."""
    rows = daily_frame([{"day": n, **of} for n, of in days.items()])
    row = weekly(CONTRACTS, rows, MONDAY).row(0, named=True)
    assert row[column] is None
    return reason_of(CONTRACTS, column, user_week(rows, row))


def nights(**of_days: float) -> Days:
    """Nights with a midsleep, by the name of the day."""
    numbers = {"mon": 0, "tue": 1, "sat": 5}
    return {numbers[name]: {"sleep_minutes": 420.0, "midsleep_minute": at} for name, at in of_days.items()}


@pytest.mark.parametrize(
    ("column", "days", "reason"),
    [
        ("resting_hr_bpm_slope", {n: {"resting_hr_bpm": 60} for n in (0, 1)}, "needs 3 days, found 2"),
        ("steps_sd", {0: {"steps": 700}}, "needs 2 days, found 1"),
        (
            "resting_hr_bpm_slope",
            {0: {"hrv_rmssd_ms": 40.0}},
            "needs 3 days with resting_hr_bpm, found 0 of 1 valid day; the days below say why",
        ),
        ("hrv_ln_rmssd_cv", {n: {"hrv_rmssd_ms": 40.0} for n in range(4)}, "needs 5 days, found 4"),
        (
            "hrv_ln_rmssd_cv",
            {n: {"hrv_rmssd_ms": 0.0 if n else 40.0} for n in range(5)},
            "needs 2 days with hrv_rmssd_ms above 0, which has a logarithm, found 1",
        ),
        (
            "hrv_ln_rmssd_cv",
            {n: {"hrv_rmssd_ms": 1.0} for n in range(5)},
            "needs logarithms of hrv_rmssd_ms with a mean above 0, and those of 5 days have none",
        ),
        (
            "hrv_ln_rmssd_mean",
            {0: {"hrv_rmssd_ms": 0.0}},
            "needs 1 day with hrv_rmssd_ms above 0, which has a logarithm, found 0",
        ),
        (
            "stress_rest_share",
            {0: {"stress_mean": 30.0, RESTED: 100.0}},
            f"needs a day with {RESTED} and one with {' or '.join(STRESSED)}, found 1 and 0",
        ),
        (
            "stress_rest_share",
            {0: {"stress_mean": 30.0, **dict.fromkeys((RESTED, *STRESSED), 0.0)}},
            f"needs a sum of {' + '.join((RESTED, *STRESSED))} above 0, found 0 on 1 valid day",
        ),
        (
            "midsleep_free_corrected_minute",
            {0: {"sleep_minutes": 420.0, "midsleep_minute": 200.0, BED: 450.0}} | nights(tue=200, sat=260),
            "needs time_in_bed_minutes of a work night and of a free night, found 1 and 0",
        ),
        (
            "bedtime_minute_circular_mean",
            {n: {"sleep_minutes": 420.0, "bedtime_minute": 720.0 * n} for n in (0, 1)},
            "needs times of the day that have a middle; its 2 times lie evenly around the clock",
        ),
        (
            "social_jetlag_minutes",
            nights(mon=0, tue=720, sat=260),
            "needs times of the day that have a middle; those of its work or free nights lie evenly around the clock",
        ),
        (
            "comfort_share",
            {0: {"source": "sensor", "temperature_mean_c": 21.0, "comfort_share": 0.5, "valid_readings": 0}},
            "needs a day with comfort_share and valid_readings above 0, found 0 of 1 valid day",
        ),
        (
            "sensor_coverage",
            {0: {"source": "sensor", "temperature_mean_c": 21.0}},
            "none of the 1 valid day has valid_readings; the days below say why",
        ),
        ("whoqol_overall_last", {0: {"steps": 100}}, "no record of the week gives it (survey_whoqol26 would)"),
    ],
)
def test_a_formula_says_what_it_needed_and_what_the_week_had(column: str, days: Days, reason: str) -> None:
    assert why(column, days) == reason


PHONE = contract_of(
    MEASUREMENTS,
    "{record: days, daily: {steps: value, sleep_minutes: value, midsleep_minute: value, wake_minute: value}}",
)
VALID: Mapping[str, Any] = {"activity_valid": True, "activity_source": "phone", "steps_mean": 5.0}


def why_of_row(column: str, row: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """The reason for one column of a weekly row, of a week with a Monday and a Tuesday."""
    contracts = contracts_of(PHONE)
    days = [a_stretch("WATCH", 0, 60, 5), a_stretch("WATCH", 1, 60, 5) | {"day": date(2026, 11, 10)}]
    known = {PHONE.name: records(PHONE, days)}
    week = user_week(daily(contracts, known, {}), {column: None, **row}, records=known, before=before)
    return reason_of(contracts, column, week)


FEW_NIGHTS = {"midsleep_work_days": 2, "midsleep_free_days": 0, "sleep_regularity_pairs": 3}


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("sleep_regularity_index", "needs 5 pairs of nights, found 3"),
        ("social_jetlag_minutes", "needs 2 work nights and 1 free night, found 2 and 0"),
        ("midsleep_free_corrected_minute", "needs 2 work nights and 1 free night, found 2 and 0"),
        ("midsleep_free_minute", "needs 1 free night, found 0"),
        ("steps_weighted_mean", "needs a weekday and a weekend day, found 2 and 0"),
        ("steps_weekend_mean", "needs a weekend day, found 0"),
    ],
)
def test_columns_of_some_days_say_which_days_they_need(column: str, reason: str) -> None:
    assert why_of_row(column, FEW_NIGHTS) == reason


@pytest.mark.parametrize(
    ("weekly", "before", "failed"),
    [
        (VALID, None, "it has no row of this user"),
        ({**VALID, "activity_valid": False}, VALID, "this week is not valid for activity"),
        (VALID, {**VALID, "activity_valid": False}, "that week is not valid for activity"),
        (VALID, {**VALID, "activity_source": "ring"}, "it is from ring, this week from phone"),
        (VALID, {**VALID, "steps_mean": None}, "it has no value of steps"),
    ],
)
def test_a_change_says_which_of_its_conditions_failed(
    weekly: Mapping[str, Any], before: Mapping[str, Any] | None, failed: str
) -> None:
    expected = f"needs the week before, valid and from the same source: {failed}"
    assert why_of_row("steps_mean_change", weekly, before) == expected
