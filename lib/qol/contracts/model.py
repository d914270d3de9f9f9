"""What a contract says, resolved and frozen: later rooms look nothing up twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from qol.contracts.quality import Ordered, Quality, RecordQuality, Severity
from qol.contracts.units import Unit

FieldType = Literal[
    "integer", "number", "decimal", "boolean", "code", "document_id", "date", "epoch_seconds", "instant", "utc_offset",
    "time_zone", "intervals",
]  # fmt: skip
Reduce = Literal["count", "mean", "min", "max", "sum", "last", "minutes", "intervals"]
Over = Literal["sum", "mean", "median", "min", "max", "first", "last", "count"]
#: How a weekly column with a formula of its own is computed; `transform/formulas.py` knows each.
Formula = Literal[
    "slope", "ln_mean", "ln_cv", "share_of_sums", "sum_at_least", "mean_by_count", "coverage",
    "work_days", "free_days", "work_mean", "free_mean", "free_corrected", "work_free_distance",
    "regularity", "regularity_pairs", "change",
]  # fmt: skip

#: What every record row carries besides the declared fields; (name, type, comment).
RECORD_HEAD: tuple[tuple[str, str, str], ...] = (
    ("user_id", "string", "Pseudonymous person key: the user map's entry, else a keyed HMAC-SHA-256."),
    ("record_key", "string", "Values of the contract's key fields, joined by '|'; one row per week, person and key."),
    ("day", "date", "Local calendar day the record describes."),
    ("day_rule", "string", "How the day was found: provider, offset, zone or arrival."),
    ("source_timestamp", "timestamp", "Start of what the record describes, UTC."),
    ("received_at", "timestamp", "When the receiver took the record in, UTC; null when it was not stamped."),
    ("arrival_date", "date", "UTC day the record arrived: of received_at, else the raw partition's date."),
    ("utc_offset_seconds", "bigint", "Local time minus UTC at the start: the record's own, else the person's zone's."),
)
RECORD_TAIL: tuple[tuple[str, str, str], ...] = (
    ("value_issues", "array<string>", "Values that became null or were corrected: '<field>: <value> <reason>'."),
    ("raw_object", "string", "SHA-256 of the raw object's key."),
    ("line_number", "bigint", "Line in the raw object, from 1."),
)


@dataclass(frozen=True)
class SampleRule:
    """How a map or list of samples becomes one value, so that the samples themselves are not stored."""

    reduce: Reduce
    low: float | None = None
    high: float | None = None
    states_low: float | None = None
    within: tuple[float, float] | None = None
    seconds_each: float = 0.0
    of: str | None = None
    #: Only these keys of the map are read; empty means all.
    keys: tuple[str, ...] = ()
    #: intervals: keys of a struct's start and end, or the characters of a text that count and the field it starts at.
    start: str | None = None
    end: str | None = None
    characters: str | None = None
    start_field: str | None = None

    @property
    def has_range(self) -> bool:
        """Whether samples outside a range are left out."""
        return self.low is not None or self.high is not None


@dataclass(frozen=True)
class Field:
    """One declared column of a record: where it hides in the raw record and what may stand there."""

    name: str
    paths: tuple[tuple[str, ...], ...]
    type: FieldType
    description: str
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    sentinels: tuple[float, ...] = ()
    uppercase: bool = False
    decimals: int | None = None
    samples: SampleRule | None = None
    #: Where the value's unit stands; None when the unit is fixed.
    units: tuple[str, ...] | None = None
    #: A code field, and the plausible values per code of it.
    ranges_field: str | None = None
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    #: For document ids: record types that share one give an id the same hash; None means the record type itself.
    namespace: str | None = None
    #: For codes: class -> words in lower case, one of which occurs in the text; empty means the text itself is stored.
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def column_type(self) -> str:
        """The column's type in Athena."""
        return {
            "integer": "bigint",
            "epoch_seconds": "bigint",
            "instant": "bigint",
            "utc_offset": "bigint",
            "decimal": "decimal(38,18)",
            "intervals": "array<int>",
            "number": "double",
            "boolean": "boolean",
            "date": "date",
        }.get(self.type, "string")


@dataclass(frozen=True)
class DayRule:
    """Which fields give the local day, in the order they are asked."""

    date: str | None = None
    start: str | None = None
    offset: str | None = None
    zone: str | None = None
    shift_hours: float = 0.0
    #: A start at exactly 00:00:00 UTC stands for that date, not for a time.
    utc_midnight: bool = False


@dataclass(frozen=True)
class Part:
    """A daily metric that is made of all records of a day: SQL of one record's part, and how the parts are joined."""

    value: str
    over: Over
    where: str | None = None


@dataclass(frozen=True)
class Parameter:
    """A number of a contract that a study may choose otherwise."""

    name: str
    value: float
    description: str


@dataclass(frozen=True)
class Deletes:
    """Which records of another type of the source a record says are gone."""

    records: tuple[str, ...]
    field: str
    by: str


@dataclass(frozen=True)
class Overlaps:
    """How records of several devices that measured the same time count once."""

    start: str
    end: str
    kind: str | None
    by: str
    order: tuple[str, ...]
    share: str


@dataclass(frozen=True)
class Stages:
    """How records that are single stages of a sleep become sessions of one device."""

    start: str
    end: str
    stage: str
    by: str
    order: tuple[str, ...]
    gap_minutes: float
    values: Mapping[str, tuple[str, ...]]

    @property
    def columns(self) -> Mapping[str, str]:
        """What a session has beside the columns of every record, with the type of each."""
        times = ("session_start_seconds", "session_end_seconds", "asleep_seconds_total")
        seconds = (*times, *(f"{stage}_seconds" for stage in self.values))
        return {**dict.fromkeys(seconds, "bigint"), "asleep_intervals": "array<int>", "session_rank": "string"}


@dataclass(frozen=True)
class Episodes:
    """How records that describe overlapping stretches of one day become one main episode."""

    start: str
    end: str
    rank_field: str
    rank_tiers: tuple[tuple[str, ...], ...]
    unlisted_tier: int
    main: str
    rest_to: str | None


@dataclass(frozen=True)
class Wear:
    """How long the device was worn that day, and from how many minutes on a day counts as worn."""

    minutes: str | None
    at_most: str | None
    limit_minutes: float


@dataclass(frozen=True)
class Example:
    """One raw line of a contract with its verdict."""

    name: str
    raw: str
    arrival: str
    expect: Mapping[str, Any] | None
    nulled: tuple[str, ...]
    reject: str | None


@dataclass(frozen=True)
class SourceContract:
    """One record type of one source."""

    file: str
    source: str
    record: str
    description: str
    paths: tuple[str, ...]
    envelope_keys: tuple[str, ...]
    person: tuple[str, ...]
    drop: tuple[str, ...]
    key: tuple[str, ...]
    version: tuple[str, ...]
    day: DayRule
    source_timestamp: str | None
    fields: tuple[Field, ...]
    derived: Mapping[str, str]
    daily: Mapping[str, str]
    episodes: Episodes | None
    wear: Wear | None
    examples: tuple[Example, ...]
    #: Of several contracts of one source that fill the same metric on a day, the lowest number wins.
    priority: int = 100
    #: Daily metrics made of all records of a day; `daily` holds those of the day's best record.
    parts: Mapping[str, Part] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    slot: tuple[str, ...] = ()
    deletes: Deletes | None = None
    overlaps: Overlaps | None = None
    stages: Stages | None = None
    #: Raw path and the texts there that make a record one of this contract, where several share a place.
    only_path: tuple[str, ...] = ()
    only_values: frozenset[str] = frozenset()
    quality: RecordQuality = field(default_factory=RecordQuality)

    @property
    def name(self) -> str:
        """`<source>_<record>`, the name of its table under processed/records."""
        return f"{self.source}_{self.record}"

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Declared fields by column name."""
        return {f.name: f for f in self.fields}

    @cached_property
    def gives(self) -> Mapping[str, tuple[str, ...]]:
        """Daily metrics that records of this type give, each with the SQL expressions it is made of."""
        best = {name: (sql,) for name, sql in self.daily.items() if name != "where"}
        return best | {
            name: tuple(sql for sql in (part.value, part.where) if sql is not None) for name, part in self.parts.items()
        }


@dataclass(frozen=True)
class SourceRules:
    """What holds for all records of one source: which envelope keys and pings are control messages."""

    source: str
    control_keys: frozenset[str] = frozenset()
    #: A record that has the first name and lacks the second is a ping, not data.
    ping: tuple[str, str] | None = None
    unwrap: frozenset[str] = frozenset()
    inherit: frozenset[str] = frozenset()
    #: Envelope key -> key of the list inside its elements that holds the records.
    nested: Mapping[str, str] = field(default_factory=dict)
    typed_values: Literal["dynamodb"] | None = None
    people_by_day: bool = False
    #: Key -> texts there that make a record one that is never read.
    never: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class DailyMetric:
    """One column of `daily_metrics`."""

    name: str
    group: str
    unit: str
    description: str
    type: Literal["integer", "number", "intervals"]
    decimals: int
    low: float | None
    high: float | None
    clock: bool = False
    from_metrics: str | None = None

    @property
    def column_type(self) -> str:
        """The column's type in Athena."""
        return {"integer": "bigint", "intervals": "array<int>"}.get(self.type, "double")


@dataclass(frozen=True)
class Relation:
    """A claim between columns of `daily_metrics` or `weekly_metrics`: left <= right (strict: <), checked at the gate."""

    id: str
    left: str
    right: str
    severity: Severity
    description: str
    strict: bool = False


@dataclass(frozen=True)
class WeeklyGroup:
    """Metrics that one source fills together in a week, and when a day counts for them."""

    name: str
    anchor: tuple[str, ...]
    needs_wear: bool
    min_valid_days: int
    precedence: tuple[str, ...]
    metrics: Mapping[str, tuple[str, ...]]
    #: False: a week in which nobody has the group's metrics is no sign of a fault.
    every_week: bool = True


@dataclass(frozen=True)
class Derived:
    """A weekly column with a formula of its own."""

    name: str
    group: str
    formula: Formula
    of: tuple[str, ...]
    total: tuple[str, ...]
    threshold: float
    min_days: int
    decimals: int
    unit: str
    description: str
    #: change: the aggregate of the metric that is compared with the week before.
    aggregate: str = ""
    #: coverage: what a whole day has.
    per_day: int = 0
    #: Formulas of work and free days: from how many of each on there is a value.
    min_work_days: int = 0
    min_free_days: int = 0


@dataclass(frozen=True)
class RecallWindows:
    """Table `survey_windows`: which group's rows look back, how many days, and at which metrics."""

    of: str
    days: int
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """One column of a table that people read."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Contracts:
    """All that `schemas/` says."""

    root: Path
    sources: tuple[SourceContract, ...]
    metrics: tuple[DailyMetric, ...]
    relations: tuple[Relation, ...]
    groups: tuple[WeeklyGroup, ...]
    derived: tuple[Derived, ...]
    fingerprint: str = field(default="", compare=False)
    source_rules: Mapping[str, SourceRules] = field(default_factory=dict)
    #: Country whose public holidays are free days, besides Saturday and Sunday; none without it.
    holidays: str | None = None
    windows: RecallWindows | None = None
    #: Claims between columns of `weekly_metrics`; `relations` holds those of `daily_metrics`.
    weekly_relations: tuple[Relation, ...] = ()
    ordered: Ordered | None = None
    quality: Quality = field(default_factory=Quality)
    #: Units by the way vendors write them.
    units: Mapping[str, Unit] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> Mapping[str, SourceContract]:
        """Source contracts by `<source>_<record>`."""
        return {c.name: c for c in self.sources}

    @cached_property
    def metric(self) -> Mapping[str, DailyMetric]:
        """Daily metrics by name."""
        return {m.name: m for m in self.metrics}

    @cached_property
    def group_metrics(self) -> Mapping[str, tuple[DailyMetric, ...]]:
        """Daily metrics by group, in column order."""
        groups: dict[str, list[DailyMetric]] = {}
        for metric in self.metrics:
            groups.setdefault(metric.group, []).append(metric)
        return {name: tuple(members) for name, members in groups.items()}

    def for_path(self, folder: str) -> SourceContract | None:
        """The contract of a raw folder such as `raw/garmin/sleeps`, or None."""
        return self._paths.get(folder)

    def for_envelope(self, source: str, key: str) -> SourceContract | None:
        """The contract of an envelope key of that source, or None."""
        return self._envelopes.get((source, key))

    def sharing(self, contract: SourceContract) -> tuple[SourceContract, ...]:
        """Contracts with `only` that take some of the records found at a place of this contract."""
        return self._sharing.get(contract.name, ())

    @cached_property
    def _sharing(self) -> Mapping[str, tuple[SourceContract, ...]]:
        picky = [c for c in self.sources if c.only_path]
        return {
            c.name: shares
            for c in self.sources
            if not c.only_path
            and (
                shares := tuple(
                    p for p in picky if p.source == c.source and set(p.envelope_keys) & set(c.envelope_keys)
                )
            )
        }

    @cached_property
    def _paths(self) -> Mapping[str, SourceContract]:
        return {path: c for c in self.sources if not c.only_path for path in c.paths}

    @cached_property
    def _envelopes(self) -> Mapping[tuple[str, str], SourceContract]:
        return {(c.source, key): c for c in self.sources if not c.only_path for key in c.envelope_keys}
