"""Daily rows of a closed week to one row per person: exact aggregates of one source per metric group."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from qol.contracts.columns import weekly_columns
from qol.contracts.model import Contracts, DailyMetric, Derived, WeeklyGroup
from qol.frames import no_rows
from qol.transform import exact
from qol.transform.weeks import iso_week

UNIT = ["user_id", "source"]


def weekly(contracts: Contracts, daily: pl.DataFrame, monday: date) -> pl.DataFrame:
    """One row per person of a week's daily rows, sorted by person, with the columns of `weekly_metrics`."""
    names = [column.name for column in weekly_columns(contracts)]
    people = daily.group_by("user_id").agg(days_observed=pl.col("day").n_unique().cast(pl.Int32)).sort("user_id")
    rows = people.with_columns(
        week_start=pl.lit(monday), week_end=pl.lit(monday + timedelta(days=6)), iso_week=pl.lit(iso_week(monday))
    )
    parts = [rows, *(_group(contracts, group, daily, monday, people) for group in contracts.groups)]
    joined = pl.concat(parts, how="horizontal")
    types = no_rows(weekly_columns(contracts)).schema
    return joined.select([pl.col(name).cast(types[name]) for name in names])


def _group(
    contracts: Contracts, group: WeeklyGroup, daily: pl.DataFrame, monday: date, people: pl.DataFrame
) -> pl.DataFrame:
    """The group's columns of every person, in the order of `people`."""
    metrics = [contracts.metric[name] for name in group.metrics]
    days = daily.filter(valid_day(contracts, group))
    days = days.with_columns(index=(pl.col("day") - pl.lit(monday)).dt.total_days())
    sums = exact.summed(days, UNIT, metrics, _needed(contracts, group))
    chosen = _chosen(group, sums)
    values = chosen.select("user_id", *_columns(contracts, group))
    rows = people.select("user_id").join(values, on="user_id", how="left", maintain_order="left").drop("user_id")
    counts = [pl.col(f"{group.name}_valid_days").fill_null(0), pl.col(f"{group.name}_valid").fill_null(value=False)]
    days_columns = [pl.col(f"{metric.name}_days").fill_null(0) for metric in metrics]
    return rows.with_columns(*counts, *days_columns)


def valid_day(contracts: Contracts, group: WeeklyGroup) -> pl.Expr:
    """Whether a daily row counts for a group: its anchor is known and, where the group asks for it, it was worn."""
    anchors = group.anchor or tuple(metric.name for metric in contracts.group_metrics[group.name])
    known = pl.any_horizontal([pl.col(name).is_not_null() for name in anchors])
    return known & pl.col("worn") if group.needs_wear else known


def _chosen(group: WeeklyGroup, sums: pl.DataFrame) -> pl.DataFrame:
    """Of each person's sources the one with the most valid days, ties by precedence, then by name."""
    order = {source: place for place, source in enumerate(group.precedence)}
    ranked = sums.with_columns(
        place=pl.col("source").replace_strict(order, default=len(order), return_dtype=pl.Int64)
    ).sort(["user_id", "valid_days", "place", "source"], descending=[False, True, False, False])
    return ranked.unique("user_id", keep="first", maintain_order=True)


def _needed(contracts: Contracts, group: WeeklyGroup) -> exact.Needed:
    """Which exact sums the group's columns are made of."""
    aggregates = {name: set(of) for name, of in group.metrics.items()}
    derived = [d for d in contracts.derived if d.group == group.name]
    return exact.Needed(aggregates, derived)


def _columns(contracts: Contracts, group: WeeklyGroup) -> list[pl.Expr]:
    valid = pl.col("valid_days") >= group.min_valid_days
    columns = [
        pl.col("source").alias(f"{group.name}_source"),
        pl.col("valid_days").cast(pl.Int32).alias(f"{group.name}_valid_days"),
        valid.alias(f"{group.name}_valid"),
    ]
    for name, aggregates in group.metrics.items():
        metric = contracts.metric[name]
        columns += [exact.AGGREGATES[a](metric).alias(f"{name}_{a}") for a in aggregates]
        columns.append(exact.n(metric).cast(pl.Int32).alias(f"{name}_days"))
    derived = [d for d in contracts.derived if d.group == group.name]
    return columns + [_derived(contracts, d, valid).alias(d.name) for d in derived]


def _derived(contracts: Contracts, rule: Derived, valid: pl.Expr) -> pl.Expr:
    of: list[DailyMetric] = [contracts.metric[name] for name in rule.of]
    if rule.formula == "slope":
        value = exact.slope(of[0])
    elif rule.formula == "ln_mean":
        value = exact.ln_mean(of[0])
    elif rule.formula == "ln_cv":
        value = exact.ln_cv(of[0])
    elif rule.formula == "share_of_sums":
        value = exact.share(of, [contracts.metric[name] for name in rule.total])
    else:
        return exact.sum_at_least(of[0], rule.threshold, valid)
    enough = exact.n(of[0]) >= rule.min_days
    return pl.when(enough).then(exact.decimal(value, rule.decimals))
