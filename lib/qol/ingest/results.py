"""What an ingest task gives: rows per record type, rejects and one tally per range."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from qol.contracts.columns import fixed
from qol.contracts.frames import no_rows
from qol.contracts.hidden_names import hidden_names
from qol.contracts.model import Contracts
from qol.contracts.rules import SourceRules
from qol.contracts.source import SourceContract
from qol.identity.pseudonyms import Identities, UserIndex
from qol.ingest.column_values import COLUMN_TYPES
from qol.ingest.columnar_reader import ColumnarReader
from qol.ingest.computed_ranges import with_range_issues
from qol.ingest.record_reader import RecordReader

#: Rows that wait as dictionaries, which take many times the memory of a frame.
MAX_BUFFERED_ROWS = 4096
UNKNOWN_FIELD = "unknown_field"


@dataclass(frozen=True)
class IngestContext:
    """What every ingest task of a run shares; travels to workers, so never printed."""

    contracts: Contracts
    identities: Identities
    zone: str
    bucket_limits: tuple[str, ...]
    #: Whether records older than `max_age_days` of their source's rules are read too.
    old: bool = False
    _users: dict[tuple[str, str | None], UserIndex] = field(default_factory=dict, repr=False, compare=False)

    def users(self, source: str, permission: str | None = None) -> UserIndex:
        """The users of a source, as to records that need a permission; a worker keeps them, as most users send data every day."""
        permission = permission if self.identities.permitted else None
        if (source, permission) not in self._users:
            self._users[source, permission] = UserIndex(self.identities, source, self.bucket_limits, permission)
        return self._users[source, permission]


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
    withdrawn: int = 0
    erased: int = 0


@dataclass
class IngestResult:
    """Rows per record type (with `bucket`), rejects, tallies, counts of reject reasons and of field issues."""

    rows: dict[str, pl.DataFrame]
    rejects: pl.DataFrame
    tallies: list[Tally]
    reasons: Counter[tuple[str, str]]
    issues: Counter[tuple[str, str, str]]
    #: Users who sent an unknown field, by record type and its name, as `RecordReader.senders`.
    senders: Mapping[tuple[str, str], set[str]]


REJECT_SCHEMA: dict[str, Any] = {
    **no_rows(fixed("rejects")).schema,
    "arrival_date": pl.String,
    "object_index": pl.Int64,
    "range_start": pl.Int64,
}
REJECT_ORDER = ("object_index", "range_start", "line_number", "item")


def row_schema(contract: SourceContract) -> dict[str, Any]:
    """Column types of the rows an ingest task gives for a contract; days and times still as integers."""
    numbers = dict.fromkeys(("source_timestamp", "received_at", "arrival_date", "utc_offset_seconds"), pl.Int64)
    fields = {spec.name: COLUMN_TYPES[spec.type] for spec in contract.fields}
    origin = dict.fromkeys(("line_number", "object_index", "range_start"), pl.Int64)
    own = {"user_id": pl.String, "bucket": pl.Int64, "day": pl.Int64, "day_rule": pl.String}
    return {**own, **numbers, **fields, "value_issues": pl.List(pl.String), **origin}


class RowBuffer:
    """Rows of one schema, which become frames a few thousand at a time."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._rows: list[Mapping[str, Any]] = []
        self._frames: list[pl.DataFrame] = []

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row that has all columns, and maybe others."""
        self._rows.append(row)
        if len(self._rows) >= MAX_BUFFERED_ROWS:
            self._flush()

    def extend(self, rows: pl.DataFrame) -> None:
        """Add rows that have all columns, and maybe others."""
        self._frames.append(rows.select(list(self._schema)))

    def frame(self) -> pl.DataFrame:
        """All rows."""
        if self._rows or not self._frames:
            self._flush()
        return pl.concat(self._frames, rechunk=False)

    def _flush(self) -> None:
        columns = {name: [row[name] for row in self._rows] for name in self._schema}
        self._frames.append(pl.DataFrame(columns, schema=self._schema))
        self._rows = []


class ResultBuilder:
    """Gathers what the ranges of one task give."""

    def __init__(self, context: IngestContext) -> None:
        self.context = context
        self.rejects = RowBuffer(REJECT_SCHEMA)
        #: Rejects whose `items` grow until the last line is read.
        self.last_rejects: list[dict[str, Any]] = []
        self.tallies: list[Tally] = []
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.issues: Counter[tuple[str, str, str]] = Counter()
        self._rows: dict[str, RowBuffer] = {}
        self._readers: dict[str, RecordReader] = {}
        self._columnar: dict[str, ColumnarReader] = {}
        self._hidden: dict[str | None, frozenset[str]] = {}

    def rows(self, contract: SourceContract) -> RowBuffer:
        """The rows of a contract."""
        if contract.name not in self._rows:
            self._rows[contract.name] = RowBuffer(row_schema(contract))
        return self._rows[contract.name]

    def reader(self, contract: SourceContract) -> RecordReader:
        """The record reader of a contract, made once."""
        if contract.name not in self._readers:
            context = self.context
            rules = context.contracts.source_rules.get(contract.source) or SourceRules(source=contract.source)
            self._readers[contract.name] = RecordReader(
                contract, context.users(contract.source, rules.permission_of(contract.record)), context.identities, context.zone, inherited=rules.inherit | rules.inherit_nested,
                units=context.contracts.units, by_day=rules.people_by_day,
                max_age=None if context.old else rules.max_age_days,
            )  # fmt: skip
        return self._readers[contract.name]

    def columnar_reader(self, contract: SourceContract) -> ColumnarReader:
        """The columnar reader of a contract, made once."""
        if contract.name not in self._columnar:
            rules = self.context.contracts.source_rules.get(contract.source)
            discriminators = {
                other.only.path[0] for other in self.context.contracts.anywhere(contract.source) if other.only
            }
            if rules:
                discriminators |= {rules.ping.has} if rules.ping else set()
            self._columnar[contract.name] = ColumnarReader(self.reader(contract), discriminators)
        return self._columnar[contract.name]

    def hidden(self, contract: SourceContract | None) -> frozenset[str]:
        """Names whose values are masked in rejects of a contract, or of items without one."""
        name = None if contract is None else contract.name
        if name not in self._hidden:
            self._hidden[name] = hidden_names(self.context.contracts.sources, contract)
        return self._hidden[name]

    def result(self) -> IngestResult:
        """Everything the ranges gave, as frames."""
        senders: dict[tuple[str, str], set[str]] = {}
        for name, reader in self._readers.items():
            for unknown, count in reader.unknown.items():
                self.issues[name, unknown, UNKNOWN_FIELD] += count
                senders[name, unknown] = reader.senders[unknown]
        rows = {name: self._ranged(name, buffer.frame()) for name, buffer in self._rows.items()}
        for row in self.last_rejects:
            self.rejects.append(row)
        rejects = self.rejects.frame().sort(*REJECT_ORDER)
        return IngestResult(rows, rejects, self.tallies, self.reasons, self.issues, senders)

    def _ranged(self, name: str, rows: pl.DataFrame) -> pl.DataFrame:
        """A contract's rows with the issues of their computed values, which are counted."""
        rows, counts = with_range_issues(self.context.contracts.by_name[name], rows)
        self.issues.update({(name, *issue): count for issue, count in counts.items()})
        return rows


def unpack_counts(counter: Mapping[tuple[str, ...], int]) -> dict[str, Any]:
    """Nested dictionaries of a counter over tuples, sorted, as the manifest shows counts."""
    nested: dict[str, Any] = {}
    for names, count in sorted(counter.items()):
        node = nested
        for name in names[:-1]:
            node = node.setdefault(name, {})
        node[names[-1]] = node.get(names[-1], 0) + count
    return nested
