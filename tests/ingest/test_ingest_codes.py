"""Texts that become codes: of a class, of a closed list, of the stages a contract reads; and what is none of them."""

import json
from typing import Any

import pytest

from qol.identity.periods import Period
from qol.identity.pseudonyms import Owner

from .feed import Row, feed


def reading(status: object) -> Row:
    """A reading of a room sensor with a status."""
    line = {"device_id": "d1", "timestamp": 1_794_153_600, "temperature": 20, "humidity": 50, "status": status}
    owners = {("sensor", "d1"): (Owner(Period(None, None), "P1", None),)}
    return feed(json.dumps(line).encode(), "sensor_readings", owners=owners).row


@pytest.mark.parametrize(
    ("status", "stored"),
    [(0, "OK"), ("0", "OK"), (0.0, "OK"), (True, "OK"), ("", None), (" ", None), (None, None), (-1, "ERROR"), (False, "ERROR")],
)  # fmt: skip
def test_zero_and_nothing_are_no_errors(status: object, stored: str | None) -> None:
    row = reading(status)
    assert (row["status"], row["value_issues"]) == (stored, None)


@pytest.mark.parametrize("status", ["エラーなし", "異常なし", "Status: 0", "error-free", "No error"])
def test_a_status_that_denies_an_error_is_good(status: str) -> None:
    assert reading(status)["status"] == "OK"


@pytest.mark.parametrize("status", ["noResponse", "センサー異常", "接続エラー", "signal: none, error"])
def test_a_word_of_an_error_within_a_longer_one_is_an_error(status: str) -> None:
    assert reading(status)["status"] == "ERROR"


@pytest.mark.parametrize(
    ("status", "issue"),
    [("default", "string"), ("backup", "string"), (7, "7"), ("-6", "string")],
)
def test_a_status_that_no_class_has_is_an_issue(status: object, issue: str) -> None:
    row = reading(status)
    assert (row["status"], row["value_issues"]) == ("OTHER", [f"status: {issue} unknown_code"])


def test_a_status_that_is_no_text_is_an_issue() -> None:
    row = reading({"code": 0})
    assert (row["status"], row["value_issues"]) == (None, ["status: object wrong_type"])


@pytest.mark.parametrize(
    ("stage", "issues"),
    [(4, None), ("asleep REM", None), ("asleep_rem", None), (-1, ["category_value: -1 unknown_code"]), ("HKCategoryValueSleepAnalysisAsleepREM", None), (9, ["category_value: 9 unknown_code"]), ("Dozing", ["category_value: string unknown_code"])],
)  # fmt: skip
def test_a_stage_that_the_contract_does_not_read_is_other_and_counted(stage: object, issues: list[str] | None) -> None:
    raw = {
        "user_id": "u1",
        "uuid": "1",
        "start": "2026-11-09T00:10:00+09:00",
        "end": "2026-11-09T00:40:00+09:00",
        "type": "HKCategoryTypeIdentifierSleepAnalysis",
        "category_value": stage,
    }
    fed = feed(json.dumps(raw).encode(), "healthkit_sleep_samples")
    assert (fed.row["stage"], fed.row["value_issues"]) == ("OTHER" if issues else str(stage).replace(" ", "_"), issues)
    assert fed.issues == ({("healthkit_sleep_samples", "category_value", "unknown_code"): 1} if issues else {})


def workout(name: object, **raw: Any) -> Row:
    line = {"user_id": "u1", "name": name, "start": "2026-11-09 08:02:43 +0900", **raw}
    return feed(json.dumps(line).encode(), "healthkit_workouts").row


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("Outdoor Walk", "OUTDOOR_WALK"), ("OUTDOOR_WALK", "OUTDOOR_WALK"), ("traditionalStrengthTraining", "TRADITIONALSTRENGTHTRAINING"),
        ("HKWorkoutActivityTypeRunning", "HKWORKOUTACTIVITYTYPERUNNING"), (37, "37"), ("Track & Field", "TRACK_FIELD"), ("Other", "OTHER"),
    ],
)  # fmt: skip
def test_a_known_kind_of_workout_keeps_its_name(name: object, stored: str) -> None:
    row = workout(name)
    assert (row["workout_type"], row["value_issues"]) == (stored, None)
    assert (row["name_hash"] is None) == (stored != "OTHER")


@pytest.mark.parametrize("name", ["ウォーキング", "Gehen im Freien", "Walk with Taro Yamada", "4711"])
def test_any_other_name_is_other_and_tells_only_workouts_apart(name: str) -> None:
    row = workout(name)
    assert (row["workout_type"], row["value_issues"]) == ("OTHER", ["name: string unknown_code"])
    assert row["name_hash"] != workout("Wandern")["name_hash"]


@pytest.mark.parametrize(
    ("step_count", "stored"),
    [({"qty": 908, "units": "steps"}, 908), ([{"qty": 400.4}, {"qty": 507.6}], 908), ([], None), ([{"qty": 0.2}, {"qty": 0.4}], 1)],
)  # fmt: skip
def test_steps_are_one_sample_or_the_sum_of_a_list(step_count: object, stored: int | None) -> None:
    row = workout("Walking", stepCount=step_count)
    assert (row["step_count"], row["value_issues"]) == (stored, None)
