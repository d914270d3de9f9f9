"""Columns of a partition in a local file, of which a lookup reads a few hundred rows: memory does not grow with the users."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from tempfile import NamedTemporaryFile
from typing import Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from qol.contracts.frames import with_columns_of

#: Rows that one lookup reads, and rows that are converted at a time.
BATCH_ROWS, READ_ROWS = 256, 64 * 256


class FrameFile:
    """Rows sorted by user, as batches of an Arrow file that has no name, so that it is gone with this object."""

    def __init__(self, types: pl.Schema, file: pq.ParquetFile) -> None:
        """Copy these columns of a Parquet file; one that it does not have is null. OSError when the disk is full."""
        self.types, self._first = types, list[str]()
        existing = set(file.schema_arrow.names)
        known = [name for name in types if name in existing]
        empty = pl.DataFrame(schema=types)
        schema = empty.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        with NamedTemporaryFile(suffix=".arrow") as copy:
            with pa.ipc.new_file(pa.OSFile(copy.name, "wb"), schema) as writer:
                for batch in file.iter_batches(READ_ROWS, columns=known):
                    rows = pl.DataFrame(pa.Table.from_batches([batch]))
                    self._write(writer, with_columns_of(rows, empty).cast(types))
            self._reader = pa.ipc.open_file(pa.OSFile(copy.name))
            self.bytes = copy.seek(0, 2)
        self._lock = threading.Lock()

    def _write(self, writer: Any, rows: pl.DataFrame) -> None:
        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        for start in range(0, rows.height, BATCH_ROWS):
            self._first.append(rows["user_id"][start])
            writer.write_batch(table.slice(start, BATCH_ROWS).combine_chunks().to_batches()[0])

    def of_user(self, user_id: str, names: Sequence[str]) -> pl.DataFrame:
        """The rows of a user with these columns."""
        found = []
        # The rows of a user may begin in the batch before the first one that begins with them.
        for number in range(max(bisect_left(self._first, user_id) - 1, 0), bisect_right(self._first, user_id)):
            with self._lock:
                batch = self._reader.get_batch(number)
            users = cast("pl.Series", pl.from_arrow(batch.column("user_id")))
            start, end = bisect_left(users, user_id), bisect_right(users, user_id)
            if start < end:
                rows = pa.Table.from_batches([batch.select(list(names)).slice(start, end - start)])
                found.append(cast("pl.DataFrame", pl.from_arrow(rows)))
        return pl.concat(found) if found else pl.DataFrame(schema={name: self.types[name] for name in names})
