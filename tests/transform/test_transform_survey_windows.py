"""A questionnaire and the fortnight it asks about."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from qol.contracts.columns import arrow_schema, window_columns
from qol.transform.survey_windows import has_questionnaires, survey_windows
from tests.builders import CONTRACTS

from .builders import MONDAY, Row, daily_frame, picked

WINDOWS = CONTRACTS.windows
assert WINDOWS is not None


def asked(day: int, **fields: Any) -> Row:
    """A questionnaire of a day of the week, from 0."""
    return {"day": day, "source": "survey", "whoqol_overall": 3, "whoqol_physical_t100": 50.0} | fields


def windows(*rows: Row) -> list[dict[str, Any]]:
    assert WINDOWS is not None
    return survey_windows(CONTRACTS, WINDOWS, daily_frame(rows), MONDAY).to_dicts()


def test_a_window_is_the_fourteen_days_before_the_day_of_the_questionnaire() -> None:
    """On Wednesday 2026-11-11 it asks about 2026-10-28 to 2026-11-10; neither the day itself nor the day before counts."""
    steps = [{"day": day, "steps": value} for day, value in ((2, 90_000), (1, 3000), (-12, 1000), (-13, 90_000))]
    (row,) = windows(asked(2), *steps)
    assert picked(row, "day", "source") == (date(2026, 11, 11), "survey")
    assert picked(row, "window_start", "window_end") == (date(2026, 10, 28), date(2026, 11, 10))
    assert picked(row, "steps_mean", "steps_days", "activity_valid_days", "days_observed") == (2000.0, 2, 2, 2)
    assert picked(row, "whoqol_overall", "whoqol_physical_t100") == (3, 50.0)


def test_each_group_has_the_source_with_most_valid_days_of_the_window() -> None:
    garmin = [{"day": day, "steps": 100, "sleep_minutes": 400.0} for day in (-14, -13)]
    oura = [{"day": day, "steps": 7, "source": "oura"} for day in (-8, -7, -1)]
    (row,) = windows(asked(0), *garmin, *oura)
    assert picked(row, "activity_source", "activity_valid_days", "steps_mean") == ("oura", 3, 7.0)
    assert picked(row, "sleep_source", "sleep_valid_days", "sleep_minutes_mean") == ("garmin", 2, 400.0)
    assert picked(row, "body_source", "body_valid_days", "weight_kg_mean", "weight_kg_days") == (None, 0, None, 0)
    assert row["days_observed"] == 5


def test_a_day_not_worn_stays_out_of_the_window_as_it_stays_out_of_the_week() -> None:
    rows = [{"day": -1, "steps": 100}, {"day": -2, "steps": 9, "worn": False}]
    (row,) = windows(asked(0), *rows)
    assert picked(row, "steps_mean", "activity_valid_days", "days_observed") == (100.0, 1, 2)


def test_every_questionnaire_of_the_week_has_its_own_window() -> None:
    """Weekly administration: windows overlap, and a day lies in both."""
    rows = [asked(-1), asked(6), asked(0), asked(3, user_id="p2"), asked(7)]
    found = windows(*rows, {"day": -1, "steps": 5}, {"day": 5, "steps": 9}, {"day": 1, "steps": 70, "user_id": "p2"})
    columns = ("user_id", "day", "steps_mean", "steps_days")
    assert [picked(row, *columns) for row in found] == [
        ("p1", MONDAY, 5.0, 1),
        ("p1", MONDAY + timedelta(days=6), 7.0, 2),
        ("p2", MONDAY + timedelta(days=3), 70.0, 1),
    ]


def test_a_questionnaire_without_any_day_before_it_has_a_row() -> None:
    (row,) = windows(asked(0))
    assert picked(row, "whoqol_overall", "days_observed", "steps_mean", "steps_days") == (3, 0, None, 0)


def test_a_questionnaire_without_a_score_has_none() -> None:
    nothing = daily_frame([{"day": 0, "source": "survey"}, {"day": 0, "steps": 4}])
    assert WINDOWS is not None
    assert not has_questionnaires(CONTRACTS, WINDOWS, nothing)
    assert not has_questionnaires(CONTRACTS, WINDOWS, daily_frame([]))
    assert survey_windows(CONTRACTS, WINDOWS, nothing, MONDAY).height == 0
    assert has_questionnaires(CONTRACTS, WINDOWS, daily_frame([asked(0)]))


def test_every_column_resolves_whatever_is_there() -> None:
    assert WINDOWS is not None
    schema = pl.DataFrame(arrow_schema(window_columns(CONTRACTS, WINDOWS)).empty_table()).schema
    for rows in ([], [{"day": 0, "steps": 1}], [asked(0)]):
        frame = survey_windows(CONTRACTS, WINDOWS, daily_frame(rows), MONDAY)
        assert list(frame.schema.items()) == list(schema.items())
