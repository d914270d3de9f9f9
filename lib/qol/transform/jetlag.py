"""Work days and free days: when people sleep on each, and how far apart that is.

Formulas of the Munich Chronotype Questionnaire (Roenneberg 2003, doi 10.1177/0748730402239679; Wittmann 2006, doi
10.1080/07420520500545979). A night belongs to the day of waking up. What a questionnaire asks and no device knows:
whether an alarm rang on a free day, and who works on Sundays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache

import polars as pl

from qol.contracts.metric_model import DailyMetric, Derived
from qol.transform.exact import DAY_MINUTES, direction, positive, scaled, time_of_day

WEEK_DAYS = 7
SATURDAY = 5
_PARTS = {"work": ~pl.col("free"), "free": pl.col("free")}


def free_days(monday: date, country: str | None) -> frozenset[int]:
    """Days of a week, 0 for the Monday, that are free: Saturday, Sunday and public holidays of the country."""
    days = [monday + timedelta(days=number) for number in range(WEEK_DAYS)]
    closed = {day for day in days if country is not None and day in _holidays(country, day.year)}
    return frozenset(number for number, day in enumerate(days) if number >= SATURDAY or day in closed)


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))


def sums(metric: DailyMetric) -> Iterator[pl.Expr]:
    """Exact sums of a metric over work days and over free days, which the column `free` tells apart."""
    for part, days in _PARTS.items():
        values = scaled(metric).filter(days)
        yield values.count().cast(pl.Int64).alias(f"{metric.name}:{part}_n")
        yield values.sum().alias(f"{metric.name}:{part}_sum")
        if metric.clock:
            for side in ("cos", "sin"):
                yield pl.col(f"{metric.name}:{side}").filter(days).sum().alias(f"{metric.name}:{part}_{side}")


def column(rule: Derived, metrics: Mapping[str, DailyMetric], work_days: int) -> pl.Expr:
    """A column of work and free days, null with too few of either; `work_days` is how many the week has."""
    return WORK_AND_FREE[rule.formula](rule, metrics, work_days)


def _days(part: str) -> Callable[[Derived, Mapping[str, DailyMetric], int], pl.Expr]:
    return lambda rule, *_: pl.col(f"{rule.of[0]}:{part}_n")


def _mean(part: str) -> Callable[[Derived, Mapping[str, DailyMetric], int], pl.Expr]:
    return lambda rule, *_: _mean_time(rule, part)


def _mean_time(rule: Derived, part: str) -> pl.Expr:
    """Circular mean time of day over the days of a part."""
    name, enough = rule.of[0], {"work": rule.min_work_days, "free": rule.min_free_days}[part]
    count = pl.col(f"{name}:{part}_n")
    mean = direction(pl.col(f"{name}:{part}_cos"), pl.col(f"{name}:{part}_sin"), count, rule.decimals)
    return pl.when(count >= enough).then(mean)


def _distance(rule: Derived, *_: object) -> pl.Expr:
    """|MSF - MSW| the shorter way round the clock, in minutes (Wittmann 2006)."""
    apart = (_mean_time(rule, "free") - _mean_time(rule, "work")).abs()
    return pl.min_horizontal(apart, DAY_MINUTES - apart).round(rule.decimals, mode="half_away_from_zero")


def _corrected(rule: Derived, metrics: Mapping[str, DailyMetric], work_days: int) -> pl.Expr:
    """MSFsc = MSF - (SDf - SDweek) / 2 where SDf > SDw, else MSF (Roenneberg 2007, doi 10.1016/j.smrv.2007.07.005).

    With SDweek = (SDw WD + SDf (7 - WD)) / 7 the correction is WD (SDf - SDw) / 14.
    """
    slept = metrics[rule.of[1]]
    work, free = (positive(pl.col(f"{slept.name}:{part}_n")) for part in _PARTS)
    longer = pl.col(f"{slept.name}:free_sum") * work - pl.col(f"{slept.name}:work_sum") * free
    correction = work_days * longer / (2 * WEEK_DAYS * work * free * 10**slept.decimals)
    middle = time_of_day(_mean_time(rule, "free") - pl.max_horizontal(correction, 0.0), rule.decimals)
    enough = pl.all_horizontal([pl.col(f"{rule.of[0]}:work_n") >= rule.min_work_days, longer.is_not_null()])
    return pl.when(enough).then(middle)


#: Formulas over work days and free days, by name.
WORK_AND_FREE: Mapping[str, Callable[[Derived, Mapping[str, DailyMetric], int], pl.Expr]] = {
    "work_days": _days("work"),
    "free_days": _days("free"),
    "work_mean": _mean("work"),
    "free_mean": _mean("free"),
    "free_corrected": _corrected,
    "work_free_distance": _distance,
}
