"""What the examples of a contract leave untried: fields, spellings, keys that no field reads, verdicts."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from qol.contracts.example import Example
from qol.contracts.language import Mistake
from qol.contracts.model import Contracts
from qol.contracts.problems import problem
from qol.contracts.raw_path import path_text
from qol.contracts.raw_values import safe_get
from qol.contracts.source import SourceContract
from qol.errors import Problem
from qol.ingest.record_reader import known_names

#: An issue that all records of a vendor may have: such a record counts as read unchanged.
_HARMLESS = " milliseconds"


def coverage_problems(contracts: Contracts) -> Iterator[Problem]:
    """Everything that the examples do not show and `docs/add-a-device.md` asks for, with its place in the file."""
    for contract in contracts.sources:
        rules = contracts.source_rules.get(contract.source)
        inherited = rules.inherit | rules.inherit_nested if rules else frozenset()
        for mistake in (*_verdicts(contract), *_fields(contract), *_unread(contract, inherited)):
            yield problem(contract.file, mistake)


def _verdicts(contract: SourceContract) -> Iterator[Mistake]:
    examples = contract.examples
    days = [v for e in examples for v in (e.expect_daily or {}).values() if v is not None]
    nulled = [[issue for issue in e.nulled if not issue.endswith(_HARMLESS)] for e in examples if not e.reject]
    for is_shown, verdict in (
        (any(not issues for issues in nulled), "that is read unchanged"),
        (any(nulled), "with a value that becomes null or is corrected (nulled)"),
        (any(example.reject for example in examples), "that is rejected (reject)"),
        (bool(days) or not contract.gives, "with a value of a daily metric (expect_daily)"),
    ):
        if not is_shown:
            yield Mistake("examples", f"none {verdict}", f"at least one {verdict}")


def _record(example: Example) -> Mapping[str, Any]:
    """The raw record of an example that is kept; empty for any other, and for what is no record."""
    try:
        raw = json.loads(example.raw) if example.expect is not None else {}
    except ValueError:
        return {}
    return raw if isinstance(raw, dict) else {}


def _fields(contract: SourceContract) -> Iterator[Mistake]:
    """Fields that no example expects, and places of fields that stand in none."""
    raw = [_record(example) for example in contract.examples]
    expected = {n for e in contract.examples for n, value in (e.expect or {}).items() if value is not None}
    for field in contract.fields:
        missing = [path_text(path) for path in field.paths if all(safe_get(r, path) is None for r in raw)]
        if missing:
            yield Mistake(
                f"fields.{field.name}.path", ", ".join(missing), "a place that stands in a record of the examples"
            )
        elif field.name not in expected and field.type != "document_id":
            yield Mistake(f"fields.{field.name}", "no example that expects its value", "one that does, in expect")


def _unread(contract: SourceContract, inherited: frozenset[str]) -> Iterator[Mistake]:
    """Keys of examples that the contract neither reads nor drops."""
    known = dict.fromkeys(inherited, frozenset[str]()) | known_names(contract)
    for index, example in enumerate(contract.examples):
        record = _record(example)
        unread = [key for key in record if key not in known]
        unread += [
            f"{key}.{inner}"
            for key, below in known.items()
            if below and isinstance(record.get(key), dict)
            for inner in record[key].keys() - below
        ]
        for name in sorted(unread):
            yield Mistake(f"examples.{index}.raw", name, "a name that a field reads or drop has")
