"""Totals of whole local hours and days: one of each counts, and what finer records of its time have counts there."""

import polars as pl

from qol.contracts.many_records import Overlaps
from qol.transform.overlaps import places, with_share
from qol.transform.versions import receipt

HOUR, DAY = SIZES = (3_600, 86_400)
#: Sums are of whole millionths, because records come in any order.
_UNIT = 1_000_000


def with_totals_share(rule: Overlaps, total: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, in their order, with the share of each that counts, as `overlaps` and its word `totals` say."""
    buckets = _buckets(rule, total, rows)
    is_short = buckets["size"] == 0
    told_last = is_short & _told_last(buckets)
    shares = pl.concat(
        [
            _with_finer_first(rule, rows.filter(told_last), buckets.filter(told_last)),
            buckets.filter(is_short & ~told_last).with_columns(share=pl.lit(0.0)),
        ]
    )
    for size in SIZES:
        shares = _with_coarser(shares, buckets.filter(size=size), size)
    share = shares.sort("row")["share"]
    return rows.with_columns(share.alias(rule.share))


def _buckets(rule: Overlaps, total: str, rows: pl.DataFrame) -> pl.DataFrame:
    start, end = pl.col(rule.start).cast(pl.Int64), pl.col(rule.end).cast(pl.Int64)
    local, seconds = start + pl.col("utc_offset_seconds"), end - start
    size = pl.coalesce([pl.when((seconds == size) & (local % size == 0)).then(size) for size in SIZES])
    kind = pl.col(rule.kind).fill_null("") if rule.kind else pl.lit("")
    return rows.select(
        pl.int_range(pl.len()).alias("row"), "user_id", "record_key", kind=kind, start=start, local=local, seconds=seconds,
        size=size.fill_null(0), total=pl.col(total).cast(pl.Float64), receipt=receipt(),
        device=places(rows[rule.by], rule.order),
    )  # fmt: skip


def _told_last(buckets: pl.DataFrame) -> pl.Series:
    """Whether a record is the last of its device and start below an hour, whatever its length; the larger of two at once."""
    best = buckets.filter(size=0).sort(
        "receipt", "total", "record_key", descending=[True, True, False], nulls_last=True
    )
    last = best.filter(pl.struct("user_id", "kind", "device", "start").is_first_distinct())
    return buckets["row"].is_in(last["row"].implode())


def _with_finer_first(rule: Overlaps, rows: pl.DataFrame, buckets: pl.DataFrame) -> pl.DataFrame:
    """Shares of records below an hour: of one device the shorter ones come first."""
    by_length = rule.model_copy(update={"device": "length"})
    lengths = buckets["seconds"].cast(pl.String).str.zfill(10)
    shares = buckets.with_columns(share=with_share(by_length, rows.with_columns(length=lengths))[rule.share])
    device = ["user_id", "kind", "device"]
    ends = pl.col("start") + pl.col("seconds")
    next_start = pl.col("start").shift(-1).over(device)
    meeting = shares.sort(*device, "start").filter(next_start < ends).with_columns(end=ends)
    hours = pl.int_ranges(pl.col("start") // HOUR, (pl.col("end") - 1) // HOUR + 1)
    pairs = (
        meeting.with_columns(hour=hours)
        .explode("hour")
        .join(shares.with_columns(hour=pl.col("start") // HOUR), on=[*device, "hour"], suffix="_finer")
        .filter(
            pl.col("start_finer").is_between("start", "end", "left") & (pl.col("seconds_finer") < pl.col("seconds"))
        )
    )
    inside = pairs.group_by("row").agg(
        _sum(pl.col("total_finer")).alias("told"),
        _sum(pl.col("total_finer") * pl.col("share_finer")).alias("kept"),
        pl.col("receipt_finer").max().alias("finer_receipt"),
    )
    beyond = _beyond()
    # What better devices leave of the finer ones they leave of the coarser one.
    left = pl.when(pl.col("told") > 0).then(pl.col("kept") / pl.col("told")).otherwise("share")
    stands = pl.col("receipt") >= pl.col("finer_receipt")
    share = pl.when(stands).then(beyond * left).otherwise(pl.min_horizontal("share", beyond))
    counted = shares.join(inside, on="row", how="left", maintain_order="left")
    return counted.select(*buckets.columns, share=pl.when(pl.col("told").is_null()).then("share").otherwise(share))


def _beyond() -> pl.Expr:
    """The share of a total that the finer ones do not have, whose sum is `told`."""
    beyond = pl.when(pl.col("total") > 0).then(1 - pl.col("told") / pl.col("total")).otherwise(0.0)
    return beyond.clip(0.0, 1.0)


def _with_coarser(finer: pl.DataFrame, coarse: pl.DataFrame, size: int) -> pl.DataFrame:
    """Shares of the finer records and of the coarser ones, all of one size."""
    stretch = ["user_id", "kind", "stretch"]
    # A day is one of the calendar whatever its offset; an hour of one clock may come twice on a journey.
    number = pl.col("local") // DAY if size == DAY else pl.col("start") - pl.col("local") % HOUR
    finer, coarse = (rows.with_columns(stretch=number) for rows in (finer, coarse))
    if coarse.is_empty():
        return finer
    best = coarse.sort(
        "device", "receipt", "total", "record_key", descending=[False, True, True, False], nulls_last=True
    )
    is_first = pl.struct(stretch).is_first_distinct()
    winners = best.filter(is_first)
    judge = winners.select(*stretch, coarse_device="device")
    finer = finer.join(judge, on=stretch, how="left", maintain_order="left")
    is_worse = pl.col("device") > pl.col("coarse_device")
    finer = finer.with_columns(share=pl.when(is_worse).then(0.0).otherwise("share")).drop("coarse_device")
    finer, won = _beside_finer(finer, winners, stretch, size)
    lost = best.filter(~is_first).with_columns(share=pl.lit(0.0))
    return pl.concat([finer, *(rows.select(finer.columns) for rows in (won, lost))])


def _beside_finer(
    finer: pl.DataFrame, winners: pl.DataFrame, stretch: list[str], size: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The finer records, and the one of each hour or day with what it has beyond them; a later total of their device stands."""
    counted = finer.filter(pl.col("share") > 0)
    kept = counted.group_by(stretch).agg(
        _sum(pl.col("total") * pl.col("share")).alias("told"),
        _sum(pl.col("seconds") * pl.col("share")).alias("covered"),
        pl.col("device").min().alias("finer_device"),
        pl.col("receipt").max().alias("finer_receipt"),
    )
    begun = ["user_id", "kind", "device", "start"]
    first = counted.group_by(begun).agg(_sum(pl.col("total") * pl.col("share")).alias("first"))
    won = winners.join(kept, on=stretch, how="left").join(first, on=begun, how="left")
    stands = (pl.col("device") == pl.col("finer_device")) & (pl.col("receipt") >= pl.col("finer_receipt"))
    # Nearer to the finer one that begins with it than to the sum of all: one of them, told again alone.
    is_one = stands & (2 * pl.col("total") < pl.col("told") + pl.col("first"))
    left = pl.when(stands).then(_beyond()).otherwise(pl.min_horizontal(1 - pl.col("covered") / size, _beyond()))
    is_whole = pl.col("covered").is_null() | is_one.fill_null(value=False)
    share = pl.when(is_whole).then(1.0).otherwise(left.clip(0.0, 1.0))
    replaced = pl.struct(begun).is_in(won.filter(is_one).select(pl.struct(begun)).to_series().implode())
    finer = finer.with_columns(share=pl.when(replaced).then(0.0).otherwise("share"))
    return finer, won.with_columns(share=share)


def _sum(values: pl.Expr) -> pl.Expr:
    return (values * _UNIT).round().cast(pl.Int64, strict=False).sum() / _UNIT
