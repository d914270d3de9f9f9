"""The records behind a day's value: which one gives it, which give a part of it, and why others do not count."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

import polars as pl

from qol.contracts.daily import DailyMetric
from qol.contracts.fields import Field
from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.explain.trace_model import (
    RecordTrace,
    Target,
    UserWeek,
    contributing_contracts,
    fields_behind,
    recorded_metrics,
)
from qol.tables.weeks import WEEK
from qol.transform.borders import identity, without_moved
from qol.transform.daily_rows import days_of_derived
from qol.transform.deletions import deleting, targets, without_deleted
from qol.transform.derived import WHERE, before_sessions, with_derived, with_own_day
from qol.transform.parts import record_parts
from qol.transform.stages import stage_of

#: Records of a day that are listed where a value is made of all of them; the others are counted.
MAX_LISTED = 20
AT_MOST = "trace_at_most"
NO_TIME = "it has no usable time, so its day is not known"
_PLACE, _UNIT = "trace_place", "trace_unit"


class Evidence:
    """The records of one type in a user's week, with those near it, and what the daily step computes from them."""

    def __init__(self, contracts: Contracts, contract: SourceContract, week: UserWeek) -> None:
        self.contract = contract
        beside = [week.beside[contract.name]] if contract.name in week.beside else []
        rows = pl.concat([week.records[contract.name], *beside])
        self.rows = rows.with_columns(pl.int_range(pl.len()).alias(_PLACE))
        self._monday = week.monday
        deletions = {name: week.deletions.get(name, week.records.get(name)) for name in deleting(contracts)}
        known = {name: rows for name, rows in deletions.items() if rows is not None}
        self.without_deleted = without_deleted(contracts, {contract.name: self.rows}, known)[contract.name]
        self.counting = without_moved(contract, self.without_deleted)
        self.timed = with_own_day(contract, self.counting)
        self.units = with_derived(contract, self.timed).with_columns(pl.int_range(pl.len()).alias(_UNIT))
        self.deleters = [name for name, other in deleting(contracts).items() if contract.name in targets(other)]
        self._vocabulary = contracts.metric

    @cached_property
    def days(self) -> dict[date, dict[str, Any]]:
        """By day, its values and the record or session that the daily step picks."""
        extra = {_UNIT: _UNIT}
        if self.contract.wear is not None and self.contract.wear.at_most is not None:
            extra[AT_MOST] = self.contract.wear.at_most
        added = {name: DailyMetric.model_construct(name=name, type="number", decimals=2) for name in extra}
        contract = self.contract.model_copy(update={"metrics": {**self.contract.metrics, **extra}})
        picked = days_of_derived(contract, {**self._vocabulary, **added}, self.units)
        return {row["day"]: row for row in picked.iter_rows(named=True)}

    @cached_property
    def units_of(self) -> dict[int, list[int]]:
        """The rows of `units` that belong to each record, by its place: itself, its pieces by day, or its session.

        Records left out have none.
        """
        found: dict[int, list[int]] = {}
        for place, unit in self._places_of_units():
            found.setdefault(place, []).append(unit)
        return found

    def _places_of_units(self) -> Iterator[tuple[int, int]]:
        stages = self.contract.stages
        if stages is None:
            return self.units.select(_PLACE, _UNIT).iter_rows()
        begin, finish = pl.col(stages.start).cast(pl.Int64), pl.col(stages.end).cast(pl.Int64)
        device = pl.col(stages.device) if stages.device else pl.lit(None, pl.String)
        samples = before_sessions(self.contract, self.counting).filter(
            stage_of(stages).is_not_null() & (finish > begin)
        )
        samples = samples.with_columns(session_rank=stages.by, session_device=device)
        devices = ["session_rank", "session_device"]
        sessions = self.units.select(_UNIT, *devices, "session_start_seconds", "session_end_seconds", waking="day")
        met = samples.join(sessions, on=devices, nulls_equal=True)
        inside = met.filter((begin >= pl.col("session_start_seconds")) & (finish <= pl.col("session_end_seconds")))
        # Of two sessions that were cut apart between days, a sample is of its own day's.
        own_day_last = inside.sort(pl.col("day") == pl.col("waking"), maintain_order=True)
        found = own_day_last.unique(_PLACE, keep="last").select(_PLACE, _UNIT).iter_rows()
        return chain(found, self.units.select(_PLACE, _UNIT).drop_nulls().iter_rows() if stages.joined else ())

    @cached_property
    def parts(self) -> list[dict[str, float | None]]:
        """The value that each record or session gives to metrics made of all records of a day."""
        return record_parts(self.contract, self._vocabulary, self.units).to_dicts()

    @cached_property
    def part_counts(self) -> Counter[tuple[date, str]]:
        """The number of records or sessions that give a part, by day and metric."""
        return Counter(
            (day, name)
            for day, given in zip(self.units["day"], self.parts, strict=True)
            for name, value in given.items()
            if value is not None
        )

    def why_none_counts(self, day: date) -> str:
        """Why none of a day's records counts; empty when one does."""
        if self.units.filter(pl.col("day") == day).height:
            return ""
        remaining = self.without_deleted.filter(pl.col("day") == day)
        if not remaining.height:
            return f"{self.contract.record} {self.deleted}"
        elsewhere = sorted({self.day_of(unit) for place in remaining[_PLACE] for unit in self.units_of.get(place, ())})
        lost = remaining.join(self.counting, on=_PLACE, how="anti")
        moved = {self.moved(row) for row in lost.iter_rows(named=True)}
        if moved:
            return f"{self.contract.record} {' and '.join(sorted(moved))}"
        if elsewhere:
            return f"{self.contract.record} belongs to the sleep of {' and '.join(map(str, elsewhere))}"
        untimed = self.timed.join(remaining, on=_PLACE, how="semi").is_empty()
        return f"{self.contract.record} left out, because {NO_TIME if untimed else self.condition}"

    def day_of(self, unit: int) -> date:
        """The day a record or session counts for; a session's may come after that of its samples."""
        day: date = self.units["day"][unit]
        return day

    @property
    def deleted(self) -> str:
        """The role of a deleted record."""
        return f"deleted by {' and '.join(self.deleters)}"

    @property
    def condition(self) -> str:
        """Why a record is left out: the contract's condition, or the stage of sleep."""
        keep = self.contract.daily.get(WHERE)
        reasons = [f"{keep} does not hold"] if keep else []
        if self.contract.same:
            reasons.append("another record is the same reading")
        if self.contract.stages is not None:
            reasons.append("it is not a listed stage of sleep, or has no duration")
        return " or ".join(reasons)

    def listed(self) -> pl.DataFrame:
        """Records of the week, and those beside it that belong to one of its days."""
        week = range(self._monday.toordinal(), self._monday.toordinal() + 7)
        inside = [
            place for place, units in self.units_of.items() if any(self.day_of(u).toordinal() in week for u in units)
        ]
        of_week = pl.col("day").is_between(self._monday, self._monday + WEEK, "left")
        return self.rows.filter(of_week | pl.col(_PLACE).is_in(inside))

    def moved(self, row: Mapping[str, Any]) -> str:
        """The role of a record whose better version is of another day."""
        same = [pl.col(name).eq_missing(row[name]) for name in identity(self.contract)]
        (day,) = self.counting.filter(same)["day"].head(1)
        return f"a better version of it is of {day}"

    def why_left_out(self, row: Mapping[str, Any]) -> str:
        """Why a record counts for no day."""
        if row[_PLACE] in self.counting[_PLACE]:
            return f"left out ({self.condition if row[_PLACE] in self.timed[_PLACE] else NO_TIME})"
        is_deleted = row[_PLACE] not in self.without_deleted[_PLACE]
        return self.deleted if is_deleted else self.moved(row)


class _Role(NamedTuple):
    """The role of a record for a metric as text, and whether its value counts."""

    text: str
    counts: bool = False


@dataclass(frozen=True)
class Roles:
    """The roles of records for a target."""

    contracts: Contracts
    target: Target
    evidence: Mapping[str, Evidence]

    def traces(self) -> list[RecordTrace]:
        """The records of the contracts that give the target, by day, those that count first.

        Where a value is made of all records of a day: the first that count, and one for each reason not to count.
        """
        contracts = contributing_contracts(self.contracts, self.target)
        evidence = [self.evidence[contract.name] for contract in contracts if contract.name in self.evidence]
        records = [record for each in evidence for record in self._contributing_records(each)]
        return sorted(records, key=lambda record: (record.day, not record.counts))

    @cached_property
    def _wanted(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part for metric in self.target.metrics for part in recorded_metrics(metric)))

    def _contributing_records(self, evidence: Evidence) -> Iterator[RecordTrace]:
        contract = evidence.contract
        fields = fields_behind(contract, self._wanted)
        is_of_all = contract.stages is not None or any(name in contract.parts for name in self._wanted)
        ordered = evidence.listed().sort("day", "source_timestamp", _PLACE)
        for _, rows in ordered.group_by("day", maintain_order=True):
            traces = [self._trace(evidence, row, fields) for row in rows.iter_rows(named=True)]
            yield from _summarized(traces) if is_of_all else traces

    def _trace(self, evidence: Evidence, row: Mapping[str, Any], fields: list[Field]) -> RecordTrace:
        roles = self._roles(evidence, row)
        return RecordTrace(
            day=row["day"],
            table=f"records_{evidence.contract.name}",
            role="; ".join(role.text for role in roles),
            values={field.name: row[field.name] for field in fields},
            issues=tuple(row["value_issues"] or ()),
            row=row,
            counts=any(role.counts for role in roles),
        )

    def _roles(self, evidence: Evidence, row: Mapping[str, Any]) -> list[_Role]:
        units = evidence.units_of.get(row[_PLACE])
        if units is None:
            return [_Role(evidence.why_left_out(row))]
        return [role for unit in units for role in self._roles_of(evidence, unit, row)]

    def _roles_of(self, evidence: Evidence, unit: int, row: Mapping[str, Any]) -> list[_Role]:
        day = evidence.day_of(unit)
        best = [name for name in self._wanted if name in evidence.contract.daily]
        roles = [self._best_role(evidence, day, unit, best)] if best else []
        roles += [self._part_role(evidence, day, unit, n) for n in self._wanted if n in evidence.contract.parts]
        return roles if day == row["day"] else [role._replace(text=f"of {day}: {role.text}") for role in roles]

    def _best_role(self, evidence: Evidence, day: date, unit: int, names: list[str]) -> _Role:
        picked = evidence.days.get(day, {})
        is_sample = evidence.contract.stages is not None
        if picked.get(_UNIT) != unit:
            return _Role(
                "its session was not the day's main one" if is_sample else "a better record of the day came first"
            )
        given = [name for name in names if picked.get(name) is not None]
        if not given:
            return _Role("its session has no value" if is_sample else "has no value")
        before = self._preferred(evidence.contract, day, given)
        given_by = "its session gives the value" if is_sample else "gives the value"
        return _Role(before or given_by, counts=not before)

    def _part_role(self, evidence: Evidence, day: date, unit: int, name: str) -> _Role:
        part, value = evidence.contract.parts[name], evidence.parts[unit][name]
        share = evidence.units[evidence.contract.overlaps.share][unit] if evidence.contract.overlaps else 1.0
        if share == 0:
            return _Role(f"not counted for {name}, as a better device measured the same time")
        if value is None:
            return _Role(f"not counted for {name}")
        before = self._preferred(evidence.contract, day, [name])
        partly = "" if share == 1 else f" ({share:.1%} of its time, a better device has the rest)"
        number = evidence.part_counts[day, name]
        joined = "mean of means" if part.each else part.over
        return _Role(before or f"{value:g} of the {joined} over {number} for {name}{partly}", counts=not before)

    def _preferred(self, contract: SourceContract, day: date, names: list[str]) -> str:
        """Which record type gives the metrics in preference to this one; empty if none does."""
        night = preferred_night(contract, self.evidence, day)
        if night and all(name in contract.daily for name in names):
            return f"{night} comes first"
        for other in contributing_contracts(self.contracts, self.target, contract.source):
            days = self.evidence[other.name].days if other.name in self.evidence else {}
            if other.priority < contract.priority and all(days.get(day, {}).get(n) is not None for n in names):
                return f"{other.name} comes first"
        return ""


def preferred_night(contract: SourceContract, evidence: Mapping[str, Evidence], day: date) -> str:
    """The record type whose main episode of the day counts instead of the contract's; empty where the contract's counts."""
    if contract.episodes is None:
        return ""
    own = (contract.source, contract.priority, contract.name)
    others = [e.contract for e in evidence.values() if e.contract.episodes is not None and day in e.days]
    before = sorted((c.priority, c.name) for c in others if c.source == own[0] and (c.priority, c.name) < own[1:])
    return before[0][1] if before else ""


def _summarized(traces: list[RecordTrace]) -> Iterator[RecordTrace]:
    """Of one day's records of a type: the first that count, and the first of each reason not to, with `others` like it."""
    counting = [trace for trace in traces if trace.counts]
    listed, others = counting[:MAX_LISTED], len(counting[MAX_LISTED:])
    yield from listed[:-1]
    yield from (replace(trace, others=others) for trace in listed[-1:])
    by_role: dict[str, list[RecordTrace]] = {}
    for trace in traces:
        if not trace.counts:
            by_role.setdefault(trace.role, []).append(trace)
    for alike in by_role.values():
        yield replace(alike[0], others=len(alike) - 1)
