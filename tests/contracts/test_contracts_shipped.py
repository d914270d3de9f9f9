"""The contracts of this project: their examples are whole, their expressions give known answers."""

import json

from qol.contracts.fields import Field
from qol.contracts.model import Contracts
from qol.contracts.raw_values import safe_get


def stands_in(field: Field, raw: str) -> bool:
    """Whether one of the field's paths leads somewhere in a raw line."""
    record = json.loads(raw) if raw.endswith("}") else {}
    return any(safe_get(record, path) is not None for path in field.paths)


def test_every_field_stands_in_an_example_and_every_readable_one_is_expected(contracts: Contracts) -> None:
    for contract in contracts.sources:
        expected = {name for e in contract.examples for name, value in (e.expect or {}).items() if value is not None}
        for field in contract.fields:
            assert any(stands_in(field, e.raw) for e in contract.examples), field.name
            assert field.name in expected or field.type == "document_id", field.name


def test_every_alias_stands_in_an_example(contracts: Contracts) -> None:
    for contract in contracts.sources:
        lines = " ".join(e.raw for e in contract.examples)
        assert [path for f in contract.fields for path in f.paths if f'"{path[-1]}":' not in lines] == []


def test_every_contract_with_daily_metrics_expects_some_of_an_example(contracts: Contracts) -> None:
    for contract in contracts.sources:
        expected = [e for e in contract.examples if any(v is not None for v in (e.expect_daily or {}).values())]
        assert expected or not contract.gives, contract.name


def test_every_record_type_shows_a_rejected_record(contracts: Contracts) -> None:
    assert all(any(e.reject for e in contract.examples) for contract in contracts.sources)


def test_no_raw_line_of_an_example_is_secret_in_what_is_expected(contracts: Contracts) -> None:
    for contract in contracts.sources:
        assert not set(contract.drop) & {path[0] for f in contract.fields for path in f.paths}
