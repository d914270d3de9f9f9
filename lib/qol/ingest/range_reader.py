"""The lines of one range: what is not read in columns becomes rows, rejects or a count line by line."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache, cached_property
from itertools import chain, islice
from typing import Any

import msgspec

from qol.contracts.hidden_names import MASK, masked
from qol.contracts.raw_values import EPOCH
from qol.ingest.departures import Departure
from qol.ingest.items import Item
from qol.ingest.line_batches import Line, LineBatches
from qol.ingest.line_reader import MAX_LINE_BYTES, LineChunk, LongLine, ObjectRange
from qol.ingest.listing import place_of
from qol.ingest.parse import Reason, RejectedError, parse_line
from qol.ingest.results import ResultBuilder, Tally

MAX_RAW_BYTES = 65_536
#: Rejects of a range, record type and reason that have a row each; the last row of theirs counts the others in `items`.
MAX_REJECTS = 1_000
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@cache
def _days(day: str) -> int:
    return (date.fromisoformat(day) - EPOCH).days


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

    @cached_property
    def _rejected(self) -> Counter[tuple[str, Reason]]:
        return Counter()

    @cached_property
    def _last_rejects(self) -> dict[tuple[str, Reason], dict[str, Any]]:
        return {}

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
