"""ISO weeks of date columns; those of single days are `qol.weeks`, which needs no polars."""

from __future__ import annotations

import polars as pl

from qol.weeks import CLOSES_AFTER, WEEK, is_closed, iso_week, last_closed_week, monday_of, parse_week

__all__ = [
    "CLOSES_AFTER",
    "WEEK",
    "is_closed",
    "iso_week",
    "last_closed_week",
    "monday_expr",
    "monday_of",
    "parse_week",
]


def monday_expr(day: pl.Expr) -> pl.Expr:
    """The Monday of the ISO week of a date column."""
    return day - pl.duration(days=day.dt.weekday() - 1)
