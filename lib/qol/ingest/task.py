"""One ingest task: ranges of raw objects in; rows per record type, rejects and one tally per range out."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec
import polars as pl

from qol.contracts.model import Contracts, SourceContract
from qol.ingest.convert import EPOCH
from qol.ingest.fast import FastReader
from qol.ingest.items import Exploder, Item
from qol.ingest.lines import LineChunk, LongLine, ObjectRange, read_lines
from qol.ingest.parse import Reason, RejectedError, parse_line
from qol.ingest.people import Identities, People
from qol.ingest.records import RecordReader
from qol.lake.base import Lake

RAW_KEPT_BYTES = 65_536
#: A chunk of fewer lines is read one by one: making a frame of it would cost more.
FAST_FROM_LINES = 32
#: Rows that wait as dictionaries, which take many times the room of a frame, are never more than this.
FRAME_ROWS = 4096


@dataclass(frozen=True)
class IngestContext:
    """What every ingest task of a run shares; travels to workers, so never printed."""

    contracts: Contracts
    identities: Identities
    zone: str
    bucket_limits: tuple[str, ...]
    _people: dict[str, People] = field(default_factory=dict, repr=False, compare=False)

    def people(self, source: str) -> People:
        """The persons of a source; a worker keeps them from task to task, most people send every day."""
        if source not in self._people:
            self._people[source] = People(self.identities, source, self.bucket_limits)
        return self._people[source]


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
class Ingested:
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


def row_schema(contract: SourceContract) -> dict[str, Any]:
    """Column types of the rows an ingest task gives for a contract; days and times still as integers."""
    types = {
        "integer": pl.Int64,
        "epoch_seconds": pl.Int64,
        "date": pl.Int64,
        "number": pl.Float64,
        "boolean": pl.Boolean,
    }
    schema: dict[str, Any] = {"user_id": pl.String, "bucket": pl.Int64, "day": pl.Int64, "day_rule": pl.String}
    schema |= {"source_timestamp": pl.Int64, "received_at": pl.Int64, "arrival_date": pl.Int64}
    schema["utc_offset_seconds"] = pl.Int64
    schema |= {spec.name: types.get(spec.type, pl.String) for spec in contract.fields}
    schema |= {"value_issues": pl.List(pl.String), "line_number": pl.Int64}
    return schema | {"object_index": pl.Int64, "range_start": pl.Int64}


def ingest(lake: Lake, context: IngestContext, parts: list[ObjectRange]) -> Ingested:
    """Read the ranges; every item ends as a row, a reject, or a count of blank or control items."""
    task = _Task(context)
    with _paused_collector():
        for part in parts:
            task.read_range(lake, part)
    return task.result()


@contextmanager
def _paused_collector() -> Iterator[None]:
    """No garbage collection while millions of short-lived rows are made; they form no cycles."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass
class _Task:
    """Collects what the ranges of one task give."""

    context: IngestContext
    frames: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    lenient: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    reject_frames: list[pl.DataFrame] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    issues: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    readers: dict[str, RecordReader] = field(default_factory=dict)
    fast: dict[str, FastReader] = field(default_factory=dict)

    def read_range(self, lake: Lake, part: ObjectRange) -> None:
        tally = Tally(part.object_index, part.start)
        self.tallies.append(tally)
        contract = self.context.contracts.by_name.get(part.record)
        reader = _RangeReader(self, part, contract, tally)
        for chunk in read_lines(lake, part):
            reader.read_chunk(chunk)

    def reader(self, contract: SourceContract) -> RecordReader:
        """The lenient reader of a contract, made once."""
        if contract.name not in self.readers:
            people = self.context.people(contract.source)
            self.readers[contract.name] = RecordReader(contract, people, self.context.identities, self.context.zone)
        return self.readers[contract.name]

    def fast_reader(self, contract: SourceContract) -> FastReader:
        """The fast reader of a contract, made once."""
        if contract.name not in self.fast:
            rules = self.context.contracts.source_rules.get(contract.source)
            ping = rules.ping[0] if rules and rules.ping else None
            self.fast[contract.name] = FastReader(self.reader(contract), ping)
        return self.fast[contract.name]

    def keep(self, name: str, row: dict[str, Any]) -> None:
        """Take in a row of a contract."""
        rows = self.lenient.setdefault(name, [])
        rows.append(row)
        if len(rows) >= FRAME_ROWS:
            self._frame(name)

    def reject(self, row: dict[str, Any]) -> None:
        """Take in a reject."""
        self.rejects.append(row)
        if len(self.rejects) >= FRAME_ROWS:
            self._frame_rejects()

    def _frame(self, name: str) -> None:
        rows, schema = self.lenient.pop(name), row_schema(self.context.contracts.by_name[name])
        columns = {column: [row[column] for row in rows] for column in schema}
        self.frames.setdefault(name, []).append(pl.DataFrame(columns, schema=schema))

    def _frame_rejects(self) -> None:
        self.reject_frames.append(pl.DataFrame(self.rejects, schema=REJECT_SCHEMA, orient="row"))
        self.rejects = []

    def result(self) -> Ingested:
        """Everything the ranges gave, as frames."""
        for name, reader in self.readers.items():
            for unknown, count in reader.unknown.items():
                self.issues[name, unknown, "unknown_field"] += count
        for name in list(self.lenient):
            self._frame(name)
        self._frame_rejects()
        joined = {name: pl.concat(frames, rechunk=False) for name, frames in self.frames.items()}
        return Ingested(joined, pl.concat(self.reject_frames), self.tallies, self.reasons, self.issues)


class _RangeReader:
    """Reads the lines of one range: the clean ones fast, the others one by one."""

    def __init__(self, task: _Task, part: ObjectRange, contract: SourceContract | None, tally: Tally) -> None:
        self._task = task
        self._part = part
        self._tally = tally
        self._contract = contract
        found = (contract.source, contract.record) if contract else _control_place(task.context.contracts, part.record)
        self._source, self._record = found
        self._arrival = (date.fromisoformat(part.arrival_date) - EPOCH).days
        self._exploder = Exploder(task.context.contracts, self._source, contract)

    def read_chunk(self, chunk: LineChunk) -> None:
        others: list[int] | range = range(len(chunk.lines))
        before = self._tally.physical_lines
        self._tally.physical_lines += len(chunk.lines)
        is_worth_it = len(chunk.lines) >= FAST_FROM_LINES
        if is_worth_it and self._contract is not None and self._task.fast_reader(self._contract).usable:
            others = self._read_fast(self._contract, chunk, before)
        for index in others:
            self._read_line(chunk.lines[index], before + index + 1)
        if chunk.truncated:
            message = "the compressed object breaks off here"
            self._reject(RejectedError(Reason.TRUNCATED_OBJECT, message), b"", 0, self._tally.physical_lines + 1, 0)

    def _read_fast(self, contract: SourceContract, chunk: LineChunk, before: int) -> list[int]:
        rows, others = self._task.fast_reader(contract).read(chunk.lines, self._arrival)
        if rows is not None and rows.height:
            schema = row_schema(contract)
            rows = rows.with_columns(
                line_number=pl.col("line") + before + 1,
                object_index=pl.lit(self._part.object_index, pl.Int64),
                range_start=pl.lit(self._part.start, pl.Int64),
                value_issues=pl.lit(None, pl.List(pl.String)),
            )
            self._task.frames.setdefault(contract.name, []).append(rows.select(list(schema)))
            self._tally.lines += rows.height
            self._tally.records += rows.height
        return others

    def _read_line(self, line: bytes | LongLine, number: int) -> None:
        if isinstance(line, LongLine):
            message = f"the line has {line.length} bytes; allowed: {16 * 2**20}"
            self._reject(RejectedError(Reason.LINE_TOO_LONG, message), line.head, line.length, number, 0)
            return
        if not line.strip():
            self._tally.lines += 1
            self._tally.blank += 1
            return
        try:
            items = self._exploder.items(parse_line(line))
        except RejectedError as reject:
            self._reject(reject, line, len(line), number, 0)
            return
        for item in items:
            self._read_item(item, line, number, alone=len(items) == 1)

    def _read_item(self, item: Item, line: bytes, number: int, *, alone: bool) -> None:
        reject = item.reject
        if reject is None and item.contract is None:
            self._tally.lines += 1
            self._tally.control += 1
            return
        if reject is None and item.contract is not None:
            try:
                row = self._task.reader(item.contract).read(item.raw, item.received_at, self._arrival)
            except RejectedError as err:
                reject = err
            else:
                self._keep(item.contract, row, number)
                return
        raw = line if alone else msgspec.json.encode(item.raw)
        if reject is not None:
            self._reject(reject, raw, len(raw), number, item.position, item.contract)

    def _keep(self, contract: SourceContract, row: dict[str, Any], number: int) -> None:
        row |= {"line_number": number, "object_index": self._part.object_index, "range_start": self._part.start}
        self._task.keep(contract.name, row)
        self._tally.lines += 1
        self._tally.records += 1
        for issue in row["value_issues"] or ():
            name, _, rest = issue.partition(": ")
            self._task.issues[contract.name, name, rest.rsplit(" ", 1)[-1]] += 1

    def _reject(
        self,
        reject: RejectedError,
        raw: bytes,
        length: int,
        number: int,
        position: int,
        contract: SourceContract | None = None,
    ) -> None:
        contract = contract or self._contract
        record = contract.record if contract else self._record
        self._tally.lines += 1
        self._tally.rejected += 1
        self._task.reasons[f"{self._source}_{record}", reject.reason.value] += 1
        self._task.reject(
            {
                "reason": reject.reason.value,
                "message": reject.message,
                "source": self._source,
                "record": record,
                "raw_object": self._part.key,
                "line_number": number,
                "item": position,
                "raw": raw[:RAW_KEPT_BYTES],
                "raw_bytes": length,
                "arrival_date": self._part.arrival_date,
                "object_index": self._part.object_index,
                "range_start": self._part.start,
            }
        )


def _control_place(contracts: Contracts, name: str) -> tuple[str, str]:
    """Source and record of a folder of control messages; both names may hold an underscore."""
    for source, rules in contracts.source_rules.items():
        record = name.removeprefix(f"{source}_")
        if record != name and record in rules.control_keys:
            return source, record
    source, _, record = name.partition("_")
    return source, record


def unpack_counts(counter: Mapping[tuple[str, ...], int]) -> dict[str, Any]:
    """Nested dictionaries of a counter over tuples, sorted, as the manifest shows counts."""
    nested: dict[str, Any] = {}
    for names, count in sorted(counter.items()):
        node = nested
        for name in names[:-1]:
            node = node.setdefault(name, {})
        node[names[-1]] = node.get(names[-1], 0) + count
    return nested
