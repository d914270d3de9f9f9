"""The records behind a day's value: which gave it, which gave a part of it, and why others gave nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import polars as pl

from qol.contracts.metric_model import DailyMetric
from qol.contracts.model import Contracts
from qol.contracts.source_model import Field, SourceContract
from qol.explain.trace_model import Found, RecordTrace, Target, contributing_contracts, fields_behind, recorded_metrics
from qol.transform.daily import days_of_derived
from qol.transform.deletions import deleting, targets, without_deleted
from qol.transform.derived import WHERE, before_sessions, with_derived
from qol.transform.parts import record_parts

#: So many records of a day that count are listed where a value is made of all of them.
LISTED = 20
AT_MOST = "trace_at_most"
_PLACE, _UNIT = "trace_place", "trace_unit"


class Evidence:
    """What one record type has of a person's week, and what the daily step makes of it: asked of that step."""

    def __init__(self, contracts: Contracts, contract: SourceContract, found: Found) -> None:
        self.contract = contract
        self.rows = found.records[contract.name].with_columns(pl.int_range(pl.len()).alias(_PLACE))
        deletions = {name: found.deletions.get(name, found.records.get(name)) for name in deleting(contracts)}
        known = {name: rows for name, rows in deletions.items() if rows is not None}
        self.existing = without_deleted(contracts, {contract.name: self.rows}, known)[contract.name]
        self.units = with_derived(contract, self.existing).with_columns(pl.int_range(pl.len()).alias(_UNIT))
        self.deleters = [name for name, other in deleting(contracts).items() if contract.name in targets(other)]
        self._vocabulary = contracts.metric

    @cached_property
    def days(self) -> dict[date, dict[str, Any]]:
        """Per day its values, and which record or session the daily step picks."""
        extra = {_UNIT: _UNIT}
        if self.contract.wear is not None and self.contract.wear.at_most is not None:
            extra[AT_MOST] = self.contract.wear.at_most
        added = {name: DailyMetric(name, "", "", "", "number", 2, None, None) for name in extra}
        probing = replace(self.contract, daily={**self.contract.daily, **extra})
        picked = days_of_derived(probing, {**self._vocabulary, **added}, self.units)
        return {row["day"]: row for row in picked.iter_rows(named=True)}

    @cached_property
    def unit_of(self) -> dict[int, int]:
        """The record or session that stands for each record, by place; those that are left out have none."""
        stages = self.contract.stages
        if stages is None:
            return dict(self.units.select(_PLACE, _UNIT).iter_rows())
        begin, finish = pl.col(stages.start).cast(pl.Int64), pl.col(stages.end).cast(pl.Int64)
        listed = [code for codes in stages.values.values() for code in codes]
        samples = before_sessions(self.contract, self.existing).filter(
            pl.col(stages.stage).is_in(listed) & (finish > begin)
        )
        sessions = self.units.select(
            _UNIT, "session_rank", "session_start_seconds", "session_end_seconds", waking="day"
        )
        met = samples.join(sessions, left_on=stages.by, right_on="session_rank", nulls_equal=True)
        inside = met.filter((begin >= pl.col("session_start_seconds")) & (finish <= pl.col("session_end_seconds")))
        # Of two sessions that were cut apart between days, a sample is of its own day's.
        own_day_last = inside.sort(pl.col("day") == pl.col("waking"), maintain_order=True)
        return dict(own_day_last.select(_PLACE, _UNIT).iter_rows())

    @cached_property
    def parts(self) -> list[dict[str, float | None]]:
        """What each record or session gives to metrics that are made of all of a day."""
        return record_parts(self.contract, self._vocabulary, self.units).to_dicts()

    @cached_property
    def part_counts(self) -> Counter[tuple[date, str]]:
        """How many records or sessions give a part, by day and metric."""
        return Counter(
            (day, name)
            for day, given in zip(self.units["day"], self.parts, strict=True)
            for name, value in given.items()
            if value is not None
        )

    def why_nothing(self, day: date) -> str:
        """Why none of a day's records counts; empty when one does."""
        if self.units.filter(pl.col("day") == day).height:
            return ""
        of_day = self.existing.filter(pl.col("day") == day)
        if not of_day.height:
            return f"{self.contract.record} {self.deleted}"
        elsewhere = sorted({self.day_of(self.unit_of[place]) for place in of_day[_PLACE] if place in self.unit_of})
        if elsewhere:
            return f"{self.contract.record} belongs to the sleep of {' and '.join(map(str, elsewhere))}"
        return f"{self.contract.record} left out, because {self.condition}"

    def day_of(self, unit: int) -> date:
        """The day a record or session counts for; a session's may come after that of its samples."""
        day: date = self.units["day"][unit]
        return day

    @property
    def deleted(self) -> str:
        """What is said of a deleted record."""
        return f"deleted, as {' and '.join(self.deleters)} says"

    @property
    def condition(self) -> str:
        """What does not hold for a record that is left out."""
        keep = self.contract.daily.get(WHERE)
        reasons = [f"{keep} does not hold"] if keep else []
        if self.contract.stages is not None:
            reasons.append("it is no listed stage of sleep, or has no time")
        return " or ".join(reasons)

    @cached_property
    def existing_places(self) -> set[int]:
        """Places of the records that are not deleted."""
        return set(self.existing[_PLACE])


class _Role(NamedTuple):
    """What a record did for a metric, in words, and whether the metric has anything of it."""

    text: str
    counts: bool = False


@dataclass(frozen=True)
class Roles:
    """What records did for a target."""

    contracts: Contracts
    target: Target
    evidence: Mapping[str, Evidence]

    def traces(self) -> list[RecordTrace]:
        """The records of the contracts that give the target, by day, those that count first.

        Where a value is made of all records of a day: the first that count, and one for each reason not to.
        """
        found = [
            one
            for contract in contributing_contracts(self.contracts, self.target)
            if contract.name in self.evidence
            for one in self._of_contract(self.evidence[contract.name])
        ]
        return sorted(found, key=lambda record: (record.day, not record.counts))

    @cached_property
    def _wanted(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part for metric in self.target.metrics for part in recorded_metrics(metric)))

    def _of_contract(self, evidence: Evidence) -> Iterator[RecordTrace]:
        contract = evidence.contract
        fields = fields_behind(contract, self._wanted)
        is_of_all = contract.stages is not None or any(name in contract.parts for name in self._wanted)
        ordered = evidence.rows.sort("day", "source_timestamp", _PLACE)
        for _, rows in ordered.group_by("day", maintain_order=True):
            found = [self._of_row(evidence, row, fields) for row in rows.iter_rows(named=True)]
            yield from _shortened(found) if is_of_all else found

    def _of_row(self, evidence: Evidence, row: Mapping[str, Any], fields: list[Field]) -> RecordTrace:
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
        unit = evidence.unit_of.get(row[_PLACE])
        if unit is None:
            exists = row[_PLACE] in evidence.existing_places
            return [_Role(f"left out ({evidence.condition})" if exists else evidence.deleted)]
        day = evidence.day_of(unit)
        best = [name for name in self._wanted if name in evidence.contract.daily]
        roles = [self._best_role(evidence, day, unit, best)] if best else []
        roles += [self._part_role(evidence, day, unit, n) for n in self._wanted if n in evidence.contract.parts]
        return roles if day == row["day"] else [role._replace(text=f"of {day}: {role.text}") for role in roles]

    def _best_role(self, evidence: Evidence, day: date, unit: int, names: list[str]) -> _Role:
        """What the record, or its session, is for metrics of the day's best."""
        picked = evidence.days.get(day, {})
        is_sample = evidence.contract.stages is not None
        if picked.get(_UNIT) != unit:
            return _Role(
                "its session was not the day's main one" if is_sample else "a better record of the day came first"
            )
        given = [name for name in names if picked.get(name) is not None]
        if not given:
            return _Role("its session has no value" if is_sample else "has no value")
        before = self._ahead(evidence.contract, day, given)
        given_by = "its session gives the value" if is_sample else "gives the value"
        return _Role(before or given_by, counts=not before)

    def _part_role(self, evidence: Evidence, day: date, unit: int, name: str) -> _Role:
        """What the record gave to a metric of all of the day's records."""
        part, value = evidence.contract.parts[name], evidence.parts[unit][name]
        share = evidence.units[evidence.contract.overlaps.share][unit] if evidence.contract.overlaps else 1.0
        if share == 0:
            return _Role(f"not counted for {name}, as a better device measured the same time")
        if value is None:
            return _Role(f"not counted for {name}")
        before = self._ahead(evidence.contract, day, [name])
        partly = "" if share == 1 else f" ({share:.1%} of its time, a better device has the rest)"
        number = evidence.part_counts[day, name]
        joined = "mean of means" if part.each else part.over
        told = f"{value:g} of the {joined} over {number} for {name}{partly}"
        return _Role(before or told, counts=not before)

    def _ahead(self, contract: SourceContract, day: date, names: list[str]) -> str:
        """The record type that gives the metrics before this one does."""
        night = night_ahead(contract, self.evidence, day)
        if night and all(name in contract.daily for name in names):
            return f"{night} comes first"
        for other in contributing_contracts(self.contracts, self.target, contract.source):
            days = self.evidence[other.name].days if other.name in self.evidence else {}
            if other.priority < contract.priority and all(days.get(day, {}).get(n) is not None for n in names):
                return f"{other.name} comes first"
        return ""


def night_ahead(contract: SourceContract, evidence: Mapping[str, Evidence], day: date) -> str:
    """The record type whose main episode of the day counts and not the contract's; empty where there is none."""
    if contract.episodes is None:
        return ""
    own = (contract.source, contract.priority, contract.name)
    others = [e.contract for e in evidence.values() if e.contract.episodes is not None and day in e.days]
    before = sorted((c.priority, c.name) for c in others if c.source == own[0] and (c.priority, c.name) < own[1:])
    return before[0][1] if before else ""


def _shortened(of_day: list[RecordTrace]) -> Iterator[RecordTrace]:
    """Of one day's records of a type the first that count, and the first of each reason not to: how many it stands for."""
    counting = [record for record in of_day if record.counts]
    for number, record in enumerate(counting[:LISTED], 1):
        yield replace(record, others=len(counting) - number if number == LISTED else 0)
    reasons: dict[str, list[RecordTrace]] = {}
    for record in of_day:
        if not record.counts:
            reasons.setdefault(record.role, []).append(record)
    for alike in reasons.values():
        yield replace(alike[0], others=len(alike) - 1)
