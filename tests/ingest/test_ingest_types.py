"""Record types of one envelope that a field tells apart, without one that takes the rest."""

import json
from dataclasses import replace
from typing import Any

import pytest

from .feed import Fed, both_readers, feed
from .wild import AT, WILD, contract

PLACE: dict[str, Any] = {"paths": ["raw/wild/batch"], "envelope_keys": ["batch"]}
PULSE, STEPS = (
    contract(name, {**AT, name: {"path": "value", "type": "integer"}}, only={"path": "type", "values": [kind]}, **PLACE)
    for name, kind in (("pulse", "heart_rate"), ("steps", "step_count"))
)
TYPED = replace(WILD, sources=(PULSE, STEPS))


def fed(fast: bool, *records: Any) -> Fed:
    folder = TYPED.for_path("raw/wild/batch")
    assert folder is not None
    return feed(b"\n".join(json.dumps(r).encode() for r in records), folder.name, contracts=TYPED, fast=fast)


def record(**values: Any) -> dict[str, Any]:
    return {"who": "u1", "at": 1_794_150_000, "value": 70, **values}


@both_readers
@pytest.mark.parametrize("in_envelope", [True, False])
def test_each_type_goes_to_its_contract(fast: bool, in_envelope: bool) -> None:
    records = [record(type="step_count"), record(type="heart_rate")]
    found = fed(fast, *([{"batch": records}] if in_envelope else records))
    rows = found.rows
    assert found.issues == {}, "the field that tells the types apart is known"
    assert sorted((row["record"], row.get("steps"), row.get("pulse")) for row in rows) == [
        ("wild_pulse", None, 70),
        ("wild_steps", 70, None),
    ]


@both_readers
@pytest.mark.parametrize("other", [{"type": "blood of Jane"}, {}, {"type": 7}])
def test_an_unknown_type_is_told_as_such_and_not_named(fast: bool, other: Any) -> None:
    found = fed(fast, {"batch": [record(**other)]}, record(**other))
    assert (found.rows, found.verdicts) == ([], ["unknown_record"] * 2)
    told = "a record type without a contract: type is none of heart_rate, step_count"
    assert {reject["message"] for reject in found.rejects} == {told}
