"""Formulas over stretches asleep: how alike the nights of a week are."""

import polars as pl

from qol.formulas.circular import DAY_MINUTES
from qol.formulas.half_away import round_half_away
from qol.formulas.registry import Kind, Rule, Week, weekly_formula

#: Hours of a window from noon to noon, as minutes after the midnight in its middle.
_HOURS = range(-DAY_MINUTES // 2, DAY_MINUTES // 2, 60)
#: With one night every hour would be as on all nights.
MIN_NIGHTS = 2
_NIGHT: tuple[Kind, ...] = ("stretches", "a time of day", "a time of day")


@weekly_formula(
    text="how much of the variance of the minutes asleep in each hour, noon to noon, is that between the hours of the day: 0 to 1",
    reads=("stretches",),
    why=lambda rule, week: (
        f"needs {MIN_NIGHTS} nights with {rule.of[0]}, of which not all hours are alike, found {len(week.having(*rule.of))}"
    ),
)
def interdaily_stability(rule: Rule, _: Week) -> pl.Expr:
    """N x variance of hourly means over all hourly values (van Someren 1999, doi 10.3109/07420529908998724), in whole numbers."""
    stretches = pl.col(rule.of[0])
    hours = [_minutes_between(stretches, hour, hour + 60) for hour in _HOURS]
    total = pl.sum_horizontal([hour.sum() for hour in hours])
    of_means = pl.sum_horizontal([hour.sum() ** 2 for hour in hours])
    of_values = pl.sum_horizontal([(hour**2).sum() for hour in hours])
    nights = stretches.count()
    between, within = len(hours) * of_means - total**2, len(hours) * nights * of_values - total**2
    return pl.when((nights >= MIN_NIGHTS) & (within > 0)).then(between / within)


def _minutes_between(stretches: pl.Expr, low: int, high: int) -> pl.Expr:
    """Minutes of each day's stretches, start, end, start, end, …, between two minutes."""
    edges = stretches.list.eval(pl.element().cast(pl.Int64).clip(low, high))
    return edges.list.gather_every(2, 1).list.sum() - edges.list.gather_every(2).list.sum()


@weekly_formula(text="sleep regularity index", reads=_NIGHT, over="pairs", is_plain=False)
def regularity(rule: Rule, _: Week) -> pl.Expr:
    """-100 + 200 x share of minutes that agree, of `differing` minutes in `pairs`; null below so many pairs."""
    minutes = DAY_MINUTES * pl.col("pairs")
    value = round_half_away(100 - 200 * pl.col("differing") / minutes, rule.decimals)
    return pl.when(pl.col("pairs") >= rule.min_days).then(value)


@weekly_formula(
    text="pairs of days of the sleep regularity index", reads=_NIGHT, over="pairs", gives="int", is_plain=False
)
def regularity_pairs(_rule: Rule, _: Week) -> pl.Expr:
    """The pairs of windows that are known."""
    return pl.col("pairs")
