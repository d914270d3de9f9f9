"""Sorted parts of buckets as one file per partition: fixed row groups, and the same bytes for any split of the work."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from qol.contracts.columns import arrow_schema
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
        _write(sink, arrow_schema(columns), _row_groups(lake, parts, finish))
    if sink.bytes > MAX_FILE_BYTES:
        raise LakeError(
            f"{partition_key(table, date)}: would have {sink.bytes} bytes; allowed: {MAX_FILE_BYTES} bytes per file"
        )
    _verify(lake, staged, sink.hexdigest(), expected)
    return Candidate(table, date, partition_key(table, date), staged, expected, sink.bytes, sink.hexdigest())


def _write(sink: _HashingSink, schema: pa.Schema, groups: Iterator[pa.Table]) -> None:
    options = {"compression": "zstd", "compression_level": 1, "store_schema": False, "write_page_index": False}
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, **options) as writer:
        for rows in groups:
            writer.write_table(_of_schema(schema, rows).combine_chunks(), row_group_size=ROW_GROUP_ROWS)


def _of_schema(schema: pa.Schema, rows: pa.Table) -> pa.Table:
    """The rows with the columns of a schema, null where they have none."""
    named = set(rows.column_names)
    columns = [rows[f.name].cast(f.type) if f.name in named else pa.nulls(rows.num_rows, f.type) for f in schema]
    return pa.table(columns, schema=schema)


def _row_groups(
    lake: Lake, parts: list[Part], finish: Callable[[pl.DataFrame], pl.DataFrame] | None
) -> Iterator[pa.Table]:
    """Tables of exactly ROW_GROUP_ROWS rows, the last one of the rest; one empty table if there are no rows."""
    rest = pa.table({})
    for part in parts:
        if not part.key:
            continue
        rows = pa.ipc.open_file(lake.open_table(part.key)).read_all()  # as Arrow has it: Polars would copy every value
        rows = finish(pl.DataFrame(rows)).to_arrow() if finish else rows
        rest = pa.concat_tables([rest, rows], promote_options="default") if rest.num_rows else rows
        while rest.num_rows >= ROW_GROUP_ROWS:
            yield rest.slice(0, ROW_GROUP_ROWS)
            rest = rest.slice(ROW_GROUP_ROWS)
    yield rest


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
