"""Sleep regularity index from intervals asleep, exact to the minute (Phillips 2017, doi 10.1038/s41598-017-03171-4).

The window of a day is the 1440 local minutes from noon of the day before to its own noon. It is known when the day has a
main sleep; an unknown window is not one awake. Two consecutive known windows are a pair. An afternoon nap lies in the
window of the next day, whichever day's row has it.

Minutes in which two windows differ are counted without a loop over minutes: falling asleep and waking up each turn the
difference on or off, so with all those moments of both windows sorted it is the second minus the first, plus the fourth
minus the third, and so on. A moment in both counts twice, which changes nothing.
"""

import polars as pl

from qol.contracts.interval_union import union
from qol.formulas.circular import DAY_MINUTES

NOON = DAY_MINUTES // 2
#: The first window is the one of the day before the week.
FIRST_WINDOW, LAST_WINDOW = -1, 6
#: How far from their day's midnight intervals reach, in minutes; time beyond it would be another user's on the axis.
REACH = 2 * DAY_MINUTES
#: All users lie on one axis, each with this many days: of the nights, -2 to 6, and as far as their intervals reach.
FIRST_DAY, AXIS_DAYS = -5, 14
#: More than the minutes of a window, so that one whole number orders moments by window and minute.
WINDOW_SIZE = 2048


def compared(nights: pl.DataFrame) -> pl.DataFrame:
    """user_id, `pairs` (of known windows, 1 to 7) and `differing` (minutes in which the two of a pair differ).

    `nights` has a row per user and day: user_id, index (day of the week from -2 to 6), intervals (minutes after the
    day's midnight, within two days: start, end, start, end, …), bedtime and wake (minutes after midnight). Users without
    a pair are left out.
    """
    known = _known(nights)
    is_first = pl.col("index").is_between(FIRST_WINDOW, LAST_WINDOW, closed="left")
    pairs = known.filter(is_first & (pl.col("window") + 1).is_in(known["window"].implode()))
    differing = _differing(_moments(known), pairs["window"])
    found = pairs.join(differing, on="window", how="left").group_by("user_id")
    return found.agg(pairs=pl.len().cast(pl.Int64), differing=pl.col("differing").sum()).sort("user_id")


def _known(nights: pl.DataFrame) -> pl.DataFrame:
    """Nights with a main sleep, their window on the axis, and intervals asleep: as recorded, else from bedtime to waking."""
    recorded = pl.col("intervals").list.len() > 0
    bed, wake = ((pl.col(name) + 0.5).floor().cast(pl.Int32) for name in ("bedtime", "wake"))
    whole = pl.concat_list(pl.when(bed <= wake).then(bed).otherwise(bed - DAY_MINUTES), wake)
    intervals = pl.when(recorded).then("intervals").when(bed.is_not_null() & wake.is_not_null()).then(whole)
    window = pl.col("user_id").rank("dense").cast(pl.Int64) * AXIS_DAYS + pl.col("index") - FIRST_DAY
    return nights.select("user_id", "index", window=window, intervals=intervals).drop_nulls("intervals")


def _moments(known: pl.DataFrame) -> pl.Series:
    """Moments of falling asleep and waking up: WINDOW_SIZE x window + minutes since it began; cut at noon."""
    every_second = pl.col("intervals").list.gather_every
    rows = known.select("window", begin=every_second(2), end=every_second(2, 1)).explode("begin", "end")
    minutes = pl.col("begin", "end").cast(pl.Int64).clip(-REACH, REACH) + pl.col("window") * DAY_MINUTES + NOON
    asleep = rows.select(minutes).filter(pl.col("begin") < pl.col("end"))
    begin, end = (pl.Series(edges) for edges in union(*asleep.to_numpy().T))
    windows = pl.int_ranges(begin // DAY_MINUTES, (end - 1) // DAY_MINUTES + 1, eager=True)
    cut = pl.DataFrame({"begin": begin, "end": end, "window": windows}).explode("window")
    since_noon = (pl.col("begin", "end") - pl.col("window") * DAY_MINUTES).clip(0, DAY_MINUTES)
    positions = cut.select(since_noon + pl.col("window") * WINDOW_SIZE)
    return pl.concat([positions["begin"], positions["end"].rename("begin")])


def _differing(moments: pl.Series, pairs: pl.Series) -> pl.DataFrame:
    """Minutes in which the two windows of a pair differ, by its first window."""
    # A window is the first of one pair and the second of the pair before it.
    both = pl.concat([moments, moments - WINDOW_SIZE])
    ordered = both.filter((both // WINDOW_SIZE).is_in(pairs.implode())).sort()
    # Every pair has an even number of moments: they alternate through all pairs as they do in each.
    first, second = ordered.gather_every(2), ordered.gather_every(2, 1)
    lengths = pl.DataFrame({"window": first // WINDOW_SIZE, "differing": second - first})
    return lengths.group_by("window").agg(pl.col("differing").sum())
