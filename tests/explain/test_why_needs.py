"""`qol why` says what a formula needed and what the week had."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from qol.explain.metric_target import find_target
from qol.explain.null_reasons import reasons
from qol.explain.trace import trace
from qol.explain.trace_model import UserWeek
from qol.transform.daily import daily
from tests.transform.inline import MEASUREMENTS, contract_of, contracts_of, rows_of
from tests.transform.test_transform_overlaps import a_stretch

MONDAY = date(2026, 11, 9)
PHONE = contract_of(
    MEASUREMENTS,
    "{record: days, daily: {steps: value, sleep_minutes: value, midsleep_minute: value, wake_minute: value}}",
)
VALID: Mapping[str, Any] = {"activity_valid": True, "activity_source": "phone", "steps_mean": 5.0}


def why(column: str, weekly: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """The reason for one column, of a week with a Monday and a Tuesday."""
    contracts = contracts_of(PHONE)
    days = [a_stretch("WATCH", 0, 60, 5), a_stretch("WATCH", 1, 60, 5) | {"day": date(2026, 11, 10)}]
    records = {PHONE.name: rows_of(PHONE, days)}
    rows = daily(contracts, records, {})
    now, row = datetime(2026, 11, 18, tzinfo=UTC), {column: None, **weekly}
    found = UserWeek("p1", MONDAY, now, row, True, rows, records, before=before)
    (reason,) = reasons(contracts, found, trace(contracts, find_target(contracts, column), found))
    return reason.removeprefix(f"{column}: ")


def test_sleep_regularity_needs_pairs_of_nights() -> None:
    assert why("sleep_regularity_index", {"sleep_regularity_pairs": 3}) == "needs 5 pairs of nights, found 3"


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("social_jetlag_minutes", "needs 2 work nights and 1 free night, found 2 and 0"),
        ("midsleep_free_corrected_minute", "needs 2 work nights and 1 free night, found 2 and 0"),
        ("midsleep_free_minute", "needs 1 free night, found 0"),
    ],
)
def test_formulas_of_work_and_free_days_need_nights_of_both(column: str, reason: str) -> None:
    assert why(column, {"midsleep_work_days": 2, "midsleep_free_days": 0}) == reason


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("steps_weighted_mean", "needs a weekday and a weekend day, found 2 and 0"),
        ("steps_weekend_mean", "needs a weekend day, found 0"),
    ],
)
def test_means_of_parts_of_the_week_need_a_day_of_each(column: str, reason: str) -> None:
    assert why(column, {}) == reason


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
    assert why("steps_mean_change", weekly, before) == expected
