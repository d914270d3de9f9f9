"""Columns of clean lines: texts and samples to values, whole columns where the format is usual, else one by one."""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from qol.contracts.fields import Field
from qol.ingest.convert import IssueError, convert
from qol.ingest.decoder_types import attribute_name
from qol.ingest.sample_reduction import reduce_samples
from qol.ingest.times import MAX_UTC_OFFSET, MIN_UTC_OFFSET, parse_instant

#: A value that is not clean; its line goes to the record reader.
UNCLEAN = -(2**62)
#: The same for texts, which are never empty when they are clean.
UNCLEAN_TEXT = ""
#: The same for intervals, which come in pairs.
UNCLEAN_INTERVALS = [0]
MAX_CACHED_TEXTS = 100_000
#: A time with its offset as receivers stamp it and vendors write it; a leap second is not a time to Python and not one here.
USUAL_TIME = r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{1,6})?(Z| ?[+-](0[0-9]|1[0-4]):?[0-5][0-9])$"

Column = Sequence[Any] | pl.Series

#: Polars type of each field type's column; days and times as integers.
COLUMN_TYPES: dict[str, Any] = {
    **dict.fromkeys(("integer", "epoch_seconds", "instant", "utc_offset", "date"), pl.Int64),
    **dict.fromkeys(("code", "time_zone", "document_id"), pl.String),
    "number": pl.Float64,
    "decimal": pl.Decimal(38, 18),
    "boolean": pl.Boolean,
    "intervals": pl.List(pl.Int32),
}
#: The mark of a value that is not clean, for field types whose decoder accepts such values.
UNCLEAN_MARKS: dict[str, Any] = {
    **dict.fromkeys(("date", "instant", "utc_offset"), UNCLEAN),
    **dict.fromkeys(("code", "time_zone", "document_id"), UNCLEAN_TEXT),
}


class Cache(dict[str, Any]):
    """Text to value, computed once each; a mark for a text without a value."""

    def __init__(self, read: Callable[[str], Any], mark: object = UNCLEAN) -> None:
        super().__init__()
        self._read = read
        self._mark = mark

    def __missing__(self, text: str) -> Any:
        value = self._read(text)
        value = self._mark if value is None else value
        if len(self) < MAX_CACHED_TEXTS:
            self[text] = value
        return value


def text_cache(spec: Field) -> Cache:
    """Values of a field's texts as the record reader converts them; the mark for a text that has an issue."""

    def read(text: str) -> object:
        try:
            return convert(spec, text, str)
        except IssueError:
            return UNCLEAN_MARKS[spec.type]

    return Cache(read, None)


def at_path(path: tuple[str, ...], columns: dict[str, Column]) -> Column | None:
    """The values at a path of every line; None where no line has its first name."""
    values = columns.get(path[0])
    if values is None:
        return None
    for name in path[1:]:
        attribute = attribute_name(name)
        values = [None if v is None else getattr(v, attribute) for v in values]
    return values


def coalesce(values: pl.Series, more: pl.Series) -> pl.Series:
    """The values, and those of `more` where a value is null."""
    return values.zip_with(values.is_not_null(), more)


def received_stamps(stamps: Column) -> pl.Series:
    """Microseconds since 1970; stamps in an unusual format are read one by one."""
    texts = pl.Series("received_at", stamps, pl.String)
    return _fill_unusual(_usual_times(texts).cast(pl.Int64), texts, Cache(parse_instant))


def instants(values: Column, cache: Cache) -> pl.Series:
    """Whole seconds since 1970 of times with their offsets; `cache` reads unusual formats."""
    texts = pl.Series("texts", values, pl.String)
    return _fill_unusual(_usual_times(texts).dt.epoch("s"), texts, cache)


def utc_offsets(values: Column, cache: Cache) -> pl.Series:
    """Seconds local time is ahead of UTC, of times with their offsets; `cache` reads unusual formats.

    A time in UTC (`Z`) has none, as `convert` has it.
    """
    texts = pl.Series("texts", values, pl.String)
    times = _usual_times(texts)
    ahead = _usual_times(texts.str.slice(0, 19) + "Z").dt.epoch("s") - times.dt.epoch("s")
    in_utc = times.is_not_null() & texts.str.ends_with("Z")
    known = ahead.is_between(MIN_UTC_OFFSET, MAX_UTC_OFFSET) & ~in_utc
    return _fill_unusual(ahead.set(~known, None), texts.set(in_utc, None), cache)


def _usual_times(texts: pl.Series) -> pl.Series:
    """Times of texts in the usual format, null for all others."""
    usual = texts.set(~texts.str.contains(USUAL_TIME), None)
    # The receiver's own format, which is read in an eighth of the time.
    times = usual.str.to_datetime("%Y-%m-%dT%H:%M:%S.%3fZ", time_unit="us", strict=False, cache=False)
    others = usual.set(times.is_not_null(), None)
    if others.null_count() < len(others):
        others = others.str.replace("T", " ", literal=True)
        others = others.str.to_datetime("%Y-%m-%d %H:%M:%S%.f%#z", time_unit="us", strict=False)
        times = coalesce(times, others.dt.replace_time_zone(None))
    return times


def _fill_unusual(values: pl.Series, texts: pl.Series, cache: Cache) -> pl.Series:
    """Values, with those read one by one that are missing where there is a text."""
    places = (values.is_null() & texts.is_not_null()).arg_true()
    return values.scatter(places, [cache[texts[place]] for place in places]) if len(places) else values


def reduce_raw(spec: Field, values: Column) -> Column:
    """The field's value from each line's samples that are objects or moments."""

    def reduced(samples: Any) -> Any:
        try:
            value, invalid = reduce_samples(spec, samples)
        except IssueError:
            return UNCLEAN
        return UNCLEAN if invalid else value

    return [reduced(samples) if samples else None for samples in values]
