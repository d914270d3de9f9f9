"""Checks across contracts: raw places, relations between metrics, weekly columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from qol.contracts.expressions import ExpressionError, Types, checked_type, type_of
from qol.contracts.metric_model import DailyMetric, Derived, RecallWindows, Relation, WeeklyGroup
from qol.contracts.model import Contracts
from qol.contracts.source_model import SourceContract, SourceRules
from qol.contracts.wording import choices
from qol.errors import Problem

DAILY, WEEKLY, RULES = "metrics/daily.yaml", "metrics/weekly.yaml", "_rules.yaml"
Vocabulary = Mapping[str, DailyMetric]

_DAILY_HEAD = ("user_id", "day", "source", "worn", "date", "where")
_CLOCK = ("circular_mean", "circular_sd", "last")
_QUANTITY = ("mean", "median", "sd", "min", "max", "sum", "last", "weekday_mean", "weekend_mean", "weighted_mean")
#: Formulas that tell work days from free days.
WORK_AND_FREE = ("work_days", "free_days", "work_mean", "free_mean", "free_corrected", "work_free_distance")
#: What belongs to some formulas only, and must be there with them.
_ONLY_WITH: Mapping[str, tuple[str, ...]] = {
    "total": ("share_of_sums", "mean_by_count"),
    "threshold": ("sum_at_least",),
    "aggregate": ("change",),
    "per_day": ("coverage",),
    "min_work_days": ("work_mean", "free_corrected", "work_free_distance"),
    "min_free_days": ("free_mean", "free_corrected", "work_free_distance"),
}
#: How many metrics a formula reads, where it is not one.
_READS: Mapping[str, int] = {"free_corrected": 2, "regularity": 3, "regularity_pairs": 3}


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
        if contract.shares_places:
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
    others = [c for c in sources if c.source == contract.source and not c.shares_places]
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
            yield from _expression(DAILY, f"{at}.from_metrics", metric.from_metrics, given, kind)


def relation_problems(file: str, relations: Sequence[Relation], types: Types) -> Iterator[Problem]:
    """Sides of a file's relations that are no SQL over the columns of its table."""
    for relation in relations:
        for side in ("left", "right"):
            yield from _expression(file, f"relations.{relation.id}.{side}", getattr(relation, side), types)


def _expression(file: str, path: str, sql: str, types: Types, kind: str = "a number") -> Iterator[Problem]:
    try:
        checked_type(sql, types, kind)
    except ExpressionError as err:
        yield Problem(file, path, err.found, err.allowed)


def weekly_problems(contracts: Contracts) -> Iterator[Problem]:
    """Weekly groups, metrics, aggregates, formulas, holidays and windows that do not fit the daily vocabulary."""
    for group in contracts.groups:
        yield from _group_problems(group, contracts.metric)
    by_name = {group.name: group for group in contracts.groups}
    for column in contracts.derived:
        yield from _derived_problems(column, by_name, contracts)
    if contracts.holidays is not None and contracts.holidays not in (known := holiday_countries()):
        allowed = f"a country whose public holidays are known: {choices(known, contracts.holidays)}"
        yield Problem(WEEKLY, "holidays", contracts.holidays, allowed)
    if contracts.windows is not None:
        yield from _windows_problems(contracts.windows, by_name)


def holiday_countries() -> list[str]:
    """ISO codes of the countries with a calendar."""
    import holidays

    return sorted(holidays.list_supported_countries(include_aliases=False))


def _windows_problems(windows: RecallWindows, groups: Mapping[str, WeeklyGroup]) -> Iterator[Problem]:
    if windows.of not in groups:
        yield Problem(WEEKLY, "windows.of", windows.of, f"a weekly group: {choices(groups, windows.of)}")
    others = [name for group in groups.values() if group.name != windows.of for name in group.metrics]
    for index, name in enumerate(windows.metrics):
        if name not in others:
            allowed = f"a weekly metric of another group: {choices(others, name)}"
            yield Problem(WEEKLY, f"windows.metrics.{index}", name, allowed)


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
        if metrics[name].type == "intervals":
            yield Problem(WEEKLY, f"{at}.metrics.{name}", name, "a metric of one number a day")
            continue
        allowed = _CLOCK if metrics[name].clock else _QUANTITY
        for index, aggregate in enumerate(aggregates):
            if aggregate not in allowed:
                kind = "a time of day" if metrics[name].clock else "a quantity"
                yield Problem(WEEKLY, f"{at}.metrics.{name}.{index}", aggregate, f"for {kind}: {choices(allowed)}")


def _derived_problems(column: Derived, groups: Mapping[str, WeeklyGroup], contracts: Contracts) -> Iterator[Problem]:
    at = f"derived.{column.name}"
    group = groups.get(column.group)
    if group is None:
        yield Problem(WEEKLY, f"{at}.group", column.group, f"a weekly group: {choices(groups, column.group)}")
        return
    members = [m.name for m in contracts.metrics if m.group == group.name]
    for place in ("of", "total"):
        for index, name in enumerate(getattr(column, place)):
            if name not in members:
                allowed = f"a metric of {group.name}: {choices(members, name)}"
                yield Problem(WEEKLY, f"{at}.{place}.{index}", name, allowed)
    for place, formulas in _ONLY_WITH.items():
        value = getattr(column, place)
        if bool(value) != (column.formula in formulas):
            found = _listed(value) if isinstance(value, tuple) else f"{value or 'nothing'}"
            yield Problem(WEEKLY, f"{at}.{place}", found, f"with {choices(formulas)}, and only there")
    if len(column.of) != _READS.get(column.formula, 1):
        allowed = f"{_READS.get(column.formula, 1)} metrics for {column.formula}"
        yield Problem(WEEKLY, f"{at}.of", _listed(column.of), allowed)
    aggregates = group.metrics.get(column.of[0], ())
    if column.aggregate and column.aggregate not in aggregates:
        yield Problem(WEEKLY, f"{at}.aggregate", column.aggregate, f"of {column.of[0]}: {_listed(aggregates)}")
    if column.formula in WORK_AND_FREE and contracts.holidays is None:
        yield Problem(WEEKLY, f"{at}.formula", column.formula, "with `holidays`, which tells free days from work days")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
