"""Examples of a first contract: sample records without ids, secrets and texts, with what becomes of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

from qol.contracts.example import Example
from qol.contracts.fields import Field
from qol.contracts.hidden_names import hidden_names, masked
from qol.contracts.model import Contracts
from qol.contracts.raw_path import is_selector
from qol.contracts.raw_values import safe_get
from qol.contracts.source import SourceContract
from qol.ingest.examples import outcome
from qol.ingest.guessed_fields import Path, accepts, leaves

#: Samples an example keeps of a list or map.
_MAX_SAMPLES = 3
_NUMBERS = ("integer", "number")


def first_examples(
    contracts: Contracts, contract: SourceContract, records: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Examples as a file has them: records that together have every field, one with a wrong value, one without its person.

    `contracts` have the contract too.
    """
    hidden = hidden_names([contract], _dropping_texts_of_samples(contract, records))
    shown = [masked(_shortened(record), hidden) for record in _covering(records)]
    for number, raw in enumerate(shown):
        name = f"other fields, {number}" if number else "a record with most fields"
        yield _example(contracts, contract, name, raw)
    needed = {contract.by_name[name].paths[0] for name in _needed(contract)}
    least = _only(shown[0], {*needed, contract.person})
    if spare := next(filter(partial(_is_spare_number, contract), contract.fields), None):
        wrong = _with_value(least, spare.paths[0], "?")
        yield _example(contracts, contract, f"a text in the place of {spare.name}", wrong, [spare.name])
    # Not left out: an object with nothing but a list is an envelope.
    unnamed = _with_value(_only(shown[0], needed - {contract.person}), contract.person, None)
    yield _example(contracts, contract, "no person", unnamed)


def _dropping_texts_of_samples(contract: SourceContract, records: Sequence[dict[str, Any]]) -> SourceContract:
    """The contract as one that drops texts within samples too, but for times, which are no texts of a person."""
    places = [field.paths[0] for field in contract.fields if field.samples]
    texts = {name for record in records for place in places for name in _text_names(safe_get(record, place))}
    return contract.model_copy(update={"drop": (*contract.drop, *texts)})


def _text_names(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        texts = ((name, value) for name, value in node.items() if isinstance(value, str))
        yield from (name for name, value in texts if not accepts("instant", [value]))
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _text_names(value)


def _is_spare_number(contract: SourceContract, field: Field) -> bool:
    """Whether a field is a number in a plain place that neither key nor day needs."""
    is_plain = field.samples is None and not any(map(is_selector, field.paths[0]))
    return field.type in _NUMBERS and is_plain and field.name not in _needed(contract)


def _with_value(node: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A record with a value at a path of plain keys."""
    key, *rest = path
    return {**node, key: _with_value(node.get(key, {}), tuple(rest), value) if rest else value}


def _needed(contract: SourceContract) -> list[str]:
    day = contract.day
    return list(filter(None, (*contract.key, day.date, day.start, day.offset, day.zone)))


def _covering(records: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Records that have every path of all records; the fullest first."""
    open_paths = {path for record in records for path, _ in leaves(record)}
    while open_paths:
        best = max(records, key=lambda record: len(open_paths & {path for path, _ in leaves(record)}))
        open_paths -= {path for path, _ in leaves(best)}
        yield best


def _shortened(node: Any) -> Any:
    """A record with few samples of each list and map of numbers, and without the time it was received."""
    if isinstance(node, list):
        structs = any(isinstance(element, dict) for element in node)
        return [_shortened(element) for element in (node if structs and len(node) < 40 else node[:_MAX_SAMPLES])]
    if not isinstance(node, dict):
        return node
    keys = [*node][:_MAX_SAMPLES] if len(node) > _MAX_SAMPLES and all(key.isdecimal() for key in node) else node
    return {key: _shortened(node[key]) for key in keys if not key.startswith("_")}


def _only(record: Mapping[str, Any], paths: set[Path], at: Path = ()) -> dict[str, Any]:
    """A record with nothing but what stands at some paths."""
    kept = {}
    for key, value in record.items():
        path = (*at, key)
        if path in paths:
            kept[key] = value
        elif isinstance(value, dict) and (inner := _only(value, paths, path)):
            kept[key] = inner
    return kept


def _example(
    contracts: Contracts,
    contract: SourceContract,
    name: str,
    raw: Mapping[str, Any],
    columns: Sequence[str] | None = None,
) -> dict[str, Any]:
    """An example with what becomes of it today; `columns` are compared, by default all that have a value and are no ids."""
    example = Example(name=name, arrival=_arrival(contracts, contract, raw), raw=raw)  # type: ignore[arg-type]
    given = {"name": name, "arrival": example.arrival, "raw": raw}
    rows, reasons = outcome(contracts, contract, example)
    if not rows:
        return {**given, "reject": reasons[0]}
    (row,) = rows
    read = [f.name for f in contract.fields if f.type != "document_id" and row[f.name] is not None]
    given["expect"] = {column: row[column] for column in ("day", *(read if columns is None else columns))}
    return {**given, "nulled": row["value_issues"]} if row["value_issues"] else given


def _arrival(contracts: Contracts, contract: SourceContract, raw: Mapping[str, Any]) -> str:
    """The day after the record's own, in which it may have arrived."""
    late = Example(name="late", arrival="2100-01-01", raw=raw)  # type: ignore[arg-type]
    rules = {s: r.model_copy(update={"max_age_days": None}) for s, r in contracts.source_rules.items()}
    rows, _ = outcome(replace(contracts, source_rules=rules), contract, late)
    day = date.fromisoformat(rows[0]["day"]) if rows and rows[0]["day_rule"] != "arrival" else date(2026, 11, 9)
    return (day + timedelta(days=1)).isoformat()
