"""Sleep regularity index from intervals asleep, exact to the minute (Phillips 2017, doi 10.1038/s41598-017-03171-4).

The window of a day is the 1440 local minutes from noon of the day before to its own noon. It is known when the day has a
main sleep; an unknown window is not one awake. Two consecutive known windows are a pair. An afternoon nap lies in the
window of the next day, whichever day's row has it.

Minutes in which two windows differ are counted without a loop over minutes: falling asleep and waking up each turn the
difference on or off, so with all those moments of both windows sorted it is the second minus the first, plus the fourth
minus the third, and so on. A moment in both counts twice, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from qol.contracts.interval_union import Whole, union
from qol.contracts.weekly import Derived
from qol.transform.circular import DAY_MINUTES
from qol.transform.decimals import round_half_away

NOON = DAY_MINUTES // 2
#: The first window is the one of the day before the week.
FIRST_WINDOW, LAST_WINDOW = -1, 6
#: How far from their day's midnight intervals reach, in minutes; time beyond it would be another user's on the axis.
REACH = 2 * DAY_MINUTES
#: Days of a user on that axis: of the nights, -2 to 6, and as far as their intervals reach.
FIRST_DAY, AXIS_DAYS = -5, 14
#: Users at a time, which bounds memory to some megabytes.
USERS_AT_ONCE = 10_000
#: More than the minutes of a window, a power of two.
_MINUTES_BELOW = 2048


def compared(nights: pl.DataFrame) -> pl.DataFrame:
    """user_id, `pairs` (of known windows, 1 to 7) and `differing` (minutes in which the two of a pair differ).

    `nights` has a row per user and day: user_id, index (day of the week from -2 to 6), intervals (minutes after the
    day's midnight, within two days: start, end, start, end, …), bedtime and wake (minutes after midnight). Users without
    a pair are left out.
    """
    users = nights.select("user_id").unique().sort("user_id")
    numbered = nights.with_columns(number=pl.col("user_id").rank("dense").cast(pl.Int64) - 1)
    parts = [np.zeros((2, 0), np.int64)]
    for first in range(0, users.height, USERS_AT_ONCE):
        rows = numbered.filter(pl.col("number").is_between(first, first + USERS_AT_ONCE, closed="left"))
        parts.append(_pairs_and_differences(_known(rows), first, min(USERS_AT_ONCE, users.height - first)))
    pairs, differing = np.concatenate(parts, axis=1)
    return users.select("user_id", pairs=pl.lit(pairs), differing=pl.lit(differing)).filter(pl.col("pairs") > 0)


def index(min_pairs: int, decimals: int) -> pl.Expr:
    """-100 + 200 x share of minutes that agree, over the result of `compared`; null below so many pairs."""
    minutes = DAY_MINUTES * pl.col("pairs")
    value = round_half_away(100 - 200 * pl.col("differing") / minutes, decimals)
    return pl.when(pl.col("pairs") >= min_pairs).then(value)


def _known(nights: pl.DataFrame) -> pl.DataFrame:
    """Nights with a main sleep, and their intervals asleep: as recorded, else one from bedtime to waking."""
    recorded = pl.col("intervals").list.len() > 0
    bed, wake = ((pl.col(name) + 0.5).floor().cast(pl.Int32) for name in ("bedtime", "wake"))
    whole = pl.concat_list(pl.when(bed <= wake).then(bed).otherwise(bed - DAY_MINUTES), wake)
    intervals_asleep = (
        pl.when(recorded).then(pl.col("intervals")).when(bed.is_not_null() & wake.is_not_null()).then(whole)
    )
    return nights.select("number", "index", intervals_asleep.alias("intervals_asleep")).drop_nulls("intervals_asleep")


def _pairs_and_differences(known: pl.DataFrame, first: int, users: int) -> Whole:
    """Pairs and differing minutes of so many users from number `first` on.

    All of them lie on one axis of minutes, each with days of their own: a window is a number on it.
    """
    window = (known["number"].to_numpy() - first) * AXIS_DAYS + known["index"].to_numpy() - FIRST_DAY
    is_known = np.zeros(users * AXIS_DAYS, bool)
    is_known[window] = True
    is_pair = (is_known & np.roll(is_known, -1)).reshape(users, AXIS_DAYS)
    is_pair[:, : FIRST_WINDOW - FIRST_DAY] = False
    is_pair[:, LAST_WINDOW - FIRST_DAY :] = False
    differing = _differing(_in_windows(*union(*_intervals_asleep(known, window))), is_pair.reshape(-1))
    return np.stack([is_pair.sum(axis=1), differing.reshape(users, AXIS_DAYS).sum(axis=1)])


def _intervals_asleep(known: pl.DataFrame, window: Whole) -> tuple[Whole, Whole]:
    edges = np.clip(known["intervals_asleep"].explode().to_numpy().astype(np.int64), -REACH, REACH).reshape(-1, 2)
    midnight = np.repeat(window * DAY_MINUTES, known["intervals_asleep"].list.len().to_numpy() // 2)
    is_time = edges[:, 0] < edges[:, 1]
    return (edges[:, 0] + midnight)[is_time], (edges[:, 1] + midnight)[is_time]


def _in_windows(start: Whole, end: Whole) -> tuple[Whole, Whole]:
    """Windows of the moments of falling asleep and waking up, and minutes since that window began; cut at noon."""
    first, last = (start + NOON) // DAY_MINUTES, (end - 1 + NOON) // DAY_MINUTES
    times = last - first + 1
    window = np.repeat(first, times) + np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    noon = window * DAY_MINUTES - NOON
    begin = np.maximum(np.repeat(start, times), noon) - noon
    stop = np.minimum(np.repeat(end, times) - noon, DAY_MINUTES)
    return np.concatenate([window, window]), np.concatenate([begin, stop])


def _differing(moments: tuple[Whole, Whole], is_pair: np.ndarray[Any, np.dtype[np.bool_]]) -> Whole:
    """Minutes in which the two windows of a pair differ, by its first window."""
    window, minute = moments
    # A window is the first of one pair and the second of the pair before it.
    pair = np.concatenate([window, window - 1])
    counts = (pair >= 0) & (pair < is_pair.size)
    counts[counts] = is_pair[pair[counts]]
    ordered = np.sort(pair[counts] * _MINUTES_BELOW + np.concatenate([minute, minute])[counts])
    pair, minute = ordered // _MINUTES_BELOW, ordered % _MINUTES_BELOW
    # Every pair has an even number of moments: they alternate through all pairs as they do in each.
    lengths = minute[1::2] - minute[::2]
    differing = np.zeros(is_pair.size, np.int64)
    np.add.at(differing, pair[::2], lengths)
    return differing


#: Columns of the result of `compared`, by formula.
FORMULAS: Mapping[str, Callable[[Derived], pl.Expr]] = {
    "regularity": lambda rule: index(rule.min_days, rule.decimals),
    "regularity_pairs": lambda _: pl.col("pairs"),
}
