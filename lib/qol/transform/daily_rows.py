"""Records to one row per user, local day and source, in the vocabulary of daily metrics."""

from collections.abc import Mapping, Sequence

import polars as pl

from qol.contracts.columns import daily_columns
from qol.contracts.daily import DailyMetric
from qol.contracts.expression_errors import naming_expressions
from qol.contracts.frames import GRAIN, in_order, no_rows, rises, with_columns_of
from qol.contracts.many_records import Episodes
from qol.contracts.model import Contracts
from qol.contracts.roots import DAILY
from qol.contracts.source import SourceContract, Wear
from qol.transform.borders import of_own_week, with_neighbours, without_moved
from qol.transform.decimals import as_stored
from qol.transform.deletions import Frames, without_deleted
from qol.transform.derived import WHERE, with_derived, with_own_day
from qol.transform.parts import day_parts
from qol.transform.versions import version_order


def daily(contracts: Contracts, records: Frames, deletions: Frames) -> pl.DataFrame:
    """Daily rows of record frames by contract name, sorted by user, day and source.

    Records named by `deletions`, rows of deleting contracts by name, are left out, and so are records without a usable time
    and types that tell no days. Where several record types of a source have the same metric, the contract with the lower
    `priority` comes first; all metrics of a main episode are those of the first contract that has one of the day.
    """
    left = without_deleted(contracts, records, deletions)
    counting = {name: without_moved(contracts.by_name[name], rows) for name, rows in left.items()}
    dated = {name: rows for name, rows in counting.items() if contracts.by_name[name].tells_days}
    records = {name: with_own_day(contracts.by_name[name], rows) for name, rows in dated.items()}
    sources = sorted({contracts.by_name[name].source for name in records})
    frames = [_source_daily(contracts, source, records) for source in sources]
    nothing = no_rows(daily_columns(contracts))
    if not frames:
        return nothing
    return in_order(with_columns_of(pl.concat(frames, how="diagonal"), nothing), [*GRAIN, "source"])


def _source_daily(contracts: Contracts, source: str, records: Frames) -> pl.DataFrame:
    members = [c for c in contracts.sources if c.source == source and c.name in records]
    members.sort(key=lambda c: (c.priority, c.name))
    found = [days_of_derived(c, contracts.metric, with_derived(c, records[c.name])) for c in members]
    # A record that lasts over midnight may give a day that has no record of its own.
    days = _all_days([*(records[c.name] for c in members), *found])
    for number, of_type in enumerate(found):
        prefix = f"{number}:"
        values = of_type.select(*GRAIN, pl.lit(value=True).alias(prefix), pl.exclude(GRAIN).name.prefix(prefix))
        if days.select(GRAIN).equals(values.select(GRAIN)):  # the usual case: one type has every day
            days = days.hstack(values.drop(GRAIN))
        else:
            days = days.join(values, on=GRAIN, how="left", maintain_order="left")
    metrics = [pl.coalesce(columns).alias(name) for name, columns in _choices(members, days.columns).items()]
    return with_combined(days.select(*GRAIN, pl.lit(source).alias("source"), *metrics), contracts)


def _all_days(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Users and days of any of the frames, each once, sorted."""
    different: list[pl.DataFrame] = []
    for days in (rows.select(GRAIN) for rows in frames):
        if not any(days.equals(other) for other in different):
            different.append(days)
    days = pl.concat(different)
    return days if rises(days, GRAIN) else days.unique().sort(GRAIN)


def _choices(members: list[SourceContract], columns: list[str]) -> dict[str, list[pl.Expr]]:
    """By metric the columns of all contracts that have it, the first choice first; a day is worn unless one denies it.

    The column `<number>:` says whether the contract of that number has the day, `<number>:<metric>` has its value.
    """
    choices: dict[str, list[pl.Expr]] = {"worn": []}
    nights: list[str] = []
    for number, contract in enumerate(members):
        prefix = f"{number}:"
        for name in [name.removeprefix(prefix) for name in columns if name.startswith(prefix) and name != prefix]:
            is_of_night = contract.episodes is not None and name in contract.daily
            value = _unless(nights, prefix + name) if is_of_night else pl.col(prefix + name)
            choices.setdefault(name, []).append(value)
        nights += [] if contract.episodes is None else [prefix]
    choices["worn"].append(pl.lit(value=True))
    return choices


def _unless(nights: list[str], column: str) -> pl.Expr:
    """The column, null where an earlier contract has a main episode, so that no night is combined from two."""
    return pl.when(~pl.any_horizontal(pl.lit(value=False), *nights).fill_null(value=False)).then(column)


def with_combined(rows: pl.DataFrame, contracts: Contracts) -> pl.DataFrame:
    """Rows with the metrics that are made from other daily metrics; missing parts count 0, all missing is null."""
    for metric in contracts.metrics:
        if metric.from_metrics is None:
            continue
        expression = pl.sql_expr(metric.from_metrics)
        parts = sorted(set(expression.meta.root_names()))
        filled = with_columns_of(rows, pl.DataFrame(schema=dict.fromkeys(parts, pl.Float64)))
        zeros, at = filled.fill_null(0), f"groups.{metric.group}.{metric.name}.from_metrics"
        with naming_expressions(DAILY, zeros, {at: metric.from_metrics}):
            value = zeros.select(as_stored(expression, metric)).to_series()
        known = filled.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
        rows = rows.with_columns(pl.when(known).then(value).alias(metric.name))
    return rows


def days_of_derived(
    contract: SourceContract, vocabulary: Mapping[str, DailyMetric], rows: pl.DataFrame
) -> pl.DataFrame:
    """One row per user and day with the metrics (and `worn`) of one record type, of records with their derived columns.

    Metrics of `parts` are made of all of the day's records, the others of its best record or main episode.
    """
    names = [name for name in contract.daily if name != WHERE]
    if not names and contract.wear is None:
        return day_parts(contract, vocabulary, rows)
    with naming_expressions(contract.file, rows, {f"daily.{name}": contract.daily[name] for name in names}):
        # In two steps: what is rounded is mentioned several times, and each mention would be computed.
        values = rows.with_columns([pl.sql_expr(contract.daily[name]).alias(f"={name}") for name in names])
        values = values.with_columns([as_stored(pl.col(f"={name}"), vocabulary[name]) for name in names])
    if contract.parts:
        parts = day_parts(contract, vocabulary, rows).rename({name: f"={name}" for name in contract.parts})
        values = values.join(parts, on=GRAIN, how="left", maintain_order="left")
        names += contract.parts
    columns = [pl.col(f"={name}").alias(name) for name in names]
    if contract.wear is not None:
        values = values.with_columns(_worn(contract, contract.wear, values, names))
        columns.append(pl.col("worn"))
    if contract.episodes is None:
        return _best_records(contract, values).select(*GRAIN, *columns)
    return _main_episodes(contract, contract.episodes, values, vocabulary).select(*GRAIN, *columns)


def _best_records(contract: SourceContract, values: pl.DataFrame) -> pl.DataFrame:
    """The best record of each day: by the contract's `best`, the order of versions, the key."""
    if rises(values, GRAIN):
        return values
    better = [*map(pl.col, contract.best), *_versions(contract), pl.col("record_key")]
    ordered = values.sort(
        *map(pl.col, GRAIN), *better, descending=[False, False, *[True] * len(better)], nulls_last=True
    )
    return ordered.unique(GRAIN, keep="first", maintain_order=True)


def _worn(contract: SourceContract, wear: Wear, values: pl.DataFrame, metrics: list[str]) -> pl.Series:
    """`worn` per row: true unless the wear time, or the most it can be, is known and under the limit.

    The rule may name these daily metrics of the contract, which stand in `values` under `=<name>`.
    """
    minutes = pl.min_horizontal([pl.sql_expr(sql) for sql in (wear.minutes, wear.at_most) if sql is not None])
    worn = (minutes >= wear.limit_minutes).fill_null(value=True)
    named = [pl.col(f"={name}").alias(name) for name in metrics if name not in contract.by_name]
    rows = values.with_columns(named)
    with naming_expressions(contract.file, rows, {"wear.minutes": wear.minutes, "wear.at_most": wear.at_most}):
        return rows.select(worn=worn).to_series()


def _versions(contract: SourceContract) -> list[pl.Expr]:
    """The columns that rank the records, or sessions, of a day: the larger is better."""
    return list(version_order(contract, of_sessions=contract.stages is not None).values())


def _main_episodes(
    contract: SourceContract, rule: Episodes, rows: pl.DataFrame, vocabulary: Mapping[str, DailyMetric]
) -> pl.DataFrame:
    """The longest episode of each day once overlapping versions are dropped; the others' time goes to `rest_to`."""
    ranked = _with_clusters(_ranked(rule, rows, _versions(contract)))
    versions = () if contract.stages else contract.version
    kept = _without_overlaps(_without_parts(ranked, f"={rule.main}", versions))
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
    known = sums["any_own"] | (sums["episodes"] > 1)
    total = sums.select(as_stored(pl.when(known).then(pl.col("own") + pl.col("others")), vocabulary[rule.rest_to]))
    return best.with_columns(total.to_series().alias(rest))


def _ranked(rule: Episodes, rows: pl.DataFrame, versions: list[pl.Expr]) -> pl.DataFrame:
    """Episodes with start, end and `quality`, their rank in this frame from 0, the best.

    Ranked by tier, the order of versions, the place within the tier, length, user and key.
    """
    tiers = {code: tier for tier, codes in enumerate(rule.rank.tiers) for code in codes}
    positions = {code: place for codes in rule.rank.tiers for place, code in enumerate(codes)}
    code = pl.col(rule.rank.field)
    start = pl.sql_expr(rule.start)
    rows = rows.with_columns(
        tier=code.replace_strict(tiers, default=rule.rank.unlisted, return_dtype=pl.Int64),
        place=code.replace_strict(positions, default=-1, return_dtype=pl.Int64),
        start=start,
        end=pl.max_horizontal(pl.sql_expr(rule.end), start),
    )
    better = [pl.col("tier"), *versions, pl.col("place"), pl.col(f"={rule.main}")]
    ordered = rows.sort(
        *better, "user_id", "record_key", descending=[True] * len(better) + [False, True], nulls_last=True
    )
    return ordered.with_columns(quality=pl.int_range(pl.len()))


def _with_clusters(episodes: pl.DataFrame) -> pl.DataFrame:
    """Episodes with the number of their `cluster`, a chain of overlaps of one user and week, or near that week; best first."""
    rows = with_neighbours(episodes, "start", "end").sort("user_id", "week", "start", "end")
    reach = pl.col("end").cum_max().shift(1).over("user_id", "week")
    before = pl.col("start").shift(1).over("user_id", "week")
    fresh = ((pl.col("start") >= reach) & (pl.col("start") > before)).fill_null(value=True)
    return rows.with_columns(cluster=fresh.cum_sum()).sort("quality")


def _without_parts(episodes: pl.DataFrame, main: str, versions: Sequence[str]) -> pl.DataFrame:
    """Episodes without those that tell a part of another one again: one in the same tier that lies around it.

    It is no part but a correction if it is the longer sleep, has a higher place in the tier, or is a newer version.
    """
    facts = ["start", "end", "place", main, *versions]
    pairs = episodes.filter(pl.col("cluster").is_duplicated())
    pairs = pairs.join(pairs.select("cluster", "tier", *facts), on=["cluster", "tier"], suffix=" whole")
    length, whole_length = (pl.col(f"end{of}") - pl.col(f"start{of}") for of in ("", " whole"))
    around = (pl.col("start whole") <= pl.col("start")) & (pl.col("end") <= pl.col("end whole"))
    corrects = [pl.col(name) > pl.col(f"{name} whole").fill_null(-1) for name in ("place", main)]
    for name in versions:
        is_older = (pl.col(f"{name} whole") < pl.col(name)) | pl.col(f"{name} whole").is_null()
        corrects.append(pl.col(name).is_not_null() & is_older)
    parts = pairs.filter(around & (whole_length > length) & ~pl.any_horizontal(corrects).fill_null(value=False))
    return episodes.join(parts, on=["quality", "week"], how="anti", maintain_order="left")


def _without_overlaps(rows: pl.DataFrame) -> pl.DataFrame:
    """Best first, an episode is kept when it overlaps no better one of the same user and week that is kept.

    Only episodes of one cluster can overlap, so each round keeps the best of every cluster.
    """
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
    return of_own_week(pl.concat(kept)) if kept else rows
