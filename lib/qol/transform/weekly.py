"""Daily rows of a closed week to one row per person: exact aggregates of one source per metric group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from qol.contracts.columns import daily_columns, weekly_columns
from qol.contracts.frames import no_rows, with_columns_of
from qol.contracts.metric_model import DailyMetric, Derived, WeeklyGroup
from qol.contracts.model import Contracts
from qol.tables.weeks import iso_week
from qol.transform import exact, regularity
from qol.transform.change import changes
from qol.transform.formulas import LOOKING_BACK, Basis, formula, more_sums
from qol.transform.jetlag import free_days

WEEK_DAYS = 7
#: A nap of the Saturday before lies in the window of the Sunday before, with which regularity begins.
DAYS_BEFORE = 2


@dataclass(frozen=True)
class WeekBefore:
    """Daily and weekly rows of the week before; empty where there are none."""

    daily: pl.DataFrame
    weekly: pl.DataFrame


def weekly(contracts: Contracts, daily: pl.DataFrame, monday: date, before: WeekBefore | None = None) -> pl.DataFrame:
    """One row per person of a week's daily rows, sorted by person, with the columns of `weekly_metrics`.

    Of `before`, only the columns that `days_before_columns` and `change.before_columns` name are read.
    """
    columns = weekly_columns(contracts)
    before = before or WeekBefore(no_rows(daily_columns(contracts)), no_rows(columns))
    people = daily.group_by("user_id").agg(days_observed=pl.col("day").n_unique().cast(pl.Int32)).sort("user_id")
    rows = people.with_columns(
        week_start=pl.lit(monday), week_end=pl.lit(monday + timedelta(days=6)), iso_week=pl.lit(iso_week(monday))
    )
    for group in contracts.groups:
        days = daily.filter(valid_day(contracts, group))
        if days.height:  # most studies have few of the groups
            values = _group(contracts, group, _numbered(days, monday), monday, before.daily)
            rows = rows.join(values, on="user_id", how="left", maintain_order="left")
    types = no_rows(columns).schema
    rows = with_columns_of(rows, types)
    unknown = [pl.col(c.name).fill_null(0) for c in columns if c.type == "int"]
    unknown += [pl.col(f"{group.name}_valid").fill_null(value=False) for group in contracts.groups]
    rows = rows.with_columns(unknown)
    rows = rows.with_columns(changes(contracts, rows, before.weekly))
    return rows.select([pl.col(c.name).cast(types[c.name]) for c in columns])


def days_before_columns(contracts: Contracts) -> list[str]:
    """Daily columns that are read of the days before the week."""
    rules = [rule for rule in contracts.derived if rule.formula in regularity.FORMULAS]
    groups = {rule.group for rule in rules}
    known = [name for group in contracts.groups if group.name in groups for name in anchors(contracts, group)]
    return list(dict.fromkeys(["user_id", "day", "source", "worn", *known, *[n for rule in rules for n in rule.of]]))


def valid_day(contracts: Contracts, group: WeeklyGroup) -> pl.Expr:
    """Whether a daily row counts for a group: its anchor is known and, where the group asks for it, it was worn."""
    known = pl.any_horizontal([pl.col(name).is_not_null() for name in anchors(contracts, group)])
    return known & pl.col("worn") if group.needs_wear else known


def anchors(contracts: Contracts, group: WeeklyGroup) -> tuple[str, ...]:
    """Metrics of which one makes a day valid."""
    return group.anchor or tuple(metric.name for metric in contracts.group_metrics[group.name])


def best_source(group: WeeklyGroup, sums: pl.DataFrame, key: str) -> pl.DataFrame:
    """Of each key's sources the one with the most valid days, ties by precedence, then by name."""
    order = {source: place for place, source in enumerate(group.precedence)}
    ranked = sums.with_columns(
        place=pl.col("source").replace_strict(order, default=len(order), return_dtype=pl.Int64)
    ).sort([key, "valid_days", "place", "source"], descending=[False, True, False, False])
    return ranked.unique(key, keep="first", maintain_order=True)


def _group(
    contracts: Contracts, group: WeeklyGroup, days: pl.DataFrame, monday: date, before: pl.DataFrame
) -> pl.DataFrame:
    """The group's columns of every person with a valid day, but those that need another weekly row."""
    rules = [rule for rule in contracts.derived if rule.group == group.name]
    metrics = {m.name: m for m in _summed_metrics(contracts, group, rules)}
    free = free_days(monday, contracts.holidays)
    days = days.with_columns(free=pl.col("index").is_in(sorted(free)))
    needed = exact.Needed({name: set(of) for name, of in group.metrics.items()}, rules)
    sums = exact.summed(days, ["user_id", "source"], [*metrics.values()], needed, more_sums(rules, metrics))
    valid = pl.col("valid_days") >= group.min_valid_days
    basis = Basis(valid, WEEK_DAYS - len(free))
    of_sums = [formula(rule, metrics, basis).alias(rule.name) for rule in rules if rule.formula not in LOOKING_BACK]
    chosen = best_source(group, sums, "user_id")
    values = chosen.select("user_id", *_columns(contracts, group, valid), *of_sums)
    if any(rule.formula in regularity.FORMULAS for rule in rules):
        last_days = _numbered(before.filter(valid_day(contracts, group)), monday).filter(
            pl.col("index") >= -DAYS_BEFORE
        )
        source = chosen.select("user_id", "source")
        values = values.join(_regularity(rules, [last_days, days], source), on="user_id", how="left")
    return values


def _numbered(days: pl.DataFrame, monday: date) -> pl.DataFrame:
    """The days with their distance from the week's Monday."""
    return days.with_columns(index=(pl.col("day") - pl.lit(monday)).dt.total_days())


def _summed_metrics(contracts: Contracts, group: WeeklyGroup, rules: list[Derived]) -> Iterator[DailyMetric]:
    """Metrics whose days are summed up: those with aggregates, and those that only formulas read."""
    read = [name for rule in rules if rule.formula not in LOOKING_BACK for name in (*rule.of, *rule.total)]
    for name in dict.fromkeys([*group.metrics, *read]):
        yield contracts.metric[name]


def _columns(contracts: Contracts, group: WeeklyGroup, valid: pl.Expr) -> Iterator[pl.Expr]:
    yield pl.col("source").alias(f"{group.name}_source")
    yield pl.col("valid_days").cast(pl.Int32).alias(f"{group.name}_valid_days")
    yield valid.alias(f"{group.name}_valid")
    for name, aggregates in group.metrics.items():
        metric = contracts.metric[name]
        for aggregate in aggregates:
            yield exact.AGGREGATES[aggregate](metric).alias(f"{name}_{aggregate}")
        yield exact.n(metric).cast(pl.Int32).alias(f"{name}_days")


def _regularity(rules: list[Derived], days: list[pl.DataFrame], source: pl.DataFrame) -> pl.DataFrame:
    """Columns of sleep regularity, from the nights of each person's source, those before the week included."""
    rules = [rule for rule in rules if rule.formula in regularity.FORMULAS]
    intervals, bedtime, wake = rules[0].of
    names = ["user_id", "source", "index", intervals, bedtime, wake]
    nights = pl.concat([some.select(names) for some in days]).join(source, on=["user_id", "source"], how="semi")
    found = regularity.compared(nights.rename({intervals: "intervals", bedtime: "bedtime", wake: "wake"}))
    return found.select("user_id", *[regularity.FORMULAS[rule.formula](rule).alias(rule.name) for rule in rules])
