"""Intervals of many groups at once: which of them are of one chain, and the union of each group's."""

import polars as pl

from qol.contracts.interval_union import chain_numbers


def with_chain(
    rows: pl.DataFrame, group: list[str], start: str, end: str, *, gap: int = 0, name: str = "chain"
) -> pl.DataFrame:
    """Rows sorted by group and start with a number, `name`, per chain of intervals at most `gap` apart.

    `start` and `end` name whole-number columns without nulls, in one unit with `gap`; chains never mix groups.
    """
    ordered = rows.sort(*group, start, end)
    shift = axis_shift(group, start, end, gap=gap)
    on_axis = ordered.select(start=pl.col(start) + shift, end=pl.col(end) + shift)
    numbers = chain_numbers(on_axis["start"].to_numpy(), on_axis["end"].to_numpy(), gap=gap)
    return ordered.with_columns(pl.Series(name, numbers, pl.Int64))


def union(rows: pl.DataFrame, group: list[str], start: str, end: str) -> pl.DataFrame:
    """The union of each group's intervals: sorted, apart, one row per interval with the group, `start` and `end`."""
    chains = with_chain(rows.select(*group, start, end), group, start, end)
    of_chains = chains.group_by(*group, "chain", maintain_order=True).agg(pl.col(start).min(), pl.col(end).max())
    return of_chains.drop("chain")


def axis_shift(group: list[str], start: str, end: str, *, gap: int = 0) -> pl.Expr:
    """What moves the intervals of rows sorted by group to one axis, where groups lie one after the other, over `gap` apart."""
    room = pl.col(end).max() - pl.col(start).min() + gap + 1
    return pl.struct(group).rle_id().cast(pl.Int64) * room
