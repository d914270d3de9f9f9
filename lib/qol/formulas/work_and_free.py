"""Social jetlag: when users sleep on work days and on free days, and the distance between both.

Formulas of the Munich Chronotype Questionnaire (Roenneberg 2003, doi 10.1177/0748730402239679; Wittmann 2006, doi
10.1080/07420520500545979). A night belongs to the day of waking up. The questionnaire also asks what no device measures:
whether an alarm rang on a free day, and who works on Sundays.
"""

from functools import partial

import polars as pl

from qol.formulas.circular import DAY_MINUTES, circular_mean, time_of_day
from qol.formulas.half_away import round_half_away
from qol.formulas.registry import WEEK_DAYS, Kind, Rule, ValidDays, Week, weekly_formula

_PARTS = {"work": ~pl.col("free"), "free": pl.col("free")}
_CLOCK: tuple[Kind, ...] = ("a time of day",)
_split = partial(weekly_formula, is_plain=False, with_holidays=True)


def _values(name: str, part: str) -> pl.Expr:
    return pl.col(name).filter(_PARTS[part])


def _mean_time(rule: Rule, part: str) -> pl.Expr:
    """Circular mean time of day over the days of a part, from the rule's number of days on."""
    minutes, enough = _values(rule.of[0], part), {"work": rule.min_work_days, "free": rule.min_free_days}[part]
    return pl.when(minutes.count() >= enough).then(circular_mean(minutes))


@_split(text="how many work days have `of`", reads=("a number",), gives="int")
def work_days(rule: Rule, _: Week) -> pl.Expr:
    """Work days with a value."""
    return _values(rule.of[0], "work").count()


@_split(text="how many free days have `of`", reads=("a number",), gives="int")
def free_days(rule: Rule, _: Week) -> pl.Expr:
    """Free days with a value."""
    return _values(rule.of[0], "free").count()


@_split(text="circular mean of a time of day on work days", reads=_CLOCK, words=("min_work_days",))
def work_mean(rule: Rule, _: Week) -> pl.Expr:
    """MSW of a time of mid-sleep."""
    return time_of_day(_mean_time(rule, "work"), rule.decimals)


@_split(text="circular mean of a time of day on free days", reads=_CLOCK, words=("min_free_days",))
def free_mean(rule: Rule, _: Week) -> pl.Expr:
    """MSF of a time of mid-sleep."""
    return time_of_day(_mean_time(rule, "free"), rule.decimals)


def _why_not_corrected(rule: Rule, week: ValidDays) -> str:
    """Empty when it is the times that have no middle."""
    slept = rule.of[1]
    free = sum((day["day"] - week.monday).days in week.free for day in week.having(slept))
    work = len(week.having(slept)) - free
    return "" if work and free else f"needs {slept} of a work night and of a free night, found {work} and {free}"


@_split(
    text="of a time of mid-sleep and of minutes slept: free_mean less half of what is slept longer on free days than in the whole week",
    reads=("a time of day", "a quantity"), words=("min_work_days", "min_free_days"), why=_why_not_corrected,
)  # fmt: skip
def free_corrected(rule: Rule, week: Week) -> pl.Expr:
    """MSFsc = MSF - (SDf - SDweek) / 2 where SDf > SDw, else MSF (Roenneberg 2007, doi 10.1016/j.smrv.2007.07.005).

    With SDweek = (SDw WD + SDf (7 - WD)) / 7 the correction is WD (SDf - SDw) / 14.
    """
    midsleep, slept = rule.of
    longer = _values(slept, "free").mean() - _values(slept, "work").mean()
    correction = week.work_days * longer / (2 * WEEK_DAYS)
    corrected = time_of_day(_mean_time(rule, "free") - pl.max_horizontal(correction, 0.0), rule.decimals)
    enough = (_values(midsleep, "work").count() >= rule.min_work_days) & longer.is_not_null()
    return pl.when(enough).then(corrected)


@_split(
    text="shorter distance around the clock between the means of work and free days",
    reads=_CLOCK, words=("min_work_days", "min_free_days"),
)  # fmt: skip
def work_free_distance(rule: Rule, _: Week) -> pl.Expr:
    """|MSF - MSW| the shorter way round the clock, in minutes (Wittmann 2006)."""
    apart = (_mean_time(rule, "free") - _mean_time(rule, "work")).abs()
    return round_half_away(pl.min_horizontal(apart, DAY_MINUTES - apart), rule.decimals)
