"""Why a day has none of a group's metrics: what its records lack is named, what has no record is counted."""

from __future__ import annotations

from qol.explain.trace_model import Trace
from tests.builders import CONTRACTS
from tests.explain.builders import MONDAY, daily_rows, traced, user_week
from tests.transform.builders import Row
from tests.transform.inline import rows_of


def monday(target: str, records: dict[str, Row], *sources: str) -> Trace:
    """A Monday without any value, of each of the sources, with one record each of some types."""
    daily = daily_rows([{"day": MONDAY, "source": source} for source in sources])
    rows = {name: rows_of(CONTRACTS.by_name[name], [row]) for name, row in records.items()}
    return traced(CONTRACTS, target, user_week(daily, records=rows))


def test_metrics_of_a_record_at_hand_are_named_and_the_others_counted() -> None:
    result = monday("score_valid", {"oura_daily_readiness": {"calendar_date": MONDAY}}, "oura")
    assert result.days[0].why_not == (
        "readiness_score: daily_readiness has no score; 3 others: no oura record of this day gives them"
    )


def test_without_any_record_each_metric_says_which_one_gives_it() -> None:
    result = monday("body_valid", {}, "garmin")
    assert result.days[0].why_not == "weight_kg, body_fat_pct, bmi: no bodyComps record"


def test_a_source_without_a_record_type_of_the_group_has_no_days_in_the_list() -> None:
    result = monday("whoqol_overall", {}, "garmin", "survey")
    assert result.unrelated_sources == ("garmin",)
    assert {day.source for day in result.days} == {"survey"}
