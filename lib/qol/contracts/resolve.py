"""Plain data that has the right shape to typed, frozen contracts; nothing is checked here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from qol.contracts.model import (
    DailyMetric,
    DayRule,
    Derived,
    Episodes,
    Example,
    Field,
    Relation,
    SampleRule,
    SourceContract,
    SourceRules,
    Wear,
    WeeklyGroup,
)

Data = Mapping[str, Any]
_NO_RANGE = (None, None)


def source_contract(data: Data, file: str) -> SourceContract:
    """One source contract of its file's data."""
    source, record = data["source"], data["record"]
    return SourceContract(
        file=file,
        source=source,
        record=record,
        description=data["description"],
        paths=tuple(data.get("paths", [f"raw/{source}/{record}"])),
        envelope_keys=tuple(data.get("envelope_keys", [record])),
        person=tuple(data["person"]),
        drop=tuple(data.get("drop", ())),
        key=tuple(data["key"]),
        version=tuple(data.get("version", ())),
        day=DayRule(**data.get("day", {})),
        source_timestamp=data.get("source_timestamp"),
        fields=tuple(_field(name, spec) for name, spec in data["fields"].items()),
        derived=_expressions(data.get("derived", {})),
        daily=_expressions(data.get("daily", {})),
        episodes=_episodes(data.get("episodes")),
        wear=_wear(data.get("wear")),
        examples=tuple(_example(example) for example in data["examples"]),
        priority=data.get("priority", 100),
    )


def source_rules(data: Data) -> SourceRules:
    """What holds for all records of one source."""
    ping = data.get("ping")
    return SourceRules(
        source=data["source"],
        control_keys=frozenset(data.get("control_keys", ())),
        ping=(ping["has"], ping["lacks"]) if ping else None,
    )


def _expressions(data: Data) -> dict[str, str]:
    return {name: str(expression) for name, expression in data.items()}


def _field(name: str, data: Data) -> Field:
    paths = [data["path"]] if isinstance(data["path"], str) else data["path"]
    low, high = data.get("range", _NO_RANGE)
    return Field(
        name=name,
        paths=tuple(tuple(path.split(".")) for path in paths),
        type=data["type"],
        description=data["description"],
        unit=data.get("unit"),
        low=low,
        high=high,
        sentinels=tuple(data.get("sentinels", ())),
        uppercase=data.get("uppercase", False),
        decimals=data.get("decimals"),
        samples=_samples(data.get("samples")),
    )


def _samples(data: Data | None) -> SampleRule | None:
    if data is None:
        return None
    low, high = data.get("range", _NO_RANGE)
    within = data.get("within")
    return SampleRule(
        reduce=data["reduce"],
        low=low,
        high=high,
        states_low=data.get("states"),
        within=(within[0], within[1]) if within else None,
        seconds_each=float(data.get("seconds_each", 0)),
        of=data.get("of"),
        keys=tuple(data.get("keys", ())),
    )


def _episodes(data: Data | None) -> Episodes | None:
    if data is None:
        return None
    rank = data["rank"]
    return Episodes(
        start=data["start"],
        end=data["end"],
        rank_field=rank["field"],
        rank_tiers=tuple(tuple(tier) for tier in rank["tiers"]),
        unlisted_tier=rank["unlisted"],
        main=data["main"],
        rest_to=data.get("rest_to"),
    )


def _wear(data: Data | None) -> Wear | None:
    if data is None:
        return None
    return Wear(data.get("minutes"), data.get("at_most"), float(data["limit_minutes"]))


def _example(data: Data) -> Example:
    raw = data["raw"]
    return Example(
        name=data["name"],
        raw=raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, separators=(",", ":")),
        arrival=data["arrival"],
        expect=data.get("expect"),
        nulled=tuple(data.get("nulled", ())),
        reject=data.get("reject"),
    )


def daily_metrics(data: Data) -> tuple[DailyMetric, ...]:
    """The vocabulary of `daily_metrics`, in column order."""
    return tuple(
        _daily_metric(name, group, spec) for group, metrics in data["groups"].items() for name, spec in metrics.items()
    )


def _daily_metric(name: str, group: str, data: Data) -> DailyMetric:
    low, high = data["range"]
    return DailyMetric(
        name=name,
        group=group,
        unit=data["unit"],
        description=data["description"],
        type=data["type"],
        decimals=data.get("decimals", 0 if data["type"] == "integer" else 2),
        low=low,
        high=high,
        clock=data.get("clock", False),
        from_metrics=data.get("from_metrics"),
    )


def relations(data: Data) -> tuple[Relation, ...]:
    """Claims between daily metrics."""
    return tuple(
        Relation(name, str(spec["left"]), str(spec["right"]), spec.get("severity", "warning"), spec["description"])
        for name, spec in data["relations"].items()
    )


def weekly_groups(data: Data) -> tuple[WeeklyGroup, ...]:
    """Weekly groups, in column order."""
    return tuple(
        WeeklyGroup(
            name=name,
            anchor=tuple(spec["anchor"]),
            needs_wear=spec["needs_wear"],
            min_valid_days=spec["min_valid_days"],
            precedence=tuple(spec["precedence"]),
            metrics={metric: tuple(aggregates) for metric, aggregates in spec["metrics"].items()},
        )
        for name, spec in data["groups"].items()
    )


def weekly_derived(data: Data) -> tuple[Derived, ...]:
    """Weekly columns with a formula of their own."""
    return tuple(_derived(name, spec) for name, spec in data.get("derived", {}).items())


def _derived(name: str, data: Data) -> Derived:
    return Derived(
        name=name,
        group=data["group"],
        formula=data["formula"],
        of=tuple(data["of"]),
        total=tuple(data.get("total", ())),
        threshold=float(data.get("threshold", 0)),
        min_days=data.get("min_days", 1),
        decimals=data.get("decimals", 6),
        unit=data["unit"],
        description=data["description"],
    )
