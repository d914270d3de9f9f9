"""The lines of ranges: those of one contract and arrival day decoded together, the others one by one.

Objects of a few lines are batched before they are decoded: a frame for each of them would cost more than its lines.
Every batch knows which of its lines came from which range.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property
from itertools import chain, islice
from typing import Any

import msgspec
import numpy as np
import polars as pl

from qol.contracts.hidden_names import MASK, masked
from qol.contracts.raw_values import EPOCH
from qol.contracts.source import SourceContract
from qol.ingest.departures import Departure
from qol.ingest.envelopes import Envelopes
from qol.ingest.items import Item
from qol.ingest.line_reader import MAX_LINE_BYTES, LineChunk, LongLine, ObjectRange
from qol.ingest.listing import place_of
from qol.ingest.parse import Reason, RejectedError, parse_line
from qol.ingest.raw_folder import RawFolder
from qol.ingest.results import ResultBuilder, Tally

MAX_RAW_BYTES = 65_536
#: Rejects of a range, record type and reason that have a row each; the last row of theirs counts the others in `items`.
MAX_REJECTS = 1_000
#: Fewer lines are read one by one: making a frame of them would cost more.
MIN_COLUMNAR_LINES = 32
#: Lines that wait for others, in all, and their bytes.
MAX_BATCH_LINES = 8192
MAX_BATCH_BYTES = 16 * 2**20

Line = bytes | LongLine
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass
class _Batch:
    """Lines of one contract and arrival day, in segments of one range each.

    Per segment: its range, its first index in `lines`, and the number of earlier lines of the range.
    """

    lines: list[Line] = field(default_factory=list)
    readers: list[RangeReader] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)

    def add(self, reader: RangeReader, lines: Sequence[Line], before: int) -> None:
        """Add the next segment."""
        self.starts.append(len(self.lines))
        self.readers.append(reader)
        self.before.append(before)
        self.lines.extend(lines)


@cache
def _days(day: str) -> int:
    return (date.fromisoformat(day) - EPOCH).days


class LineBatches:
    """Decodes lines of ranges as soon as there are enough of one contract and arrival day."""

    def __init__(self, results: ResultBuilder) -> None:
        self._results = results
        self._waiting: dict[tuple[str, int], _Batch] = {}
        self._envelopes = Envelopes(results)
        self._folders: dict[str, RawFolder] = {}
        self._lines = self._bytes = 0

    def folder(self, name: str) -> RawFolder:
        """The raw folder of `<source>_<record>`."""
        if name not in self._folders:
            self._folders[name] = RawFolder(self._results, name)
        return self._folders[name]

    def add(self, reader: RangeReader, lines: Sequence[Line], before: int) -> None:
        """Add lines of a range that has `before` earlier lines."""
        first = 0
        for place in self._envelopes.candidates(lines):
            line = lines[place]
            if isinstance(line, bytes) and (records := self._envelopes.add(reader, line, before + place + 1)):
                self._add_lines(reader, lines[first:place], before + first)
                self._count(records, len(line))
                first = place + 1
        self._add_lines(reader, lines[first:] if first else lines, before + first)

    def _count(self, lines: int, size: int) -> None:
        self._lines += lines
        self._bytes += size
        if self._lines >= MAX_BATCH_LINES or self._bytes >= MAX_BATCH_BYTES:
            self.read_all()

    def _add_lines(self, reader: RangeReader, lines: Sequence[Line], before: int) -> None:
        """Add lines that are no envelopes."""
        if not lines:
            return
        contract = reader.contract
        if contract is None or not self._results.columnar_reader(contract).usable or reader.folder.is_shared:
            for number, line in enumerate(lines, before + 1):
                reader.read_line(line, number)
            return
        self._waiting.setdefault((contract.name, reader.arrival_day), _Batch()).add(reader, lines, before)
        self._count(len(lines), sum(map(len, lines)))

    def read_all(self) -> None:
        """Read the lines that still wait."""
        waiting, self._waiting = self._waiting, {}
        self._lines = self._bytes = 0
        for (name, arrival_day), batch in waiting.items():
            self._read(self._results.context.contracts.by_name[name], arrival_day, batch)

        self._envelopes.read_all(MIN_COLUMNAR_LINES)

    def _read(self, contract: SourceContract, arrival_day: int, batch: _Batch) -> None:
        others: Sequence[int] = range(len(batch.lines))
        if len(batch.lines) >= MIN_COLUMNAR_LINES:
            rows, others = self._results.columnar_reader(contract).read(batch.lines, arrival_day)
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
        ranges = np.array([(reader.part.object_index, reader.part.start) for reader in batch.readers])[segments]
        rows = rows.with_columns(
            pl.Series("line_number", places + shift[segments], pl.Int64),
            pl.Series("object_index", ranges[:, 0], pl.Int64),
            pl.Series("range_start", ranges[:, 1], pl.Int64),
            value_issues=pl.lit(None, pl.List(pl.String)),
        )
        self._results.rows(contract).extend(rows)
        for reader, count in zip(batch.readers, np.bincount(segments).tolist(), strict=False):
            reader.tally.lines += count
            reader.tally.records += count


class RangeReader:
    """Reads the lines of one range: clean ones in columns, the others one by one."""

    def __init__(self, results: ResultBuilder, batches: LineBatches, part: ObjectRange) -> None:
        self.part = part
        self.folder = folder = batches.folder(part.record)
        self.source, self.contract = folder.source, folder.contract
        self.arrival_day = _days(part.arrival_date)
        self.tally = Tally(part.object_index, part.start)
        results.tallies.append(self.tally)
        self._results = results
        self._batches = batches
        self._departures = folder.departures
        self._rejected: Counter[tuple[str, Reason]] = Counter()
        self._last_rejects: dict[tuple[str, Reason], dict[str, Any]] = {}

    @cached_property
    def raw_object(self) -> str:
        """What rejects have instead of the object's key."""
        return self._results.context.identities.object_hash(self.part.key)

    def name(self) -> str:
        """The object in messages: its place and `raw_object`."""
        return f"{place_of(self.part.key, self.part.arrival_date)}/{self.raw_object}"

    def read_chunk(self, chunk: LineChunk) -> None:
        """Read the next lines of the range."""
        before = self.tally.physical_lines
        self.tally.physical_lines += len(chunk.lines)
        if chunk.lines:
            self._batches.add(self, chunk.lines, before)
        if chunk.truncated:
            message = f"the compressed object cannot be unpacked from here on: {chunk.truncated}"
            self._reject(RejectedError(Reason.TRUNCATED_OBJECT, message), b"", self.tally.physical_lines + 1)

    def read_line(self, line: Line, number: int) -> None:
        """Read one line; it ends as rows, rejects, or a count of blank or control items."""
        if isinstance(line, LongLine):
            message = f"the line has {line.length} bytes; allowed: {MAX_LINE_BYTES}"
            self._reject_text(RejectedError(Reason.LINE_TOO_LONG, message), line.head, number, length=line.length)
            return
        if not line.strip():
            self.tally.lines += 1
            self.tally.blank += 1
            return
        try:
            items = self.folder.exploder.items(line)
        except RejectedError as reject:
            self._reject_text(reject, line, number)
            return
        first = list(islice(items, 2)) or [Item(None, None, None)]  # a line without items is a control item
        for position, item in enumerate(chain(first, items)):
            departure = self._departures.of(item, self.arrival_day) if self._departures.any else None
            if departure is not None:
                self._count_departed(departure)
                continue
            rejected = item.reject or self._read_item(item, number)
            if rejected is not None:
                self._reject(rejected, line if len(first) == 1 else None, number, position, item)

    def _count_departed(self, departure: Departure) -> None:
        """Count an item of a user who left; nothing of it is kept."""
        self.tally.lines += 1
        setattr(self.tally, departure, getattr(self.tally, departure) + 1)

    def _reject_text(self, reject: RejectedError, line: bytes, number: int, length: int | None = None) -> None:
        """Reject a line that is no JSON, or count it when it holds an id of a user who left."""
        departure = self._departures.of_text(line, self.arrival_day) if self._departures.any else None
        if departure is None:
            self._reject(reject, line, number, length=length)
        else:
            self._count_departed(departure)

    def _masked(self, raw: bytes, item: Item) -> bytes:
        """The JSON of a rejected item, or of its line, without ids and secrets; nothing of an item that has no names."""
        if not isinstance(item.raw, dict):
            return _ENCODER.encode(MASK)
        return _ENCODER.encode(masked(parse_line(raw, exact=True), self._results.hidden(item.contract)))

    def _read_item(self, item: Item, number: int) -> RejectedError | None:
        """Read a record or count a control message; why the record is rejected, None when it is not."""
        contract = item.contract
        if contract is None:
            self.tally.lines += 1
            self.tally.control += 1
            return None
        try:
            row = self._results.reader(contract).read(item.raw, item.received_at, self.arrival_day)
        except RejectedError as rejected:
            return rejected
        row |= {"line_number": number, "object_index": self.part.object_index, "range_start": self.part.start}
        self._results.rows(contract).append(row)
        self.tally.lines += 1
        self.tally.records += 1
        for issue in row["value_issues"] or ():
            name, _, rest = issue.partition(": ")
            self._results.issues[contract.name, name, rest.rsplit(" ", 1)[-1]] += 1
        return None

    def _reject(
        self,
        reject: RejectedError,
        raw: bytes | None,
        number: int,
        position: int = 0,
        item: Item | None = None,
        length: int | None = None,
    ) -> None:
        """Count a rejected line or item, and keep a row of it; `raw` is the line, None where the item is one of several."""
        contract = (item.contract if item else None) or self.contract
        record = contract.record if contract else self.folder.record
        self.tally.lines += 1
        self.tally.rejected += 1
        self._results.reasons[f"{self.source}_{record}", reject.reason.value] += 1
        kind = record, reject.reason
        self._rejected[kind] += 1
        if self._rejected[kind] > MAX_REJECTS:
            self._last_rejects[kind]["items"] += 1
            return
        if item is not None:
            whole = _ENCODER.encode(item.raw) if raw is None else raw
            raw, length = self._masked(whole, item), len(whole)
        row = {
            "reason": reject.reason.value,
            "message": reject.message,
            "source": self.source,
            "record": record,
            "raw_object": self.raw_object,
            "line_number": number,
            "item": position,
            "raw": (raw or b"")[:MAX_RAW_BYTES],
            "raw_bytes": len(raw or b"") if length is None else length,
            "items": 1,
            "arrival_date": self.part.arrival_date,
            "object_index": self.part.object_index,
            "range_start": self.part.start,
        }
        if self._rejected[kind] < MAX_REJECTS:
            self._results.rejects.append(row)
        else:
            self._last_rejects[kind] = row
            self._results.last_rejects.append(row)
