"""What an ingest task collects: rows per record type, rejects and one tally per range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from qol.contracts.model import Contracts
from qol.contracts.source_model import SourceContract, SourceRules
from qol.identity.pseudonyms import Identities, UserIndex
from qol.ingest.columnar_reader import ColumnarReader
from qol.ingest.record_reader import RecordReader

#: Rows that wait as dictionaries, which take many times the room of a frame, are never more than this.
MAX_BUFFERED_ROWS = 4096


@dataclass(frozen=True)
class IngestContext:
    """What every ingest task of a run shares; travels to workers, so never printed."""

    contracts: Contracts
    identities: Identities
    zone: str
    bucket_limits: tuple[str, ...]
    _users: dict[str, UserIndex] = field(default_factory=dict, repr=False, compare=False)

    def people(self, source: str) -> UserIndex:
        """The persons of a source; a worker keeps them from task to task, most people send every day."""
        if source not in self._users:
            self._users[source] = UserIndex(self.identities, source, self.bucket_limits)
        return self._users[source]


@dataclass
class Tally:
    """Exact counts of one object range, in items; `physical_lines` are lines that start in it."""

    object_index: int
    start: int
    physical_lines: int = 0
    lines: int = 0
    blank: int = 0
    control: int = 0
    rejected: int = 0
    records: int = 0


@dataclass
class IngestResult:
    """What a task gives: rows per record type (with `bucket`), rejects, tallies, counts of issues and reasons."""

    rows: dict[str, pl.DataFrame]
    rejects: pl.DataFrame
    tallies: list[Tally]
    reasons: Counter[tuple[str, str]]
    issues: Counter[tuple[str, str, str]]


REJECT_SCHEMA: dict[str, Any] = {
    "reason": pl.String,
    "message": pl.String,
    "source": pl.String,
    "record": pl.String,
    "raw_object": pl.String,
    "line_number": pl.Int64,
    "item": pl.Int64,
    "raw": pl.Binary,
    "raw_bytes": pl.Int64,
    "arrival_date": pl.String,
    "object_index": pl.Int64,
    "range_start": pl.Int64,
}
REJECT_ORDER = ("object_index", "range_start", "line_number", "item")


def row_schema(contract: SourceContract) -> dict[str, Any]:
    """Column types of the rows an ingest task gives for a contract; days and times still as integers."""
    types = {
        "integer": pl.Int64,
        "epoch_seconds": pl.Int64,
        "instant": pl.Int64,
        "utc_offset": pl.Int64,
        "date": pl.Int64,
        "number": pl.Float64,
        "intervals": pl.List(pl.Int32),
        "decimal": pl.Decimal(38, 18),
        "boolean": pl.Boolean,
    }
    schema: dict[str, Any] = {"user_id": pl.String, "bucket": pl.Int64, "day": pl.Int64, "day_rule": pl.String}
    schema |= {"source_timestamp": pl.Int64, "received_at": pl.Int64, "arrival_date": pl.Int64}
    schema["utc_offset_seconds"] = pl.Int64
    schema |= {spec.name: types.get(spec.type, pl.String) for spec in contract.fields}
    schema |= {"value_issues": pl.List(pl.String), "line_number": pl.Int64}
    return schema | {"object_index": pl.Int64, "range_start": pl.Int64}


@dataclass
class ResultBuilder:
    """What the ranges of one task gave so far."""

    context: IngestContext
    frames: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    lenient: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    reject_frames: list[pl.DataFrame] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    issues: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    readers: dict[str, RecordReader] = field(default_factory=dict)
    fast: dict[str, ColumnarReader] = field(default_factory=dict)

    def reader(self, contract: SourceContract) -> RecordReader:
        """The lenient reader of a contract, made once."""
        if contract.name not in self.readers:
            context = self.context
            rules = context.contracts.source_rules.get(contract.source) or SourceRules(contract.source)
            people = context.people(contract.source)
            self.readers[contract.name] = RecordReader(
                contract, people, context.identities, context.zone, inherited=rules.inherit,
                units=context.contracts.units, by_day=rules.people_by_day,
            )  # fmt: skip
        return self.readers[contract.name]

    def columnar_reader(self, contract: SourceContract) -> ColumnarReader:
        """The fast reader of a contract, made once."""
        if contract.name not in self.fast:
            rules = self.context.contracts.source_rules.get(contract.source)
            discriminator_fields = {other.only_path[0] for other in self.context.contracts.anywhere(contract.source)}
            if rules:
                discriminator_fields |= rules.never.keys() | ({rules.ping[0]} if rules.ping else set())
            self.fast[contract.name] = ColumnarReader(self.reader(contract), discriminator_fields)
        return self.fast[contract.name]

    def keep(self, name: str, row: dict[str, Any]) -> None:
        """Take in a row of a contract."""
        rows = self.lenient.setdefault(name, [])
        rows.append(row)
        if len(rows) >= MAX_BUFFERED_ROWS:
            self._frame(name)

    def reject(self, row: dict[str, Any]) -> None:
        """Take in a reject."""
        self.rejects.append(row)
        if len(self.rejects) >= MAX_BUFFERED_ROWS:
            self._frame_rejects()

    def _frame(self, name: str) -> None:
        rows, schema = self.lenient.pop(name), row_schema(self.context.contracts.by_name[name])
        columns = {column: [row[column] for row in rows] for column in schema}
        self.frames.setdefault(name, []).append(pl.DataFrame(columns, schema=schema))

    def _frame_rejects(self) -> None:
        self.reject_frames.append(pl.DataFrame(self.rejects, schema=REJECT_SCHEMA, orient="row"))
        self.rejects = []

    def result(self) -> IngestResult:
        """Everything the ranges gave, as frames."""
        for name, reader in self.readers.items():
            for unknown, count in reader.unknown.items():
                self.issues[name, unknown, "unknown_field"] += count
        for name in list(self.lenient):
            self._frame(name)
        self._frame_rejects()
        rejects = pl.concat(self.reject_frames).sort(*REJECT_ORDER)
        joined = {name: pl.concat(frames, rechunk=False) for name, frames in self.frames.items()}
        return IngestResult(joined, rejects, self.tallies, self.reasons, self.issues)


def unpack_counts(counter: Mapping[tuple[str, ...], int]) -> dict[str, Any]:
    """Nested dictionaries of a counter over tuples, sorted, as the manifest shows counts."""
    nested: dict[str, Any] = {}
    for names, count in sorted(counter.items()):
        node = nested
        for name in names[:-1]:
            node = node.setdefault(name, {})
        node[names[-1]] = node.get(names[-1], 0) + count
    return nested
