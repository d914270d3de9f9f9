"""Lines that are envelopes of one record type: their records are read in columns, like bare ones with the envelope's stamp.

An envelope of several types, with anything beside its records, or with a record that is not clean is read by the record
reader, which judges lines as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import polars as pl

from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.ingest.parse import PAGE_KEY, RECEIVED_AT, is_deep

if TYPE_CHECKING:
    from qol.ingest.line_reader import LongLine
    from qol.ingest.range_reader import RangeReader
    from qol.ingest.results import ResultBuilder

_HEAD = re.compile(rb'\{"(\w+)":\[')
#: The beginning of an object whose first value is no list, up to that value.
_BARE_HEAD = re.compile(rb'\{"\w+":[^\[]')
_STAMP = RECEIVED_AT.encode()
#: A longer envelope is read record by record, so that its records are never all in memory.
MAX_BYTES = 8 * 2**20


def contracts_of_envelopes(contracts: Contracts, source: str) -> dict[bytes, SourceContract]:
    """Contracts by the envelope keys whose records are read as bare records of the contract are, nothing around them."""
    rules = contracts.source_rules.get(source)
    if rules and (rules.inherit or rules.inherit_nested or rules.unwrap or rules.typed_values):
        return {}
    nested = rules.nested if rules else {}
    keys = {key for contract in contracts.sources if contract.source == source for key in contract.envelope_keys}
    found = {key: contracts.for_envelope(source, key) for key in keys - {PAGE_KEY, *nested}}
    return {
        key.encode(): contract
        for key, contract in found.items()
        if contract is not None and contract.spacing is None and not contracts.sharing(contract)
    }


def records_of(line: bytes, by_key: dict[bytes, SourceContract]) -> tuple[SourceContract, list[bytes]] | None:
    """The contract of an envelope's records, and each record as a line; None for any other line."""
    head = _HEAD.match(line)
    contract = by_key.get(head[1]) if head else None
    if head is None or contract is None or is_deep(line) or not _has_members(line):
        return None
    try:
        envelope = _decoder(head[1].decode()).decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    records = [bytes(raw) for raw in envelope.records]
    if not records or any(raw[:1] != b"{" or not raw[1:-1].strip() or _STAMP in raw for raw in records):
        return None
    if stamp := bytes(envelope.stamp):
        end = b',"%s":%s}' % (_STAMP, stamp)
        records = [raw[:-1] + end for raw in records]
    return contract, records


def _has_members(line: bytes) -> bool:
    """Whether most commas are between members of objects; a list of numbers or of empty objects would be many records."""
    return len(line) <= MAX_BYTES and line.count(b",") <= 2 * line.count(b":")


@cache
def _decoder(key: str) -> msgspec.json.Decoder[Any]:
    """Decodes an envelope of one type, its records as they stand there."""
    fields: list[str | tuple[str, Any] | tuple[str, Any, Any]] = [
        ("records", list[msgspec.Raw]),
        ("stamp", msgspec.Raw, msgspec.Raw(b"")),
    ]
    names = {"records": key, "stamp": RECEIVED_AT}
    return msgspec.json.Decoder(msgspec.defstruct("Envelope", fields, rename=names, forbid_unknown_fields=True))


@dataclass
class _Batch:
    """Records of envelopes of one contract and arrival day.

    Per record the index of its envelope; per envelope its line, its number, and the range it is in.
    """

    records: list[bytes] = field(default_factory=list)
    envelopes: list[int] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    readers: list[RangeReader] = field(default_factory=list)

    def add(self, reader: RangeReader, line: bytes, number: int, records: Sequence[bytes]) -> None:
        """Add an envelope."""
        self.envelopes.extend([len(self.lines)] * len(records))
        self.records.extend(records)
        self.lines.append(line)
        self.numbers.append(number)
        self.readers.append(reader)

    def placed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows of records with the places of their envelopes; the ranges count them."""
        envelopes = np.array(self.envelopes)[rows["line"].to_numpy()]
        parts = [reader.part for reader in self.readers]
        for reader, count in zip(self.readers, np.bincount(envelopes).tolist(), strict=False):
            reader.tally.lines += count
            reader.tally.records += count
        places: dict[str, Any] = {
            "line_number": self.numbers,
            "object_index": [part.object_index for part in parts],
            "range_start": [part.start for part in parts],
        }
        return rows.with_columns(
            *(pl.Series(name, np.array(values)[envelopes], pl.Int64) for name, values in places.items()),
            value_issues=pl.lit(None, pl.List(pl.String)),
        )

    def read_others(self, others: Sequence[int]) -> None:
        """Read the envelopes of these records one by one."""
        for envelope in sorted({self.envelopes[place] for place in others}):
            self.readers[envelope].read_line(self.lines[envelope], self.numbers[envelope])


class Envelopes:
    """Envelopes of ranges that wait until there are enough of one contract and arrival day."""

    def __init__(self, results: ResultBuilder) -> None:
        self._results = results
        self._by_key: dict[str, dict[bytes, SourceContract]] = {}
        self._waiting: dict[tuple[str, int], _Batch] = {}

    @staticmethod
    def candidates(lines: Sequence[bytes | LongLine]) -> Sequence[int]:
        """Places of lines that may be envelopes: not of those that begin as the first line does, where it is a bare record."""
        begun = lines[0] if lines else b""
        found = _BARE_HEAD.match(begun) if isinstance(begun, bytes) else None
        if found is None:
            return range(len(lines))
        head = found[0]
        return [place for place, line in enumerate(lines) if not (isinstance(line, bytes) and line.startswith(head))]

    def add(self, reader: RangeReader, line: bytes, number: int) -> int:
        """Add a line that is an envelope whose records may be clean; how many records, 0 for any other line."""
        if not line.startswith(b'{"'):
            return 0
        found = records_of(line, self._contracts(reader.source))
        if found is None:
            return 0
        contract, records = found
        self._waiting.setdefault((contract.name, reader.arrival_day), _Batch()).add(reader, line, number, records)
        return len(records)

    def read_all(self, least: int) -> None:
        """Read what waits: in columns where there are at least so many records, else one by one."""
        waiting, self._waiting = self._waiting, {}
        for (name, arrival_day), batch in waiting.items():
            others: Sequence[int] = range(len(batch.records))
            if len(batch.records) >= least:
                contract = self._results.context.contracts.by_name[name]
                reader = self._results.columnar_reader(contract)
                rows, others = reader.read(batch.records, arrival_day, batch.envelopes)
                if rows is not None and rows.height:
                    self._results.rows(contract).extend(batch.placed(rows))
            batch.read_others(others)

    def _contracts(self, source: str) -> dict[bytes, SourceContract]:
        if source not in self._by_key:
            found = contracts_of_envelopes(self._results.context.contracts, source)
            usable = self._results.columnar_reader
            self._by_key[source] = {key: contract for key, contract in found.items() if usable(contract).usable}
        return self._by_key[source]


def only_whole_groups(frame: pl.DataFrame, other: Sequence[int], groups: Sequence[int]) -> pl.DataFrame:
    """The frame, in which no line of a group is `ok` that has one which is not."""
    unclean = [*other, *frame.filter(~pl.col("ok"))["line"].to_list()]
    broken = pl.Series([groups[place] for place in unclean], dtype=pl.Int64)
    of_lines = pl.Series(groups, dtype=pl.Int64).gather(frame["line"])
    return frame.with_columns(ok=pl.col("ok") & ~of_lines.is_in(broken.implode()))
