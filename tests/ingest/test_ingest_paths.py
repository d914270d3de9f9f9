"""Elements of a list chosen by what one of their keys says."""

import json
from dataclasses import replace
from typing import Any

import pytest

from qol.contracts.raw_path import path_text, split_path
from qol.contracts.raw_values import safe_get

from .feed import feed
from .wild import WILD, contract

ANSWERS = contract(
    "answers",
    {
        "at": {"path": "at", "type": "epoch_seconds"},
        "q1": {"path": ["q1", "answers[item=1].value"], "type": "integer", "range": [1, 5]},
        "q2": {"path": ["q2", "answers[item=2].value"], "type": "integer", "range": [1, 5]},
    },
)
CONTRACTS = replace(WILD, sources=(ANSWERS,))


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("answers[item=1].value", ("answers", "[item=1]", "value")),
        ("a.b[c=d.e]", ("a", "b", "[c=d.e]")),
        ("a[0]", ("a", "[0]")),
        ("a[-1].b", ("a", "[-1]", "b")),
    ],
)
def test_a_path_is_steps_and_reads_as_it_was_written(text: str, steps: tuple[str, ...]) -> None:
    assert split_path(text) == steps
    assert path_text(steps) == text


@pytest.mark.parametrize(
    ("samples", "first", "last"),
    [([{"at": 1}, {"at": 2}, {"at": 3}], 1, 3), ([{"at": 1}], 1, 1), ([], None, None), (7, None, None)],
)
def test_a_place_counts_from_the_start_or_from_the_end(samples: Any, first: object, last: object) -> None:
    record = {"samples": samples}
    assert [safe_get(record, split_path(f"samples[{n}].at")) for n in (0, -1, 3, -4)] == [first, last, None, None]


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        ([{"item": 2, "value": 5}, {"item": 1, "value": 3}], 3),
        ([{"item": " 1 ", "value": 4}], 4),
        ([{"item": 1, "value": 3}, {"item": 1, "value": 5}], 3),
        ([{"item": True, "value": 3}, {"item": 1.0, "value": 3}, 1, None, "1"], None),
        ([{"value": 3}], None),
        ([], None),
        ({"[item=1]": None}, None),
        (7, None),
    ],
)
def test_a_selector_takes_the_first_element_that_says_so(answers: Any, value: object) -> None:
    assert safe_get({"answers": answers}, ("answers", "[item=1]", "value")) == value


def fed(**raw: Any) -> dict[str, Any]:
    text = json.dumps({"who": "u1", "at": 1_794_150_000, **raw}).encode()
    return feed(text, "wild_answers", contracts=CONTRACTS).row


def test_answers_are_read_from_a_list_or_from_columns_and_told_by_their_place() -> None:
    row = fed(answers=[{"item": 1, "value": 9}, {"item": 2, "value": "4"}])
    assert (row["q1"], row["q2"], row["value_issues"]) == (None, 4, ["answers[item=1].value: 9 out_of_range"])
    assert fed(q1=2, answers=[{"item": 1, "value": 3}])["q1"] == 2


def test_answers_that_are_no_list_are_told_once() -> None:
    assert fed(answers={"1": 3})["value_issues"] == ["answers: wrong_type"]
