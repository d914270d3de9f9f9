"""Bugs that other pipelines for the same data had, each with the record that shows it."""

from __future__ import annotations

import json

import pytest

from .feed import MONDAY_START, both_readers, daily, feed, lines

GOOD = {"userId": "u1", "calendarDate": "2026-11-09", "startTimeInSeconds": MONDAY_START, "steps": 1}


def test_5_one_bad_item_does_not_lose_the_push() -> None:
    without = {name: value for name, value in GOOD.items() if name != "startTimeInSeconds"}
    push = {"dailies": [without, GOOD, {**GOOD, "startTimeInSeconds": "soon"}]}
    fed = feed(json.dumps(push).encode())
    assert fed.rows[0]["steps"] == 1
    assert [(r["item"], r["reason"]) for r in fed.rejects] == [(0, "missing_key"), (2, "missing_key")]
    assert [json.loads(r["raw"]) for r in fed.rejects] == [without, push["dailies"][2]]


def test_6_a_push_of_two_summary_types_gives_both() -> None:
    push = {"hrv": [{**GOOD, "lastNightAvg": 44}], "dailies": [GOOD]}
    assert {row["record"] for row in feed(json.dumps(push).encode()).rows} == {"garmin_dailies", "garmin_hrv"}


@both_readers
def test_7_a_token_is_neither_needed_nor_kept_and_an_unknown_person_is(fast: bool) -> None:
    data = lines(daily(steps=1), daily(steps=2, userAccessToken="secret"), daily(steps=3, userId="nobody"))
    fed = feed(data, fast=fast)
    assert [(row["user_id"], row["steps"]) for row in fed.rows] == [
        ("P1", 1),
        ("P1", 2),
        ("19231bfc6e8ab4ce534a0a8cb88505c2", 3),
    ]
    assert "secret" not in repr(fed)


@both_readers
def test_8_states_are_left_out_of_a_mean_stress_and_a_true_0_is_not(fast: bool) -> None:
    levels = {"0": -2, "180": -2, "360": 0, "540": -1, "720": 25, "900": 50, "1080": -4}
    text = json.dumps({**GOOD, "timeOffsetStressLevelValues": levels}).replace('"steps": 1, ', "").encode()
    row = feed(text, "garmin_stressDetails", fast=fast).row
    assert (row["mean_stress"], row["max_stress"], row["stress_sample_count"]) == (25.0, 50, 3)
    assert (row["rest_minutes"], row["low_minutes"], row["medium_minutes"]) == (6.0, 3.0, 0.0)


@both_readers
@pytest.mark.parametrize("start", [None, 0, -522_802, "1970-01-01", ""])
def test_15_a_missing_start_is_rejected_and_never_1970(fast: bool, start: object) -> None:
    fed = feed(daily("calendarDate", startTimeInSeconds=start), fast=fast)
    assert (fed.rows, fed.verdicts) == ([], ["missing_key"])


@both_readers
@pytest.mark.parametrize("record", ["garmin_sleeps", "garmin_hrv", "garmin_stressDetails"])
def test_15_holds_for_every_record_that_starts(fast: bool, record: str) -> None:
    texts = [daily(startTimeInSeconds=start) for start in (None, 0, -522_802)]
    assert feed(lines(*texts), record, fast=fast).verdicts == ["missing_key"] * 3


@both_readers
def test_15_an_event_of_1970_is_null_and_its_record_stays(fast: bool) -> None:
    text = daily(bodyBatteryDynamicFeedbackEvent={"eventStartTimeInSeconds": -522_802, "bodyBatteryLevel": "LOW"})
    row = feed(text, "garmin_stressDetails", fast=fast).row
    assert (row["body_battery_feedback_seconds"], row["body_battery_feedback_level"]) == (None, "LOW")
    assert row["value_issues"] == ["bodyBatteryDynamicFeedbackEvent.eventStartTimeInSeconds: -522802 out_of_range"]
