"""Records of single sleep stages to one row per sleep session of one device."""

from collections.abc import Sequence

import polars as pl

from qol.contracts.frames import GRAIN
from qol.contracts.many_records import Stages
from qol.transform.borders import of_own_week, with_neighbours
from qol.transform.chains import union, with_chain
from qol.transform.versions import receipt

#: Stages in which the user sleeps, which time in bed and time awake are not.
ASLEEP = ("deep", "light", "rem", "asleep")
DAY_SECONDS = 86_400


def sessions(rule: Stages, rows: pl.DataFrame) -> pl.DataFrame:
    """One row per user, week, device and series of stages with no pause longer than the contract's gap.

    A session's day is that of the sample that began last: the day the user wakes on, whatever day the first stage is of.
    Samples of the weeks beside a week that come near continue its sessions. Stages that go on for more than 24 hours are
    not one day's sleep, so they are cut where the day of the samples changes.

    Columns of `Stages.columns` beside those of every record: times in Unix seconds, seconds per stage as the union of
    its records (null for a stage without any), `asleep_seconds_total` and `asleep_intervals` as the union of all stages
    asleep. User, device, key and offset are those of the first sample, `day_rule` is that of the one that began last,
    `session_end_offset_seconds` is the offset at the end, receipt is the latest. Records without a listed stage or without
    a duration belong to no session.
    """
    samples = _samples(rule, rows)
    found = _bounds(samples)
    for stage in rule.values:
        found = _with_seconds(found, samples, [stage], f"{stage}_seconds")
    found = _with_seconds(found, samples, ASLEEP, "asleep_seconds_total")
    found = found.join(_intervals(found, samples), on="session", how="left", maintain_order="left")
    return of_own_week(found.drop("session"))


def stage_of(rule: Stages) -> pl.Expr:
    """The canonical stage of a record; null where its code is not listed."""
    code = pl.col(rule.stage).str.to_lowercase().str.replace_all(r"[\s_]+", "")
    return code.replace_strict(dict(rule.by_code), default=None, return_dtype=pl.String)


def _samples(rule: Stages, rows: pl.DataFrame) -> pl.DataFrame:
    """Samples of listed stages with `stage`, `begin`, `finish` and the session (`session`) they are in."""
    samples = rows.select(
        *GRAIN, "record_key", "day_rule", "source_timestamp", "received_at", "arrival_date", pl.coalesce(rule.start_offset or "utc_offset_seconds", "utc_offset_seconds").alias("utc_offset_seconds"),
        session_rank=pl.col(rule.by),
        session_device=pl.col(rule.device) if rule.device else pl.lit(None, pl.String),
        end_offset=pl.coalesce(rule.end_offset or "utc_offset_seconds", "utc_offset_seconds"),
        stage=stage_of(rule),
        begin=pl.col(rule.start).cast(pl.Int64),
        finish=pl.col(rule.end).cast(pl.Int64),
    )  # fmt: skip
    usable = samples.filter(pl.col("stage").is_not_null() & (pl.col("finish") > pl.col("begin")))
    gap = round(rule.gap_minutes * 60)
    devices = ["user_id", "week", "session_rank", "session_device"]
    chained = with_chain(with_neighbours(usable, "begin", "finish"), devices, "begin", "finish", gap=gap)
    length = (pl.col("finish").max() - pl.col("begin").min()).over("chain")
    cut = chained.with_columns(cut=pl.when(length > DAY_SECONDS).then("day"))
    return with_chain(cut, ["chain", "cut"], "begin", "finish", gap=gap, name="session")


def _bounds(samples: pl.DataFrame) -> pl.DataFrame:
    first = ("user_id", "week", "session_rank", "session_device", "record_key", "source_timestamp")
    ordered = samples.sort("session", "begin", "finish", "record_key")
    return ordered.group_by("session", maintain_order=True).agg(
        *[pl.col(name).first() for name in first],
        *[pl.col(name).last() for name in ("day", "day_rule")],
        pl.col("utc_offset_seconds").drop_nulls().first(),
        receipt().max().alias("received_at"),
        pl.col("arrival_date").max(),
        session_start_seconds=pl.col("begin").min(),
        session_end_seconds=pl.col("finish").max(),
        session_end_offset_seconds=pl.col("end_offset").sort_by("finish", "begin", "record_key").drop_nulls().last(),
    )


def _with_seconds(found: pl.DataFrame, samples: pl.DataFrame, stages: Sequence[str], name: str) -> pl.DataFrame:
    """Sessions with the seconds that samples of any of the stages cover."""
    of_stages = union(samples.filter(pl.col("stage").is_in(stages)), ["session"], "begin", "finish")
    seconds = of_stages.group_by("session").agg((pl.col("finish") - pl.col("begin")).sum().alias(name))
    return found.join(seconds, on="session", how="left", maintain_order="left")


def _intervals(found: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """Per session the intervals asleep, as pairs of whole minutes after the local midnight of its day.

    An interval lasts from the minute it begins in up to the minute it ends in; intervals that touch are one.
    """
    midnight = pl.col("day").cast(pl.Int32).cast(pl.Int64) * DAY_SECONDS - pl.col("utc_offset_seconds")
    asleep = samples.filter(pl.col("stage").is_in(ASLEEP)).select("session", "begin", "finish")
    local = asleep.join(found.select("session", midnight=midnight), on="session")
    minutes = local.select("session", *[(pl.col(name) - pl.col("midnight")) // 60 for name in ("begin", "finish")])
    lasting = union(minutes.filter(pl.col("finish") > pl.col("begin")), ["session"], "begin", "finish")
    pairs = lasting.select("session", asleep_intervals=pl.concat_list("begin", "finish").cast(pl.List(pl.Int32)))
    return pairs.explode("asleep_intervals").group_by("session", maintain_order=True).agg("asleep_intervals")
