"""Time that several devices measured counts once: the share of each record's time that no better device has."""

from __future__ import annotations

import numpy as np
import polars as pl

from qol.contracts.frames import monday_expr
from qol.contracts.interval_union import Whole, union
from qol.contracts.many_records import Overlaps
from qol.transform.chains import axis_shift, with_chain
from qol.transform.merge import ranks

#: More than the number of any Monday since 1970.
DAYS = 10_000_000


def with_share(rule: Overlaps, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, in their order, with the share of each one's time (0 to 1) that counts.

    Per user, ISO week and `kind`, every moment belongs to the record of the best device that has it, and of one device's
    records to the one that began first (then the longer one, then the first by record_key). An instant keeps 1 unless a
    better device has a record of the same instant. A record without a start or an end, or one that ends before it
    starts, keeps 1. Days of a week are compared with each other, as records of a phone and a watch around midnight need
    not begin on the same one; weeks are not, because a run may read one week without its neighbours.
    """
    intervals = _intervals(rule, rows)
    length = pl.col("end") - pl.col("start")
    lasting = _meeting(intervals.filter(length > 0))
    kept = pl.concat([_of_instants(intervals.filter(length == 0)), _of_lasting(lasting)])
    share = rows.select(row=pl.int_range(pl.len())).join(kept, on="row", how="left", maintain_order="left")["share"]
    return rows.with_columns(share.fill_null(1.0).alias(rule.share))


def _intervals(rule: Overlaps, rows: pl.DataFrame) -> pl.DataFrame:
    """Per row its group, its device's place in the order, start and end in whole seconds."""
    kind = rows[rule.kind].fill_null("") if rule.kind else pl.repeat("", rows.height, dtype=pl.String, eager=True)
    monday = rows.select(monday_expr(pl.col("day")).cast(pl.Int32).cast(pl.Int64)).to_series()
    user_week = ranks(rows["user_id"]) * DAYS + monday
    return pl.DataFrame(
        {
            "row": pl.int_range(rows.height, eager=True),
            "group": user_week * kind.n_unique() + ranks(kind),
            "device": _places(rows[rule.by], rule.order),
            "start": rows[rule.start].cast(pl.Int64),
            "end": rows[rule.end].cast(pl.Int64),
            "record_key": rows["record_key"],
        }
    )


def _places(codes: pl.Series, order: tuple[str, ...]) -> pl.Series:
    """A device's place in the order; devices it does not list come after, by name, and those without a name last."""
    others = sorted(set(codes.unique().drop_nulls().to_list()) - set(order))
    places = {code: place for place, code in enumerate([*order, *others])}
    return codes.replace_strict(places, default=len(places), return_dtype=pl.Int64)


def _meeting(lasting: pl.DataFrame) -> pl.DataFrame:
    """Only intervals of groups in which any two overlap; most users have one device."""
    chained = with_chain(lasting, ["group"], "start", "end", gap=-1)
    groups = chained.filter(pl.col("chain").is_duplicated())["group"].unique()
    return lasting.filter(pl.col("group").is_in(groups.implode()))


def _of_instants(instants: pl.DataFrame) -> pl.DataFrame:
    best = pl.col("device").min().over("group", "start")
    return instants.select("row", share=(pl.col("device") == best).cast(pl.Float64))


def _of_lasting(intervals: pl.DataFrame) -> pl.DataFrame:
    """Shares of intervals, device by device from the best on: what the better ones leave of each."""
    levels = intervals.with_columns(level=pl.col("device").rank("dense").over("group"))
    ordered = levels.sort(["group", "start", "end", "record_key"], descending=[False, False, True, False]).with_columns(
        shift=axis_shift(["group"], "start", "end")
    )
    start, end = ((ordered[name] + ordered["shift"]).to_numpy() for name in ("start", "end"))
    level = ordered["level"].to_numpy()
    kept = np.zeros(ordered.height, np.int64)
    taken = _Union.empty()
    for number in range(1, int(level.max(initial=0)) + 1):
        of_level = np.flatnonzero(level == number)
        first, last = _without_repeats(start[of_level], end[of_level])
        kept[of_level] = last - first - taken.within(first, last)
        taken = taken.joined(first, last)
    return ordered.select("row", share=pl.Series(kept) / (pl.col("end") - pl.col("start")))


def _without_repeats(start: Whole, end: Whole) -> tuple[Whole, Whole]:
    """Intervals of one device, sorted by start, each without the time of earlier ones; start = end where none is left."""
    reach = np.maximum.accumulate(end)
    before = np.concatenate((start[:1], reach[:-1]))
    return np.minimum(np.maximum(start, before), end), end


class _Union:
    """Intervals that neither overlap nor touch, sorted, with the time that they cover up to the start of each."""

    def __init__(self, start: Whole, end: Whole) -> None:
        self._start, self._end = start, end
        self._before = np.concatenate(([0], np.cumsum(end - start)))

    @classmethod
    def empty(cls) -> _Union:
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing)

    def joined(self, start: Whole, end: Whole) -> _Union:
        """The union with more intervals."""
        return _Union(*union(np.concatenate((self._start, start)), np.concatenate((self._end, end))))

    def within(self, start: Whole, end: Whole) -> Whole:
        """How much of each interval from start to end is in the union."""
        return self._up_to(end) - self._up_to(start)

    def _up_to(self, moment: Whole) -> Whole:
        place = np.searchsorted(self._start, moment, side="right")
        if not len(self._start):
            return np.zeros_like(moment)
        over = self._end[np.maximum(place - 1, 0)] - moment
        return np.where(place > 0, self._before[place] - np.maximum(over, 0), 0)
