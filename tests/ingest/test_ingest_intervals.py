"""Stretches of sleep in minutes after the local midnight of their day, from structs and from texts."""

import json
from dataclasses import replace
from typing import Any

import pytest

from .feed import Row, both_readers, feed
from .wild import WILD, contract

#: Midnight in Tokyo at the start of 2026-11-10.
MIDNIGHT = 1_794_236_400
NIGHT = contract(
    "night",
    {
        "day_text": {"path": "day", "type": "date"},
        "at": {"path": "at", "type": "epoch_seconds"},
        "shift": {"path": "shift", "type": "integer"},
        "asleep": {
            "path": ["levels", "older"], "type": "intervals",
            "samples": {"reduce": "intervals", "start": "from", "end": "to", "keys": ["deep", "light"]},
        },
    },
    key=["day_text"],
    day={"date": "day_text", "start": "at", "offset": "shift"},
)  # fmt: skip
PHASES = contract(
    "phases",
    {
        "at": {"path": "at", "type": "instant"},
        "shift": {"path": "at", "type": "utc_offset"},
        "asleep": {
            "path": "phases", "type": "intervals",
            "samples": {"reduce": "intervals", "characters": "123", "seconds_each": 300, "from": "at"},
        },
    },
    day={"start": "at", "offset": "shift", "shift_hours": 6},
)  # fmt: skip
INTERVALS = replace(WILD, sources=(NIGHT, PHASES))


def fed(record: str, fast: bool, **raw: Any) -> Row:
    known = {("wild", "u9"): ("P9", "America/New_York")}
    text = json.dumps({"who": "u1", **raw}).encode()
    return feed(text, f"wild_{record}", contracts=INTERVALS, fast=fast, known=known).row


def night(fast: bool, levels: Any, **raw: Any) -> tuple[list[int] | None, list[str] | None]:
    row = fed("night", fast, **{"day": "2026-11-10", "at": MIDNIGHT - 3_600, "shift": 32_400, "levels": levels, **raw})
    return row["asleep"], row["value_issues"]


def stretch(start: float, end: float) -> dict[str, float]:
    """From one to another minute after midnight."""
    return {"from": MIDNIGHT + round(start * 60), "to": MIDNIGHT + round(end * 60)}


@both_readers
@pytest.mark.parametrize(
    ("levels", "minutes"),
    [
        ({"deep": [stretch(-30, 60)], "light": [stretch(60, 90)]}, [-30, 90]),
        ({"deep": [stretch(100, 160), stretch(-30, 60)], "light": [stretch(170, 200)]}, [-30, 60, 100, 160, 170, 200]),
        ({"deep": [stretch(0, 60)], "light": [stretch(30, 45), stretch(50, 70)]}, [0, 70]),
        ({"deep": [stretch(0, 60)], "awake": [stretch(60, 90)]}, [0, 60]),
        ({"deep": [stretch(0.5, 60.9)], "light": [stretch(60.9, 61.2)]}, [0, 61]),
        ({"deep": [stretch(-0.5, 0.5)]}, [-1, 0]),
        ({"deep": [stretch(5.1, 5.9)]}, None),
        ({"deep": []}, None),
        ({}, None),
        ({"deep": [stretch(-2_880, 2_880)]}, [-2_880, 2_880]),
    ],
)
def test_stretches_are_pairs_of_minutes_joined_where_they_touch(fast: bool, levels: Any, minutes: list[int]) -> None:
    assert night(fast, levels) == (minutes, None)


@both_readers
@pytest.mark.parametrize(
    ("levels", "minutes", "issue"),
    [
        ({"deep": [stretch(0, 10), stretch(-2_881, 5)]}, [0, 10], "levels: 1 samples out_of_range"),
        ({"deep": [stretch(0, 2_881)], "light": [stretch(5, 4)]}, None, "levels: 2 samples out_of_range"),
        ({"deep": [{"from": 5}, {"to": 5}, {"from": "x", "to": True}, stretch(0, 10)]}, [0, 10], "levels: 3 samples out_of_range"),
        ({"deep": [{"from": 1e300, "to": -1e300}]}, None, "levels: 1 samples out_of_range"),
        ([stretch(0, 10)], None, "levels: wrong_type"),
        ("123", None, "levels: wrong_type"),
        (7, None, "levels: wrong_type"),
    ],
)  # fmt: skip
def test_what_is_no_stretch_near_the_day_is_counted(
    fast: bool, levels: Any, minutes: list[int] | None, issue: str
) -> None:
    assert night(fast, levels) == (minutes, [issue])


@both_readers
def test_ends_may_be_milliseconds_or_texts(fast: bool) -> None:
    levels = {"deep": [{"from": (MIDNIGHT + 60) * 1000, "to": "2026-11-10T00:10:59.9+09:00"}]}
    assert night(fast, levels) == ([1, 10], None)


@both_readers
def test_the_next_spelling_counts_where_the_first_gives_nothing(fast: bool) -> None:
    assert night(fast, {}, older={"deep": [stretch(0, 10)]}) == ([0, 10], None)
    assert night(fast, {"deep": [stretch(5, 6)]}, older={"deep": [stretch(0, 10)]}) == ([5, 6], None)


@both_readers
@pytest.mark.parametrize(("who", "minutes"), [("u1", [0, 10]), ("u9", [600, 610])])
def test_without_a_start_local_time_is_that_of_the_persons_zone(fast: bool, who: str, minutes: list[int]) -> None:
    day = {"u1": "2026-11-10", "u9": "2026-11-09"}[who]
    assert night(fast, {"deep": [stretch(0, 10)]}, who=who, day=day, at=None, shift=None) == (minutes, None)


@both_readers
@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("123", [-30, -15]),
        ("4411442233", [-20, -10, 0, 20]),
        ("444", None),
        ("", None),
        ("x1", [-25, -20]),
    ],
)
def test_a_text_has_one_character_per_step(fast: bool, text: str, minutes: list[int] | None) -> None:
    row = fed("phases", fast, at="2026-11-09T23:30:00+09:00", phases=text)
    assert (row["day"], row["asleep"], row["value_issues"]) == ("2026-11-10", minutes, None)


@both_readers
def test_phases_that_are_no_text_are_told(fast: bool) -> None:
    row = fed("phases", fast, at="2026-11-09T23:30:00+09:00", phases=[1, 2])
    assert (row["asleep"], row["value_issues"]) == (None, ["phases: wrong_type"])
