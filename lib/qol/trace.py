"""Why a weekly value is what it is, or is not there: from the value to its days, their records and their issues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from qol.contracts.model import Contracts, DailyMetric, Derived, Field, SourceContract, WeeklyGroup
from qol.contracts.raw_path import path_text
from qol.transform.daily import record_days
from qol.transform.derived import WHERE, with_derived
from qol.transform.weekly import valid_day

#: What every weekly group has, after its name.
GROUP_COLUMNS = ("_source", "_valid_days", "_valid")
_PLACE, _AT_MOST = "trace_place", "trace_at_most"


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


@dataclass(frozen=True)
class Trace:
    """A weekly value with everything behind it."""

    target: Target
    values: Mapping[str, Any]
    source: str | None
    valid_days: Mapping[str, int]
    days: tuple[DayTrace, ...]
    records: tuple[RecordTrace, ...]


def givers(contracts: Contracts, target: Target, source: str | None = None) -> list[SourceContract]:
    """Contracts whose records give one of the target's metrics, the first choice first."""
    wanted = {part for metric in target.metrics for part in parts_of(metric)}
    found = [c for c in contracts.sources if wanted & c.daily.keys() and source in (None, c.source)]
    return sorted(found, key=lambda c: (c.source, c.priority, c.name))


def parts_of(metric: DailyMetric) -> tuple[str, ...]:
    """The daily metrics that records give for a metric: itself, or those its formula names."""
    return (
        tuple(sorted(set(pl.sql_expr(metric.from_metrics).meta.root_names())))
        if metric.from_metrics
        else (metric.name,)
    )


def raw_names(field: Field) -> set[str]:
    """How issues name a field: its raw paths, and where they break off."""
    return {path_text(path) for path in field.paths} | {path[0] for path in field.paths}


def fields_behind(contract: SourceContract, metrics: tuple[str, ...]) -> list[Field]:
    """Declared fields that a contract makes metrics of."""
    waiting = [contract.daily[name] for name in metrics if name in contract.daily]
    names: dict[str, None] = {}
    while waiting:
        for name in pl.sql_expr(waiting.pop()).meta.root_names():
            if name in contract.derived and name not in names:
                waiting.append(contract.derived[name])
            names[name] = None
    return [field for field in contract.fields if field.name in names]


def trace(contracts: Contracts, target: Target, found: Found) -> Trace:
    """The value, its days, its records and, where it is not known, why."""
    return _Tracer(contracts, target, found).trace()


class _Tracer:
    """Looks at one person's week."""

    def __init__(self, contracts: Contracts, target: Target, found: Found) -> None:
        self._contracts = contracts
        self._target = target
        self._found = found
        valid = valid_day(contracts, target.group)
        self._days = {(r["day"], r["source"]): r for r in found.daily.with_columns(_valid=valid).iter_rows(named=True)}
        self._probes = {
            name: self._probe(contracts.by_name[name]) for name, rows in found.records.items() if rows.height
        }

    def trace(self) -> Trace:
        row = self._found.weekly or {}
        return Trace(
            target=self._target,
            values={column: row.get(column) for column in self._target.columns},
            source=self._source,
            valid_days=self._valid_days,
            days=tuple(self._day_traces()),
            records=tuple(self._record_traces()),
        )

    def _probe(self, contract: SourceContract) -> dict[date, dict[str, Any]]:
        """Per day the values of the record that the daily step picks, and which record that is: asked of that step."""
        extra = {_PLACE: _PLACE}
        if contract.wear is not None and contract.wear.at_most is not None:
            extra[_AT_MOST] = contract.wear.at_most
        added = {name: DailyMetric(name, "", "", "", "number", 2, None, None) for name in extra}
        probing = replace(contract, daily={**contract.daily, **extra})
        rows = self._found.records[contract.name].with_columns(pl.int_range(pl.len()).alias(_PLACE))
        picked = record_days(probing, {**self._contracts.metric, **added}, rows)
        return {row["day"]: row for row in picked.iter_rows(named=True)}

    @cached_property
    def _valid_days(self) -> dict[str, int]:
        counts = dict.fromkeys(sorted({source for _, source in self._days}), 0)
        counts.update(Counter(source for (_, source), row in self._days.items() if row["_valid"]))
        return counts

    @cached_property
    def _source(self) -> str | None:
        """The source that fills the group: as published, else as it would be chosen now."""
        group = self._target.group
        published = (self._found.weekly or {}).get(f"{group.name}_source")
        order = {source: place for place, source in enumerate(group.precedence)}
        with_days = [source for source, days in self._valid_days.items() if days]
        ranked = sorted(with_days, key=lambda s: (-self._valid_days[s], order.get(s, len(order)), s))
        return published or (ranked[0] if ranked else None)

    # Days

    def _day_traces(self) -> Iterator[DayTrace]:
        for number in range(7 if self._days else 0):
            day = self._found.monday + timedelta(days=number)
            for source in self._valid_days:
                row = self._days.get((day, source))
                if row is None:
                    yield DayTrace(day, source, (None,) * len(self._target.metrics), None, "no record of this day")
                else:
                    values = tuple(row[metric.name] for metric in self._target.metrics)
                    yield DayTrace(day, source, values, row["worn"], self._why_not(day, source, row))

    def _why_not(self, day: date, source: str, row: Mapping[str, Any]) -> str:
        group = self._target.group
        anchors = group.anchor or tuple(m.name for m in self._contracts.group_metrics[group.name])
        if all(row[name] is None for name in anchors):
            return self._why_null(day, source, anchors)
        if group.needs_wear and not row["worn"]:
            return self._not_worn(day, source, row)
        if row[self._target.metric.name] is None and not self._target.is_of_group:
            return self._why_null(day, source, (self._target.metric.name,))
        if self._source is not None and source != self._source:
            return f"the week's {group.name} columns come from {self._source}"
        return ""

    def _why_null(self, day: date, source: str, names: tuple[str, ...]) -> str:
        """Why a day's metrics are null, from the records of that day; metrics with the same reason in one breath."""
        because: dict[str, list[str]] = {}
        for name in names:
            parts = parts_of(self._contracts.metric[name])
            of_source = [c for c in self._contracts.sources if c.source == source and set(parts) & c.daily.keys()]
            reasons = [reason for c in of_source for reason in self._why_no_value(c, day, parts)]
            unknown = "its formula gives null" if of_source else f"no {source} contract gives it"
            because.setdefault("; ".join(reasons) or unknown, []).append(name)
        return "; ".join(f"{', '.join(metrics)}: {reason}" for reason, metrics in because.items())

    def _why_no_value(self, contract: SourceContract, day: date, parts: tuple[str, ...]) -> Iterator[str]:
        records = self._found.records.get(contract.name)
        rows = records.filter(pl.col("day") == day) if records is not None else None
        if rows is None or not rows.height:
            yield f"no {contract.record} record"
        elif not with_derived(contract, rows).height:
            yield f"{contract.record} left out, because {contract.daily[WHERE]} does not hold"
        else:
            for field in fields_behind(contract, parts):
                yield from self._why_no_field(contract, field, rows)

    def _why_no_field(self, contract: SourceContract, field: Field, rows: pl.DataFrame) -> Iterator[str]:
        listed = [issue for row in rows["value_issues"].to_list() for issue in row or ()]
        issues = [issue for issue in dict.fromkeys(listed) if issue.partition(": ")[0] in raw_names(field)]
        paths = " or ".join(path_text(path) for path in field.paths)
        if issues:
            yield f"{contract.record} became null: {', '.join(issues)}"
        elif rows[field.name].null_count() == rows.height:
            yield f"{contract.record} has no {'usable sample in ' if field.samples else ''}{paths}"

    def _not_worn(self, day: date, source: str, row: Mapping[str, Any]) -> str:
        for contract in self._contracts.sources:
            probe = self._probes.get(contract.name, {}).get(day, {})
            if contract.source == source and contract.wear is not None and probe.get("worn") is False:
                known = [row.get(contract.wear.minutes or ""), probe.get(_AT_MOST)]
                minutes = min((value for value in known if value is not None), default=0)
                return f"not worn: {minutes:g} minutes, {contract.wear.limit_minutes:g} needed"
        return "not worn long enough"

    # Records

    def _record_traces(self) -> list[RecordTrace]:
        wanted = tuple(dict.fromkeys(part for metric in self._target.metrics for part in parts_of(metric)))
        found = [one for c in givers(self._contracts, self._target) for one in self._of_contract(c, wanted)]
        return sorted(found, key=lambda record: record.day)

    def _of_contract(self, contract: SourceContract, wanted: tuple[str, ...]) -> Iterator[RecordTrace]:
        records = self._found.records.get(contract.name)
        if records is None or not records.height:
            return
        rows = records.with_columns(pl.int_range(pl.len()).alias(_PLACE))
        usable = set(with_derived(contract, rows)[_PLACE])
        fields = fields_behind(contract, wanted)
        for row in rows.sort("day", "source_timestamp", _PLACE).iter_rows(named=True):
            values = {field.name: row[field.name] for field in fields}
            role = self._role(contract, row, wanted, usable)
            issues = tuple(row["value_issues"] or ())
            yield RecordTrace(row["day"], f"records_{contract.name}", role, values, issues, row)

    def _role(self, contract: SourceContract, row: Mapping[str, Any], wanted: tuple[str, ...], usable: set[int]) -> str:
        if row[_PLACE] not in usable:
            return f"left out ({contract.daily[WHERE]} does not hold)"
        picked = self._probes[contract.name].get(row["day"], {})
        if picked.get(_PLACE) != row[_PLACE]:
            return "a better record of the day came first"
        given = [name for name in wanted if picked.get(name) is not None]
        if not given:
            return "has no value"
        ahead = [c for c in givers(self._contracts, self._target, contract.source) if c.priority < contract.priority]
        before = [c.name for c in ahead if self._gives(c, row["day"], given)]
        return f"{before[0]} comes first" if before else "gives the value"

    def _gives(self, contract: SourceContract, day: date, names: list[str]) -> bool:
        picked = self._probes.get(contract.name, {}).get(day, {})
        return all(picked.get(name) is not None for name in names)
