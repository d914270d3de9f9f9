"""A trace of a weekly value, and the contracts and fields it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import date, datetime
from typing import Any

import polars as pl

from qol.contracts.daily import DailyMetric
from qol.contracts.fields import Field
from qol.contracts.model import Contracts
from qol.contracts.raw_path import path_text
from qol.contracts.source import SourceContract
from qol.contracts.weekly import Derived, WeeklyGroup
from qol.formulas import FORMULAS

#: Columns that every weekly group has, after its name.
GROUP_COLUMNS = ("_source", "_valid_days", "_valid")


@dataclass(frozen=True)
class Target:
    """The traced weekly columns, the daily metrics they are made of (the first one decides), and their group."""

    name: str
    group: WeeklyGroup
    columns: tuple[str, ...]
    metrics: tuple[DailyMetric, ...]
    derived: Derived | None = None

    @property
    def metric(self) -> DailyMetric:
        """The daily metric that decides."""
        return self.metrics[0]

    @property
    def derivations(self) -> tuple[tuple[str, ...], ...]:
        """Sets of daily metrics of which a day needs one complete set to count; mostly one set, the first metric."""
        first, *others = (metric.name for metric in self.metrics)
        if self.derived is not None and FORMULAS[self.derived.formula].over == "pairs":
            # Intervals asleep, else one from bedtime to waking.
            return (first,), tuple(others)
        return ((first,),)

    @property
    def is_of_group(self) -> bool:
        """Whether the column describes the days of the group, not a metric."""
        return self.name.removeprefix(self.group.name) in GROUP_COLUMNS


@dataclass(frozen=True)
class UserWeek:
    """What a lake holds of one user and week: the weekly row, daily rows and records of every source."""

    user_id: str
    monday: date
    now: datetime
    weekly: Mapping[str, Any] | None
    week_is_published: bool
    daily: pl.DataFrame
    records: Mapping[str, pl.DataFrame]
    #: Records of the weeks before and after that lie near the week, by contract name.
    beside: Mapping[str, pl.DataFrame] = dataclass_field(default_factory=dict)
    other_weeks: tuple[date, ...] = ()
    #: The weekly row of the week before, with the columns its file has.
    before: Mapping[str, Any] | None = None
    #: The user's deletions of all weeks, by name of the deleting contract.
    deletions: Mapping[str, pl.DataFrame] = dataclass_field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether the lake holds any row of the user."""
        has_records = any(rows.height for rows in self.records.values())
        return bool(self.daily.height or self.other_weeks or self.weekly or has_records)


@dataclass(frozen=True)
class DayTrace:
    """One local day of one source: its values, and why it does not count (empty when it does)."""

    day: date
    source: str | None
    values: tuple[Any, ...]
    worn: bool | None
    why_not: str


@dataclass(frozen=True)
class RecordTrace:
    """One record behind a day: its role, its values and issues, and its row."""

    day: date
    table: str
    role: str
    values: Mapping[str, Any]
    issues: tuple[str, ...]
    row: Mapping[str, Any]
    counts: bool
    #: How many more records of its day and table this one stands for: they count too, or do not for the same reason.
    others: int = 0


@dataclass(frozen=True)
class Trace:
    """A weekly value with everything behind it."""

    target: Target
    values: Mapping[str, Any]
    source: str | None
    valid_days: Mapping[str, int]
    days: tuple[DayTrace, ...]
    records: tuple[RecordTrace, ...]
    #: Sources of the user's days whose record types give nothing of the target; their days are not listed.
    unrelated_sources: tuple[str, ...] = ()


def contributing_contracts(contracts: Contracts, target: Target, source: str | None = None) -> list[SourceContract]:
    """Source contracts whose records give one of the target's metrics, the preferred first; `source`: only this vendor's."""
    wanted = {name for metric in target.metrics for name in recorded_metrics(metric)}
    found = [c for c in contracts.sources if wanted & c.gives.keys() and source in (None, c.source)]
    return sorted(found, key=lambda c: (c.source, c.priority, c.name))


def recorded_metrics(metric: DailyMetric) -> tuple[str, ...]:
    """The daily metrics that records give for a metric: itself, or those in its formula."""
    return tuple(sorted(set(_roots(metric.from_metrics)))) if metric.from_metrics else (metric.name,)


def raw_names(field: Field) -> set[str]:
    """The names of a field in `value_issues`: its raw paths and their first keys."""
    return {path_text(path) for path in field.paths} | {path[0] for path in field.paths}


def fields_behind(contract: SourceContract, metrics: tuple[str, ...]) -> list[Field]:
    """Declared fields from which a contract derives metrics."""
    names = _behind(contract, metrics)
    return [found for found in contract.fields if found.name in names]


def helper_issues(contract: SourceContract, metrics: tuple[str, ...]) -> set[str]:
    """The names in `value_issues` of helpers from which a contract derives metrics."""
    return {f"derived.{name}" for name in _behind(contract, metrics) & contract.helpers.keys()}


def _behind(contract: SourceContract, metrics: tuple[str, ...]) -> set[str]:
    waiting = [name for metric in metrics for sql in contract.gives.get(metric, ()) for name in _roots(sql)]
    names: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting += _inputs(contract, name)
    return names


def _inputs(contract: SourceContract, name: str) -> list[str]:
    overlaps, stages = contract.overlaps, contract.stages
    if name in contract.derived:
        return _roots(contract.derived[name])
    if overlaps is not None and name == overlaps.share:
        return [of for of in (overlaps.start, overlaps.end, overlaps.kind, overlaps.by) if of is not None]
    if stages is not None and name in stages.columns:
        return [stages.start, stages.end, stages.stage, stages.by]
    return []


def _roots(sql: str) -> list[str]:
    return pl.sql_expr(sql).meta.root_names()
