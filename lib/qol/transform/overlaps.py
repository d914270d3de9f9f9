"""Time that several devices measured counts once: the share of each record's time that no better device has."""

import polars as pl

from qol.contracts.frames import monday_expr
from qol.contracts.many_records import Overlaps
from qol.transform.borders import with_neighbours
from qol.transform.chains import axis_shift, with_chain
from qol.transform.merge import ranks

#: More than the number of any Monday since 1970.
DAYS = 10_000_000


def with_share(rule: Overlaps, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, in their order, with the share of each one's time (0 to 1) that counts.

    Per user and `kind`, every moment belongs to the record of the best device that has it (of two devices of one
    class the first by `device`), and of one device's records to the one that began first (then the longer one, then the first
    by record_key). An instant keeps 1 unless a
    better device has a record of the same instant. A record without a start or an end, or one that ends before it
    starts, keeps 1. Records of a week are compared with each other, and with those of the weeks beside it that come near.
    """
    intervals = _intervals(rule, rows)
    length = pl.col("end") - pl.col("start")
    lasting = _meeting(intervals.filter(length > 0))
    kept = pl.concat([_of_instants(intervals.filter(length == 0)), _of_lasting(lasting)])
    kept = kept.join(intervals.filter("is_own"), on=["row", "group"], how="semi")
    share = rows.select(row=pl.int_range(pl.len())).join(kept, on="row", how="left", maintain_order="left")["share"]
    return rows.with_columns(share.fill_null(1.0).alias(rule.share))


def _intervals(rule: Overlaps, rows: pl.DataFrame) -> pl.DataFrame:
    """Per row its group (and that of a week beside its own), its device's place in the order, start and end in seconds."""
    kind = rows[rule.kind].fill_null("") if rule.kind else pl.repeat("", rows.height, dtype=pl.String, eager=True)
    intervals = pl.DataFrame(
        {
            "row": pl.int_range(rows.height, eager=True),
            "user_kind": ranks(rows["user_id"]) * kind.n_unique() + ranks(kind),
            "device": _devices(rule, rows),
            "start": rows[rule.start].cast(pl.Int64),
            "end": rows[rule.end].cast(pl.Int64),
            "record_key": rows["record_key"],
            "day": rows["day"],
        }
    )
    week = pl.col("week").cast(pl.Int32).cast(pl.Int64)
    return with_neighbours(intervals, "start", "end").with_columns(
        group=pl.col("user_kind") * DAYS + week, is_own=pl.col("week") == monday_expr(pl.col("day"))
    )


def _devices(rule: Overlaps, rows: pl.DataFrame) -> pl.Series:
    """A device's place in the order of all, that of its class first."""
    of_class = places(rows[rule.by], rule.order)
    if rule.device is None:
        return of_class
    own = ranks(rows[rule.device].fill_null(""))
    return of_class * (own.n_unique() + 1) + own


def places(codes: pl.Series, order: tuple[str, ...]) -> pl.Series:
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
    return instants.select("row", "group", share=(pl.col("device") == best).cast(pl.Float64))


def _of_lasting(intervals: pl.DataFrame) -> pl.DataFrame:
    """Shares of intervals: each stretch of time between two of their ends belongs to the best device that has it."""
    better = ["group", "device", "start", "end", "record_key"]
    ordered = intervals.sort(better, descending=[name == "end" for name in better])
    on_axis = ordered.select("row", "group", "device", pl.col("start", "end") + axis_shift(["group"], "start", "end"))
    # Of one device no two keep a stretch, so that a stretch has as many pieces at most as there are devices.
    reach = pl.max_horizontal("start", pl.col("end").cum_max().shift(1).over("group", "device"))
    rest = on_axis.with_columns(begin=pl.min_horizontal(reach, "end"))
    ends = pl.concat([rest["begin"], rest["end"]]).unique().sort()
    first, last = (ends.search_sorted(rest[name]) for name in ("begin", "end"))
    pieces = rest.select("row", "group", stretch=pl.int_ranges(first, last)).explode("stretch").drop_nulls()
    best = pieces.unique("stretch", keep="first")
    lengths = (ends.shift(-1) - ends).gather(best["stretch"])
    kept = best.select("row", "group", kept=lengths).group_by("row", "group").agg(pl.col("kept").sum())
    shares = pl.col("kept").fill_null(0) / (pl.col("end") - pl.col("start"))
    return rest.join(kept, on=["row", "group"], how="left").select("row", "group", share=shares)
