"""Every example of every contract is what the contract says, on both paths, and the examples name all it reads."""

import json

import pytest

from qol.contracts.raw_values import safe_get
from qol.contracts.source import Example, SourceContract
from qol.identity.periods import ALWAYS
from qol.identity.pseudonyms import Owner

from .feed import CONTRACTS, Fed, both_readers, feed

EXAMPLES = [
    pytest.param(contract, example, id=f"{contract.name}-{example.name}")
    for contract in CONTRACTS.sources
    for example in contract.examples
]
CONTRACT = pytest.mark.parametrize("contract", CONTRACTS.sources, ids=lambda contract: contract.name)

#: Whose the devices of the examples are.
OWNERS = {("sensor", "room-1"): (Owner(ALWAYS, "P1", None),)}


def fed(contract: SourceContract, example: Example, *, fast: bool) -> Fed:
    return feed(example.raw.encode(), contract.name, arrival=example.arrival, fast=fast, owners=OWNERS)


def kept(contract: SourceContract) -> list[Example]:
    return [example for example in contract.examples if example.expect is not None]


@both_readers
@pytest.mark.parametrize(("contract", "example"), EXAMPLES)
def test_an_example_gets_its_verdict(contract: SourceContract, example: Example, fast: bool) -> None:
    result = fed(contract, example, fast=fast)
    if example.reject is not None:
        assert (result.verdicts, result.rows) == ([example.reject], [])
        return
    assert example.expect is not None
    assert {name: result.row[name] for name in example.expect} == example.expect
    assert sorted(result.row["value_issues"] or []) == sorted(example.nulled)


@CONTRACT
def test_no_example_holds_a_field_that_nobody_reads(contract: SourceContract) -> None:
    issues = {example.name: fed(contract, example, fast=False).issues for example in contract.examples}
    assert [name for name, found in issues.items() if any(reason == "unknown_field" for _, _, reason in found)] == []


@CONTRACT
def test_every_spelling_of_a_field_occurs_in_an_example(contract: SourceContract) -> None:
    raw = [json.loads(example.raw) for example in kept(contract)]
    paths = [path for field in contract.fields for path in field.paths]
    assert [path for path in paths if all(safe_get(record, path) is None for record in raw)] == []


@CONTRACT
def test_every_field_has_a_value_in_an_example(contract: SourceContract) -> None:
    rows = [fed(contract, example, fast=False).row for example in kept(contract)]
    assert [field.name for field in contract.fields if all(row[field.name] is None for row in rows)] == []


@CONTRACT
def test_every_contract_has_an_example_of_each_kind(contract: SourceContract) -> None:
    kinds = {"reject" if example.reject else "nulled" if example.nulled else "clean" for example in contract.examples}
    assert kinds == {"reject", "nulled", "clean"}
