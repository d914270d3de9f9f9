"""Checks across contracts: raw places, relations between metrics, weekly columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from qol.contracts.expressions import ExpressionError, Types, checked_type, type_of
from qol.contracts.model import DailyMetric, Derived, Relation, SourceContract, SourceRules, WeeklyGroup
from qol.contracts.wording import choices
from qol.errors import Problem

DAILY, WEEKLY, RULES = "metrics/daily.yaml", "metrics/weekly.yaml", "_rules.yaml"
Vocabulary = Mapping[str, DailyMetric]

_DAILY_HEAD = ("user_id", "day", "source", "worn", "date", "where")
_CLOCK = ("circular_mean", "circular_sd", "last")
_QUANTITY = ("mean", "median", "sd", "min", "max", "sum", "last")


def place_problems(sources: Sequence[SourceContract], rules: Mapping[str, SourceRules]) -> Iterator[Problem]:
    """Raw folders and envelope keys that are claimed twice; rules that lie in another source's folder."""
    folders: dict[str, str] = {}
    keys: dict[tuple[str, str], str] = {}
    for source, rule in rules.items():
        file = f"sources/{source}/{RULES}"
        if rule.source != source:
            yield Problem(file, "source", rule.source, f"the folder's name, {source}")
        keys.update(((source, key), file) for key in rule.control_keys)
    for contract in sources:
        if contract.only_path:
            yield from _shared_problems(contract, sources)
            continue
        for index, path in enumerate(contract.paths):
            if path in folders:
                allowed = f"a raw folder that {folders[path]} does not claim"
                yield Problem(contract.file, f"paths.{index}", path, allowed)
            folders.setdefault(path, contract.file)
        for index, key in enumerate(contract.envelope_keys):
            pair = (contract.source, key)
            if pair in keys:
                yield Problem(contract.file, f"envelope_keys.{index}", key, f"a key that {keys[pair]} does not claim")
            keys.setdefault(pair, contract.file)


def _shared_problems(contract: SourceContract, sources: Sequence[SourceContract]) -> Iterator[Problem]:
    """A contract with `only` whose places no contract takes the other records of."""
    others = [c for c in sources if c.source == contract.source and not c.only_path]
    for place in ("paths", "envelope_keys"):
        taken = {name for c in others for name in getattr(c, place)}
        for index, name in enumerate(getattr(contract, place)):
            if name not in taken:
                allowed = f"with `only`, a place that a contract without it has: {choices(taken, name)}"
                yield Problem(contract.file, f"{place}.{index}", name, allowed)


def metric_problems(metrics: Sequence[DailyMetric]) -> Iterator[Problem]:
    """Names, ranges and formulas of the daily vocabulary."""
    for name, times in Counter(m.name for m in metrics).items():
        if times > 1:
            yield Problem(DAILY, f"groups.*.{name}", f"{times} times", "each metric in one group")
    types = {m.name: type_of(m.column_type) for m in metrics}
    for metric in metrics:
        at = f"groups.{metric.group}.{metric.name}"
        if metric.name in _DAILY_HEAD:
            yield Problem(DAILY, at, metric.name, f"a name other than {choices(_DAILY_HEAD)}")
        if metric.low is not None and metric.high is not None and metric.low >= metric.high:
            yield Problem(DAILY, f"{at}.range", f"[{metric.low}, {metric.high}]", "[low, high] with low < high")
        if metric.type == "integer" and metric.decimals:
            yield Problem(DAILY, f"{at}.decimals", str(metric.decimals), "decimals only for type number")
        if metric.from_metrics:
            given = {m.name: types[m.name] for m in metrics if not m.from_metrics}
            kind = "a whole number" if metric.type == "integer" else "a number"
            yield from _expression(f"{at}.from_metrics", metric.from_metrics, given, kind)


def relation_problems(relations: Sequence[Relation], metrics: Vocabulary) -> Iterator[Problem]:
    """Sides of relations that are no SQL over daily metrics."""
    types = {m.name: type_of(m.column_type) for m in metrics.values()}
    for relation in relations:
        for side in ("left", "right"):
            yield from _expression(f"relations.{relation.id}.{side}", getattr(relation, side), types, "a number")


def _expression(path: str, sql: str, types: Types, kind: str) -> Iterator[Problem]:
    try:
        checked_type(sql, types, kind)
    except ExpressionError as err:
        yield Problem(DAILY, path, err.found, err.allowed)


def weekly_problems(
    groups: Sequence[WeeklyGroup], derived: Sequence[Derived], metrics: Vocabulary
) -> Iterator[Problem]:
    """Weekly groups, metrics, aggregates and formulas that do not fit the daily vocabulary."""
    for group in groups:
        yield from _group_problems(group, metrics)
    by_name = {group.name: group for group in groups}
    for column in derived:
        yield from _derived_problems(column, by_name)


def _group_problems(group: WeeklyGroup, metrics: Vocabulary) -> Iterator[Problem]:
    at = f"groups.{group.name}"
    members = [m.name for m in metrics.values() if m.group == group.name]
    if not members:
        known = dict.fromkeys(m.group for m in metrics.values())
        yield Problem(WEEKLY, at, group.name, f"a group of the daily vocabulary: {choices(known, group.name)}")
        return
    for index, name in enumerate(group.anchor):
        if name not in members:
            yield Problem(WEEKLY, f"{at}.anchor.{index}", name, f"a metric of the group: {choices(members, name)}")
    for name, aggregates in group.metrics.items():
        if name not in members:
            yield Problem(WEEKLY, f"{at}.metrics.{name}", name, f"a metric of the group: {choices(members, name)}")
            continue
        allowed = _CLOCK if metrics[name].clock else _QUANTITY
        for index, aggregate in enumerate(aggregates):
            if aggregate not in allowed:
                kind = "a time of day" if metrics[name].clock else "a quantity"
                yield Problem(WEEKLY, f"{at}.metrics.{name}.{index}", aggregate, f"for {kind}: {choices(allowed)}")


def _derived_problems(column: Derived, groups: Mapping[str, WeeklyGroup]) -> Iterator[Problem]:
    at = f"derived.{column.name}"
    group = groups.get(column.group)
    if group is None:
        yield Problem(WEEKLY, f"{at}.group", column.group, f"a weekly group: {choices(groups, column.group)}")
        return
    for place in ("of", "total"):
        for index, name in enumerate(getattr(column, place)):
            if name not in group.metrics:
                allowed = f"a metric of {group.name}: {choices(group.metrics, name)}"
                yield Problem(WEEKLY, f"{at}.{place}.{index}", name, allowed)
    if bool(column.total) != (column.formula == "share_of_sums"):
        yield Problem(WEEKLY, f"{at}.total", _listed(column.total), "with share_of_sums, and only there")
    if (column.threshold > 0) != (column.formula == "sum_at_least"):
        yield Problem(WEEKLY, f"{at}.threshold", f"{column.threshold:g}", "above 0 with sum_at_least, and only there")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
