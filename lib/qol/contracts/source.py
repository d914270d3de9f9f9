"""One record type of one source: schemas/sources/<source>/<record>.yaml."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

import polars as pl
import pydantic
from annotated_types import Ge, Interval
from pydantic import BeforeValidator, Discriminator, StringConstraints, Tag

from qol.contracts import language as lang
from qol.contracts.code_words import bare
from qol.contracts.collect import RecordCollect
from qol.contracts.example import Example
from qol.contracts.fields import Field
from qol.contracts.many_records import Deletes, Episodes, Overlaps, Split, Stages
from qol.contracts.quality import RecordQuality
from qol.contracts.ranges_by import TimeField

Over = Literal["sum", "mean", "median", "min", "max", "first", "last", "count"]

DeclaredField = Annotated[lang.Name, lang.Refers("a declared field of one value")]


class Only(lang.Model):
    """Several contracts may share a raw folder and envelope keys. This one takes the records that have one of the values at the path; the one contract without `only` takes the rest. Without such a contract, all other records are rejected as unknown_record. With `anywhere` it takes such records from every place of the source."""

    path: lang.RawPath
    """Dotted place in the raw record."""
    values: Annotated[lang.Texts, pydantic.Field(min_length=1)]
    """Texts that may stand there."""
    anywhere: lang.Flag = False
    """Such records are this type's in every folder and envelope of the source, even where its rules take them for pings."""


class Spacing(lang.Model):
    """Records that come together in one list of a delivery, such as hourly sums, tell by their spacing how long each lasts. A field whose path is `_spacing` has the seconds from a record to the next one of its list, but no more than the median of the list; it is null for a record that is alone."""

    of: TimeField
    """epoch_seconds or instant field that is spaced."""
    by: lang.RawPath
    """Dotted place in the raw record; records with different values there, such as devices, are spaced apart."""


class DayRule(lang.Model):
    """How the local day is found: the date field, else start plus offset, else the person's zone, else the arrival day."""

    date: lang.Maybe[Annotated[lang.Name, lang.Refers("a field of type date")]] = None
    """A date field with the provider's own day."""
    start: lang.Maybe[TimeField] = None
    """An epoch_seconds or instant field."""
    offset: lang.Maybe[Annotated[lang.Name, lang.Refers("a field of type integer or utc_offset")]] = None
    """An integer or utc_offset field with local time minus UTC, in seconds."""
    zone: lang.Maybe[Annotated[lang.Name, lang.Refers("a field of type time_zone")]] = None
    """A time_zone field; asked when there is no offset, before the person's own zone."""
    shift_hours: Annotated[lang.Number, Interval(ge=-12, le=12)] = 0.0
    """Added to the local time before its date is taken: 6 puts what begins after 18:00 on the next day."""
    utc_midnight: lang.Flag = False
    """A start at exactly 00:00:00 UTC was entered as a date: that UTC date is the day (`provider`), whatever the offset."""


class Part(lang.Model):
    """A daily metric that is made of all records of a day."""

    value: lang.Sql
    """SQL of one record's part."""
    over: Over
    """How the parts of the day's records become one value; first and last by source_timestamp, then by the end that `overlaps` or `episodes` names."""
    where: lang.Maybe[lang.Sql] = None
    """SQL that is true for the records that count for this metric."""
    each: lang.Maybe[lang.Sql] = None
    """With mean: SQL of what is averaged first, such as the hour of the record; the day is the mean of these means, so that dense records do not outweigh others."""


class Helper(lang.Model):
    """A value computed of a record's columns. With a range it is null outside it, and the record has an issue `derived.<name>: <value> out_of_range`."""

    value: lang.Sql
    """SQL over fields, record columns and earlier helpers."""
    unit: lang.Maybe[lang.Text] = None
    """Unit of the value."""
    range: lang.Maybe[lang.Range] = None
    """Lowest and highest plausible value. Only where the value is made of fields, parameters and helpers of such."""

    @property
    def sql(self) -> str:
        """The value, null outside the range."""
        if self.range is None:
            return self.value
        return f"CASE WHEN ({self.value}) BETWEEN {self.range[0]!r} AND {self.range[1]!r} THEN ({self.value}) END"


class Parameter(lang.Model):
    """A number that a study may choose otherwise."""

    name: lang.Key
    value: lang.Number
    """The number that expressions of this contract read under the parameter's name."""
    description: lang.Text
    """What it decides, and which other values are in use elsewhere."""


class Wear(lang.Model):
    """When a day counts as worn."""

    minutes: lang.Maybe[lang.Sql] = None
    """SQL for the minutes worn; null means not known."""
    at_most: lang.Maybe[lang.Sql] = None
    """SQL for the most minutes the device can have been worn."""
    limit_minutes: Annotated[lang.Number, Interval(ge=0, le=1440)]
    """Below this the day is not worn."""


#: What one entry of `derived` may be: SQL alone is its value.
DerivedValue = Annotated[
    Helper,
    BeforeValidator(
        lambda value: {"value": value} if isinstance(value, str | int | float) else value,
        json_schema_input_type=lang.Sql | Helper,
    ),
]
#: What one entry of `daily` may be.
DailyValue = Annotated[
    Annotated[lang.Sql, Tag(lang.UNION_TAGS[0])] | Annotated[Part, Tag(lang.UNION_TAGS[1])],
    Discriminator(lambda value: lang.UNION_TAGS[isinstance(value, dict | Part)]),
]


class SourceContract(lang.Model):
    """One record type of one source: schemas/sources/<source>/<record>.yaml."""

    file: lang.Key
    source: lang.Token
    """The vendor; the same as the folder."""
    record: lang.Token
    """The record type; the same as the file name."""
    description: lang.Text
    """What one record is, and what its sender does with it."""
    priority: Annotated[lang.Whole, Ge(0)] = 100
    """Of several contracts of one source that fill the same daily metric, the lowest number wins; ties by name. What main episodes give comes whole from the first contract that has one of the day."""
    paths: lang.Some[Annotated[str, StringConstraints(pattern="^raw(/[A-Za-z0-9_.-]+)+$")]] = pydantic.Field(
        default_factory=lambda data: (f"raw/{data.get('source')}/{data.get('record')}",)
    )
    """Raw folders that hold bare records of this type; by default raw/<source>/<record>."""
    envelope_keys: lang.Each[lang.Text] = pydantic.Field(default_factory=lambda data: (data.get("record"),))
    """Keys of a push envelope that hold records of this type; by default the record's name."""
    only: lang.Maybe[Only] = None
    person: Annotated[tuple[lang.Text, ...], pydantic.Field(min_length=1)]
    """Keys on the way to the vendor's person id in the raw record, outermost first."""
    drop: lang.Each[lang.Text] = ()
    """Raw keys that are never stored or hashed, such as tokens."""
    allow: lang.Maybe[Annotated[lang.Name, lang.Refers("a code field with known")]] = None
    """Only records that have no code here, or one that the field's `known` lists, are read. All others may be of a special category, such as a diagnosis, a cycle or a mood: they are counted as control, in no table and in no quarantine."""
    key: lang.Some[DeclaredField]
    """Fields that, with the person, name one thing measured; a record without one is rejected, but an absent code or flag is a value of its own."""
    key_without: lang.Each[DeclaredField] = ()
    """Fields that name the thing where a record lacks a field of `key`, such as start and kind where there is no id; of these only times, days and numbers must be there."""
    version: lang.Each[DeclaredField] = ()
    """Fields that order two records of one key before the time received does; the larger wins. Where an instant is null the time received stands in for it; any other null loses."""
    document: lang.Maybe[Annotated[lang.Name, lang.Refers("a field of type document_id")]] = None
    """The field with the vendor's id of the document, where `key` is the document's day instead: of a person's records with one id only the best version counts in daily, whatever day it was moved to. The others stay stored."""
    growing: lang.Each[DeclaredField] = ()
    """Fields that grow while a thing is still being measured. Of two records of one key, version and receipt the one with the larger first of them wins, then the next field, then all other columns; null loses. Deliveries without `_received_at` all tie within their arrival day."""
    day: DayRule = DayRule()
    source_timestamp: lang.Maybe[TimeField] = None
    """The epoch_seconds or instant field that becomes source_timestamp."""
    slot: lang.Some[Annotated[lang.Name, lang.Refers("a key field")]] = ()
    """Key fields that name a slot which a delivery replaces as a whole: of all records of a person's slot only those received last stay."""
    spacing: lang.Maybe[Spacing] = None
    deletes: lang.Maybe[Deletes] = None
    collect: lang.Maybe[RecordCollect] = None
    """How `qol collect` asks for records of this type, where that differs from the source's rules; false where it does not ask for them."""
    parameters: lang.Entries[Parameter] = ()
    """Numbers a study may choose otherwise; expressions read them by name."""
    fields: lang.SomeEntries[Field]
    """Columns of the record table, in order."""
    helpers: dict[lang.Name, DerivedValue] = pydantic.Field(default_factory=dict, validation_alias="derived")
    """Helper columns for `daily`, in order; SQL over fields, record columns and earlier helpers, or `{value: SQL, unit: …, range: [low, high]}`. Not stored."""
    same: lang.Each[DeclaredField] = ()
    """Fields in which two records of a person that are the same reading under two ids are equal; of such records only the one with the highest version counts, then the first by key. The others stay stored."""
    split: lang.Maybe[Split] = None
    overlaps: lang.Maybe[Overlaps] = None
    stages: lang.Maybe[Stages] = None
    metrics: dict[lang.Name, DailyValue] = pydantic.Field(default_factory=dict, validation_alias="daily")
    """Daily metrics this record gives; SQL over fields, record columns and helpers, of the day's best record, or `over` all records of the day. `where` keeps only the rows for which it is true."""
    best: lang.Some[Annotated[lang.Name, lang.Refers("a number of the record")]] = ()
    """Which of a day's records gives the metrics that are not `over` all of them: the one with the highest of these fields or helpers, asked in this order, null lowest; then the order of versions. Not with `episodes`."""
    episodes: lang.Maybe[Episodes] = None
    wear: lang.Maybe[Wear] = None
    quality: RecordQuality = RecordQuality()
    examples: Annotated[tuple[Example, ...], pydantic.Field(min_length=1)]
    """Raw lines with their verdicts; every one is a test."""

    def model_post_init(self, _: Any) -> None:
        """Tell the field with the stage which codes the stages read, and fields with known codes those that have ranges."""
        for rule in filter(None, (field.ranges_by for field in self.fields)):
            field = self.by_name.get(rule.field)
            if field and field.known:
                vars(field).update(known=frozenset({*field.known, *map(bare, rule.ranges)}))
        stage = self.by_name.get(self.stages.stage) if self.stages else None
        if self.stages and stage and not stage.classes:
            vars(stage).update(staged=frozenset(self.stages.by_code))

    def allows(self, raw: Any) -> bool:
        """Whether a raw record is of no kind that `allow` keeps out."""
        return self.allow is None or self.by_name[self.allow].is_known(raw)

    @property
    def name(self) -> str:
        """`<source>_<record>`, the name of its table under processed/records."""
        return f"{self.source}_{self.record}"

    @property
    def shares_places(self) -> bool:
        """Whether all other records of its places are another contract's."""
        return self.only is not None and not self.only.anywhere

    @property
    def takes_anywhere(self) -> bool:
        """Whether it takes its records from every place of the source."""
        return self.only is not None and self.only.anywhere

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Declared fields by column name."""
        return {f.name: f for f in self.fields}

    @cached_property
    def derived(self) -> Mapping[str, str]:
        """SQL of the helper columns, null outside their ranges."""
        return {name: helper.sql for name, helper in self.helpers.items()}

    @cached_property
    def own_helpers(self) -> tuple[str, ...]:
        """Helpers that a record's fields and the parameters are enough for."""
        known = {*self.by_name, *(parameter.name for parameter in self.parameters)}
        for name, helper in self.helpers.items():
            if known.issuperset(pl.sql_expr(helper.value).meta.root_names()):
                known.add(name)
        return tuple(name for name in self.helpers if name in known)

    @property
    def parameter_columns(self) -> list[pl.Expr]:
        """The parameters as columns; integers stay integers, and so do expressions over them."""
        types = {p.name: pl.Int64() if isinstance(p.value, int) else pl.Float64() for p in self.parameters}
        return [pl.lit(p.value, types[p.name]).alias(p.name) for p in self.parameters]

    @cached_property
    def daily(self) -> Mapping[str, str]:
        """SQL of the metrics that the day's best record gives, and of `where`."""
        return {name: sql for name, sql in self.metrics.items() if isinstance(sql, str)}

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """The metrics that are made of all records of a day."""
        return {name: part for name, part in self.metrics.items() if isinstance(part, Part)}

    @property
    def end(self) -> str | None:
        """The column with the end of what a record describes, where the contract says which that is."""
        rule = self.episodes or self.overlaps
        return None if rule is None else rule.end

    @property
    def tells_days(self) -> bool:
        """Whether a record is about a day, not only of the day on which it arrived, as a deletion or a ring's settings are."""
        return bool(self.day.date or self.day.start or self.gives)

    @cached_property
    def gives(self) -> Mapping[str, tuple[str, ...]]:
        """Daily metrics that records of this type give, each with the SQL expressions it is made of."""
        best = {name: (sql,) for name, sql in self.daily.items() if name != "where"}
        return best | {
            name: tuple(sql for sql in (part.value, part.where, part.each) if sql is not None)
            for name, part in self.parts.items()
        }
