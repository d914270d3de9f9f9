"""Why a weekly value is what it is, or is not there: from the value to its days, their records and their issues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from qol.contracts.model import Contracts
from qol.contracts.raw_path import path_text
from qol.contracts.source_model import Field, SourceContract
from qol.explain.trace_model import (
    GROUP_COLUMNS,
    DayTrace,
    Found,
    RecordTrace,
    Target,
    Trace,
    contributing_contracts,
    fields_behind,
    raw_names,
    recorded_metrics,
)
from qol.explain.trace_records import AT_MOST, Evidence, Roles, night_ahead
from qol.transform.weekly import anchors, valid_day

__all__ = [
    "GROUP_COLUMNS",
    "DayTrace",
    "Found",
    "RecordTrace",
    "Target",
    "Trace",
    "contributing_contracts",
    "fields_behind",
    "raw_names",
    "recorded_metrics",
    "trace",
]


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
        sources = sorted(set(found.daily["source"]))
        self._silent = tuple(source for source in sources if not self._gives_anything(source))
        days = found.daily.with_columns(_valid=valid).filter(~pl.col("source").is_in(self._silent))
        self._days = {(r["day"], r["source"]): r for r in days.iter_rows(named=True)}
        self._evidence = {
            name: Evidence(contracts, contracts.by_name[name], found)
            for name, rows in found.records.items()
            if rows.height and contracts.by_name[name].deletes is None
        }

    def trace(self) -> Trace:
        row = self._found.weekly or {}
        return Trace(
            target=self._target,
            values={column: row.get(column) for column in self._target.columns},
            source=self._source,
            valid_days=self._valid_days,
            days=tuple(self._day_traces()),
            records=tuple(Roles(self._contracts, self._target, self._evidence).traces()),
            silent=self._silent,
        )

    def _gives_anything(self, source: str) -> bool:
        """Whether a source has a record type that makes days of the group valid, or gives a metric of the target."""
        metrics = {*anchors(self._contracts, self._target.group), *(metric.name for metric in self._target.metrics)}
        wanted = {part for name in metrics for part in recorded_metrics(self._contracts.metric[name])}
        return any(wanted & c.gives.keys() for c in self._contracts.sources if c.source == source)

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
        needed = anchors(self._contracts, group)
        if all(row[name] is None for name in needed):
            return self._why_null(day, source, needed)
        if group.needs_wear and not row["worn"]:
            return self._not_worn(day, source, row)
        # A day without a stretch asleep may have an empty list of them.
        missing = [[name for name in names if row[name] in (None, [])] for names in self._target.derivations]
        if all(missing) and not self._target.is_of_group:
            return self._why_null(day, source, tuple(name for names in missing for name in names))
        if self._source is not None and source != self._source:
            return f"the week's {group.name} columns come from {self._source}"
        return ""

    def _why_null(self, day: date, source: str, names: tuple[str, ...]) -> str:
        """Why a day's metrics are null, from the records of that day; metrics with the same reason in one breath.

        Where some could have come from records that are there, those are named, and the others only counted.
        """
        of_source = [contract for contract in self._contracts.sources if contract.source == source]
        because: dict[str, list[str]] = {}
        absent: dict[str, list[str]] = {}
        for name in names:
            parts = recorded_metrics(self._contracts.metric[name])
            contributing = [contract for contract in of_source if set(parts) & contract.gives.keys()]
            reasons = [reason for c in contributing for reason in self._why_no_value(c, day, parts)]
            unknown = "its formula gives null" if contributing else f"no {source} contract gives it"
            is_there = any(self._rows(contract, day) is not None for contract in contributing)
            (because if is_there else absent).setdefault("; ".join(reasons) or unknown, []).append(name)
        others = sum(map(len, absent.values()))
        if because and others > 1:
            absent = {f"no {source} record of this day gives them": [f"{others} others"]}
        told = (because | absent).items()
        return "; ".join(f"{', '.join(metrics)}: {reason}" for reason, metrics in told)

    def _rows(self, contract: SourceContract, day: date) -> pl.DataFrame | None:
        """A record type's records of the day; None without any."""
        evidence = self._evidence.get(contract.name)
        rows = evidence.rows.filter(pl.col("day") == day) if evidence is not None else None
        return rows if rows is not None and rows.height else None

    def _why_no_value(self, contract: SourceContract, day: date, parts: tuple[str, ...]) -> Iterator[str]:
        rows = self._rows(contract, day)
        if rows is None:
            yield f"no {contract.record} record"
        elif reason := self._evidence[contract.name].why_nothing(day):
            yield reason
        elif (night := night_ahead(contract, self._evidence, day)) and all(part in contract.daily for part in parts):
            yield f"{contract.record} has another night, {night} comes first"
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
            evidence = self._evidence.get(contract.name)
            probe = evidence.days.get(day, {}) if evidence is not None else {}
            if contract.source == source and contract.wear is not None and probe.get("worn") is False:
                known = [row.get(contract.wear.minutes or ""), probe.get(AT_MOST)]
                minutes = min((value for value in known if value is not None), default=0)
                return f"not worn: {minutes:g} minutes, {contract.wear.limit_minutes:g} needed"
        return "not worn long enough"
