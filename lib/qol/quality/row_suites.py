"""Checks on the rows of a table, generated from the contracts: its key, relations, limits of metrics."""

import re
from collections.abc import Sequence

import polars as pl

from qol.contracts.columns import WINDOWS
from qol.contracts.daily import DailyMetric, Relation
from qol.contracts.model import Contracts
from qol.contracts.quality import Claim
from qol.contracts.roots import DAILY, WEEKLY
from qol.contracts.rounding import aggregate_decimals
from qol.quality.gate_checks import Check, Expected

DAY_KEY = ("user_id", "day", "source")
#: The contract file whose expressions the checks of a table compute.
EXPRESSION_FILES = {"daily_metrics": DAILY, "weekly_metrics": WEEKLY}
_NOT_LESS = "ExpectColumnPairValuesAToBeGreaterThanB"


def row_suites(contracts: Contracts) -> dict[str, list[Check]]:
    """Checks on the rows of a table, by its name; every check can fail."""
    return {table: row_checks(contracts, table) for table in ("weekly_metrics", "daily_metrics", WINDOWS)}


def row_checks(contracts: Contracts, table: str) -> list[Check]:
    """Checks on the rows of a table; none of one that has no suite.

    Ingest nulls implausible values of records; a day made of several can still leave the range of its metric.
    """
    match table:
        case "weekly_metrics":
            return [
                *_key_checks(table, ("user_id", "week_start")),
                *_relation_checks(table, contracts.weekly_relations),
                *_mean_checks(table, contracts, contracts.ordered),
            ]
        case "daily_metrics":
            return [
                *_key_checks(table, DAY_KEY),
                *_relation_checks(table, contracts.relations),
                *_range_checks(table, contracts, contracts.ranges),
            ]
        case _:
            return _key_checks(table, DAY_KEY) if table == WINDOWS else []


def _key_checks(table: str, key: Sequence[str]) -> list[Check]:
    """A table's key has no null and identifies one row."""
    checks = []
    for column in key:
        message, is_null = f"{column} is never null in {table}.", pl.col(column).is_null()
        expected = Expected("ExpectColumnValuesToNotBeNull", {"column": column}, message, is_null)
        checks.append(Check(f"{table}.{column}_known", "critical", message, (expected,), wrong=f"{column} is null"))
    names = f"({', '.join(key)})"
    message = f"{names} identifies one row of {table}."
    unique = Expected(
        "ExpectCompoundColumnsToBeUnique",
        {"column_list": list(key)},
        message,
        pl.struct(key).is_duplicated(),
        at_once=True,
    )
    wrong = f"Several rows have the same {names}"
    return [*checks, Check(f"{table}.key_unique", "critical", message, (unique,), wrong=wrong)]


def relation_sides(contracts: Contracts, table: str) -> dict[str, str]:
    """The expressions of a table's relations, by their place in its contract file."""
    relations = {"daily_metrics": contracts.relations, "weekly_metrics": contracts.weekly_relations}.get(table, ())
    return {f"relations.{r.id}.{side}": getattr(r, side) for r in relations for side in ("left", "right")}


def _relation_checks(table: str, relations: Sequence[Relation]) -> list[Check]:
    """One check per relation of a table; a row in which a side is null is not checked."""
    return [
        Check(f"{table}.{r.id}", r.severity, r.description, (_relation(r),), wrong=_wrong_relation(r))
        for r in relations
    ]


def _relation(relation: Relation) -> Expected:
    left, right = (pl.sql_expr(side).cast(pl.Float64) for side in (relation.left, relation.right))
    broken = left >= right if relation.strict else left > right
    holds = f"{_short(relation.left)} is {'less than' if relation.strict else 'at most'} {relation.right}"
    return _not_less(relation.right, relation.left, f"{relation.description} {holds}.", broken, strict=relation.strict)


def _not_less(
    larger: str, smaller: str, description: str, broken: pl.Expr, *, strict: bool = False, metric: str = ""
) -> Expected:
    """That one side, a column or an expression, is not less than another; if strict, that it is more."""
    arguments = {"column_A": larger, "column_B": smaller, "or_equal": not strict}
    return Expected(_NOT_LESS, {**arguments, "ignore_row_if": "either_value_is_missing"}, description, broken, metric)


def _wrong_relation(relation: Relation) -> str:
    """`min_hr_bpm is above resting_hr_bpm`."""
    return f"{_short(relation.left)} is {'not below' if relation.strict else 'above'} {relation.right}"


def _short(expression: str) -> str:
    """Sums without the zeros that stand for nulls."""
    return re.sub(r"coalesce\((\w+), 0\)", r"\1", expression)


def _mean_checks(table: str, contracts: Contracts, claim: Claim | None) -> list[Check]:
    """One check per group with metrics that have a min, a mean and a max: two expectations for each of its metrics."""
    limits = {"min", "mean", "max"}
    by_group = {g.name: [name for name, has in g.metrics.items() if limits <= set(has)] for g in contracts.groups}
    return [
        Check(
            f"{table}.{group}_min_mean_max", claim.severity, claim.description,
            tuple(side for name in names for side in _mean_within(contracts.metric[name])),
            wrong="A mean is outside its min and max",
        )
        for group, names in by_group.items()
        if names and claim is not None
    ]  # fmt: skip


def _mean_within(metric: DailyMetric) -> tuple[Expected, Expected]:
    """Of a metric with fewer decimals than its mean, a min or max that rounding moved past the mean breaks nothing."""
    lowest, mean, highest = (f"{metric.name}_{aggregate}" for aggregate in ("min", "mean", "max"))
    is_rounded = metric.type == "number" and metric.decimals < aggregate_decimals(metric, "mean")
    moved = 0.5 * 10**-metric.decimals if is_rounded else 0.0
    but = " but for {:g}, because {} is rounded" if is_rounded else ""
    above = pl.col(mean) < pl.col(lowest) - moved
    below = pl.col(mean) > pl.col(highest) + moved
    at_least = f"{mean} is at least {lowest}{but.format(moved, lowest)}."
    at_most = f"{mean} is at most {highest}{but.format(moved, highest)}."
    return (
        _not_less(mean, lowest, at_least, above, metric=metric.name),
        _not_less(highest, mean, at_most, below, metric=metric.name),
    )


def _range_checks(table: str, contracts: Contracts, claim: Claim | None) -> list[Check]:
    """One check per group of metrics: an expectation for each of its metrics."""
    if claim is None:
        return []
    wrong = "Values are outside their range"
    return [
        Check(
            f"{table}.{group}_in_range", claim.severity, claim.description, tuple(map(_in_range, metrics)), wrong=wrong
        )
        for group, metrics in contracts.group_metrics.items()
    ]


def _in_range(metric: DailyMetric) -> Expected:
    """That a metric lies within its range; of intervals, that all their times do."""
    value = pl.col(metric.name)
    lowest, highest = (value.list.min(), value.list.max()) if metric.type == "intervals" else (value, value)
    broken = (lowest < metric.low) | (highest > metric.high)
    arguments = {"column": metric.name, "min_value": metric.low, "max_value": metric.high}
    description = f"{metric.name} is from {metric.low:.15g} to {metric.high:.15g}."
    return Expected("ExpectColumnValuesToBeBetween", arguments, description, broken, metric.name)
