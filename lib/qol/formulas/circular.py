"""Times of day as angles on a clock face: mean and standard deviation of minutes after midnight (Fisher 1993, 2.2 and 2.3)."""

import math

import polars as pl

from qol.formulas.half_away import PORTABLE_DECIMALS, round_half_away

DAY_MINUTES = 1440
_MINUTES_PER_RADIAN = DAY_MINUTES / (2 * math.pi)
#: Below this length of the mean vector the times have no direction, and no mean.
NO_DIRECTION = 1e-9


def circular_mean(minutes: pl.Expr) -> pl.Expr:
    """Mean time of day, -720 to 720 minutes after midnight; null where the times cancel each other out."""
    cos, sin = _mean_vector(minutes)
    return pl.when(_length(cos, sin) > NO_DIRECTION).then(pl.arctan2(sin, cos) * _MINUTES_PER_RADIAN)


def circular_sd(minutes: pl.Expr) -> pl.Expr:
    """Circular standard deviation sqrt(-2 ln R) in minutes, from two times on; null where they cancel each other out."""
    length = _length(*_mean_vector(minutes)).clip(upper_bound=1.0)
    spread = (length.log() * -2.0).sqrt() * _MINUTES_PER_RADIAN
    return pl.when((minutes.count() > 1) & (length > NO_DIRECTION)).then(spread)


def time_of_day(minutes: pl.Expr, decimals: int) -> pl.Expr:
    """Minutes from a day before midnight to a day after it, rounded, as 0 up to but not 1440."""
    return round_half_away(minutes % DAY_MINUTES, decimals) % DAY_MINUTES


def _mean_vector(minutes: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    angle = minutes * (2 * math.pi / DAY_MINUTES)
    return angle.cos().round(PORTABLE_DECIMALS).mean(), angle.sin().round(PORTABLE_DECIMALS).mean()


def _length(cos: pl.Expr, sin: pl.Expr) -> pl.Expr:
    return (cos * cos + sin * sin).sqrt()
