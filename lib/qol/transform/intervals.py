"""Stretches of time on one axis, swept once: unions per group without a loop over rows."""

from __future__ import annotations

import polars as pl


def with_chain(
    rows: pl.DataFrame, group: list[str], start: str, end: str, *, gap: int = 0, name: str = "chain"
) -> pl.DataFrame:
    """Rows sorted by group and start with a number, `name`, per chain of stretches at most `gap` apart.

    `start` and `end` name whole-number columns without nulls, in one unit with `gap`; chains never mix groups.
    """
    ordered = rows.sort(*group, start, end)
    reach = pl.col(end).cum_max().over(group).shift(1)
    is_new = pl.any_horizontal([pl.col(name).ne_missing(pl.col(name).shift(1)) for name in group])
    is_first = is_new | (pl.col(start) > reach + gap)
    return ordered.with_columns(is_first.fill_null(value=True).cum_sum().alias(name))


def union(rows: pl.DataFrame, group: list[str], start: str, end: str) -> pl.DataFrame:
    """The union of each group's stretches: sorted, apart, one row per stretch with the group, `start` and `end`."""
    chains = with_chain(rows.select(*group, start, end), group, start, end)
    of_chains = chains.group_by(*group, "chain", maintain_order=True).agg(pl.col(start).min(), pl.col(end).max())
    return of_chains.drop("chain")
