"""Why a weekly value is what it is, or is not there: from the value to its days, their records and their issues."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from qol.contracts.fields import Field
from qol.contracts.model import Contracts
from qol.contracts.raw_path import path_text
from qol.contracts.source import SourceContract
from qol.explain.trace_model import (
    DayTrace,
    Target,
    Trace,
    UserWeek,
    fields_behind,
    helper_issues,
    raw_names,
    recorded_metrics,
)
from qol.explain.trace_records import AT_MOST, Evidence, Roles, preferred_night
from qol.transform.weekly_rows import anchors, days_of_best_source, group_days, valid_day


class Tracer:
    """Traces a target in one user's week."""

    def __init__(self, contracts: Contracts, target: Target, week: UserWeek) -> None:
        self._contracts = contracts
        self._target = target
        self._week = week
        self._anchors = anchors(contracts, target.group)
        sources = sorted(set(week.daily["source"]))
        self._unrelated = tuple(source for source in sources if not self._gives_anything(source))
        days = week.daily.with_columns(valid=valid_day(contracts, target.group))
        related = days.filter(~pl.col("source").is_in(self._unrelated))
        self._days = {(r["day"], r["source"]): r for r in related.iter_rows(named=True)}
        self._evidence = {
            name: Evidence(contracts, contracts.by_name[name], week)
            for name, rows in week.records.items()
            if rows.height and contracts.by_name[name].deletes is None
        }

    def trace(self) -> Trace:
        """The value, its days, its records and, where a day does not count, why."""
        row = self._week.weekly or {}
        return Trace(
            target=self._target,
            values={column: row.get(column) for column in self._target.columns},
            source=self._source,
            valid_days=self._valid_days,
            days=tuple(self._day_traces()),
            records=tuple(Roles(self._contracts, self._target, self._evidence).traces()),
            unrelated_sources=self._unrelated,
        )

    def _gives_anything(self, source: str) -> bool:
        """Whether a source has a record type that makes days of the group valid, or gives a metric of the target."""
        metrics = {*self._anchors, *(metric.name for metric in self._target.metrics)}
        wanted = {part for name in metrics for part in recorded_metrics(self._contracts.metric[name])}
        return any(wanted & c.gives.keys() for c in self._contracts.sources if c.source == source)

    @cached_property
    def _valid_days(self) -> dict[str, int]:
        counts = dict.fromkeys(sorted({source for _, source in self._days}), 0)
        counts.update(Counter(source for (_, source), row in self._days.items() if row["valid"]))
        return counts

    @cached_property
    def _source(self) -> str | None:
        """The source that fills the group: as published, else as it would be chosen now."""
        group = self._target.group
        published: str | None = (self._week.weekly or {}).get(f"{group.name}_source")
        days = days_of_best_source(group, group_days(self._contracts, group, self._week.daily), "user_id")
        return published or next(iter(days["source"]), None)

    def _day_traces(self) -> Iterator[DayTrace]:
        for number in range(7 if self._days else 0):
            day = self._week.monday + timedelta(days=number)
            for source in self._valid_days:
                row = self._days.get((day, source))
                if row is None:
                    yield DayTrace(day, source, (None,) * len(self._target.metrics), None, "no record of this day")
                else:
                    values = tuple(row[metric.name] for metric in self._target.metrics)
                    yield DayTrace(day, source, values, row["worn"], self._why_not(day, source, row))

    def _why_not(self, day: date, source: str, row: Mapping[str, Any]) -> str:
        group = self._target.group
        needs_anchor = self._target.is_of_group or any(m.name not in group.own_days for m in self._target.metrics)
        if needs_anchor and all(row[name] is None for name in self._anchors):
            return self._why_null(day, source, self._anchors)
        if group.needs_wear and not row["worn"]:
            return self._not_worn(day, source, row)
        # A day without a stretch asleep may have an empty list of them.
        missing = [[name for name in inputs if row[name] in (None, [])] for inputs in self._target.derivations]
        if all(missing) and not self._target.is_of_group:
            return self._why_null(day, source, tuple(name for names in missing for name in names))
        if self._source is not None and source != self._source:
            return f"the week's {group.name} columns come from {self._source}"
        return ""

    def _why_null(self, day: date, source: str, names: tuple[str, ...]) -> str:
        """Why a day's metrics are null, from the records of that day; metrics with the same reason together.

        Where records are there that could have given some of them, the other metrics are only counted.
        """
        of_source = [contract for contract in self._contracts.sources if contract.source == source]
        with_records: dict[str, list[str]] = {}
        without: dict[str, list[str]] = {}
        for name in names:
            inputs = recorded_metrics(self._contracts.metric[name])
            giving = [contract for contract in of_source if set(inputs) & contract.gives.keys()]
            reasons = [reason for c in giving for reason in self._why_no_value(c, day, inputs)]
            default = "its formula gives null" if giving else f"no {source} contract gives it"
            has_records = any(self._rows(contract, day) is not None for contract in giving)
            (with_records if has_records else without).setdefault("; ".join(reasons) or default, []).append(name)
        others = sum(map(len, without.values()))
        if with_records and others > 1:
            without = {f"no {source} record of this day gives them": [f"{others} others"]}
        by_reason = (with_records | without).items()
        return "; ".join(f"{', '.join(metrics)}: {reason}" for reason, metrics in by_reason)

    def _rows(self, contract: SourceContract, day: date) -> pl.DataFrame | None:
        evidence = self._evidence.get(contract.name)
        rows = evidence.rows.filter(pl.col("day") == day) if evidence is not None else None
        return rows if rows is not None and rows.height else None

    def _why_no_value(self, contract: SourceContract, day: date, metrics: tuple[str, ...]) -> Iterator[str]:
        rows = self._rows(contract, day)
        if rows is None:
            yield f"no {contract.record} record"
        elif reason := self._evidence[contract.name].why_none_counts(day):
            yield reason
        elif (night := preferred_night(contract, self._evidence, day)) and all(
            name in contract.daily for name in metrics
        ):
            yield f"{contract.record} has another night, {night} comes first"
        else:
            for field in fields_behind(contract, metrics):
                yield from self._why_no_field(contract, field, rows)
            if issues := _issues(rows, helper_issues(contract, metrics)):
                yield f"{contract.record} became null: {', '.join(issues)}"

    def _why_no_field(self, contract: SourceContract, field: Field, rows: pl.DataFrame) -> Iterator[str]:
        issues = _issues(rows, raw_names(field))
        paths = " or ".join(path_text(path) for path in field.paths)
        if issues:
            yield f"{contract.record} became null: {', '.join(issues)}"
        elif rows[field.name].null_count() == rows.height:
            yield f"{contract.record} has no {'usable sample in ' if field.samples else ''}{paths}"

    def _not_worn(self, day: date, source: str, row: Mapping[str, Any]) -> str:
        for contract in self._contracts.sources:
            evidence = self._evidence.get(contract.name)
            picked = evidence.days.get(day, {}) if evidence is not None else {}
            if contract.source == source and contract.wear is not None and picked.get("worn") is False:
                known = [row.get(contract.wear.minutes or ""), picked.get(AT_MOST)]
                minutes = min((value for value in known if value is not None), default=0)
                return f"not worn: {minutes:g} minutes, {contract.wear.limit_minutes:g} needed"
        return "not worn long enough"


def _issues(rows: pl.DataFrame, names: set[str]) -> list[str]:
    """Issues of records about any of the names, each once."""
    listed = [issue for row in rows["value_issues"].to_list() for issue in row or ()]
    return [issue for issue in dict.fromkeys(listed) if issue.partition(": ")[0] in names]
