"""Polars frames that every package uses: empty ones, missing columns, weeks, values that have two spellings."""

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from qol.contracts.columns import arrow_schema
from qol.contracts.model import Column

#: What identifies one user's day.
GRAIN = ["user_id", "day"]


def no_rows(columns: Sequence[Column]) -> pl.DataFrame:
    """A frame of a table's columns without rows; `Schema.empty_table` would import pandas for it."""
    return pl.DataFrame(pa.Table.from_batches([], schema=arrow_schema(columns)))


def with_columns_of(rows: pl.DataFrame, like: pl.DataFrame) -> pl.DataFrame:
    """The rows with the columns of another frame, in its order; columns they do not have are null."""
    # Hundreds of literals would take ten times as long as empty columns that exist.
    absent = like.clear().drop(rows.columns, strict=False)
    return pl.concat([rows, absent], how="diagonal").select(like.columns)


def normalize_negative_zero(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with every -0.0 as 0.0: both are equal, but not the same bytes. Adding 0.0 would be optimised away."""
    floats = pl.col(pl.Float64)
    return rows.with_columns(pl.when(floats == 0).then(0.0).otherwise(floats).name.keep())


def drop_null_columns(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without the columns that are null in all of them; most records leave a third of theirs empty."""
    return rows.select([column for column in rows if column.null_count() < rows.height])


def monday_expr(day: pl.Expr) -> pl.Expr:
    """The Monday of the ISO week of a date column."""
    return day - pl.duration(days=day.dt.weekday() - 1)


def in_order(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The rows sorted by columns without nulls; as they are where each row is above the one before, which is told much faster."""
    return rows if rises(rows, names) else rows.sort(names)


def rises(rows: pl.DataFrame, names: Sequence[str]) -> bool:
    """Whether each row is above the one before by these columns, none of them null: they are sorted, and no two are equal."""
    above, equal = pl.lit(value=False), pl.lit(value=True)
    for name in names:
        above |= equal & (pl.col(name) > pl.col(name).shift())
        equal &= pl.col(name) == pl.col(name).shift()
    return bool(rows.select(above.slice(1).all()).item())
