"""Summaries are the published values of the token's person, beside the days they stand on."""

from datetime import UTC, datetime
from typing import Any

import pytest

from qol.contracts.columns import daily_columns, weekly_columns
from qol.identity.user_map import read_user_map
from tests.builders import CONTRACTS, run_lake, without_gate
from tests.serve.phones import SUMMARY, Api, steps


def test_a_week_has_its_values_with_day_counts_and_says_of_when_they_are(api: Api) -> None:
    found = api.summary("P-ben", period="week", fields="steps_mean,sleep_minutes_mean").json()
    assert found == {
        "period": "week",
        "from": "2026-11-09",
        "to": "2026-11-15",
        "as_of": "2026-11-18T00:05:00Z",
        "stale": False,
        "rows": [
            {
                "week_start": "2026-11-09", "week_end": "2026-11-15", "iso_week": "2026-W46", "days_observed": 7,
                "steps_mean": 1000.0, "steps_days": 7, "activity_source": "garmin", "activity_valid_days": 7,
                "sleep_minutes_mean": None, "sleep_minutes_days": 0, "sleep_source": None, "sleep_valid_days": 0,
            }
        ],
    }  # fmt: skip


def test_days_and_months_are_made_of_the_same_published_days(api: Api) -> None:
    days = api.summary("v-anna", period="day", date="2026-11-10", last=2, fields="steps").json()
    assert days["rows"] == [
        {"day": "2026-11-09", "source": "garmin", "worn": True, "steps": 1000},
        {"day": "2026-11-10", "source": "garmin", "worn": True, "steps": 1000},
    ]
    (month,) = api.summary("v-anna", period="month", date="2026-11-30", fields="steps").json()["rows"]
    assert month == {
        "month": "2026-11",
        "days_observed": 7,
        "activity_source": "garmin",
        "activity_valid_days": 7,
        "steps_mean": 1000.0,
        "steps_days": 7,
    }


def test_before_the_run_that_publishes_a_closed_week_the_last_published_one_is_shown(api: Api) -> None:
    object.__setattr__(api.service.options, "now", datetime(2026, 11, 24, tzinfo=UTC))
    found = api.summary("v-anna").json()
    assert (found["from"], len(found["rows"])) == ("2026-11-09", 1)
    assert api.summary("v-anna", date="2026-11-16").json()["rows"] == []


def test_who_has_no_data_gets_no_rows(api: Api) -> None:
    for period in ("day", "week", "month"):
        assert api.summary("v-nobody", period=period).json()["rows"] == []


def test_an_answer_that_the_caller_has_is_304(api: Api) -> None:
    first = api.summary("v-anna")
    again = api.client.get(SUMMARY, headers=api.token("v-anna") | {"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert api.client.get(SUMMARY, headers=api.token("P-ben") | {"If-None-Match": '"other"'}).status_code == 200


def test_a_query_that_is_not_allowed_is_422_and_says_where_and_not_what(api: Api) -> None:
    asked = [
        ("period", "weekly"), ("date", "2026-02-30"), ("date", "20261109"), ("fields", "nonsense"), ("fields", ""),
        ("fields", "user_id"), ("last", "54"), ("so_far", "perhaps"),
    ]  # fmt: skip
    for name, value in asked:
        answer = api.summary("v-anna", **{name: value})
        assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
        (error,) = answer.json()["errors"]
        assert error["pointer"] == f"query/{name}"
        assert not value or value not in error["detail"]


def test_while_the_lake_is_away_answers_are_stale_and_before_it_was_reached_503(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Any = {"headers": api.token("v-anna")}
    before = api.client.get(SUMMARY, **asked).json()
    away = api.lake.rename(api.lake.with_name("away"))
    later = api.service.frames._clock() + 100
    monkeypatch.setattr(api.service.frames, "_clock", lambda: later)
    stale = api.client.get(SUMMARY, **asked)
    assert stale.json() == {**before, "stale": True}
    assert int(stale.headers["Age"]) >= 99
    unknown = api.client.get(SUMMARY, params={"date": "2026-01-01"}, **asked)
    assert (unknown.status_code, unknown.headers["Retry-After"]) == (503, "30")
    assert api.client.get("/health").status_code == 503
    away.rename(api.lake)
    assert api.client.get(SUMMARY, **asked).json() == before


def test_so_far_is_to_the_value_what_the_next_run_publishes(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    sunday = [steps(400, hour, day="2026-11-15") for hour in (8, 9)]
    assert api.post("v-anna", *sunday, steps(250, 7), steps(50, 8), steps(9, 23, day="2026-11-17")).status_code == 201
    api.post("P-ben", steps(1, 7))
    every_day = ",".join(sorted({c.name for c in daily_columns(CONTRACTS)} - {"user_id", "day", "source", "worn"}))
    every_week = ",".join(
        sorted(
            {c.name for c in weekly_columns(CONTRACTS)}
            - {"user_id", "week_start", "week_end", "iso_week", "days_observed"}
        )
    )
    days = [
        row
        for day in range(15, 19)
        for row in api.summary("v-anna", period="day", date=f"2026-11-{day}", fields=every_day, so_far=True).json()[
            "so_far"
        ]
    ]
    (week,) = api.summary("v-anna", date="2026-11-15", fields=every_week, so_far=True).json()["so_far"]
    assert [(row["day"], row["source"], row["steps"]) for row in days] == [
        ("2026-11-15", "garmin", 1000),
        ("2026-11-15", "healthkit", 800),
        ("2026-11-17", "healthkit", 9),
        ("2026-11-18", "healthkit", 300),
    ]
    with without_gate():
        run_lake(
            api.lake, user_map=read_user_map(api.lake / "user_map.jsonl"), now=datetime(2026, 11, 18, 4, tzinfo=UTC)
        )
    soon = api.service.frames._clock() + 2
    monkeypatch.setattr(api.service.frames, "_clock", lambda: soon)
    published = api.summary("v-anna", period="day", date="2026-11-18", last=4, fields=every_day).json()["rows"]
    assert published == days
    assert api.summary("v-anna", date="2026-11-15", fields=every_week).json()["rows"] == [week]
