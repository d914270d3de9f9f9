"""A weekly column that is null although days have its metric says what its formula needed and what the week had."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from qol.contracts.columns import daily_columns
from qol.contracts.frames import no_rows
from qol.explain.metric_target import find_target
from qol.explain.null_reasons import reasons
from qol.explain.trace import trace
from qol.explain.trace_model import UserWeek
from qol.transform.weekly import weekly
from tests.builders import CONTRACTS

MONDAY, SATURDAY = 0, 5
NOW = datetime(2026, 11, 18, tzinfo=UTC)
#: Values of a day by its number in the week.
Days = dict[int, dict[str, Any]]


def why(column: str, days: Days, source: str = "garmin") -> str:
    """The reason for a column that these days leave null."""
    monday = date(2026, 11, 9)
    schema = no_rows(daily_columns(CONTRACTS)).schema
    rows = [
        {
            **dict.fromkeys(schema),
            "user_id": "p1",
            "day": monday + timedelta(days=n),
            "source": source,
            "worn": True,
            **of,
        }
        for n, of in days.items()
    ]
    daily = pl.DataFrame(rows, schema=schema)
    row = weekly(CONTRACTS, daily, monday).row(0, named=True)
    assert row[column] is None
    found = UserWeek("p1", monday, NOW, row, True, daily, {})
    (reason,) = reasons(CONTRACTS, found, trace(CONTRACTS, find_target(CONTRACTS, column), found))
    return reason.removeprefix(f"{column}: ")


def nights(**of_days: float) -> Days:
    """Nights with a midsleep, by the name of the day."""
    numbers = {"mon": 0, "tue": 1, "sat": 5}
    return {numbers[name]: {"sleep_minutes": 420.0, "midsleep_minute": at} for name, at in of_days.items()}


RESTED = "rest_stress_minutes"
STRESSED = ("low_stress_minutes", "medium_stress_minutes", "high_stress_minutes", "activity_stress_minutes")
BED = "time_in_bed_minutes"


@pytest.mark.parametrize(
    ("column", "days", "reason"),
    [
        ("resting_hr_bpm_slope", {n: {"resting_hr_bpm": 60} for n in (0, 1)}, "needs 3 days, found 2"),
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
    ],
)
def test_a_formula_says_what_it_needed_and_what_the_week_had(column: str, days: Days, reason: str) -> None:
    assert why(column, days) == reason


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        (
            "comfort_share",
            {"temperature_mean_c": 21.0, "comfort_share": 0.5, "valid_readings": 0},
            "needs a day with comfort_share and valid_readings above 0, found 0 of 1 valid day",
        ),
        (
            "sensor_coverage",
            {"temperature_mean_c": 21.0},
            "none of the 1 valid day has valid_readings; the days below say why",
        ),
    ],
)
def test_so_do_formulas_of_a_room(column: str, values: dict[str, Any], reason: str) -> None:
    assert why(column, {0: values}, source="sensor") == reason


def test_a_week_of_other_sources_says_which_records_would_give_the_column() -> None:
    assert why("whoqol_overall_last", {0: {"steps": 100}}) == "no record of the week gives it (survey_whoqol26 would)"
