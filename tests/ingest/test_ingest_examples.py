"""Every example of every contract is what the contract says, on both paths."""

import pytest

from qol.contracts.example import Example
from qol.contracts.source import SourceContract
from qol.identity.periods import ALWAYS
from qol.identity.pseudonyms import Owner

from .feed import CONTRACTS, Fed, both_readers, feed

EXAMPLES = [
    pytest.param(contract, example, id=f"{contract.name}-{example.name}")
    for contract in CONTRACTS.sources
    for example in contract.examples
]

#: Whose the devices of the examples are.
OWNERS = {("sensor", "room-1"): (Owner(ALWAYS, "P1", None),)}


def fed(contract: SourceContract, example: Example, *, fast: bool) -> Fed:
    return feed(example.raw.encode(), contract.name, arrival=example.arrival, fast=fast, owners=OWNERS)


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
