"""Sleep regularity index from stretches asleep, exact to the minute (Phillips 2017, doi 10.1038/s41598-017-03171-4).

The window of a day is the 1440 local minutes from noon of the day before to its own noon. It is known when the day has a
main sleep; a window that is not known is not awake. Two consecutive known windows are a pair. A nap of the afternoon lies
in the window of the next day, whichever day's row tells of it.

How long two windows differ needs no minute by minute: falling asleep and waking up each turn the difference of one
against the other on or off, so with all those moments of both in order it is the second minus the first, plus the fourth
minus the third, and so on. A moment in both counts twice, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from qol.contracts.model import Derived
from qol.transform.exact import DAY_MINUTES, divided

NOON = DAY_MINUTES // 2
#: The first window is the one of the day before the week.
FIRST_WINDOW = -1
LAST_WINDOW = 6
#: People at a time: some megabytes, however many there are.
PEOPLE = 10_000


def compared(nights: pl.DataFrame) -> pl.DataFrame:
    """user_id, `pairs` (of known windows, 1 to 7) and `differing` (minutes in which the two of a pair differ).

    `nights` has a row per person and day: user_id, index (day of the week from 0, negative before it), intervals
    (minutes after the day's midnight: start, end, start, end, …), bedtime and wake (minutes after midnight). People
    without a pair are left out.
    """
    people = nights.select("user_id").unique().sort("user_id").with_row_index("person")
    numbered = nights.join(people, on="user_id").with_columns(pl.col("person", "index").cast(pl.Int64))
    parts = [
        _differing(numbered.filter(pl.col("person").is_between(first, first + PEOPLE, closed="left")))
        for first in range(0, max(people.height, 1), PEOPLE)
    ]
    sums = people.with_columns(pl.col("person").cast(pl.Int64)).join(pl.concat(parts), on="person")
    return sums.select("user_id", "pairs", "differing").sort("user_id")


def index(min_pairs: int, decimals: int) -> pl.Expr:
    """-100 + 200 x share of minutes that agree, of what `compared` gives; null below so many pairs."""
    minutes = DAY_MINUTES * pl.col("pairs")
    value = divided(100 * minutes - 200 * pl.col("differing"), minutes, decimals)
    return pl.when(pl.col("pairs") >= min_pairs).then(value)


def _differing(nights: pl.DataFrame) -> pl.DataFrame:
    """The same by number of the person."""
    known = _known(nights)
    pairs = _pairs(known)
    moments = _moments(_in_windows(_joined(_stretches(known))))
    # A window is the first of one pair and the second of the pair before it.
    both = pl.concat([moments, moments.with_columns(pl.col("window") - 1)]).join(pairs, on=["person", "window"])
    # Every pair has an even number of moments, so they alternate through all pairs as they do in each.
    turns = both.sort("person", "window", "minute").with_columns(sign=2 * (pl.int_range(pl.len()) % 2) - 1)
    minutes = turns.group_by("person").agg(differing=(pl.col("sign") * pl.col("minute")).sum())
    counts = pairs.group_by("person").agg(pairs=pl.len().cast(pl.Int64))
    return counts.join(minutes, on="person", how="left").with_columns(pl.col("differing").fill_null(0))


def _known(nights: pl.DataFrame) -> pl.DataFrame:
    """Nights with a main sleep, and their stretches asleep: as told, else one from bedtime to waking."""
    told = pl.col("intervals").list.len() > 0
    bed, wake = ((pl.col(name) + 0.5).floor().cast(pl.Int32) for name in ("bedtime", "wake"))
    whole = pl.concat_list(pl.when(bed <= wake).then(bed).otherwise(bed - DAY_MINUTES), wake)
    stretches = pl.when(told).then(pl.col("intervals")).when(bed.is_not_null() & wake.is_not_null()).then(whole)
    return nights.select("person", "index", stretches.alias("stretches")).drop_nulls("stretches")


def _pairs(known: pl.DataFrame) -> pl.DataFrame:
    """The first window of every two consecutive known ones."""
    in_week = pl.col("index").is_between(FIRST_WINDOW, LAST_WINDOW)
    windows = known.filter(in_week).select("person", window="index")
    return windows.join(windows.with_columns(pl.col("window") - 1), on=["person", "window"], how="semi")


def _stretches(known: pl.DataFrame) -> pl.DataFrame:
    """One row per stretch asleep, in minutes after the Monday's midnight."""
    midnight = pl.col("index") * DAY_MINUTES
    rows = known.with_columns(
        start=pl.col("stretches").list.gather_every(2), end=pl.col("stretches").list.gather_every(2, 1)
    ).explode("start", "end")
    return rows.select("person", start=pl.col("start") + midnight, end=pl.col("end") + midnight).filter(
        pl.col("start") < pl.col("end")
    )


def _joined(stretches: pl.DataFrame) -> pl.DataFrame:
    """Stretches of a person that overlap or touch, also of different days' rows, as one."""
    rows = stretches.sort("person", "start", "end")
    reach = pl.col("end").cum_max().over("person").shift(1).over("person")
    first = (pl.col("start") > reach).fill_null(value=True)
    rows = rows.with_columns(cluster=first.cum_sum())
    return rows.group_by("cluster", maintain_order=True).agg(
        pl.col("person").first(), pl.col("start").min(), pl.col("end").max()
    )


def _in_windows(stretches: pl.DataFrame) -> pl.DataFrame:
    """Stretches cut at noon, in minutes after the start of their window."""
    first, last = ((pl.col(name) + NOON).floordiv(DAY_MINUTES) for name in ("start", "last"))
    rows = stretches.with_columns(last=pl.col("end") - 1).with_columns(window=pl.int_ranges(first, last + 1))
    rows = rows.explode("window").with_columns(noon=pl.col("window") * DAY_MINUTES - NOON)
    return rows.select(
        "person", "window",
        start=pl.max_horizontal("start", "noon") - pl.col("noon"),
        end=pl.min_horizontal("end", pl.col("noon") + DAY_MINUTES) - pl.col("noon"),
    )  # fmt: skip


def _moments(stretches: pl.DataFrame) -> pl.DataFrame:
    """Every moment of falling asleep or waking up."""
    return pl.concat([stretches.select("person", "window", minute=name) for name in ("start", "end")])


#: Columns of what `compared` gives, by formula.
FORMULAS: Mapping[str, Callable[[Derived], pl.Expr]] = {
    "regularity": lambda rule: index(rule.min_days, rule.decimals),
    "regularity_pairs": lambda _: pl.col("pairs"),
}
