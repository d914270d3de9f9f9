"""Words that would change nothing where they stand are refused, each with its place."""

from pathlib import Path
from typing import Any

import pytest

from qol.contracts.effect_checks import effect_mistakes
from qol.contracts.language import KEY
from qol.contracts.source import SourceContract
from qol.contracts.yaml_file import read_yaml

from .conftest import PROJECT, Edit, problems

DAILY, WEEKLY = "metrics/daily.yaml", "metrics/weekly.yaml"
HRV, SLEEPS, STRESS = "garmin/hrv", "garmin/sleeps", "garmin/stressDetails"
PHONE, STAGES, APPS = "healthkit/measurements", "healthkit/sleep_samples", "healthkit/health_auto_export"
WORDS = {"path": "kind", "type": "code", "description": "d", "classes": {"A": ["a"]}}
NUMBER = {"path": "more", "type": "integer", "description": "d"}


def mistakes(file: str, changes: dict[str, Any]) -> list[str]:
    """Places and findings in a shipped contract whose words at dotted places are others; None takes a word out."""
    data, _ = read_yaml(PROJECT / f"schemas/sources/{file}.yaml", file)
    for place, value in changes.items():
        *above, last = place.split(".")
        node = data
        for step in above:
            node = node.setdefault(step, {})
        node[last] = value
        if value is None:
            del node[last]
    contract = SourceContract.model_validate({**data, KEY: f"sources/{file}.yaml"}, by_alias=True, by_name=False)
    return [f"{mistake.path}: {mistake.found}" for mistake in effect_mistakes(contract)]


@pytest.mark.parametrize(
    ("file", "changes", "told"),
    [
        (HRV, {"parameters.spare": {"value": 1, "description": "d"}}, "parameters.spare: spare"),
        (HRV, {"derived.spare": "last_night_avg * 2"}, "derived.spare: spare"),
        (PHONE, {"overlaps.share": "kept"}, "overlaps.share: kept"),
        (PHONE, {"split.values": ["value", "was_user_entered"]}, "split.values: was_user_entered"),
        ("oura/daily_activity", {"growing": ["steps", "meta_updated_at"]}, "growing: meta_updated_at"),
        (HRV, {"growing": ["start_time_seconds"]}, "growing: start_time_seconds"),
        (HRV, {"same": ["start_time_seconds", "last_night_avg"]}, "same: start_time_seconds, last_night_avg"),
        ("oura/heartrate", {"best": ["bpm"]}, "best: bpm"),
        (HRV, {"daily": {"where": "last_night_avg > 5"}}, "daily.where: last_night_avg > 5"),
        (HRV, {"wear": {"limit_minutes": 600}}, "wear.limit_minutes: 600"),
        (HRV, {"wear": {"minutes": "duration_seconds / 60", "limit_minutes": 0}}, "wear.limit_minutes: 0"),
        (SLEEPS, {"episodes.rest_to": "sleep_minutes"}, "episodes.rest_to: sleep_minutes"),
        (STRESS, {"fields.rest_minutes.samples.within": [101, 200]}, "fields.rest_minutes.samples.within: (101, 200)"),
        (HRV, {"day": {"date": "calendar_date", "utc_midnight": True}}, "day.utc_midnight: True"),
        (HRV, {"spacing": {"of": "start_time_seconds", "by": "device"}}, "spacing.of: start_time_seconds"),
        (APPS, {"spacing": None}, "fields.spacing_seconds.path: spacing_seconds"),
        (HRV, {"fields.last_night_avg.may_be_absent": True}, "fields.last_night_avg.may_be_absent: last_night_avg"),
        (
            HRV,
            {
                "fields.kind": {"path": "kind", "type": "code", "description": "d"},
                "fields.app": {"path": "app", "type": "document_id", "description": "d", "of_other": "kind"},
            },
            "fields.app.of_other: app",
        ),
        (HRV, {"quality": {"severity": {"fresh": "info"}}}, "quality.severity.fresh: info"),
        (HRV, {"drop": ["device.name"]}, "drop: device.name"),
        (SLEEPS, {"episodes.rank.tiers": [["DEVICE"], ["MANUAL", "DEVICE"]]}, "episodes.rank.tiers: DEVICE"),
        (SLEEPS, {"episodes.rank.tiers": [["device"]]}, "episodes.rank.tiers: device"),
        (PHONE, {"overlaps.order": ["WATCH", "Watch"]}, "overlaps.order or stages.order: Watch"),
        (STAGES, {"stages.order": ["WATCH", "TOASTER"]}, "overlaps.order or stages.order: TOASTER"),
        (STAGES, {"fields.stage.known": ["3", "4"], "stages.values": {"deep": ["4", "5"]}}, "stages.values: 5"),
        (HRV, {"fields.kind": WORDS, "fields.more": {**NUMBER, "ranges_by": {"field": "kind", "ranges": {"B": [0, 1]}}}}, "ranges_by: B"),
        (HRV, {"fields.kind": {**WORDS, "uppercase": True}}, "fields.kind.uppercase: True"),
        (HRV, {"fields.kind": {**WORDS, "join_words": True}}, "fields.kind.join_words: True"),
        (HRV, {"fields.kind": {**WORDS, "known": ["b"]}}, "fields.kind.known: ['b']"),
        (STRESS, {"fields.max_stress.decimals": 0}, "fields.max_stress.decimals: 0"),
        (STRESS, {"fields.mean_stress.samples.keys": ["deep"]}, "fields.mean_stress.samples.keys: deep"),
        (STRESS, {"fields.mean_stress.samples.range": None}, "fields.mean_stress.samples.states: -5"),
        (SLEEPS, {"fields.asleep_intervals.samples.seconds_each": 60}, "fields.asleep_intervals.samples.seconds_each: 60"),
    ],
)  # fmt: skip
def test_a_word_without_effect_is_told(file: str, changes: dict[str, Any], told: str) -> None:
    assert mistakes(file, {}) == []
    assert told in mistakes(file, changes)


def test_words_of_metrics_and_rules_without_effect_are_all_told_at_once(schemas: Path, edit: Edit) -> None:
    edit(DAILY, "asleep_intervals: {", "asleep_intervals: {clock: true, decimals: 1, ")
    edit(WEEKLY, "    threshold: 150\n    min_days: 1", "    threshold: 150\n    min_days: 2")
    edit(WEEKLY, "    unit: share", "    unit: '%'")
    edit(WEEKLY, "total: [high_stress_minutes, recovery_high_minutes]", "total: [recovery_high_minutes]")
    edit(WEEKLY, "own_days: [min_hr_bpm, ", "own_days: [resting_hr_bpm, min_hr_bpm, ")
    edit("sources/garmin/_rules.yaml", "lacks: summaryId}", "lacks: callbackURL}\ninherit_nested: [units]")
    told = [problem.partition("; allowed: ")[0] for problem in problems(schemas)]
    at = "metrics/weekly.yaml: derived"
    assert {line for line in told if "_share.unit" not in line} == {
        "metrics/daily.yaml: groups.sleep.asleep_intervals.clock: found true",
        "metrics/daily.yaml: groups.sleep.asleep_intervals.decimals: found 1",
        f"{at}.mvpa_meets_who.min_days: found 2",
        f"{at}.recovery_high_share.total: found recovery_high_minutes",
        "metrics/weekly.yaml: groups.heart.own_days.0: found resting_hr_bpm",
        "sources/garmin/_rules.yaml: inherit_nested: found units",
        "sources/garmin/_rules.yaml: ping.lacks: found callbackURL",
    }
    assert f"{at}.stress_rest_share.unit: found %" in told


def test_formulas_that_would_read_something_else_than_they_say_are_told(schemas: Path, edit: Edit) -> None:
    edit(
        WEEKLY,
        "formula: regularity_pairs\n    of: [asleep_intervals, bedtime",
        "formula: regularity_pairs\n    decimals: 3\n    of: [nap_minutes, bedtime",
    )
    told = [problem.partition("; allowed: ")[0] for problem in problems(schemas)]
    assert told == [
        "metrics/weekly.yaml: derived.sleep_regularity_pairs.decimals: found 3",
        "metrics/weekly.yaml: derived.sleep_regularity_pairs.of: found nap_minutes, bedtime_minute, wake_minute",
        "metrics/weekly.yaml: derived.sleep_regularity_pairs.of.0: found nap_minutes",
    ]


@pytest.mark.usefixtures("all_sources")
def test_values_that_another_contract_takes_first_are_told(schemas: Path, edit: Edit) -> None:
    nights, copy = schemas / "sources/healthkit/health_auto_export_nights.yaml", "health_auto_export_other"
    text = nights.read_text(encoding="utf-8").replace("record: health_auto_export_nights", f"record: {copy}")
    (schemas / f"sources/healthkit/{copy}.yaml").write_text(text, encoding="utf-8")
    taken = "allowed: a value that sources/healthkit/health_auto_export_nights.yaml does not take"
    assert f"sources/healthkit/{copy}.yaml: only.values: found sleep_analysis; {taken}" in problems(schemas)


def test_a_comma_of_sql_inside_braces_is_told_as_what_it_is(schemas: Path, edit: Edit) -> None:
    edit("sources/oura/heartrate.yaml", "max_hr_bpm: {value: bpm,", "max_hr_bpm: {value: coalesce(bpm, 0),")
    line = line_of(schemas / "sources/oura/heartrate.yaml", "coalesce(bpm")
    assert "".join(problems(schemas)) == (
        "sources/oura/heartrate.yaml: daily.max_hr_bpm: found '0)' without a value in line "
        f"{line}; allowed: text in quotes: a comma inside {{}} that is not in quotes ends the value before it"
    )


def line_of(file: Path, text: str) -> int:
    return next(number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line)
