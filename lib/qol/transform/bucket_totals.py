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
    of_size = [buckets["size"] == size for size in SIZES]
    fine = ~(of_size[0] | of_size[1]) & _told_last(buckets)
    shares = buckets.filter(fine).with_columns(share=with_share(rule, rows.filter(fine))[rule.share])
    shares = pl.concat([shares, buckets.filter(~(fine | of_size[0] | of_size[1])).with_columns(share=pl.lit(0.0))])
    for size, chosen in zip(SIZES, of_size, strict=True):
        shares = _with_coarser(shares, buckets.filter(chosen), size)
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
    """Whether a record is the last of its device, start and length; the larger of two received at once."""
    best = buckets.sort("receipt", "total", "record_key", descending=[True, True, False], nulls_last=True)
    last = best.filter(pl.struct("user_id", "kind", "device", "start", "seconds").is_first_distinct())
    return buckets["row"].is_in(last["row"].implode())


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
    kept = (
        finer.filter(pl.col("share") > 0)
        .group_by(stretch)
        .agg(
            _sum(pl.col("total") * pl.col("share")).alias("told"),
            _sum(pl.col("seconds") * pl.col("share")).alias("covered"),
        )
    )
    beyond = pl.when(pl.col("total") > 0).then(1 - pl.col("told") / pl.col("total")).otherwise(0.0)
    left = pl.min_horizontal(1 - pl.col("covered") / size, beyond).clip(0.0, 1.0)
    won = winners.join(kept, on=stretch, how="left").with_columns(
        share=pl.when(pl.col("covered").is_null()).then(1.0).otherwise(left)
    )
    lost = best.filter(~is_first).with_columns(share=pl.lit(0.0))
    return pl.concat([finer, *(rows.select(finer.columns) for rows in (won, lost))])


def _sum(values: pl.Expr) -> pl.Expr:
    return (values * _UNIT).round().cast(pl.Int64, strict=False).sum() / _UNIT
