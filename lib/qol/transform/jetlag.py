"""Social jetlag: when users sleep on work days and on free days, and the distance between both.

Formulas of the Munich Chronotype Questionnaire (Roenneberg 2003, doi 10.1177/0748730402239679; Wittmann 2006, doi
10.1080/07420520500545979). A night belongs to the day of waking up. The questionnaire also asks what no device measures:
whether an alarm rang on a free day, and who works on Sundays.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache

import polars as pl

from qol.contracts.weekly import Derived
from qol.transform.circular import DAY_MINUTES, circular_mean, time_of_day
from qol.transform.decimals import round_half_away

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


def _values(name: str, part: str) -> pl.Expr:
    return pl.col(name).filter(_PARTS[part])


def _mean_time(rule: Derived, part: str) -> pl.Expr:
    """Circular mean time of day over the days of a part, from the rule's number of days on."""
    minutes, enough = _values(rule.of[0], part), {"work": rule.min_work_days, "free": rule.min_free_days}[part]
    return pl.when(minutes.count() >= enough).then(circular_mean(minutes))


def _distance(rule: Derived, _: int) -> pl.Expr:
    """|MSF - MSW| the shorter way round the clock, in minutes (Wittmann 2006)."""
    apart = (_mean_time(rule, "free") - _mean_time(rule, "work")).abs()
    return round_half_away(pl.min_horizontal(apart, DAY_MINUTES - apart), rule.decimals)


def _corrected(rule: Derived, work_days: int) -> pl.Expr:
    """MSFsc = MSF - (SDf - SDweek) / 2 where SDf > SDw, else MSF (Roenneberg 2007, doi 10.1016/j.smrv.2007.07.005).

    With SDweek = (SDw WD + SDf (7 - WD)) / 7 the correction is WD (SDf - SDw) / 14.
    """
    midsleep, slept = rule.of
    longer = _values(slept, "free").mean() - _values(slept, "work").mean()
    correction = work_days * longer / (2 * WEEK_DAYS)
    corrected = time_of_day(_mean_time(rule, "free") - pl.max_horizontal(correction, 0.0), rule.decimals)
    enough = (_values(midsleep, "work").count() >= rule.min_work_days) & longer.is_not_null()
    return pl.when(enough).then(corrected)


#: Formulas over work days and free days by name, of a rule and how many work days the week has; for `group_by(…).agg`.
WORK_AND_FREE: Mapping[str, Callable[[Derived, int], pl.Expr]] = {
    "work_days": lambda rule, _: _values(rule.of[0], "work").count(),
    "free_days": lambda rule, _: _values(rule.of[0], "free").count(),
    "work_mean": lambda rule, _: time_of_day(_mean_time(rule, "work"), rule.decimals),
    "free_mean": lambda rule, _: time_of_day(_mean_time(rule, "free"), rule.decimals),
    "free_corrected": _corrected,
    "work_free_distance": _distance,
}
