"""The lines of ranges: those of one contract and day decoded together, the others one by one.

Objects of a few lines are put together before they are decoded: a frame for each of them would cost more than its
lines. A line keeps its place: every batch knows which of its lines came from which range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec
import numpy as np
import polars as pl

from qol.contracts.model import Contracts
from qol.contracts.raw_values import EPOCH
from qol.contracts.source_model import SourceContract
from qol.ingest.items import Exploder, Item
from qol.ingest.parse import Reason, RejectedError, parse_line
from qol.ingest.raw_lines import LineChunk, LongLine, ObjectRange
from qol.ingest.results import ResultBuilder, Tally, row_schema

MAX_RAW_BYTES = 65_536
#: Fewer lines are read one by one: making a frame of them would cost more.
MIN_COLUMNAR_LINES = 32
#: Lines that wait for others are never more than this, in all and in bytes.
MAX_BATCH_LINES = 4096
MAX_BATCH_BYTES = 8 * 2**20

Line = bytes | LongLine
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass
class _Batch:
    """Lines of one contract and arrival day; `starts` are the first places of the segments."""

    lines: list[Line] = field(default_factory=list)
    readers: list[RangeReader] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)

    def add(self, reader: RangeReader, lines: Sequence[Line], before: int) -> None:
        """Lines of a range, `before` of which came earlier in the range."""
        self.starts.append(len(self.lines))
        self.readers.append(reader)
        self.before.append(before)
        self.lines.extend(lines)


class LineBatches:
    """Decodes what ranges hand in, as soon as it is worth it."""

    def __init__(self, collected: ResultBuilder) -> None:
        self._collected = collected
        self._waiting: dict[tuple[str, int], _Batch] = {}
        self._lines = self._bytes = 0

    def add(self, reader: RangeReader, lines: Sequence[Line], before: int) -> None:
        """Take in lines of a range; `before` lines of the range came earlier."""
        contract = reader.contract
        if contract is None or not self._collected.columnar_reader(contract).usable or reader.shares_folder:
            for place, line in enumerate(lines):
                reader.read_line(line, before + place + 1)
            return
        if len(lines) >= MIN_COLUMNAR_LINES:
            batch = _Batch()
            batch.add(reader, lines, before)
            self._read(contract, reader.arrival_day, batch)
            return
        self._waiting.setdefault((contract.name, reader.arrival_day), _Batch()).add(reader, lines, before)
        self._lines += len(lines)
        self._bytes += sum(len(line) if isinstance(line, bytes) else len(line.head) for line in lines)
        if self._lines >= MAX_BATCH_LINES or self._bytes >= MAX_BATCH_BYTES:
            self.read_all()

    def read_all(self) -> None:
        """Read what still waits."""
        waiting, self._waiting = self._waiting, {}
        self._lines = self._bytes = 0
        for (name, arrival_day), batch in waiting.items():
            self._read(self._collected.context.contracts.by_name[name], arrival_day, batch)

    def _read(self, contract: SourceContract, arrival_day: int, batch: _Batch) -> None:
        others: Sequence[int] = range(len(batch.lines))
        if len(batch.lines) >= MIN_COLUMNAR_LINES:
            rows, others = self._collected.columnar_reader(contract).read(batch.lines, arrival_day)
            if rows is not None and rows.height:
                self._keep(contract, batch, rows)
        segments = np.searchsorted(batch.starts, others, side="right") - 1
        for place, segment in zip(others, segments.tolist(), strict=True):
            number = batch.before[segment] + place - batch.starts[segment] + 1
            batch.readers[segment].read_line(batch.lines[place], number)

    def _keep(self, contract: SourceContract, batch: _Batch, rows: pl.DataFrame) -> None:
        places = rows["line"].to_numpy()
        segments = np.searchsorted(batch.starts, places, side="right") - 1
        shift = np.array(batch.before) - np.array(batch.starts) + 1
        parts = [reader.part for reader in batch.readers]
        rows = rows.with_columns(
            pl.Series("line_number", places + shift[segments], pl.Int64),
            pl.Series("object_index", np.array([part.object_index for part in parts])[segments], pl.Int64),
            pl.Series("range_start", np.array([part.start for part in parts])[segments], pl.Int64),
            value_issues=pl.lit(None, pl.List(pl.String)),
        )
        self._collected.frames.setdefault(contract.name, []).append(rows.select(list(row_schema(contract))))
        for reader, count in zip(batch.readers, np.bincount(segments).tolist(), strict=False):
            reader.tally.lines += count
            reader.tally.records += count


class RangeReader:
    """Reads the lines of one range: the clean ones fast, the others one by one."""

    def __init__(self, collected: ResultBuilder, batches: LineBatches, part: ObjectRange) -> None:
        contracts = collected.context.contracts
        self.part = part
        self.contract = contracts.by_name.get(part.record)
        self.arrival_day = (date.fromisoformat(part.arrival_date) - EPOCH).days
        self.tally = Tally(part.object_index, part.start)
        collected.tallies.append(self.tally)
        self._collected = collected
        self._batches = batches
        contract = self.contract
        found = (contract.source, contract.record) if contract else _control_place(contracts, part.record)
        self._source, self._record = found
        self._exploder = Exploder(contracts, self._source, contract)
        self._exact = keeps_all_digits(contracts, self._source)
        #: Whether some of the lines belong to another contract, which only the lenient path tells.
        self.shares_folder = contract is not None and bool(contracts.sharing(contract))

    def read_chunk(self, chunk: LineChunk) -> None:
        """Take in the next lines of the range."""
        before = self.tally.physical_lines
        self.tally.physical_lines += len(chunk.lines)
        if chunk.lines:
            self._batches.add(self, chunk.lines, before)
        if chunk.truncated:
            message = "the compressed object cannot be unpacked from here on: it breaks off, or is not gzip"
            self._reject(RejectedError(Reason.TRUNCATED_OBJECT, message), b"", 0, self.tally.physical_lines + 1, 0)

    def read_line(self, line: bytes | LongLine, number: int) -> None:
        """Read one line by the book; it ends as rows, rejects, or a count of blank or control items."""
        if isinstance(line, LongLine):
            message = f"the line has {line.length} bytes; allowed: {16 * 2**20}"
            self._reject(RejectedError(Reason.LINE_TOO_LONG, message), line.head, line.length, number, 0)
            return
        if not line.strip():
            self.tally.lines += 1
            self.tally.blank += 1
            return
        try:
            items = self._exploder.items(parse_line(line, exact=self._exact))
        except RejectedError as reject:
            self._reject(reject, line, len(line), number, 0)
            return
        for item in items:
            self._read_item(item, line, number, alone=len(items) == 1)

    def _read_item(self, item: Item, line: bytes, number: int, *, alone: bool) -> None:
        reject = item.reject
        if reject is None and item.contract is None:
            self.tally.lines += 1
            self.tally.control += 1
            return
        if reject is None and item.contract is not None:
            try:
                row = self._collected.reader(item.contract).read(item.raw, item.received_at, self.arrival_day)
            except RejectedError as err:
                reject = err
            else:
                self._keep(item.contract, row, number)
                return
        raw = line if alone else _ENCODER.encode(item.raw)
        if reject is not None:
            self._reject(reject, raw, len(raw), number, item.position, item.contract)

    def _keep(self, contract: SourceContract, row: dict[str, Any], number: int) -> None:
        row |= {"line_number": number, "object_index": self.part.object_index, "range_start": self.part.start}
        self._collected.keep(contract.name, row)
        self.tally.lines += 1
        self.tally.records += 1
        for issue in row["value_issues"] or ():
            name, _, rest = issue.partition(": ")
            self._collected.issues[contract.name, name, rest.rsplit(" ", 1)[-1]] += 1

    def _reject(
        self,
        reject: RejectedError,
        raw: bytes,
        length: int,
        number: int,
        position: int,
        contract: SourceContract | None = None,
    ) -> None:
        contract = contract or self.contract
        record = contract.record if contract else self._record
        self.tally.lines += 1
        self.tally.rejected += 1
        self._collected.reasons[f"{self._source}_{record}", reject.reason.value] += 1
        self._collected.reject(
            {
                "reason": reject.reason.value,
                "message": reject.message,
                "source": self._source,
                "record": record,
                "raw_object": self.part.key,
                "line_number": number,
                "item": position,
                "raw": raw[:MAX_RAW_BYTES],
                "raw_bytes": length,
                "arrival_date": self.part.arrival_date,
                "object_index": self.part.object_index,
                "range_start": self.part.start,
            }
        )


def keeps_all_digits(contracts: Contracts, source: str) -> bool:
    """Whether lines of a source are parsed with all digits of their numbers."""
    return any(spec.type == "decimal" for c in contracts.sources if c.source == source for spec in c.fields)


def _control_place(contracts: Contracts, name: str) -> tuple[str, str]:
    """Source and record of a folder of control messages; both names may hold an underscore."""
    for source, rules in contracts.source_rules.items():
        record = name.removeprefix(f"{source}_")
        if record != name and record in rules.control_keys:
            return source, record
    source, _, record = name.partition("_")
    return source, record
