"""Every example of every contract is what the contract says, on both paths, and the examples name all it reads."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from qol.contracts.source_model import Example, Field, SourceContract
from qol.ingest.convert import safe_get
from qol.ingest.people import Owner
from qol.ingest.periods import ALWAYS

from .feed import CONTRACTS, Fed, Row, feed

EXAMPLES = [
    pytest.param(contract, example, id=f"{contract.name}-{example.name}")
    for contract in CONTRACTS.sources
    for example in contract.examples
]
FIELDS = [
    pytest.param(contract, field, id=f"{contract.name}-{field.name}")
    for contract in CONTRACTS.sources
    for field in contract.fields
]

#: Whose the devices of the examples are.
OWNERS = {("sensor", "room-1"): (Owner(ALWAYS, "P1", None),)}


def fed(contract: SourceContract, example: Example, *, fast: bool) -> Fed:
    return feed(example.raw.encode(), contract.name, arrival=example.arrival, fast=fast, owners=OWNERS)


def kept(contract: SourceContract) -> list[Example]:
    return [example for example in contract.examples if example.expect is not None]


@cache
def raw_records(name: str) -> list[Any]:
    """Raw records of the examples that are kept."""
    return [json.loads(example.raw) for example in kept(CONTRACTS.by_name[name])]


@cache
def rows(name: str) -> list[Row]:
    """What the examples that are kept become."""
    contract = CONTRACTS.by_name[name]
    return [fed(contract, example, fast=False).row for example in kept(contract)]


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "lenient"])
@pytest.mark.parametrize(("contract", "example"), EXAMPLES)
def test_an_example_gets_its_verdict(contract: SourceContract, example: Example, fast: bool) -> None:
    result = fed(contract, example, fast=fast)
    if example.reject is not None:
        assert (result.verdicts, result.rows) == ([example.reject], [])
        return
    assert example.expect is not None
    assert {name: result.row[name] for name in example.expect} == example.expect
    assert sorted(result.row["value_issues"] or []) == sorted(example.nulled)


@pytest.mark.parametrize(("contract", "example"), EXAMPLES)
def test_an_example_holds_no_field_that_nobody_reads(contract: SourceContract, example: Example) -> None:
    reasons = {reason for _, _, reason in fed(contract, example, fast=False).issues}
    assert "unknown_field" not in reasons


@pytest.mark.parametrize(("contract", "field"), FIELDS)
def test_every_spelling_of_a_field_occurs_in_an_example(contract: SourceContract, field: Field) -> None:
    for path in field.paths:
        assert any(safe_get(raw, path) is not None for raw in raw_records(contract.name)), ".".join(path)


@pytest.mark.parametrize(("contract", "field"), FIELDS)
def test_every_field_has_a_value_in_an_example(contract: SourceContract, field: Field) -> None:
    assert any(row[field.name] is not None for row in rows(contract.name))


@pytest.mark.parametrize("contract", CONTRACTS.sources, ids=lambda contract: contract.name)
def test_every_contract_has_an_example_of_each_kind(contract: SourceContract) -> None:
    kinds = {"reject" if example.reject else "nulled" if example.nulled else "clean" for example in contract.examples}
    assert kinds == {"reject", "nulled", "clean"}
