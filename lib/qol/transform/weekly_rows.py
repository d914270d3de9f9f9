"""Daily rows of a closed week to one row per user: aggregates of one source per metric group."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from qol.contracts.columns import daily_columns, weekly_columns
from qol.contracts.frames import no_rows, rises, with_columns_of
from qol.contracts.model import Contracts
from qol.contracts.weekly import Derived, WeeklyGroup
from qol.formulas import FORMULAS
from qol.formulas.registry import ANY_WEEK, WEEK_DAYS, Week
from qol.tables.weeks import iso_week
from qol.transform import regularity
from qol.transform.aggregates import aggregate, rounded
from qol.transform.change import changes
from qol.transform.jetlag import free_days

#: Regularity begins with the window of the Sunday before, in which a nap of the Saturday before lies.
DAYS_BEFORE = 2


@dataclass(frozen=True)
class WeekBefore:
    """Daily and weekly rows of the week before; empty without any."""

    daily: pl.DataFrame
    weekly: pl.DataFrame


def weekly(contracts: Contracts, daily: pl.DataFrame, monday: date, before: WeekBefore | None = None) -> pl.DataFrame:
    """One row per user of a week's daily rows, sorted by user, with the columns of `weekly_metrics`.

    Of `before`, only the columns that `days_before_columns` and `change.before_columns` name are read.
    """
    columns = weekly_columns(contracts)
    before = before or WeekBefore(no_rows(daily_columns(contracts)), no_rows(columns))
    users = daily.group_by("user_id").agg(days_observed=pl.col("day").n_unique().cast(pl.Int32)).sort("user_id")
    rows = users.with_columns(
        week_start=pl.lit(monday), week_end=pl.lit(monday + timedelta(days=6)), iso_week=pl.lit(iso_week(monday))
    )
    for group in contracts.groups:
        days = group_days(contracts, group, daily)
        if days.height:  # most studies have few of the groups
            values = _group(contracts, group, _numbered(days, monday), monday, before.daily)
            rows = rows.join(values, on="user_id", how="left", maintain_order="left")
    empty = no_rows(columns)
    rows = with_columns_of(rows, empty)
    unknown = [pl.col(c.name).fill_null(0) for c in columns if c.type == "int"]
    unknown += [pl.col(f"{group.name}_valid").fill_null(value=False) for group in contracts.groups]
    rows = rows.with_columns(unknown)
    rows = rows.with_columns(changes(contracts, rows, before.weekly))
    return rows.cast(empty.schema)


def days_before_columns(contracts: Contracts) -> list[str]:
    """Daily columns that are read of the days before the week."""
    rules = [rule for rule in contracts.derived if FORMULAS[rule.formula].over == "pairs"]
    groups = {rule.group for rule in rules}
    known = [name for group in contracts.groups if group.name in groups for name in anchors(contracts, group)]
    return list(dict.fromkeys(["user_id", "day", "source", "worn", *known, *[n for rule in rules for n in rule.of]]))


def valid_day(contracts: Contracts, group: WeeklyGroup) -> pl.Expr:
    """Whether a daily row counts for a group: its anchor is known and, where the group asks for it, it was worn."""
    return _day_with(group, anchors(contracts, group))


def _day_with(group: WeeklyGroup, names: Sequence[str]) -> pl.Expr:
    known = pl.any_horizontal([pl.col(name).is_not_null() for name in names])
    return known & pl.col("worn") if group.needs_wear else known


def group_days(contracts: Contracts, group: WeeklyGroup, daily: pl.DataFrame) -> pl.DataFrame:
    """Daily rows that count for a group, with `valid`: valid days, and the (worn) days of metrics that need no anchor.

    A day that is not valid has no other metric of the group. Metrics may be left out of `daily`.
    """
    names = [metric.name for metric in contracts.group_metrics[group.name] if metric.name in daily.columns]
    own = [name for name in names if name in group.own_days]
    rows = daily.with_columns(valid=valid_day(contracts, group))
    rows = rows.filter(pl.any_horizontal("valid", *([_day_with(group, own)] if own else [])))
    return rows.with_columns(pl.when("valid").then(pl.col(name)).alias(name) for name in names if name not in own)


def anchors(contracts: Contracts, group: WeeklyGroup) -> tuple[str, ...]:
    """Metrics of which any one makes a day valid for the group."""
    return group.anchor or tuple(metric.name for metric in contracts.group_metrics[group.name])


def days_of_best_source(group: WeeklyGroup, days: pl.DataFrame, key: str) -> pl.DataFrame:
    """Of each key's `group_days` those of the source with the most valid ones; sorted by key and day.

    Where no source has a valid day, it is the one with the most days; ties go by precedence, then by name. Aggregates of
    doubles depend on the order of rows in their last bits, so rows come to them in this order only.
    """
    if rises(days, [key, "day"]) and not _changes_source(days, key):  # most users have one source
        return days
    order = {source: place for place, source in enumerate(group.precedence)}
    place = pl.col("source").replace_strict(order, default=len(order), return_dtype=pl.Int64)
    invalid = pl.when(~pl.col("valid").any()).then(pl.len())
    ranked = days.group_by(key, "source").agg(pl.col("valid").sum(), invalid=invalid).with_columns(place=place)
    ranked = ranked.sort([key, "valid", "invalid", "place", "source"], descending=[False, True, True, False, False])
    best = ranked.unique(key, keep="first", maintain_order=True)
    return days.join(best, on=[key, "source"], how="semi").sort(key, "day")


def _changes_source(days: pl.DataFrame, key: str) -> bool:
    """Whether two days of a key that follow each other are of different sources."""
    changes = (pl.col(key) == pl.col(key).shift()) & (pl.col("source") != pl.col("source").shift())
    return bool(days.select(changes.any()).item())


def _group(
    contracts: Contracts, group: WeeklyGroup, days: pl.DataFrame, monday: date, before: pl.DataFrame
) -> pl.DataFrame:
    """The group's columns of every user with a day of it, but those that need another weekly row."""
    rules = [rule for rule in contracts.derived if rule.group == group.name]
    free = free_days(monday, contracts.holidays)
    days = days_of_best_source(group, days.with_columns(free=pl.col("index").is_in(sorted(free))), "user_id")
    valid = pl.col("valid").sum() >= group.min_valid_days
    week = Week(valid, WEEK_DAYS - len(free), {name: metric.decimals for name, metric in contracts.metric.items()})
    of_days = [rule for rule in rules if FORMULAS[rule.formula].over == "days"]
    formulas = [FORMULAS[rule.formula].column(rule, week).alias(rule.name) for rule in of_days]
    aggregates = [(contracts.metric[name], of) for name, names in group.metrics.items() for of in names]
    columns = [
        *(aggregate(*one) for one in aggregates),
        *(pl.col(name).count().alias(f"{name}_days") for name in group.metrics),
    ]
    values = (
        days.group_by("user_id", maintain_order=True)
        .agg(*source_columns(group), valid.alias(f"{group.name}_valid"), *columns, *formulas)
        .with_columns(
            *(rounded(*one) for one in aggregates), *(FORMULAS[rule.formula].published(rule) for rule in of_days)
        )
    )
    of_pairs = [rule for rule in rules if FORMULAS[rule.formula].over == "pairs"]
    if of_pairs:
        last_days = _numbered(before.filter(valid_day(contracts, group)), monday)
        last_days = last_days.filter(pl.col("index") >= -DAYS_BEFORE)
        values = values.join(_regularity(of_pairs, last_days, days), on="user_id", how="left")
    return values


def _numbered(days: pl.DataFrame, monday: date) -> pl.DataFrame:
    return days.with_columns(index=(pl.col("day") - pl.lit(monday)).dt.total_days())


def source_columns(group: WeeklyGroup) -> tuple[pl.Expr, pl.Expr]:
    """The group's source and how many valid days it has, for `agg` of `days_of_best_source`."""
    return pl.col("source").first().alias(f"{group.name}_source"), pl.col("valid").sum().alias(
        f"{group.name}_valid_days"
    )


def _regularity(rules: list[Derived], last_days: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Columns of sleep regularity, from each user's `days` of one source and the same source's days before the week."""
    intervals, bedtime, wake = rules[0].of
    names = ["user_id", "source", "index", intervals, bedtime, wake]
    of_source = last_days.join(days, on=["user_id", "source"], how="semi")
    nights = pl.concat([of_source.select(names), days.select(names)])
    found = regularity.compared(nights.rename({intervals: "intervals", bedtime: "bedtime", wake: "wake"}))
    return found.select("user_id", *[FORMULAS[rule.formula].column(rule, ANY_WEEK).alias(rule.name) for rule in rules])
