"""Plain data that has the right shape to typed, frozen contracts; nothing is checked here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from qol.contracts.metric_model import DailyMetric, Derived, RecallWindows, Relation, WeeklyGroup
from qol.contracts.quality import record_quality
from qol.contracts.raw_path import split_path
from qol.contracts.source_model import (
    DayRule,
    Deletes,
    Episodes,
    Example,
    Field,
    Overlaps,
    Parameter,
    Part,
    SampleRule,
    SourceContract,
    SourceRules,
    Stages,
    Wear,
)

Data = Mapping[str, Any]
_NO_RANGE = (None, None)


def source_contract(data: Data, file: str) -> SourceContract:
    """One source contract of its file's data."""
    source, record = data["source"], data["record"]
    only = data.get("only")
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
        daily=_expressions({n: e for n, e in data.get("daily", {}).items() if not isinstance(e, dict)}),
        episodes=_episodes(data.get("episodes")),
        wear=_wear(data.get("wear")),
        examples=tuple(_example(example) for example in data["examples"]),
        priority=data.get("priority", 100),
        parts={n: Part(**e) for n, e in data.get("daily", {}).items() if isinstance(e, dict)},
        best=tuple(data.get("best", ())),
        parameters=tuple(Parameter(n, **spec) for n, spec in data.get("parameters", {}).items()),
        slot=tuple(data.get("slot", ())),
        deletes=_deletes(data.get("deletes")),
        overlaps=_overlaps(data.get("overlaps")),
        stages=_stages(data.get("stages")),
        only_path=split_path(only["path"]) if only else (),
        only_values=frozenset(only["values"]) if only else frozenset(),
        anywhere=bool(only and only.get("anywhere", False)),
        quality=record_quality(data.get("quality", {})),
    )


def source_rules(data: Data) -> SourceRules:
    """What holds for all records of one source."""
    ping = data.get("ping")
    return SourceRules(
        source=data["source"],
        control_keys=frozenset(data.get("control_keys", ())),
        ping=(ping["has"], ping["lacks"]) if ping else None,
        unwrap=frozenset(data.get("unwrap", ())),
        inherit=frozenset(data.get("inherit", ())),
        nested=dict(data.get("nested", {})),
        typed_values=data.get("typed_values"),
        people_by_day=data.get("people_by_day", False),
        never={key: frozenset(texts) for key, texts in data.get("never", {}).items()},
    )


def _expressions(data: Data) -> dict[str, str]:
    return {name: str(expression) for name, expression in data.items()}


def _deletes(data: Data | None) -> Deletes | None:
    return None if data is None else Deletes(tuple(data["records"]), data["field"], data["by"])


def _overlaps(data: Data | None) -> Overlaps | None:
    if data is None:
        return None
    return Overlaps(
        data["start"], data["end"], data.get("kind"), data["by"], order=tuple(data["order"]), share=data["share"]
    )


def _stages(data: Data | None) -> Stages | None:
    if data is None:
        return None
    return Stages(
        start=data["start"],
        end=data["end"],
        stage=data["stage"],
        by=data["by"],
        order=tuple(data["order"]),
        gap_minutes=float(data["gap_minutes"]),
        values={stage: tuple(codes) for stage, codes in data["values"].items()},
    )


def _field(name: str, data: Data) -> Field:
    paths = [data["path"]] if isinstance(data["path"], str) else data["path"]
    low, high = data.get("range", _NO_RANGE)
    by = data.get("ranges_by")
    return Field(
        name=name,
        paths=tuple(split_path(path) for path in paths),
        type=data["type"],
        description=data["description"],
        unit=data.get("unit"),
        low=low,
        high=high,
        sentinels=tuple(data.get("sentinels", ())),
        uppercase=data.get("uppercase", False),
        join_words=data.get("join_words", False),
        decimals=data.get("decimals"),
        samples=_samples(data.get("samples")),
        namespace=data.get("namespace"),
        classes={name: tuple(w.lower() for w in words) for name, words in data.get("classes", {}).items()},
        units=split_path(data["units"]) if "units" in data else None,
        ranges_field=by["field"] if by else None,
        ranges={code: (limits[0], limits[1]) for code, limits in by["ranges"].items()} if by else {},
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
        start=data.get("start"),
        end=data.get("end"),
        characters=data.get("characters"),
        start_field=data.get("from"),
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
        decimals=data.get("decimals", 2 if data["type"] == "number" else 0),
        low=low,
        high=high,
        clock=data.get("clock", False),
        from_metrics=data.get("from_metrics"),
    )


def relations(data: Data) -> tuple[Relation, ...]:
    """Claims between columns of a table."""
    return tuple(
        Relation(
            id=name,
            left=str(spec["left"]),
            right=str(spec["right"]),
            severity=spec.get("severity", "warning"),
            description=spec["description"],
            strict=spec.get("strict", False),
        )
        for name, spec in data.get("relations", {}).items()
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
            every_week=spec.get("every_week", True),
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
        aggregate=data.get("aggregate", ""),
        per_day=data.get("per_day", 0),
        min_work_days=data.get("min_work_days", 0),
        min_free_days=data.get("min_free_days", 0),
    )


def recall_windows(data: Data) -> RecallWindows | None:
    """What the rows of `survey_windows` are made of; None where the contracts name no windows."""
    windows = data.get("windows")
    return RecallWindows(windows["of"], windows["days"], tuple(windows["metrics"])) if windows else None
