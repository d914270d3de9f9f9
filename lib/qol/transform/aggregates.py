"""Aggregates of a metric's daily values over a week or a recall window, rounded once to their published decimals."""

from collections.abc import Callable, Mapping

import polars as pl

from qol.contracts.daily import DailyMetric
from qol.contracts.rounding import OF_DAYS, aggregate_decimals
from qol.formulas.circular import circular_mean, circular_sd, time_of_day
from qol.formulas.half_away import round_half_away

WEEKDAYS, WEEKEND_DAYS = 5, 2
_IS_WEEKDAY = pl.col("index") < WEEKDAYS


def aggregate(metric: DailyMetric, name: str) -> pl.Expr:
    """One aggregate of a group's days, for `group_by(…).agg`; null when no day has the metric.

    The days are sorted by date and have `index`, the day of the week (0 is Monday). It is published as `rounded` has it,
    in a step of its own: within `agg` each mention of an aggregate computes it again.
    """
    return AGGREGATES[name](pl.col(metric.name)).alias(f"{metric.name}_{name}")


def rounded(metric: DailyMetric, name: str) -> pl.Expr:
    """The column of `aggregate` with its published decimals."""
    value = pl.col(f"{metric.name}_{name}")
    decimals = aggregate_decimals(metric, name)
    if name == "circular_mean":
        return time_of_day(value, decimals)
    return value if metric.type == "integer" and name in OF_DAYS else round_half_away(value, decimals)


def total(values: pl.Expr) -> pl.Expr:
    """Sum of the known values, not scaled to seven days; null when none is known."""
    return pl.when(values.count() > 0).then(values.sum())


def _weekday_mean(values: pl.Expr) -> pl.Expr:
    return values.filter(_IS_WEEKDAY).mean()


def _weekend_mean(values: pl.Expr) -> pl.Expr:
    return values.filter(~_IS_WEEKDAY).mean()


def _weighted_mean(values: pl.Expr) -> pl.Expr:
    """(5 x weekday mean + 2 x weekend mean) / 7; null unless both are known (GGIR, part 5)."""
    week = WEEKDAYS * _weekday_mean(values) + WEEKEND_DAYS * _weekend_mean(values)
    return week / (WEEKDAYS + WEEKEND_DAYS)


AGGREGATES: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "mean": pl.Expr.mean,
    "median": pl.Expr.median,
    "sd": pl.Expr.std,  # of a sample (n - 1), so null for a single day
    "min": pl.Expr.min,
    "max": pl.Expr.max,
    "sum": total,
    "last": lambda values: values.drop_nulls().last(),
    "weekday_mean": _weekday_mean,
    "weekend_mean": _weekend_mean,
    "weighted_mean": _weighted_mean,
    "circular_mean": circular_mean,
    "circular_sd": circular_sd,
}
