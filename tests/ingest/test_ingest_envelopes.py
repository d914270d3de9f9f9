"""Envelopes of every shape: what records inherit, wrappers, lists within lists, typed values; each record one item."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qol.contracts.model import Contracts
from qol.contracts.rules import Ping, SourceRules
from qol.ingest.envelopes import Envelopes
from qol.ingest.items import plain_dynamodb
from qol.ingest.line_reader import LongLine

from .feed import Fed, feed, lines
from .wild import contract

SAMPLE = contract(
    "samples",
    {
        "at": {"path": "at", "type": "epoch_seconds"},
        "name": {"path": "name", "type": "code"},
        "unit": {"path": "units", "type": "code"},
        "qty": {"path": "qty", "type": "number"},
        "steps": {"path": "walks.steps", "type": "integer"},
    },
    envelope_keys=["measurements", "metrics"],
    key=["at"],
)
WALK = contract("walks", {"at": {"path": "at", "type": "epoch_seconds"}}, key=["at"])
RULES = SourceRules(
    source="wild",
    control_keys=frozenset({"goodbye"}),
    ping=Ping(has="callbackURL", lacks="doc"),
    unwrap=frozenset({"data", "Item"}),
    inherit=frozenset({"who", "batch"}),
    inherit_nested=frozenset({"name", "units"}),
    nested={"metrics": "data"},
)
CONTRACTS = Contracts(Path(), (SAMPLE, WALK), (), (), (), (), source_rules={"wild": RULES})
AT = 1_794_150_000


def fed(document: Any, record: str = "samples", rules: SourceRules = RULES) -> Fed:
    contracts = replace(CONTRACTS, source_rules={"wild": rules})
    known = {("wild", name): (name.upper(), None) for name in ("u1", "u2")}
    return feed(json.dumps(document).encode(), f"wild_{record}", contracts=contracts, known=known)


def who_and_when(fed: Fed) -> list[tuple[str, int]]:
    return [(row["user_id"], row["at"] - AT) for row in fed.rows]


def test_records_of_a_batch_inherit_what_stands_beside_their_lists() -> None:
    result = fed({"who": "u1", "batch": "b", "measurements": [{"at": AT}, {"at": AT + 1}], "walks": [{"at": AT + 2}]})
    assert [(row["record"], row["user_id"], row["at"] - AT) for row in result.rows] == [
        ("wild_samples", "U1", 0),
        ("wild_samples", "U1", 1),
        ("wild_walks", "U1", 2),
    ]
    assert (result.tally["lines"], result.issues) == (3, {})


def test_a_name_beside_the_lists_is_no_name_of_their_records() -> None:
    samples = [{"at": AT, "qty": 60}]
    result = fed({"who": "u1", "name": "taro.yamada", "metrics": [{"data": samples}], "measurements": [{"at": AT + 1}]})
    assert [(row["user_id"], row["name"]) for row in result.rows] == [("U1", None), ("U1", None)]
    assert (result.rejects, result.issues) == ([], {})


def test_a_record_says_otherwise_unless_it_says_null() -> None:
    result = fed({"who": "u1", "measurements": [{"at": AT, "who": "u2"}, {"at": AT + 1, "who": None}]})
    assert who_and_when(result) == [("U1", 1), ("U2", 0)]


def test_records_of_a_page_inherit_what_stands_beside_the_page() -> None:
    result = fed({"data": [{"at": AT}, {"at": AT + 1}], "next_token": None, "who": "u1"})
    assert who_and_when(result) == [("U1", 0), ("U1", 1)]


def test_a_page_with_a_key_nobody_knows_is_no_page() -> None:
    assert fed({"data": [{"at": AT}], "who": "u1", "novel": 1}).verdicts == ["missing_key"]


@pytest.mark.parametrize(
    "document",
    [
        {"who": "u1", "at": AT},
        {"who": "u1", "at": AT, "walks": {"steps": 5}},
        [{"who": "u1", "at": AT}],
        {"data": [{"who": "u1", "at": AT}]},
        {"Item": {"who": "u1", "at": AT}},
        {"data": {"Item": {"at": AT}, "who": "u1"}},
        [{"who": "u1", "measurements": [{"at": AT}]}],
    ],
)
def test_documents_pages_and_lists_all_hold_the_record(document: Any) -> None:
    result = fed(document)
    assert (who_and_when(result), result.tally["lines"]) == ([("U1", 0)], 1)


def test_samples_of_a_metric_have_its_name_and_units() -> None:
    heart = {"name": "heart_rate", "units": "bpm", "data": [{"at": AT, "qty": 60}, {"at": AT + 1, "qty": 61}]}
    steps = {"name": "steps", "units": "count", "data": [{"at": AT + 2, "qty": 5, "units": "k"}]}
    result = fed({"data": {"metrics": [heart, steps], "walks": [{"at": AT}]}, "who": "u1"})
    assert [(row["name"], row["unit"], row["qty"]) for row in result.rows if row["record"] == "wild_samples"] == [
        ("heart_rate", "bpm", 60),
        ("heart_rate", "bpm", 61),
        ("steps", "k", 5),
    ]
    assert (result.tally["records"], result.tally["lines"]) == (4, 4)


@pytest.mark.parametrize(
    "document",
    [
        {"data": {"metrics": [], "walks": []}, "who": "u1"},
        {"who": "u1", "batch": "b", "measurements": [], "walks": []},
        {"data": {"metrics": [{"name": "steps", "data": []}, {"name": "steps", "data": None}]}},
        {"data": [], "who": "u1"},
        {"who": "u1", "goodbye": [{}]},
        {"who": "u1", "measurements": [{"callbackURL": "x"}]},
    ],
)
def test_an_envelope_that_brings_nothing_is_one_control_item(document: Any) -> None:
    tally = fed(document).tally
    assert (tally["lines"], tally["control"]) == (1, 1)


@pytest.mark.parametrize(
    ("document", "verdicts", "raw"),
    [
        ({"who": "u1", "measurements": [], "novel": [1, 2]}, ["unknown_record"] * 2, b'"***"'),
        ({"who": "u1", "measurements": [], "novel": 7}, ["unknown_record"], None),
        ({"metrics": [{"name": "steps", "samples": [{"at": AT}]}]}, ["unknown_record"], None),
        ({"metrics": [5]}, ["not_an_object"], None),
        ({"metrics": [{"data": [5, {"at": AT}]}], "who": "u1"}, ["not_an_object"], b'"***"'),
        ({"who": "u1", "measurements": [{"qty": 5}, {"qty": 6}]}, ["missing_key"] * 2, b'{"qty":5,"who":"***"}'),
    ],
)
def test_what_is_no_record_is_rejected_item_by_item(document: Any, verdicts: list[str], raw: bytes | None) -> None:
    result = fed(document)
    assert result.verdicts == verdicts
    assert raw is None or result.rejects[0]["raw"] == raw


def test_what_is_inherited_and_read_by_nobody_is_no_unknown_field() -> None:
    data = lines(*[json.dumps({"who": "u1", "at": AT, "batch": "b"}).encode()] * 40)
    for fast in (True, False):
        result = feed(data, "wild_walks", contracts=CONTRACTS, fast=fast)
        assert (result.tally["records"], result.issues) == (40, {})


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ({"N": "21.50"}, "21.50"),
        ({"N": 21.5}, 21.5),
        ({"S": ""}, ""),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"L": [{"N": "1"}, {"S": "a"}]}, ["1", "a"]),
        ({"M": {"a": {"N": "1"}}}, {"a": "1"}),
        ({"N": "1", "S": "a"}, {"N": "1", "S": "a"}),
        ({"N": {"N": "1"}}, {"N": "1"}),
        ({"BOOL": "true"}, {"BOOL": "true"}),
        ({"NULL": False}, {"NULL": False}),
        ({"X": "1"}, {"X": "1"}),
        ([{"N": "1"}, 2, "b", None], ["1", 2, "b", None]),
    ],
)
def test_a_typed_value_is_what_it_says(typed: Any, plain: Any) -> None:
    assert plain_dynamodb(typed) == plain


def test_typed_values_are_read_only_where_the_source_has_them() -> None:
    typed = {"Item": {"who": {"S": "u1"}, "at": {"N": str(AT)}, "qty": {"N": "21.5"}}}
    row = fed(typed, rules=RULES.model_copy(update={"typed_values": "dynamodb"})).row
    assert (row["user_id"], row["at"], row["qty"]) == ("U1", AT, 21.5)
    assert fed(typed).verdicts == ["missing_key"]


def test_lines_that_begin_as_the_first_bare_record_are_no_envelopes() -> None:
    bare, envelope, long = b'{"who":"u1"}', b'{"walks":[{}]}', LongLine(b'{"who":"', 2**25)
    assert list(Envelopes.candidates([bare, b'{"who":"u2"}', envelope, long, b"[1]"])) == [2, 4]
    assert list(Envelopes.candidates([envelope, bare, long])) == [0, 1, 2]
    assert list(Envelopes.candidates([])) == []
