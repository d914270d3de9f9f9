"""One declared column of a record: where it stands in the raw record and what may stand there.

These are read for every value of every record, so they are dataclasses: an attribute of a BaseModel takes twice the time.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Annotated, Any, ClassVar, Literal, Self

import pydantic
from annotated_types import Gt, Lt
from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from qol.contracts import language as lang
from qol.contracts.code_words import WordClasses, bare
from qol.contracts.ranges_by import RangesBy, TimeField
from qol.contracts.raw_values import safe_get
from qol.contracts.record_columns import TAKEN

FieldType = Literal[
    "integer", "number", "decimal", "boolean", "code", "document_id", "date", "epoch_seconds", "instant", "utc_offset",
    "time_zone", "intervals",
]  # fmt: skip
Reduce = Literal["count", "mean", "min", "max", "sum", "last", "minutes", "intervals"]
MOMENTS = ("epoch_seconds", "instant")
NUMERIC = ("integer", "number", "decimal", *MOMENTS)

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
#: Words that belong to some types only.
_ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "sentinels": NUMERIC,
    "range": NUMERIC,
    "uppercase": ("code",),
    "join_words": ("code",),
    "classes": ("code",),
    "known": ("code",),
    "namespace": ("document_id",),
    "of_other": ("document_id",),
    "joined_with": ("document_id",),
    "at": ("utc_offset",),
}
_SAMPLE_TYPES: Mapping[str, tuple[str, ...]] = {
    "min": ("integer", "number", *MOMENTS),
    "max": ("integer", "number", *MOMENTS),
    "count": ("integer",),
    "mean": ("number",),
    "minutes": ("number",),
    "intervals": ("intervals",),
}


def _up_to(band: tuple[float, float]) -> tuple[float, float]:
    if band[0] > band[1]:
        raise lang.refusal("[low, high] with low <= high")
    return band


@dataclass(frozen=True, kw_only=True, config=lang.CLOSED)
class Limited:
    """What may have a lowest and a highest plausible value."""

    range: lang.Maybe[lang.Range] = None
    """Lowest and highest plausible value."""
    #: Of the range. A class variable, which each instance has for itself, is no word of a file.
    low: ClassVar[float | None]
    high: ClassVar[float | None]

    def __post_init__(self) -> None:
        low, high = self.range or (None, None)
        vars(self).update(low=low, high=high)

    def changed(self, **values: Any) -> Self:
        """A copy with other values, which are not checked."""
        copied = copy(self)
        vars(copied).update(values)
        copied.__post_init__()
        return copied


@dataclass(frozen=True, kw_only=True, config=lang.CLOSED)
class OnlyStructs:
    """Of a list of structs, such as `[{stage, start, end}]`, only those with one of the values at the path are read."""

    path: lang.RawPath
    """Dotted place in a struct."""
    values: Annotated[lang.Texts, pydantic.Field(min_length=1)]
    """Texts that may stand there; a whole number is written as a text."""


@dataclass(frozen=True, kw_only=True, config=lang.CLOSED)
class SampleRule(Limited):
    """How a map or list of samples becomes one value; the samples are not stored."""

    reduce: Reduce
    """last: of the largest numeric map key; minutes: samples within `within`, times seconds_each, over 60, or what structs with `start` and `end` cover; intervals: stretches of time as pairs of whole minutes after the day's local midnight, touching ones joined, from structs with `start` and `end`, or from a text of one character per seconds_each."""
    range: lang.Maybe[lang.Range] = None
    """Samples outside it are left out."""
    states_low: lang.Maybe[Annotated[lang.Number, Lt(0)]] = pydantic.Field(default=None, validation_alias="states")
    """Lowest legal negative state code; from it to -1 a sample is a state, not a value."""
    within: lang.Maybe[Annotated[tuple[lang.Number, lang.Number], AfterValidator(_up_to)]] = None
    """The band that `minutes` counts."""
    seconds_each: Annotated[lang.Number, Gt(0)] = 0.0
    """Seconds one sample stands for."""
    of: lang.Maybe[lang.Text] = None
    """Samples are structs; the number under this key is meant, in any list below."""
    keys: lang.Some[lang.Text] = ()
    """Only these keys of the map are read; by default all. A list has no keys and is of the wrong type then: `only` chooses from it."""
    only: lang.Maybe[OnlyStructs] = None
    start: lang.Maybe[lang.Text] = None
    """minutes and intervals of structs: the key of a stretch's start, Unix time or a time with its offset."""
    end: lang.Maybe[lang.Text] = None
    """minutes and intervals of structs: the key of a stretch's end, Unix time or a time with its offset."""
    characters: lang.Maybe[lang.Text] = None
    """intervals of a text: the characters that count."""
    start_field: lang.Maybe[TimeField] = pydantic.Field(default=None, validation_alias="from")
    """intervals of a text: the field with the time of its first character, Unix time."""

    def mistakes(self) -> Iterator[lang.Mistake]:
        """Words that do not go with `reduce`."""
        if self.reduce == "intervals":
            yield from self._intervals()
        elif self.reduce == "minutes" and (self.start or self.end):
            yield from self._stretches()
        else:
            yield from self._numbers()
        if self.only is not None and not (self.of or self.start):
            yield lang.Mistake("samples.only", self.reduce, "only with structs, which have of, or start and end")

    def _numbers(self) -> Iterator[lang.Mistake]:
        if {self.within is not None, self.seconds_each > 0} != {self.reduce == "minutes"}:
            allowed = "within and seconds_each with minutes, and only there; minutes of structs have start and end"
            yield lang.Mistake("samples", self.reduce, allowed)
        if self.start or self.end or self.characters or self.start_field:
            allowed = "start and end with intervals or minutes, characters and from with intervals, and only there"
            yield lang.Mistake("samples", self.reduce, allowed)

    def _intervals(self) -> Iterator[lang.Mistake]:
        of_structs = self.start is not None and self.end is not None
        of_text = self.characters is not None and self.start_field is not None and self.seconds_each > 0
        rest = (self.characters, self.start_field) if of_structs else (self.start, self.end, *self.keys)
        if of_structs == of_text or any(rest):
            allowed = "either start and end of structs, or characters, seconds_each and from of a text"
            yield lang.Mistake("samples", self.reduce, allowed)
        yield from self._no_numbers()

    def _stretches(self) -> Iterator[lang.Mistake]:
        if not (self.start and self.end) or self.characters or self.start_field or self.seconds_each:
            allowed = "either start and end of structs, or within and seconds_each"
            yield lang.Mistake("samples", self.reduce, allowed)
        yield from self._no_numbers()

    def _no_numbers(self) -> Iterator[lang.Mistake]:
        if self.of or self.range or self.states_low is not None or self.within:
            yield lang.Mistake("samples", self.reduce, "no of, range, states or within: stretches are no numbers")


@dataclass(frozen=True, kw_only=True, config=lang.CLOSED)
class Field(Limited):
    """One declared column of a record."""

    name: lang.Key
    paths: lang.RawPaths = pydantic.Field(validation_alias="path")
    """Dotted place in the raw record, or a list of aliases; the first that is present counts. `name[key=value]` takes the element of a list whose key has that value, `name[0]` the first, `name[-1]` the last."""
    type: FieldType
    """code: a text of `known` or `classes`, or one of the vendor's own vocabulary: words of at most 24 letters, not more than two digits; document_id: stored as a keyed hash only; epoch_seconds: Unix time, milliseconds are recognised; instant: an ISO 8601 time with its offset, stored as Unix time; utc_offset: the offset written in such a time, or in a text such as +09:00, in seconds; time_zone: an IANA name; decimal: exact, decimal(38,18); intervals: pairs of minutes, from samples reduced to intervals."""
    description: lang.Text
    """What the column says; becomes the column comment in Athena."""
    unit: lang.Maybe[lang.Text] = None
    """Unit of the stored value."""
    range: lang.Maybe[lang.Range] = None
    """Lowest and highest plausible value; outside it the value becomes null with an issue."""
    sentinels: lang.Some[lang.Number] = ()
    """Numbers with which the vendor says 'no value'."""
    namespace: lang.Maybe[lang.Token] = None
    """For document_id: record types of a source that name one give an id one hash, so that records of different types can refer to each other; by default the record type."""
    of_other: lang.Maybe[lang.Name] = None
    """For document_id: stored only where this code field, declared before, is OTHER, to tell the texts behind that apart."""
    joined_with: lang.Maybe[lang.RawPath] = None
    """For document_id: another place whose id, where there is one, is hashed together with the value, such as an app's bundle beside its name."""
    uppercase: lang.Flag = False
    """Codes are stored in upper case."""
    join_words: lang.Flag = False
    """For codes: blanks between words are stored as `_`, so that a vendor's name of several words is a code. Only with `known`, or for the stage that the contract's stages read: any other text could be typed by a person."""
    decimals: lang.Maybe[lang.Decimals] = None
    """Decimals of what samples are reduced to; a value that the vendor sends is stored as it is."""
    classes: WordClasses = pydantic.Field(default_factory=WordClasses)
    """For codes: the text itself is not stored, but the first class one of whose words stands in it as a whole word, upper or lower case, the longer of two words at one place; a number only where it is the whole text. OTHER where none does; null for an empty text."""
    closed: lang.Flag = False
    """For classes: a text with no word of any class is an issue (`unknown_code`) beside being OTHER."""
    known: Annotated[lang.Some[lang.Text], AfterValidator(lambda codes: frozenset(map(bare, codes)))] = ()
    """For codes: the only texts that are stored, as they were sent but with `_` for all that no code has; upper or lower case, and all but letters and digits, do not matter; those that `ranges_by` lists for this field are known as well. Any other text is OTHER, with an issue (`unknown_code`)."""
    at: lang.Some[TimeField] = ()
    """For utc_offset: the fields with the time it is of, the first known counts. Where the record writes no offset for it, it is that of the record's zone at that time, as long as the zone has the offset that the record's day is found with; else that offset."""
    may_be_absent: lang.Flag = False
    """As a key field: a record without it is kept, as one without a code or a flag is."""
    units: lang.RepeatedPaths = ()
    """Place of the value's unit in the raw record, or one for each path; the value is converted with schemas/units.yaml, an unknown unit makes it null with an issue."""
    unit_may_be_missing: lang.Flag = False
    """A value with `units` but without any unit beside it is in the unit that is stored; else it is null with an issue."""
    ranges_by: lang.Maybe[RangesBy] = None
    #: Codes that the contract's stages read, as `plain_code` has them; any other is OTHER, with an issue. Set by the contract.
    staged: ClassVar[frozenset[str]] = frozenset()
    samples: lang.Maybe[SampleRule] = None

    def place_of_unit(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """Where the unit of the value at a path stands."""
        return self.units[self.paths.index(path) if len(self.units) > 1 else 0]

    def is_known(self, raw: object) -> bool:
        """Whether a raw record has no value for the field, or a code that `known` lists."""
        value = next((found for path in self.paths if (found := safe_get(raw, path)) is not None), None)
        return value is None or (isinstance(value, str | int) and bare(str(value)) in self.known)

    @property
    def column_type(self) -> str:
        """The column's type in Athena."""
        return _COLUMN_TYPES.get(self.type, "string")

    @property
    def meaning(self) -> str:
        """What the column holds; of a vendor's id, what stands in its place."""
        hashed = " Stored as a keyed hash, never as it was sent." if self.type == "document_id" else ""
        return self.description + hashed

    def mistakes(self) -> Iterator[lang.Mistake]:
        """Words that do not go together."""
        if self.name in TAKEN:
            yield lang.Mistake("", self.name, "a name that no column of every record has, and that no step works with")
        for word, types in _ONLY_FOR.items():
            if getattr(self, word) and self.type not in types:
                yield lang.Mistake(word, self.type, f"{word} only for {', '.join(types)}")
        if self.closed and not self.classes:
            yield lang.Mistake("closed", self.closed, "closed only with classes")
        if self.units and (self.type not in ("integer", "number") or self.samples):
            yield lang.Mistake("units", self.type, "units only for an integer or number that is no sample")
        if len(self.units) not in (0, 1, len(self.paths)):
            yield lang.Mistake("units", len(self.units), "one place, or one for each path")
        if self.unit_may_be_missing and not self.units:
            yield lang.Mistake("unit_may_be_missing", self.unit_may_be_missing, "only with units")
        if self.ranges_by is not None and (self.type not in NUMERIC or self.samples or self.range):
            yield lang.Mistake("ranges_by", self.type, f"only for {', '.join(NUMERIC)}, without samples and range")
        if self.decimals is not None and (self.samples is None or self.type not in NUMERIC or self.type in MOMENTS):
            yield lang.Mistake("decimals", self.decimals, "decimals only for numbers that samples are reduced to")
        yield from self._samples()

    def _samples(self) -> Iterator[lang.Mistake]:
        if self.samples is None:
            if self.type == "intervals":
                yield lang.Mistake("samples", None, "samples reduced to intervals")
            return
        yield from self.samples.mistakes()
        fitting = _SAMPLE_TYPES.get(self.samples.reduce, ("integer", "number"))
        if self.type not in fitting:
            allowed = f"{' or '.join(fitting)} for samples reduced to {self.samples.reduce}"
            yield lang.Mistake("type", self.type, allowed)
