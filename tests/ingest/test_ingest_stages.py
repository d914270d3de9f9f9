"""A phone's night as a list of stages: its start, its end, minutes by stage and stretches asleep come from the list."""

import json
from dataclasses import replace
from typing import Any

import pytest

from .feed import Row, both_readers, feed
from .wild import WILD, contract

#: 23:00 in Tokyo on 2026-11-09.
ELEVEN = 1_794_232_800
STAGES = {"reduce": "minutes", "start": "from", "end": "to"}
NIGHT = contract(
    "night",
    {
        "start": {"path": "stages", "type": "epoch_seconds", "samples": {"reduce": "min", "of": "from"}},
        "end": {"path": "stages", "type": "instant", "samples": {"reduce": "max", "of": "to"}},
        "deep": {"path": "stages", "type": "number", "range": [0, 600], "samples": {**STAGES, "only": {"path": "stage", "values": ["deep"]}}},
        "asleep": {"path": "stages", "type": "intervals", "samples": {**STAGES, "reduce": "intervals", "only": {"path": "stage", "values": ["deep", "2"]}}},
        "pulse": {"path": "stages", "type": "number", "samples": {"reduce": "mean", "of": "bpm", "only": {"path": "stage", "values": ["deep"]}}},
        "first": {"path": "stages[0].from", "type": "epoch_seconds"},
        "beats": {"path": "beats", "type": "instant", "samples": {"reduce": "max"}},
    },
    key=["start"],
    day={"start": "start", "shift_hours": 6},
    source_timestamp="start",
)  # fmt: skip
#: The same without the place in a list, which no struct can tell.
FAST = NIGHT.model_copy(update={"fields": tuple(field for field in NIGHT.fields if field.name != "first")})


def night(fast: bool, *stages: Any, **raw: Any) -> Row:
    text = json.dumps({"who": "u1", "stages": list(stages), **raw}).encode()
    return feed(text, "wild_night", contracts=replace(WILD, sources=(FAST if fast else NIGHT,)), fast=fast).row


def stage(name: object, start: int, end: int, **more: object) -> dict[str, object]:
    """From one to another minute after eleven."""
    return {"stage": name, "from": ELEVEN + 60 * start, "to": ELEVEN + 60 * end, **more}


@both_readers
def test_a_list_of_stages_gives_start_end_minutes_and_stretches(fast: bool) -> None:
    stages = [stage("deep", 30, 60, bpm=50), stage("awake", 20, 30, bpm=90), stage(2, 60, 90), stage("deep", 100, 110)]
    row = night(fast, *stages)
    assert (row["start"], row["end"]) == (ELEVEN + 20 * 60, ELEVEN + 110 * 60)
    assert (row["day"], row["day_rule"], row["source_timestamp"]) == ("2026-11-10", "zone", "2026-11-09T14:20:00Z")
    assert (row["deep"], row["asleep"], row["pulse"]) == (40.0, [-30, 30, 40, 50], 50.0)
    assert row["value_issues"] is None


@both_readers
def test_ends_of_stages_may_be_texts_or_milliseconds_and_overlaps_count_once(fast: bool) -> None:
    texts = {"stage": "deep", "from": "2026-11-09T23:00:00+09:00", "to": "2026-11-09T14:30:00Z"}
    row = night(fast, texts, {"stage": "deep", "from": (ELEVEN + 900) * 1000, "to": (ELEVEN + 2_700) * 1000})
    assert (row["start"], row["end"], row["deep"]) == (ELEVEN, ELEVEN + 2_700, 45.0)


@both_readers
@pytest.mark.parametrize(
    ("stages", "deep", "issues"),
    [
        ([stage("awake", 0, 5)], None, None),
        ([stage("deep", 0, 5), stage("deep", 9, 7)], 5.0, ["stages: 1 samples out_of_range"]),
        ([stage("deep", 0, 601)], None, ["stages: 601.0 out_of_range"]),
    ],
)
def test_minutes_that_cannot_be_are_null_with_an_issue(fast: bool, stages: Any, deep: object, issues: object) -> None:
    row = night(fast, *stages)
    assert (row["deep"], row["value_issues"]) == (deep, issues)


@both_readers
def test_the_last_of_a_list_of_moments_leaves_out_what_is_none(fast: bool) -> None:
    row = night(fast, stage("awake", 0, 5), beats=["2026-11-09T23:01:00+09:00", 7e14, None, "soon", ELEVEN])
    assert (row["beats"], row["value_issues"]) == (ELEVEN + 60, ["beats: 2 samples out_of_range"])


def test_the_first_of_a_list_is_no_matter_of_time() -> None:
    assert night(False, stage("awake", 5, 9), stage("deep", 0, 5))["first"] == ELEVEN + 300
