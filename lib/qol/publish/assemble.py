"""Sorted parts of buckets as one file per partition: fixed row groups, and the same bytes for any split of the work."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from qol.contracts.columns import arrow_schema
from qol.contracts.frames import no_rows, with_columns_of
from qol.contracts.model import Column
from qol.errors import LakeError
from qol.lake.base import Lake
from qol.tables.layout import Candidate, Part, partition_key

ROW_GROUP_ROWS = 131_072
MAX_FILE_BYTES = 2**30


def stage_part(lake: Lake, staging: str, table: str, date: str, rows: pl.DataFrame) -> Part:
    """Stage rows of one bucket; the key is unique to this attempt, because tasks are retried."""
    key = f"{staging}parts/{table}/{date}/{uuid.uuid4().hex}.arrow"
    with lake.create(key) as file:
        rows.write_ipc(file, compression="lz4" if lake.packs_parts else "uncompressed")
    return Part(table, date, key, rows.height)


def assemble(
    lake: Lake,
    staging: str,
    columns: tuple[Column, ...],
    parts: list[Part],
    finish: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
) -> Candidate:
    """Write the parts, in their order, as one staged Parquet file, and read it back to verify it.

    `finish` is applied to the rows of every part. A part without a key has no rows.

    LakeError when the file read back is not the one written, or is larger than 1 GiB.
    """
    table, date = parts[0].table, parts[0].date
    staged = f"{staging}files/{table}/{date}/{uuid.uuid4().hex}.parquet"
    expected = sum(part.rows for part in parts)
    with lake.create(staged) as file:
        sink = _HashingSink(file)
        _write(sink, columns, _row_groups(lake, parts, finish))
    if sink.bytes > MAX_FILE_BYTES:
        raise LakeError(
            f"{partition_key(table, date)}: would have {sink.bytes} bytes; allowed: {MAX_FILE_BYTES} bytes per file"
        )
    _verify(lake, staged, sink.hexdigest(), expected)
    return Candidate(table, date, partition_key(table, date), staged, expected, sink.bytes, sink.hexdigest())


def _write(sink: _HashingSink, columns: tuple[Column, ...], groups: Iterator[pl.DataFrame]) -> None:
    schema, types = arrow_schema(columns), no_rows(columns).schema
    options = {"compression": "zstd", "compression_level": 1, "store_schema": False, "write_page_index": False}
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, **options) as writer:
        for rows in groups:
            table = with_columns_of(rows, types).to_arrow().cast(schema)
            writer.write_table(table.combine_chunks(), row_group_size=ROW_GROUP_ROWS)


def _row_groups(
    lake: Lake, parts: list[Part], finish: Callable[[pl.DataFrame], pl.DataFrame] | None
) -> Iterator[pl.DataFrame]:
    """Frames of exactly ROW_GROUP_ROWS rows, the last one of the rest; one empty frame if there are no rows."""
    waiting: list[pl.DataFrame] = [pl.DataFrame()]
    height = 0
    for part in parts:
        if not part.key:
            continue
        rows = pl.read_ipc(lake.open_table(part.key))
        waiting.append(finish(rows) if finish else rows)
        height += rows.height
        while height >= ROW_GROUP_ROWS:
            joined = pl.concat(waiting, how="diagonal", rechunk=False)
            yield joined.slice(0, ROW_GROUP_ROWS)
            waiting = [joined.slice(ROW_GROUP_ROWS)]
            height -= ROW_GROUP_ROWS
    yield pl.concat(waiting, how="diagonal", rechunk=False)


def _verify(lake: Lake, staged: str, sha256: str, rows: int) -> None:
    data = lake.read(staged)
    found = hashlib.sha256(data).hexdigest()
    counted = pq.read_metadata(pa.BufferReader(data)).num_rows
    if found != sha256 or counted != rows:
        raise LakeError(f"{staged}: read back {counted} rows, sha256 {found}; written {rows} rows, sha256 {sha256}")


class _HashingSink:
    """A writable file that computes the SHA-256 and the length of what is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.bytes = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.bytes += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """Only note it: the file is closed by the code that opened it."""
        self.closed = True

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
