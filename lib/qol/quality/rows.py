"""Rows of candidates as the checks see them: what they compare, and no name or value of a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from qol.contracts.metric_model import Relation
from qol.contracts.model import Contracts
from qol.publish.assemble import Candidate
from qol.quality.suites import ordered_metrics


def slim(rows: pl.DataFrame, contracts: Contracts, candidate: Candidate) -> pl.DataFrame:
    """Rows of a candidate with their week, `partition`, and only what the checks of their table need."""
    rows = rows.with_columns(partition=pl.lit(date.fromisoformat(candidate.date)))
    if candidate.table == "weekly_metrics":
        sides = _sides(contracts.weekly_relations)
        return rows.select("user_id", "week_start", "partition", *sides, *_disorder(contracts))
    relations = contracts.relations if candidate.table == "daily_metrics" else ()
    return rows.select("user_id", "day", "source", "partition", *_sides(relations))


def _sides(relations: Sequence[Relation]) -> Iterator[pl.Expr]:
    for relation in relations:
        yield pl.sql_expr(relation.left).cast(pl.Float64).alias(f"{relation.id}:left")
        yield pl.sql_expr(relation.right).cast(pl.Float64).alias(f"{relation.id}:right")


def _disorder(contracts: Contracts) -> Iterator[pl.Expr]:
    """Per group, how many means of a row lie outside their min and max, and whether that of each metric does."""
    for group, metrics in ordered_metrics(contracts).items():
        name = f"{group}_min_mean_max"
        outside = {m: ~pl.col(f"{m}_mean").is_between(f"{m}_min", f"{m}_max") for m in metrics}
        yield pl.sum_horizontal(*outside.values()).cast(pl.Float64).alias(name)
        yield from (broken.alias(f"{name}:{metric}") for metric, broken in outside.items())


def numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Names as numbers, days as numbers: equality is all the checks need, and no name reaches a report."""
    names = [name for name, kind in rows.schema.items() if kind == pl.String]
    days = [name for name, kind in rows.schema.items() if kind == pl.Date]
    numbered = [pl.when(pl.col(n).is_not_null()).then(pl.col(n).rank("dense")).cast(pl.Float64).alias(n) for n in names]
    return rows.with_columns(*numbered, *[pl.col(name).cast(pl.Int32).cast(pl.Float64).alias(name) for name in days])
