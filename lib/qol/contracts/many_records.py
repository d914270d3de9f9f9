"""What records of a person do to each other: deletions, overlapping devices, sleep stages, episodes of a day."""

from collections.abc import Mapping
from typing import Annotated, Literal

from annotated_types import Ge, Gt
from pydantic import Field

from qol.contracts import language as lang
from qol.contracts.code_words import plain_code
from qol.contracts.ranges_by import TimeField

Stage = Literal["deep", "light", "rem", "asleep", "awake", "in_bed"]

TimeColumn = Annotated[lang.Name, lang.Refers("a time field or helper")]
CodeColumn = Annotated[lang.Name, lang.Refers("a code field or helper")]
DocumentId = Annotated[lang.Name, lang.Refers("a field of type document_id")]
OffsetField = Annotated[lang.Name, lang.Refers("a field of type integer or utc_offset")]
OwnMetric = Annotated[lang.Name, lang.Refers("a daily metric of this contract")]


class Deletes(lang.Model):
    """Records of this type say that records of other types of the same source and person are deleted; applied in daily at every run, the other records stay stored."""

    records: lang.Some[lang.Token]
    """The other record types of this source."""
    field: lang.Name
    """The other types' document_id field; its namespace is that of `by`."""
    by: DocumentId
    """This type's document_id field that names the deleted record."""


class Split(lang.Model):
    """Quantities of a record that lasts over local midnight are shared between the local days in proportion to time, as the vendor's own daily totals are. Each day gets a piece: the record with the day, the start, the end and the share of `values` that are its own. Pieces are what `overlaps` and `daily` work with; the record table keeps the record whole. Only the week it begins in gets pieces, and the next one if it begins on one of the last three days of its week. A record that lasts longer than 31 days stays whole, on the day it begins."""

    start: TimeField
    """epoch_seconds or instant field with the start."""
    end: Annotated[lang.Name, lang.Refers("a time field or helper")]
    """Field or helper with the end, Unix time."""
    values: lang.Some[Annotated[lang.Name, lang.Refers("a field of type number")]]
    """Number fields that are shared out."""
    where: lang.Maybe[lang.Sql] = None
    """SQL that is true for records whose values are quantities of their time, such as steps; means, highest and lowest values are not, they stay with the day their record begins on."""


class Overlaps(lang.Model):
    """Records of several devices that measured the same time count once: best device first, a record keeps the share of its time that no better device has."""

    start: TimeColumn
    """Field or helper with the start, Unix time."""
    end: TimeColumn
    """Field or helper with the end, Unix time."""
    kind: lang.Maybe[CodeColumn] = None
    """Code field or helper; only records of the same kind can measure the same thing."""
    by: CodeColumn
    """Code field or helper that names the device or its class."""
    device: lang.Maybe[DocumentId] = None
    """Field that names the device or app itself; of one class no two share a time, the first by this field has it."""
    order: lang.Some[lang.Text]
    """Codes of `by`, the most believed first; any other code comes after them, by name."""
    share: lang.Name
    """Name of the helper column that holds the share kept, 0 to 1; an instant keeps 1 unless a better device's record of the same instant is there."""
    totals: lang.Maybe[Annotated[lang.Name, lang.Refers("a numeric field or helper")]] = None
    """Records of whole local hours and days are totals, and this is the total; null for a record that is a mean, a highest or a lowest value. One record of an hour or day counts: that of the best device, then the one received last, whatever the offset it was told with. Finer records of a device that is not worse come before it: it keeps what its total has beyond theirs, and unless they are of its device and were not received after it, at most the time that they leave. Finer records of a worse device do not count. Below an hour, of one device and start the record received last counts."""


class Stages(lang.Model):
    """Records that are single stages of a sleep become sessions of one device and ISO week, each of the day of the sample that began last (cut between days where stages go on for more than 24 hours): one row per session with `session_start_seconds`, `session_end_seconds`, `utc_offset_seconds` at its start and `session_end_offset_seconds` at its end, `<stage>_seconds` for each of `values` (null without a record of it), `asleep_seconds_total` and `asleep_intervals` (the union of deep, light, rem and asleep), `session_rank` (the code of `by`) and `session_device`, which `daily` and `episodes` then read."""

    start: TimeColumn
    """Field or helper with the start, Unix time."""
    end: TimeColumn
    """Field or helper with the end, Unix time."""
    stage: CodeColumn
    """Code field or helper that names the stage."""
    by: CodeColumn
    """Code field or helper that names the device or its class; sessions never mix classes."""
    device: lang.Maybe[DocumentId] = None
    """Field that names the device or app itself; sessions never mix devices."""
    start_offset: lang.Maybe[OffsetField] = None
    """Field with local time minus UTC at the start; by default, and where it is null, the offset of the record's day."""
    end_offset: lang.Maybe[OffsetField] = None
    """Field with local time minus UTC at the end, likewise."""
    order: lang.Some[lang.Text]
    """Codes of `by`, the most believed first; becomes `session_rank`, a code field for `episodes`."""
    gap_minutes: Annotated[lang.Number, Gt(0)]
    """A longer time without any stage begins a new session."""
    joined: lang.Flag = False
    """Records without a stage are sleeps that their sender has joined: they stay beside the sessions, with their own columns and `session_rank`, and all expressions are over both. A field may then have the name of a session's `<stage>_seconds`."""
    values: lang.Filled[Stage, lang.Some[lang.Text]]
    """Codes of `stage` per canonical stage, whatever their case and without regard to `_` and blanks; time is the union of a stage's records, and codes not listed are ignored."""

    @property
    def by_code(self) -> Mapping[str, Stage]:
        """Stages by their codes, as `plain_code` has them."""
        return {plain_code(code): stage for stage, codes in self.values.items() for code in codes}

    @property
    def columns(self) -> Mapping[str, str]:
        """What a session has beside the columns of every record, with the type of each."""
        times = ("session_start_seconds", "session_end_seconds", "session_end_offset_seconds", "asleep_seconds_total")
        seconds = (*times, *(f"{stage}_seconds" for stage in self.values))
        texts = ("session_rank", "session_device")
        return {**dict.fromkeys(seconds, "bigint"), "asleep_intervals": "array<int>", **dict.fromkeys(texts, "string")}


class Rank(lang.Model):
    """Which of two overlapping records is believed."""

    field: Annotated[lang.Name, lang.Refers("a code field or helper, or that of a session")]
    """A code field or helper."""
    tiers: Annotated[tuple[lang.Some[lang.Text], ...], Field(min_length=1)]
    """Codes by trust, worst tier first."""
    unlisted: Annotated[lang.Whole, Ge(0)]
    """Tier of every other code, counted from 0."""


class Episodes(lang.Model):
    """Records that describe overlapping stretches of one day become one main episode."""

    start: Annotated[lang.Name, lang.Refers("a numeric field or helper")]
    """Field or helper with the start, Unix time."""
    end: Annotated[lang.Name, lang.Refers("a numeric field or helper")]
    """Field or helper with the end, Unix time."""
    rank: Rank
    main: OwnMetric
    """Daily metric of this contract; the episode with the most of it is the day's main one."""
    rest_to: lang.Maybe[OwnMetric] = None
    """Daily metric of this contract, in the unit of `main`, to which `main` of the day's other episodes is added."""
