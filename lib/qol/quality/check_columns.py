"""The columns of candidates that the checks of rows need; no name or value of a user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from qol.contracts.metric_model import Relation
from qol.contracts.model import Contracts
from qol.quality.suites import DAY_KEY, in_range, min_mean_max, min_mean_max_metrics
from qol.tables.layout import Candidate


def select_check_columns(rows: pl.DataFrame, contracts: Contracts, candidate: Candidate) -> pl.DataFrame:
    """Rows of a candidate with their week as `partition`, their key, and what the checks of their table compare."""
    rows = rows.with_columns(partition=pl.lit(date.fromisoformat(candidate.date)))
    if candidate.table == "weekly_metrics":
        sides = _sides(contracts.weekly_relations)
        return rows.select("user_id", "week_start", "partition", *sides, *_outside_min_max(contracts))
    if candidate.table != "daily_metrics":
        return rows.select(*DAY_KEY, "partition")
    return rows.select(*DAY_KEY, "partition", *_sides(contracts.relations), *_out_of_range(contracts))


def _sides(relations: Sequence[Relation]) -> Iterator[pl.Expr]:
    for relation in relations:
        yield pl.sql_expr(relation.left).cast(pl.Float64).alias(f"{relation.id}:left")
        yield pl.sql_expr(relation.right).cast(pl.Float64).alias(f"{relation.id}:right")


def _outside_min_max(contracts: Contracts) -> Iterator[pl.Expr]:
    """Per group, how many means of a row lie outside their min and max, and whether that of each metric does."""
    for group, metrics in min_mean_max_metrics(contracts).items():
        outside = {m: ~pl.col(f"{m}_mean").is_between(f"{m}_min", f"{m}_max") for m in metrics}
        yield from _count_broken(min_mean_max(group), outside)


def _out_of_range(contracts: Contracts) -> Iterator[pl.Expr]:
    """Per group, how many metrics of a row lie outside their ranges, and whether each does; all times of intervals."""
    for group, metrics in contracts.group_metrics.items():
        outside = {}
        for metric in metrics:
            value = pl.col(metric.name)
            lowest, highest = (value.list.min(), value.list.max()) if metric.type == "intervals" else (value, value)
            outside[metric.name] = (lowest < metric.low) | (highest > metric.high)
        yield from _count_broken(in_range(group), outside)


def _count_broken(name: str, broken: Mapping[str, pl.Expr]) -> Iterator[pl.Expr]:
    """How many metrics of a row break a check, and whether each does."""
    yield pl.sum_horizontal(*broken.values()).cast(pl.Float64).alias(name)
    yield from (breaks.alias(f"{name}:{metric}") for metric, breaks in broken.items())


def to_numbers(rows: pl.DataFrame) -> pl.DataFrame:
    """Texts and days as numbers: the checks need only equality, and no text reaches a report."""
    texts = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    days = [name for name, dtype in rows.schema.items() if dtype == pl.Date]
    ranks = [pl.when(pl.col(n).is_not_null()).then(pl.col(n).rank("dense")).cast(pl.Float64).alias(n) for n in texts]
    return rows.with_columns(*ranks, *[pl.col(name).cast(pl.Int32).cast(pl.Float64).alias(name) for name in days])
