"""Records of a week to one row per person, local day and source, in the canonical vocabulary."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from qol.contracts.columns import daily_columns
from qol.contracts.frames import GRAIN, monday_expr, no_rows, with_columns_of
from qol.contracts.metric_model import DailyMetric
from qol.contracts.model import Contracts
from qol.contracts.source_model import Episodes, SourceContract
from qol.transform.decimals import round_half_away
from qol.transform.deletions import Frames, living
from qol.transform.derived import WHERE, with_derived
from qol.transform.parts import day_parts
from qol.transform.versions import version_order


def daily(contracts: Contracts, records: Frames, deletions: Frames) -> pl.DataFrame:
    """Daily rows of record frames by contract name, sorted by person, day and source.

    Records named by `deletions`, rows of deleting contracts by name, are left out. Where several record types of a
    source give the same metric, the contract with the lower `priority` comes first; what a main episode gives comes
    whole from the first contract that has one of the day.
    """
    records = living(contracts, records, deletions)
    sources = sorted({contracts.by_name[name].source for name in records})
    frames = [_source_daily(contracts, source, records) for source in sources]
    nothing = no_rows(daily_columns(contracts))
    if not frames:
        return nothing
    return with_columns_of(pl.concat(frames, how="diagonal"), nothing.schema).sort("user_id", "day", "source")


def _source_daily(contracts: Contracts, source: str, records: Frames) -> pl.DataFrame:
    members = [c for c in contracts.sources if c.source == source and c.name in records]
    members.sort(key=lambda c: (c.priority, c.name))
    days = pl.concat([records[c.name].select(GRAIN) for c in members]).unique().sort(GRAIN)
    given: dict[str, list[pl.Expr]] = {"worn": []}
    nights: list[str] = []
    for number, contract in enumerate(members):
        values = record_days(contract, contracts.metric, records[contract.name])
        renamed = {name: f"{number}:{name}" for name in values.columns if name not in GRAIN}
        there = pl.lit(value=True).alias(f"{number}:")
        days = days.join(values.rename(renamed).with_columns(there), on=GRAIN, how="left", maintain_order="left")
        for name, new in renamed.items():
            of_night = contract.episodes is not None and name in contract.daily
            given.setdefault(name, []).append(_unless(nights, new) if of_night else pl.col(new))
        nights += [] if contract.episodes is None else [f"{number}:"]
    given["worn"].append(pl.lit(value=True))
    rows = days.select(
        *GRAIN, pl.lit(source).alias("source"), *[pl.coalesce(columns).alias(name) for name, columns in given.items()]
    )
    return with_combined(rows, contracts)


def _unless(nights: list[str], column: str) -> pl.Expr:
    """The column, null where a contract before has a main episode: no night is put together of two."""
    return pl.when(~pl.any_horizontal(pl.lit(value=False), *nights).fill_null(value=False)).then(column)


def with_combined(rows: pl.DataFrame, contracts: Contracts) -> pl.DataFrame:
    """Add the metrics that are made from other daily metrics; missing parts count 0, all missing gives null."""
    for metric in contracts.metrics:
        if metric.from_metrics is None:
            continue
        expression = pl.sql_expr(metric.from_metrics)
        parts = sorted(set(expression.meta.root_names()))
        filled = with_columns_of(rows, dict.fromkeys(parts, pl.Float64))
        value = filled.fill_null(0).select(rounded(expression, metric)).to_series()
        known = filled.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
        rows = rows.with_columns(pl.when(known).then(value).alias(metric.name))
    return rows


def record_days(contract: SourceContract, vocabulary: Mapping[str, DailyMetric], records: pl.DataFrame) -> pl.DataFrame:
    """One row per person and day with the metrics (and `worn`) that one record type gives.

    Metrics of `parts` are made of all of the day's records, the others of its best record or main episode.
    """
    return given_days(contract, vocabulary, with_derived(contract, records))


def given_days(contract: SourceContract, vocabulary: Mapping[str, DailyMetric], rows: pl.DataFrame) -> pl.DataFrame:
    """As `record_days`, of records that have their derived columns."""
    wear = _worn(contract)
    names = [name for name in contract.daily if name != WHERE]
    if not names and wear is None:
        return day_parts(contract, vocabulary, rows)
    values = rows.with_columns(
        [rounded(pl.sql_expr(contract.daily[name]), vocabulary[name]).alias(f"={name}") for name in names]
    )
    if contract.parts:
        parts = day_parts(contract, vocabulary, rows).rename({name: f"={name}" for name in contract.parts})
        values = values.join(parts, on=GRAIN, how="left", maintain_order="left")
        names += contract.parts
    columns = [pl.col(f"={name}").alias(name) for name in names]
    if wear is not None:
        worn = with_worn_inputs(values, contract, names).select(wear.alias("worn")).to_series()
        values = values.with_columns(worn)
        columns.append(pl.col("worn"))
    if contract.episodes is not None:
        return _main_episodes(contract.episodes, values, _versions(contract)).select(*GRAIN, *columns)
    better = [*map(pl.col, contract.best), *_versions(contract), pl.col("record_key")]
    ordered = values.sort(
        *map(pl.col, GRAIN), *better, descending=[False, False, *[True] * len(better)], nulls_last=True
    )
    return ordered.unique(GRAIN, keep="first", maintain_order=True).select(*GRAIN, *columns)


def rounded(value: pl.Expr, metric: DailyMetric) -> pl.Expr:
    """A metric's value with its declared decimals, halves away from zero; never infinite or NaN. Intervals pass."""
    if metric.type == "intervals":
        return value.cast(pl.List(pl.Int32))
    number = value.cast(pl.Float64)
    finite = pl.when(number.is_finite()).then(round_half_away(number, metric.decimals))
    return finite.cast(pl.Int64) if metric.type == "integer" else finite


def with_worn_inputs(values: pl.DataFrame, contract: SourceContract, names: list[str]) -> pl.DataFrame:
    """Rows in which the wear rule may name the contract's own daily metrics."""
    return values.with_columns([pl.col(f"={name}").alias(name) for name in names if name not in contract.by_name])


def _worn(contract: SourceContract) -> pl.Expr | None:
    """Worn unless the wear time, or the most it can have been, is known and under the limit."""
    if contract.wear is None:
        return None
    known = [pl.sql_expr(sql) for sql in (contract.wear.minutes, contract.wear.at_most) if sql is not None]
    minutes = pl.min_horizontal(known)
    return (minutes >= contract.wear.limit_minutes).fill_null(value=True)


def _versions(contract: SourceContract) -> list[pl.Expr]:
    """What orders the records, or sessions, of a day: the larger is better."""
    return list(version_order(contract, of_sessions=contract.stages is not None).values())


def _main_episodes(rule: Episodes, rows: pl.DataFrame, versions: list[pl.Expr]) -> pl.DataFrame:
    """The longest episode of each day after overlapping versions were dropped; the time of the others moves on."""
    kept = _without_overlaps(_ranked(rule, rows, versions))
    main = f"={rule.main}"
    kept = kept.sort([*GRAIN, main, "quality"], descending=[False, False, True, False], nulls_last=True)
    best = kept.unique(GRAIN, keep="first", maintain_order=True)
    if rule.rest_to is None:
        return best
    rest = f"={rule.rest_to}"
    sums = kept.group_by(GRAIN, maintain_order=True).agg(
        own=pl.col(rest).sum(), any_own=pl.col(rest).is_not_null().any(), episodes=pl.len(),
        others=pl.col(main).sum() - pl.col(main).first().fill_null(0),
    )  # fmt: skip
    total = (sums["own"] + sums["others"]).round(2, mode="half_away_from_zero")
    known = sums["any_own"] | (sums["episodes"] > 1)
    return best.with_columns(pl.when(known).then(total).alias(rest))


def _ranked(rule: Episodes, rows: pl.DataFrame, versions: list[pl.Expr]) -> pl.DataFrame:
    """Episodes with start, end and `quality`: 0 is the best of all of this frame.

    By tier, the order of versions, the place within the tier, length, person and key.
    """
    tiers = {code: tier for tier, codes in enumerate(rule.rank_tiers) for code in codes}
    positions = {code: place for codes in rule.rank_tiers for place, code in enumerate(codes)}
    code = pl.col(rule.rank_field)
    start = pl.sql_expr(rule.start)
    rows = rows.with_columns(
        tier=code.replace_strict(tiers, default=rule.unlisted_tier, return_dtype=pl.Int64),
        place=code.replace_strict(positions, default=-1, return_dtype=pl.Int64),
        start=start,
        end=pl.max_horizontal(pl.sql_expr(rule.end), start),
    )
    better = [pl.col("tier"), *versions, pl.col("place"), pl.col(f"={rule.main}")]
    ordered = rows.sort(
        *better, "user_id", "record_key", descending=[True] * len(better) + [False, True], nulls_last=True
    )
    return ordered.with_columns(quality=pl.int_range(pl.len()))


def _without_overlaps(episodes: pl.DataFrame) -> pl.DataFrame:
    """Best first, an episode stays when it overlaps no better one of the same person and week that stayed.

    Within a week, because a run may look at one week without its neighbours, and a week's days must not depend on that.
    Only episodes of one cluster (a chain of overlaps) can meet, so each round settles the best of every cluster.
    """
    rows = episodes.with_columns(week=monday_expr(pl.col("day"))).sort("user_id", "week", "start", "end")
    reach = pl.col("end").cum_max().shift(1).over("user_id", "week")
    before = pl.col("start").shift(1).over("user_id", "week")
    fresh = ((pl.col("start") >= reach) & (pl.col("start") > before)).fill_null(value=True)
    rows = rows.with_columns(cluster=fresh.cum_sum()).sort("quality")
    kept: list[pl.DataFrame] = []
    while rows.height:
        is_best = pl.col("cluster").is_first_distinct()
        best = rows.filter(is_best)
        kept.append(best)
        spans = best.select("cluster", best_start="start", best_end="end")
        rest = rows.filter(~is_best).join(spans, on="cluster", how="left", maintain_order="left")
        overlaps = (pl.col("start") < pl.col("best_end")) & (pl.col("best_start") < pl.col("end"))
        same = pl.col("start") == pl.col("best_start")
        rows = rest.filter(~(overlaps | same)).drop("best_start", "best_end")
    return pl.concat(kept) if kept else rows
