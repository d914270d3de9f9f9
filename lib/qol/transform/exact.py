"""Aggregates that do not depend on the order of rows: sums of scaled integers, one division at the end.

A metric value with d decimals is the integer value x 10^d, so sums, sums of squares and products with the day index
are exact. Angles and logarithms are rounded to 12 decimals first, far below what a published value shows and far above
what platforms differ by. Polars multiplies many rows by the reciprocal of a constant where it divides a single one, so
after a division by a constant the value is rounded to its decimals, and other quotients are divided by columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from qol.contracts.model import DailyMetric, Derived

DAY_MINUTES = 1440
FINE = 10**12
MEAN_DECIMALS = 2
#: Below this length of the mean vector the times point nowhere, and a mean time is not defined.
NO_DIRECTION = 1e-9


@dataclass(frozen=True)
class Needed:
    """The aggregates of each metric and the derived columns that a group publishes."""

    aggregates: Mapping[str, set[str]]
    derived: list[Derived]

    def formulas(self, metric: str) -> set[str]:
        """Formulas of derived columns that read a metric."""
        return {d.formula for d in self.derived if metric in (*d.of, *d.total)}


def summed(days: pl.DataFrame, unit: list[str], metrics: list[DailyMetric], needed: Needed) -> pl.DataFrame:
    """Per person and source: `valid_days`, and per metric the exact sums its aggregates are made of.

    `days` are valid days with `index`, the day of the week from 0.
    """
    scaled = days.with_columns([_scaled(metric) for metric in metrics])
    scaled = scaled.with_columns([part for m in metrics for part in _parts(m, needed)])
    aggregations = [pl.len().alias("valid_days")]
    for metric in metrics:
        aggregations += _sums(metric, needed)
    return scaled.sort(*unit, "day").group_by(unit, maintain_order=True).agg(aggregations)


def _scaled(metric: DailyMetric) -> pl.Expr:
    value = pl.col(metric.name)
    if metric.decimals:
        value = (value * 10**metric.decimals).round(mode="half_away_from_zero")
    return value.cast(pl.Int64).alias(_x(metric))


def _parts(metric: DailyMetric, needed: Needed) -> list[pl.Expr]:
    parts = []
    x = pl.col(_x(metric))
    if metric.clock:
        angle = pl.col(metric.name) * (2 * math.pi / DAY_MINUTES)
        parts += [_fine(angle.cos()).alias(f"{metric.name}:cos"), _fine(angle.sin()).alias(f"{metric.name}:sin")]
    formulas = needed.formulas(metric.name)
    if formulas & {"ln_mean", "ln_cv"}:
        log = pl.when(x > 0).then(_fine(pl.col(metric.name).cast(pl.Float64).log()))
        parts.append(log.alias(f"{metric.name}:ln"))
    if "slope" in formulas:
        parts.append(pl.when(x.is_not_null()).then(pl.col("index")).alias(f"{metric.name}:index"))
    return parts


def _fine(value: pl.Expr) -> pl.Expr:
    return (value * FINE).round(mode="half_away_from_zero").cast(pl.Int64)


def _sums(metric: DailyMetric, needed: Needed) -> list[pl.Expr]:
    aggregates, formulas = needed.aggregates.get(metric.name, set()), needed.formulas(metric.name)
    x, name = pl.col(_x(metric)), metric.name
    sums = [x.count().cast(pl.Int64).alias(f"{name}:n")]
    if aggregates & {"mean", "sd", "sum"} or formulas & {"slope", "share_of_sums", "sum_at_least"}:
        sums.append(x.sum().alias(f"{name}:sum"))
    if "sd" in aggregates:
        sums.append((x * x).sum().alias(f"{name}:squares"))
    if "median" in aggregates:
        sums.append((x.median() * 2).cast(pl.Int64).alias(f"{name}:middle"))
    sums += [getattr(x, a)().alias(f"{name}:{a}") for a in ("min", "max") if a in aggregates]
    if "last" in aggregates:
        sums.append(x.drop_nulls().last().alias(f"{name}:last"))
    if metric.clock:
        sums += [pl.col(f"{name}:{part}").sum().alias(f"{name}:{part}_sum") for part in ("cos", "sin")]
    if formulas & {"ln_mean", "ln_cv"}:
        log = pl.col(f"{name}:ln")
        sums += [log.sum().alias(f"{name}:ln_sum"), log.count().cast(pl.Int64).alias(f"{name}:ln_n")]
        wide = log.cast(pl.Int128)
        sums.append((wide * wide).sum().alias(f"{name}:ln_squares"))
    if "slope" in formulas:
        index = pl.col(f"{name}:index")
        sums += [index.sum().alias(f"{name}:t"), (index * index).sum().alias(f"{name}:tt")]
        sums.append((index * x).sum().alias(f"{name}:tx"))
    return sums


def _x(metric: DailyMetric) -> str:
    return f"{metric.name}:x"


def decimal(value: pl.Expr, decimals: int) -> pl.Expr:
    """A number with so many decimals, halves away from zero.

    The nudge makes a half of one that a binary fraction leaves a little below it, such as 0.575.
    """
    nudged = value + value.sign() * 10.0 ** -(decimals + 7)
    return nudged.round(decimals, mode="half_away_from_zero")


def _unscaled(value: pl.Expr, metric: DailyMetric) -> pl.Expr:
    """A scaled integer as the metric's own value."""
    return value if metric.type == "integer" else decimal(value / 10**metric.decimals, metric.decimals)


def n(metric: DailyMetric) -> pl.Expr:
    """On how many valid days the metric is known."""
    return pl.col(f"{metric.name}:n")


def _known(metric: DailyMetric, value: pl.Expr) -> pl.Expr:
    return pl.when(n(metric) > 0).then(value)


def divided(numerator: pl.Expr, denominator: pl.Expr, decimals: int) -> pl.Expr:
    """An exact quotient of integers, rounded half away from zero in integers, then written as a double."""
    scaled = numerator.abs() * 10**decimals
    whole = (2 * scaled + denominator) // (2 * denominator)
    signed: pl.Expr = pl.when(numerator < 0).then(0 - whole).otherwise(whole)  # polars cannot negate 128 bits
    return decimal(signed.truediv(10**decimals), decimals)


def _spread(metric: DailyMetric, total: str, squares: str) -> pl.Expr:
    """N times the sum of squares minus the square of the sum: n(n-1) times the variance."""
    sums = pl.col(f"{metric.name}:{total}")
    return n(metric) * pl.col(f"{metric.name}:{squares}") - sums * sums


def mean(metric: DailyMetric) -> pl.Expr:
    """Arithmetic mean, from one day on."""
    return divided(pl.col(f"{metric.name}:sum"), _positive(metric) * 10**metric.decimals, mean_decimals(metric))


def median(metric: DailyMetric) -> pl.Expr:
    """Median; the mean of the two middle values for an even count."""
    return divided(pl.col(f"{metric.name}:middle"), pl.lit(2 * 10**metric.decimals), mean_decimals(metric))


def sd(metric: DailyMetric) -> pl.Expr:
    """Sample standard deviation (n - 1), from two days on."""
    days = n(metric)
    variance = _spread(metric, "sum", "squares") / (days * (days - 1) * 100**metric.decimals)
    return pl.when(days > 1).then(decimal(variance.sqrt(), mean_decimals(metric)))


def total(metric: DailyMetric) -> pl.Expr:
    """Sum over the valid days at hand, not scaled to seven days."""
    return _known(metric, _unscaled(pl.col(f"{metric.name}:sum"), metric))


def picked(which: str) -> Callable[[DailyMetric], pl.Expr]:
    """Smallest, largest or last value."""
    return lambda metric: _unscaled(pl.col(f"{metric.name}:{which}"), metric)


def circular_mean(metric: DailyMetric) -> pl.Expr:
    """Mean time of day: atan2 of summed sines and cosines, in minutes after midnight (Fisher 1993, 2.2)."""
    cos, sin = pl.col(f"{metric.name}:cos_sum"), pl.col(f"{metric.name}:sin_sum")
    minutes = pl.arctan2(sin.cast(pl.Float64), cos.cast(pl.Float64)) * (DAY_MINUTES / (2 * math.pi))
    positive = pl.when(minutes < 0).then(minutes + DAY_MINUTES).otherwise(minutes)
    value = decimal(positive, mean_decimals(metric))
    return pl.when((n(metric) > 0) & (_length(metric) > NO_DIRECTION)).then(
        pl.when(value >= DAY_MINUTES).then(0.0).otherwise(value)
    )


def circular_sd(metric: DailyMetric) -> pl.Expr:
    """Circular standard deviation sqrt(-2 ln R) in minutes, from two days on (Fisher 1993, 2.3)."""
    length = _length(metric)
    spread = (pl.min_horizontal(length, pl.lit(1.0)).log() * -2.0).sqrt() * (DAY_MINUTES / (2 * math.pi))
    return pl.when((n(metric) > 1) & (length > NO_DIRECTION)).then(decimal(spread, mean_decimals(metric)))


def _length(metric: DailyMetric) -> pl.Expr:
    cos = pl.col(f"{metric.name}:cos_sum").cast(pl.Float64)
    sin = pl.col(f"{metric.name}:sin_sum").cast(pl.Float64)
    return (cos * cos + sin * sin).sqrt() / (FINE * n(metric))


def slope(metric: DailyMetric) -> pl.Expr:
    """Ordinary least squares slope per day over the days present."""
    name, days = metric.name, n(metric)
    t, x = pl.col(f"{name}:t"), pl.col(f"{name}:sum")
    below = (days * pl.col(f"{name}:tt") - t * t) * 10**metric.decimals
    return pl.when(below > 0).then((days * pl.col(f"{name}:tx") - t * x) / below)


def ln_mean(metric: DailyMetric) -> pl.Expr:
    """Mean of natural logarithms of the daily values."""
    count = pl.col(f"{metric.name}:ln_n")
    return pl.when(count > 0).then(pl.col(f"{metric.name}:ln_sum") / (FINE * count))


def ln_cv(metric: DailyMetric) -> pl.Expr:
    """Coefficient of variation of the logarithms in percent: 100 x sample sd / mean."""
    name, count = metric.name, pl.col(f"{metric.name}:ln_n")
    logs = pl.col(f"{name}:ln_sum").cast(pl.Int128)
    spread = (count * pl.col(f"{name}:ln_squares") - logs * logs).cast(pl.Float64)
    value = (spread / (count * (count - 1))).sqrt() / logs * count * 100
    return pl.when((count > 1) & (logs > 0)).then(value)


def share(of: list[DailyMetric], parts: list[DailyMetric]) -> pl.Expr:
    """A ratio of weekly sums; null when none of the parts is known or their sum is 0."""
    finest = max(m.decimals for m in (*of, *parts))
    above, below = (
        pl.sum_horizontal([pl.col(f"{m.name}:sum") * 10 ** (finest - m.decimals) for m in metrics])
        for metrics in (of, parts)
    )
    known = pl.all_horizontal([n(m) > 0 for m in of])
    return pl.when(known & (below > 0)).then(above / below)


def sum_at_least(metric: DailyMetric, threshold: float, valid: pl.Expr) -> pl.Expr:
    """True when the sum reaches the threshold, false when it does not in a valid week, else not known."""
    reached = pl.col(f"{metric.name}:sum") >= round(threshold * 10**metric.decimals)
    return pl.when(n(metric) > 0).then(pl.when(reached).then(True).otherwise(pl.when(valid).then(False)))  # noqa: FBT003


def mean_decimals(metric: DailyMetric) -> int:
    """Decimals of a mean, median or deviation: two, or the metric's own where they are more."""
    return max(MEAN_DECIMALS, metric.decimals)


def _positive(metric: DailyMetric) -> pl.Expr:
    """The day count, null where it is 0."""
    return pl.when(n(metric) > 0).then(n(metric))


AGGREGATES: Mapping[str, Callable[[DailyMetric], pl.Expr]] = {
    "mean": mean,
    "median": median,
    "sd": sd,
    "min": picked("min"),
    "max": picked("max"),
    "sum": total,
    "last": picked("last"),
    "circular_mean": circular_mean,
    "circular_sd": circular_sd,
}
