"""What every room needs of a frame."""

from __future__ import annotations

import polars as pl


def positive_zeros(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with every -0.0 as 0.0: both are equal, but not the same bytes. Adding 0.0 would be optimised away."""
    floats = pl.col(pl.Float64)
    return rows.with_columns(pl.when(floats == 0).then(0.0).otherwise(floats).name.keep())


def known_columns(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without the columns that are null in all of them; most records leave a third of theirs empty."""
    return rows.select([column for column in rows if column.null_count() < rows.height])
