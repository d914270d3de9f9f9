"""Lines of ranges, batched: those of one contract and arrival day are decoded together, with records of envelopes.

Objects of a few lines are batched before they are decoded: a frame for each of them would cost more than its lines.
Every batch knows which of its lines came from which range.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qol.contracts.source import SourceContract
from qol.ingest.envelopes import Envelopes
from qol.ingest.line_reader import LongLine
from qol.ingest.raw_folder import RawFolder
from qol.ingest.results import ResultBuilder

if TYPE_CHECKING:
    from qol.ingest.range_reader import RangeReader

#: Fewer lines are read one by one: making a frame of them would cost more.
MIN_COLUMNAR_LINES = 32
#: Lines that wait for others, in all, and their bytes.
MAX_BATCH_LINES = 8192
MAX_BATCH_BYTES = 16 * 2**20

Line = bytes | LongLine


@dataclass
class _Batch:
    """Lines of one contract and arrival day, and records of envelopes, in segments: lines of one range, or one envelope.

    Per segment: its range, its first index in `lines`, the number of the line before it, and its envelope, if it is one.
    """

    lines: list[Line] = field(default_factory=list)
    readers: list[RangeReader] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    envelopes: list[bytes | None] = field(default_factory=list)

    def add(self, reader: RangeReader, lines: Sequence[Line], before: int, envelope: bytes | None = None) -> None:
        """Add the next segment."""
        self.starts.append(len(self.lines))
        self.readers.append(reader)
        self.before.append(before)
        self.envelopes.append(envelope)
        self.lines.extend(lines)

    def origins(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The segment of each of some lines, and its number in its range: all records of an envelope have that of the envelope."""
        starts = np.array(self.starts)
        segments = np.searchsorted(starts, places, side="right") - 1
        is_line = np.array([envelope is None for envelope in self.envelopes])[segments]
        numbers = np.array(self.before)[segments] + 1 + is_line * (places - starts[segments])
        return segments, numbers

    def groups(self) -> Sequence[int]:
        """A number for each line, the same for the records of an envelope; none without envelopes."""
        if not any(self.envelopes):
            return ()
        groups = np.arange(len(self.lines))
        ends = [*self.starts[1:], len(self.lines)]
        for start, end, envelope in zip(self.starts, ends, self.envelopes, strict=True):
            if envelope is not None:
                groups[start:end] = start
        return groups.tolist()


class LineBatches:
    """Decodes lines of ranges as soon as there are enough of one contract and arrival day."""

    def __init__(self, results: ResultBuilder) -> None:
        self._results = results
        self._waiting: defaultdict[tuple[str, int], _Batch] = defaultdict(_Batch)
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
            if isinstance(line, bytes) and (found := self._envelopes.records(reader.source, line)):
                self._add_lines(reader, lines[first:place], before + first)
                contract, records = found
                self._wait(contract, reader, records, before + place, line)
                first = place + 1
        self._add_lines(reader, lines[first:] if first else lines, before + first)

    def _add_lines(self, reader: RangeReader, lines: Sequence[Line], before: int) -> None:
        """Add lines that are no envelopes."""
        contract = reader.contract
        if contract is not None and reader.folder.is_columnar and lines:
            self._wait(contract, reader, lines, before)
            return
        for number, line in enumerate(lines, before + 1):
            reader.read_line(line, number)

    def _wait(
        self,
        contract: SourceContract,
        reader: RangeReader,
        lines: Sequence[Line],
        before: int,
        envelope: bytes | None = None,
    ) -> None:
        self._waiting[contract.name, reader.arrival_day].add(reader, lines, before, envelope)
        self._lines += len(lines)
        self._bytes += sum(map(len, lines))
        if self._lines >= MAX_BATCH_LINES or self._bytes >= MAX_BATCH_BYTES:
            self.read_all()

    def read_all(self) -> None:
        """Read the lines that still wait."""
        waiting, self._waiting = self._waiting, defaultdict(_Batch)
        self._lines = self._bytes = 0
        for (name, arrival_day), batch in waiting.items():
            self._read(self._results.context.contracts.by_name[name], arrival_day, batch)

    def _read(self, contract: SourceContract, arrival_day: int, batch: _Batch) -> None:
        others: Sequence[int] = range(len(batch.lines))
        if len(batch.lines) >= MIN_COLUMNAR_LINES:
            columnar = self._results.columnar_reader(contract)
            rows, others = columnar.read(batch.lines, arrival_day, batch.groups())
            if rows is not None and rows.height:
                self._keep(contract, batch, rows)
        segments, numbers = batch.origins(np.array(others, np.int64))
        last = None
        for place, segment, number in zip(others, segments.tolist(), numbers.tolist(), strict=True):
            envelope = batch.envelopes[segment]
            if envelope is None or segment != last:  # an envelope is read once, for all of its records
                batch.readers[segment].read_line(batch.lines[place] if envelope is None else envelope, number)
            last = segment

    def _keep(self, contract: SourceContract, batch: _Batch, rows: pl.DataFrame) -> None:
        places = rows["line"].to_numpy()
        segments, numbers = batch.origins(places)
        ranges = np.array([(reader.part.object_index, reader.part.start) for reader in batch.readers])[segments]
        rows = rows.with_columns(
            pl.Series("line_number", numbers, pl.Int64),
            pl.Series("object_index", ranges[:, 0], pl.Int64),
            pl.Series("range_start", ranges[:, 1], pl.Int64),
            value_issues=pl.lit(None, pl.List(pl.String)),
        )
        self._results.rows(contract).extend(rows)
        for reader, count in zip(batch.readers, np.bincount(segments).tolist(), strict=False):
            reader.tally.lines += count
            reader.tally.records += count
