"""What a trace tells, and which contracts and fields a weekly value is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from qol.contracts.metric_model import DailyMetric, Derived, WeeklyGroup
from qol.contracts.model import Contracts
from qol.contracts.raw_path import path_text
from qol.contracts.source_model import Field, SourceContract

#: What every weekly group has, after its name.
GROUP_COLUMNS = ("_source", "_valid_days", "_valid")


@dataclass(frozen=True)
class Target:
    """What is asked for: weekly columns, the daily metrics they are made of (the first decides), their group."""

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
        """Sets of daily metrics; a day counts when it has all of one set. Most formulas have one set, their first input."""
        first, *others = (metric.name for metric in self.metrics)
        if self.derived is not None and self.derived.formula in ("regularity", "regularity_pairs"):
            # Intervals asleep, else one from bedtime to waking.
            return (first,), tuple(others)
        return ((first,),)

    @property
    def is_of_group(self) -> bool:
        """Whether the column is about the group's days, not about one metric."""
        return self.name.removeprefix(self.group.name) in GROUP_COLUMNS


@dataclass(frozen=True)
class Found:
    """What a lake holds of one person and week: the weekly row, daily rows and records of every source."""

    user_id: str
    monday: date
    now: datetime
    weekly: Mapping[str, Any] | None
    week_is_published: bool
    daily: pl.DataFrame
    records: Mapping[str, pl.DataFrame]
    other_weeks: tuple[date, ...] = ()
    #: The weekly row of the week before, of the columns it has.
    before: Mapping[str, Any] | None = None
    #: The person's deletions of all weeks, by name of the deleting contract.
    deletions: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether the lake holds anything of the person."""
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
    """One record behind a day: what it gave, what was wrong with it, and its line."""

    day: date
    table: str
    role: str
    values: Mapping[str, Any]
    issues: tuple[str, ...]
    row: Mapping[str, Any]
    counts: bool
    #: How many more records of its day and table are not listed: that count too, or do not for the same reason.
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
    #: Sources of the person's days of which no record type gives anything of the target; their days are not listed.
    silent: tuple[str, ...] = ()


def contributing_contracts(contracts: Contracts, target: Target, source: str | None = None) -> list[SourceContract]:
    """Contracts whose records have one of the target's metrics, the first choice first."""
    wanted = {part for metric in target.metrics for part in recorded_metrics(metric)}
    found = [c for c in contracts.sources if wanted & c.gives.keys() and source in (None, c.source)]
    return sorted(found, key=lambda c: (c.source, c.priority, c.name))


def recorded_metrics(metric: DailyMetric) -> tuple[str, ...]:
    """The daily metrics that records have for a metric: itself, or those its formula names."""
    return (
        tuple(sorted(set(pl.sql_expr(metric.from_metrics).meta.root_names())))
        if metric.from_metrics
        else (metric.name,)
    )


def raw_names(of: Field) -> set[str]:
    """How issues name a field: its raw paths, and where they break off."""
    return {path_text(path) for path in of.paths} | {path[0] for path in of.paths}


def fields_behind(contract: SourceContract, metrics: tuple[str, ...]) -> list[Field]:
    """Declared fields that a contract makes metrics of."""
    waiting = [name for metric in metrics for sql in contract.gives.get(metric, ()) for name in _roots(sql)]
    names: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name not in names:
            names[name] = None
            waiting += _made_of(contract, name)
    return [found for found in contract.fields if found.name in names]


def _made_of(contract: SourceContract, name: str) -> list[str]:
    """Columns that a helper column is made of."""
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
