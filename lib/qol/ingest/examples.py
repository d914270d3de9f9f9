"""The examples of contracts, ingested as any raw line and compared with what they expect."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from qol.contracts.example import Example
from qol.contracts.expressions import engine_text
from qol.contracts.model import Contracts
from qol.contracts.raw_values import EPOCH
from qol.contracts.source import SourceContract
from qol.contracts.wording import shown
from qol.errors import ContractError, Difference, Problem
from qol.identity.pseudonyms import Identities
from qol.ingest.listing import RANGE_BYTES, RawObject, ingest_tasks
from qol.ingest.parse import Reason
from qol.ingest.results import IngestContext, IngestResult
from qol.ingest.task import ingest
from qol.lake.base import Lake, StoredObject

#: The user of all examples; their vendor ids are not compared.
_USER = ("P0001", None)
_KEY = bytes(32)
_ZONE = "Asia/Tokyo"
_TIMES = ("received_at", "source_timestamp")


class _OneUserMap(dict[tuple[str, str], tuple[str, str | None]]):
    """A user map that gives every vendor and device id the same user."""

    def __contains__(self, _: object) -> bool:
        return True

    def __missing__(self, _: tuple[str, str]) -> tuple[str, str | None]:
        return _USER


class InMemoryLake:
    """Raw objects in memory; an ingest task needs only `read` of a lake."""

    reads_at_once = 1

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        self._objects = objects

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of an object, from `start` on."""
        return self._objects[key][start : None if length is None else start + length]


def read_examples(contracts: Contracts) -> Iterator[tuple[SourceContract, list[IngestResult]]]:
    """Every contract with what ingest makes of each of its examples."""
    mapped = IngestContext(contracts, Identities(_KEY, _OneUserMap()), _ZONE, ())
    unmapped = IngestContext(contracts, Identities(_KEY, {}), _ZONE, ())
    for contract in contracts.sources:
        yield (
            contract,
            [
                _read(unmapped if example.reject == Reason.NO_PERSON else mapped, contract, example)
                for example in contract.examples
            ],
        )


def record_differences(contract: SourceContract, index: int, read: IngestResult) -> Iterator[Difference]:
    """What an example of a contract expects of its record, and what came of it instead."""
    example = contract.examples[index]
    for path, expected, found in _differences(contract, example, read):
        yield Difference(contract.file, f"examples.{index}{path}", expected, f"{found} ({example.name})")


def outcome(contracts: Contracts, contract: SourceContract, example: Example) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows that become of an example, as a contract writes values, and reasons of rejects; the user map knows its user."""
    read = _read(IngestContext(contracts, Identities(_KEY, _OneUserMap()), _ZONE, ()), contract, example)
    rows = [contract_values(row, day_columns(contract)) for frame in read.rows.values() for row in frame.to_dicts()]
    return rows, read.rejects["reason"].to_list()


def contract_values(row: Mapping[str, Any], days: frozenset[str]) -> dict[str, Any]:
    """A row of ingest with days, times and decimals as a contract writes them; `days` are columns of days since 1970."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    values = dict(row)
    for name, value in row.items():
        if isinstance(value, int) and name in days:
            values[name] = (EPOCH + timedelta(days=value)).isoformat()
        elif isinstance(value, int) and name in _TIMES:
            values[name] = (epoch + timedelta(microseconds=value)).isoformat().replace("+00:00", "Z")
        elif isinstance(value, Decimal):
            values[name] = f"{value:f}"
    return values


def day_columns(contract: SourceContract) -> frozenset[str]:
    """Columns of a contract's rows with days since 1970."""
    return frozenset({"day", "arrival_date"} | {field.name for field in contract.fields if field.type == "date"})


def _read(context: IngestContext, contract: SourceContract, example: Example) -> IngestResult:
    data = example.raw.encode()
    stored = StoredObject("raw/example.jsonl", len(data), "")
    raw = RawObject(stored, contract.name, example.arrival)
    (parts,) = ingest_tasks((raw,), RANGE_BYTES)
    try:
        return ingest(cast("Lake", InMemoryLake({stored.key: data})), context, parts)
    except ContractError as err:
        raise ContractError(with_cause(err, f"example {example.name!r}")) from err


def with_cause(err: ContractError, where: str) -> list[Problem]:
    """The problems with what Polars says, which can hold no values but those of an example."""
    text = engine_text(err.__cause__) if err.__cause__ else ""
    return [replace(problem, value=f"{problem.value} in {where}: {text}") for problem in err.problems]


def _differences(contract: SourceContract, example: Example, read: IngestResult) -> Iterator[tuple[str, str, str]]:
    """Path in the example, what it expects, what came of it."""
    reasons = read.rejects["reason"].to_list()
    rows = [contract_values(row, day_columns(contract)) for row in _rows(contract, read)]
    outcome = _outcome(contract, read, reasons)
    if example.reject is not None:
        if reasons != [example.reject] or rows:
            yield ".reject", f"it to be rejected as {example.reject}", outcome
        return
    if reasons or len(rows) != 1:
        yield ".expect", "it to be kept as a record", outcome
        return
    (row,) = rows
    for name, value in (example.expect or {}).items():
        if row[name] != value:
            yield f".expect.{name}", shown(value), f"it becomes {shown(row[name])}"
    issues = sorted(row["value_issues"] or [])
    if issues != sorted(example.nulled):
        yield ".nulled", shown(sorted(example.nulled)), f"the issues are {shown(issues)}"


def _rows(contract: SourceContract, read: IngestResult) -> list[dict[str, Any]]:
    return read.rows[contract.name].to_dicts() if contract.name in read.rows else []


def _outcome(contract: SourceContract, read: IngestResult, reasons: list[str]) -> str:
    """What became of an example's line, in words."""
    if reasons:
        return f"it was rejected as {', '.join(reasons)}"
    other = next((name for name, rows in read.rows.items() if name != contract.name and rows.height), None)
    if other is not None:
        return f"it was kept as a record of {other}"
    kept = len(_rows(contract, read))
    return "it was kept as a record" if kept == 1 else f"it gave {kept} records"
