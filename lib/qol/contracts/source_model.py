"""What the contract of a record type says, resolved and frozen: later rooms look nothing up twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from qol.contracts.quality import RecordQuality

FieldType = Literal[
    "integer", "number", "decimal", "boolean", "code", "document_id", "date", "epoch_seconds", "instant", "utc_offset",
    "time_zone", "intervals",
]  # fmt: skip
Reduce = Literal["count", "mean", "min", "max", "sum", "last", "minutes", "intervals"]
Over = Literal["sum", "mean", "median", "min", "max", "first", "last", "count"]

_COLUMN_TYPES: Mapping[str, str] = {
    "integer": "bigint",
    "epoch_seconds": "bigint",
    "instant": "bigint",
    "utc_offset": "bigint",
    "decimal": "decimal(38,18)",
    "intervals": "array<int>",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
}


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
    #: For codes: blanks between words become `_`, so that a vendor's name of several words is one.
    join_words: bool = False
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
        return _COLUMN_TYPES.get(self.type, "string")


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
    #: SQL of what is joined first, such as the hour; a mean of means.
    each: str | None = None


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
    #: Columns whose highest values tell which of a day's records is the best, before the order of versions does.
    best: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    slot: tuple[str, ...] = ()
    deletes: Deletes | None = None
    overlaps: Overlaps | None = None
    stages: Stages | None = None
    #: Raw path and the texts there that make a record one of this contract, where several share a place.
    only_path: tuple[str, ...] = ()
    only_values: frozenset[str] = frozenset()
    #: Such records are this contract's wherever they lie among those of the source; its own places it shares with none.
    anywhere: bool = False
    quality: RecordQuality = field(default_factory=RecordQuality)

    @property
    def name(self) -> str:
        """`<source>_<record>`, the name of its table under processed/records."""
        return f"{self.source}_{self.record}"

    @property
    def shares_places(self) -> bool:
        """Whether all other records of its places are another contract's."""
        return bool(self.only_path) and not self.anywhere

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Declared fields by column name."""
        return {f.name: f for f in self.fields}

    @property
    def end(self) -> str | None:
        """The column with the end of what a record describes, where the contract says which that is."""
        rule = self.episodes or self.overlaps
        return None if rule is None else rule.end

    @cached_property
    def gives(self) -> Mapping[str, tuple[str, ...]]:
        """Daily metrics that records of this type give, each with the SQL expressions it is made of."""
        best = {name: (sql,) for name, sql in self.daily.items() if name != "where"}
        return best | {
            name: tuple(sql for sql in (part.value, part.where, part.each) if sql is not None)
            for name, part in self.parts.items()
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
