"""Rows of one bucket of users in a published file; row groups of other buckets are not read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from qol.contracts.frames import no_rows, with_columns_of
from qol.contracts.model import Column
from qol.lake.base import Lake
from qol.tables.corruption import reading
from qol.tables.layout import partition_key


@dataclass(frozen=True)
class Bucket:
    """The users from `low` (included) to `high` (not included); None is no limit."""

    lake: Lake
    low: str | None
    high: str | None
    #: Whose rows are left out, though they are published; None keeps all.
    without: Callable[[str], bool] | None = None

    def published(self, table: str, date: str, columns: Sequence[Column]) -> pl.DataFrame:
        """The bucket's rows of a published partition with these columns, in its order; empty when there is no file.

        A column that the file does not have is null; CorruptFileError when the file is corrupt.
        """
        key = partition_key(table, date)
        empty = no_rows(columns)
        if self.lake.stat(key) is None:
            return empty
        with reading(key):
            rows = pl.concat([empty, *self._groups(key, columns)])
        gone = list(filter(self.without, rows["user_id"].unique())) if self.without else []
        return rows.filter(~pl.col("user_id").is_in(gone)) if gone else rows

    def _groups(self, key: str, columns: Sequence[Column]) -> Iterator[pl.DataFrame]:
        """Rows of the row groups that have any of the bucket: the file is sorted by user."""
        empty = no_rows(columns)
        file = pq.ParquetFile(self.lake.open_table(key))
        existing = set(file.schema_arrow.names)
        known = [name for name in empty.columns if name in existing]
        for group in range(file.metadata.num_row_groups):
            if not file.metadata.row_group(group).num_rows:  # all records of the week were deleted
                continue
            first, last = _limits(file.metadata.row_group(group))
            if (self.high is not None and first >= self.high) or (self.low is not None and last < self.low):
                continue
            rows = with_columns_of(pl.DataFrame(file.read_row_group(group, columns=known)), empty)
            start = 0 if self.low is None else rows["user_id"].search_sorted(self.low, side="left")
            end = rows.height if self.high is None else rows["user_id"].search_sorted(self.high, side="left")
            yield rows.cast(empty.schema).slice(int(start), int(end) - int(start))


def user_slice(lake: Lake, user_id: str) -> Bucket:
    """The bucket of one user: no text lies between an id and the same id with a zero after it."""
    return Bucket(lake, user_id, f"{user_id}\0")


def _limits(group: pq.RowGroupMetaData) -> tuple[str, str]:
    """Smallest and largest user id of a row group; user_id is the first column of every table."""
    users = group.column(0)
    limits = (users.statistics.min, users.statistics.max) if users.statistics else (None, None)
    if users.path_in_schema != "user_id" or not all(isinstance(limit, str) for limit in limits):
        raise pa.ArrowInvalid("user_id is not the first column, is no text or has no limits: no run wrote the file")
    return str(limits[0]), str(limits[1])
