"""The columns of candidates that the checks of rows need; no name or value of a user."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date

import polars as pl

from qol.contracts.daily import DailyMetric, Relation
from qol.contracts.expression_errors import naming_expressions
from qol.contracts.model import DAILY, WEEKLY, Contracts
from qol.contracts.rounding import aggregate_decimals
from qol.tables.layout import Candidate

DAY_KEY = ("user_id", "day", "source")


def select_check_columns(rows: pl.DataFrame, contracts: Contracts, candidate: Candidate) -> pl.DataFrame:
    """Rows of a candidate with their week as `partition`, their key, and what the checks of their table compare."""
    rows = rows.with_columns(partition=pl.lit(date.fromisoformat(candidate.date)))
    if candidate.table == "weekly_metrics":
        broken = _count_broken(means_outside_min_max(contracts))
        with _naming(WEEKLY, rows, contracts.weekly_relations):
            return rows.select("user_id", "week_start", "partition", *_sides(contracts.weekly_relations), *broken)
    if candidate.table != "daily_metrics":
        return rows.select(*DAY_KEY, "partition")
    broken = _count_broken(values_out_of_range(contracts))
    with _naming(DAILY, rows, contracts.relations):
        return rows.select(*DAY_KEY, "partition", *_sides(contracts.relations), *broken)


def _naming(file: str, rows: pl.DataFrame, relations: Sequence[Relation]) -> AbstractContextManager[None]:
    sides = {f"relations.{rule.id}.{side}": getattr(rule, side) for rule in relations for side in ("left", "right")}
    return naming_expressions(file, rows, sides)


def _sides(relations: Sequence[Relation]) -> Iterator[pl.Expr]:
    for relation in relations:
        yield pl.sql_expr(relation.left).cast(pl.Float64).alias(f"{relation.id}:left")
        yield pl.sql_expr(relation.right).cast(pl.Float64).alias(f"{relation.id}:right")


def means_outside_min_max(contracts: Contracts) -> dict[str, dict[str, pl.Expr]]:
    """By weekly check, whether the mean of each metric of a group lies outside its min and max."""
    limits = {"min", "mean", "max"}
    groups = {g.name: [name for name, has in g.metrics.items() if limits <= set(has)] for g in contracts.groups}
    return {
        f"{group}_min_mean_max": {name: _mean_outside(contracts.metric[name]) for name in names}
        for group, names in groups.items()
        if names
    }


def _mean_outside(metric: DailyMetric) -> pl.Expr:
    """Of a metric with fewer decimals than its mean, a min or max that rounding moved past the mean is none."""
    mean, lowest, highest = (pl.col(f"{metric.name}_{aggregate}") for aggregate in ("mean", "min", "max"))
    is_rounded = metric.type == "number" and metric.decimals < aggregate_decimals(metric, "mean")
    moved = 0.5 * 10**-metric.decimals if is_rounded else 0.0
    return (mean < lowest - moved) | (mean > highest + moved)


def values_out_of_range(contracts: Contracts) -> dict[str, dict[str, pl.Expr]]:
    """By daily check, whether each metric of a group lies outside its range; of intervals, any of their times."""
    groups = contracts.group_metrics.items()
    return {
        f"{group}_in_range": {metric.name: _out_of_range(metric) for metric in metrics} for group, metrics in groups
    }


def _out_of_range(metric: DailyMetric) -> pl.Expr:
    value = pl.col(metric.name)
    lowest, highest = (value.list.min(), value.list.max()) if metric.type == "intervals" else (value, value)
    return (lowest < metric.low) | (highest > metric.high)


def _count_broken(checks: Mapping[str, Mapping[str, pl.Expr]]) -> Iterator[pl.Expr]:
    """Per check, how many metrics of a row break it, and whether each does."""
    for name, broken in checks.items():
        yield pl.sum_horizontal(*broken.values()).cast(pl.Float64).alias(name)
        yield from (breaks.alias(f"{name}:{metric}") for metric, breaks in broken.items())


def to_numbers(rows: pl.DataFrame) -> pl.DataFrame:
    """Texts and days as numbers: the checks need only equality, and no text reaches a report."""
    texts = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    days = [name for name, dtype in rows.schema.items() if dtype == pl.Date]
    ranks = [pl.when(pl.col(n).is_not_null()).then(pl.col(n).rank("dense")).cast(pl.Float64).alias(n) for n in texts]
    return rows.with_columns(*ranks, *[pl.col(name).cast(pl.Int32).cast(pl.Float64).alias(name) for name in days])
