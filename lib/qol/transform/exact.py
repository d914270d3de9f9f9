"""Aggregates that do not depend on the order of rows: sums of scaled integers, one division at the end.

A metric value with d decimals is the integer value x 10^d, so sums, sums of squares and products with the day index
are exact. Angles and logarithms are rounded to 12 decimals first, far below what a published value shows and far above
what platforms differ by. Polars multiplies many rows by the reciprocal of a constant where it divides a single one, so
after a division by a constant the value is rounded to its decimals, and other quotients are divided by columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from qol.contracts.metric_model import DailyMetric, Derived
from qol.contracts.rounding import mean_decimals

DAY_MINUTES = 1440
FINE = 10**12
#: Below this length of the mean vector the times point nowhere, and a mean time is not defined.
NO_DIRECTION = 1e-9
WEEKDAYS, WEEKEND_DAYS = 5, 2
_WEEK_PARTS = {"weekday": pl.col("index") < WEEKDAYS, "weekend": pl.col("index") >= WEEKDAYS}


@dataclass(frozen=True)
class Needed:
    """The aggregates of each metric and the derived columns that a group publishes."""

    aggregates: Mapping[str, set[str]]
    derived: list[Derived]

    def formulas(self, metric: str) -> set[str]:
        """Formulas of derived columns that read a metric."""
        return {d.formula for d in self.derived if metric in (*d.of, *d.total)}


def summed(
    days: pl.DataFrame, unit: list[str], metrics: list[DailyMetric], needed: Needed, more: Sequence[pl.Expr] = ()
) -> pl.DataFrame:
    """Per person and source: `valid_days`, and per metric the exact sums its aggregates are made of.

    `days` are valid days with `index`, the day of the week from 0. `more` are sums besides, over the same columns.
    """
    rows = days.with_columns([_scaled(metric) for metric in metrics])
    rows = rows.with_columns([part for m in metrics for part in _parts(m, needed)])
    aggregations = [pl.len().alias("valid_days")]
    for metric in metrics:
        aggregations += _sums(metric, needed)
    aggregations += more
    return rows.sort(*unit, "day").group_by(unit, maintain_order=True).agg(aggregations)


def _scaled(metric: DailyMetric) -> pl.Expr:
    value = pl.col(metric.name)
    if metric.decimals:
        value = (value * 10**metric.decimals).round(mode="half_away_from_zero")
    return value.cast(pl.Int64).alias(f"{metric.name}:x")


def _parts(metric: DailyMetric, needed: Needed) -> list[pl.Expr]:
    parts = []
    x = scaled(metric)
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


def scaled(metric: DailyMetric) -> pl.Expr:
    """A day's value as a whole number: x 10^decimals."""
    return pl.col(f"{metric.name}:x")


def _fine(value: pl.Expr) -> pl.Expr:
    return (value * FINE).round(mode="half_away_from_zero").cast(pl.Int64)


def _sums(metric: DailyMetric, needed: Needed) -> list[pl.Expr]:
    aggregates, formulas = needed.aggregates.get(metric.name, set()), needed.formulas(metric.name)
    x, name = scaled(metric), metric.name
    sums = [x.count().cast(pl.Int64).alias(f"{name}:n")]
    if aggregates & {"mean", "sd", "sum"} or formulas & {"slope", "share_of_sums", "sum_at_least"}:
        sums.append(x.sum().alias(f"{name}:sum"))
    if "sd" in aggregates:
        sums.append((x * x).sum().alias(f"{name}:squares"))
    if "median" in aggregates:
        sums.append((x.median() * 2).cast(pl.Int64).alias(f"{name}:middle"))
    for part, days in _WEEK_PARTS.items():
        if aggregates & {f"{part}_mean", "weighted_mean"}:
            of_part = x.filter(days)
            sums += [
                of_part.sum().alias(f"{name}:{part}_sum"),
                of_part.count().cast(pl.Int64).alias(f"{name}:{part}_n"),
            ]
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
    return divided(pl.col(f"{metric.name}:sum"), positive(n(metric)) * 10**metric.decimals, mean_decimals(metric))


def median(metric: DailyMetric) -> pl.Expr:
    """Median; the mean of the two middle values for an even count."""
    return divided(pl.col(f"{metric.name}:middle"), pl.lit(2 * 10**metric.decimals), mean_decimals(metric))


def sd(metric: DailyMetric) -> pl.Expr:
    """Sample standard deviation (n - 1), from two days on."""
    days = n(metric)
    variance = _spread(metric, "sum", "squares") / (days * (days - 1) * 100**metric.decimals)
    return pl.when(days > 1).then(decimal(variance.sqrt(), mean_decimals(metric)))


def mean_of_part(part: str) -> Callable[[DailyMetric], pl.Expr]:
    """Arithmetic mean over the weekdays or the weekend days, from one such day on."""

    def value(metric: DailyMetric) -> pl.Expr:
        days = positive(pl.col(f"{metric.name}:{part}_n"))
        return divided(pl.col(f"{metric.name}:{part}_sum"), days * 10**metric.decimals, mean_decimals(metric))

    return value


def weighted_mean(metric: DailyMetric) -> pl.Expr:
    """(5 x weekday mean + 2 x weekend mean) / 7 in one exact quotient; null unless both are known (GGIR, part 5)."""
    weekday_sum, weekend_sum = (pl.col(f"{metric.name}:{part}_sum") for part in _WEEK_PARTS)
    weekdays, weekend_days = (positive(pl.col(f"{metric.name}:{part}_n")) for part in _WEEK_PARTS)
    above = WEEKDAYS * weekday_sum * weekend_days + WEEKEND_DAYS * weekend_sum * weekdays
    below = (WEEKDAYS + WEEKEND_DAYS) * weekdays * weekend_days * 10**metric.decimals
    return divided(above, below, mean_decimals(metric))


def total(metric: DailyMetric) -> pl.Expr:
    """Sum over the valid days at hand, not scaled to seven days."""
    return _known(metric, _unscaled(pl.col(f"{metric.name}:sum"), metric))


def picked(which: str) -> Callable[[DailyMetric], pl.Expr]:
    """Smallest, largest or last value."""
    return lambda metric: _unscaled(pl.col(f"{metric.name}:{which}"), metric)


def circular_mean(metric: DailyMetric) -> pl.Expr:
    """Mean time of day: atan2 of summed sines and cosines, in minutes after midnight (Fisher 1993, 2.2)."""
    cos, sin = pl.col(f"{metric.name}:cos_sum"), pl.col(f"{metric.name}:sin_sum")
    return direction(cos, sin, n(metric), mean_decimals(metric))


def direction(cos: pl.Expr, sin: pl.Expr, count: pl.Expr, decimals: int) -> pl.Expr:
    """The time of day that summed cosines and sines of `count` times point to; null when they point nowhere."""
    minutes = pl.arctan2(sin.cast(pl.Float64), cos.cast(pl.Float64)) * (DAY_MINUTES / (2 * math.pi))
    known = (count > 0) & (_length(cos, sin, count) > NO_DIRECTION)
    return pl.when(known).then(time_of_day(minutes, decimals))


def time_of_day(minutes: pl.Expr, decimals: int) -> pl.Expr:
    """Minutes that lie at most a day before midnight or a day after it, as 0 to 1440 with so many decimals."""
    value = decimal(pl.when(minutes < 0).then(minutes + DAY_MINUTES).otherwise(minutes), decimals)
    return pl.when(value >= DAY_MINUTES).then(0.0).otherwise(value)


def circular_sd(metric: DailyMetric) -> pl.Expr:
    """Circular standard deviation sqrt(-2 ln R) in minutes, from two days on (Fisher 1993, 2.3)."""
    length = _length(pl.col(f"{metric.name}:cos_sum"), pl.col(f"{metric.name}:sin_sum"), n(metric))
    spread = (pl.min_horizontal(length, pl.lit(1.0)).log() * -2.0).sqrt() * (DAY_MINUTES / (2 * math.pi))
    return pl.when((n(metric) > 1) & (length > NO_DIRECTION)).then(decimal(spread, mean_decimals(metric)))


def _length(cos: pl.Expr, sin: pl.Expr, count: pl.Expr) -> pl.Expr:
    x, y = cos.cast(pl.Float64), sin.cast(pl.Float64)
    return (x * x + y * y).sqrt() / (FINE * count)


def positive(count: pl.Expr) -> pl.Expr:
    """A count, null where it is 0."""
    return pl.when(count > 0).then(count)


AGGREGATES: Mapping[str, Callable[[DailyMetric], pl.Expr]] = {
    "mean": mean,
    "median": median,
    "sd": sd,
    "min": picked("min"),
    "max": picked("max"),
    "sum": total,
    "last": picked("last"),
    "weekday_mean": mean_of_part("weekday"),
    "weekend_mean": mean_of_part("weekend"),
    "weighted_mean": weighted_mean,
    "circular_mean": circular_mean,
    "circular_sd": circular_sd,
}
