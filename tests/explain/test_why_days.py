"""Why a day has none of a group's metrics: what its records lack is named, what has no record is counted."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from qol.contracts.columns import daily_columns
from qol.contracts.frames import no_rows
from qol.explain.metric_target import find_target
from qol.explain.trace import trace
from qol.explain.trace_model import Trace, UserWeek
from tests.builders import CONTRACTS
from tests.transform.builders import Row
from tests.transform.inline import rows_of

MONDAY = date(2026, 11, 9)


def traced(target: str, records: dict[str, Row], *sources: str) -> Trace:
    """A Monday without any value, of each of the sources, with one record each of some types."""
    schema = no_rows(daily_columns(CONTRACTS)).schema
    nothing = {**dict.fromkeys(schema), "user_id": "p1", "day": MONDAY, "worn": True}
    daily = pl.DataFrame([{**nothing, "source": source} for source in sources], schema=schema)
    rows = {name: rows_of(CONTRACTS.by_name[name], [row]) for name, row in records.items()}
    found = UserWeek("p1", MONDAY, datetime(2026, 11, 18, tzinfo=UTC), None, False, daily, rows)
    return trace(CONTRACTS, find_target(CONTRACTS, target), found)


def test_metrics_of_a_record_at_hand_are_named_and_the_others_counted() -> None:
    result = traced("score_valid", {"oura_daily_readiness": {"calendar_date": MONDAY}}, "oura")
    assert result.days[0].why_not == (
        "readiness_score: daily_readiness has no score; 3 others: no oura record of this day gives them"
    )


def test_without_any_record_each_metric_says_which_one_gives_it() -> None:
    result = traced("body_valid", {}, "garmin")
    assert result.days[0].why_not == "weight_kg, body_fat_pct, bmi: no bodyComps record"


def test_a_source_without_a_record_type_of_the_group_has_no_days_in_the_list() -> None:
    result = traced("whoqol_overall", {}, "garmin", "survey")
    assert result.unrelated_sources == ("garmin",)
    assert {day.source for day in result.days} == {"survey"}
