"""Faults: every way a line has been seen or feared to go wrong, one function per kind, from a record to its bytes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec

from qol_dev.sample.payloads import Record

Fault = Callable[[Record], bytes]

#: Kinds that concern a whole object, by the names the summary counts them under.
BOM_AT_OBJECT_START = "bom_at_object_start"
TRUNCATED_GZIP_OBJECT = "truncated_gzip_object"

BOM = b"\xef\xbb\xbf"

_encoder = msgspec.json.Encoder()


def encode(record: Record) -> bytes:
    """The record as one line of JSON, without a line break."""
    return _encoder.encode(record)


def _with(record: Record, **fields: object) -> bytes:
    return encode({**record, **fields})


def _without(record: Record, *names: str) -> bytes:
    return encode({name: value for name, value in record.items() if name not in names})


def _on_day(record: Record, day: dt.date) -> bytes:
    """The record as if its local midnight had been that day's."""
    midnight = int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
    start = midnight - _int(record, "startTimeInSeconds", "startTimeOffsetInSeconds")[1]
    return _with(record, calendarDate=day.isoformat(), startTimeInSeconds=start)


def _int(record: Record, *names: str) -> list[int]:
    return [value for value in (record[name] for name in names) if isinstance(value, int)]


# Lines that are no JSON text, or not one JSON object. They may befall any record.


def truncated_json(record: Record) -> bytes:
    """Cut off in the middle."""
    line = encode(record)
    return line[: len(line) * 2 // 3]


def two_objects(record: Record) -> bytes:
    """Two objects without a line break between them."""
    return encode(record) * 2


def trailing_text(record: Record) -> bytes:
    """Text after the object."""
    return encode(record) + b" OK"


def nul_byte(record: Record) -> bytes:
    """A NUL byte after the object, as a preallocated file leaves it."""
    return encode(record) + b"\x00"


def bom_inside(record: Record) -> bytes:
    """A byte order mark in the middle of a file, as concatenated files have it."""
    return BOM + encode(record)


def invalid_utf8(record: Record) -> bytes:
    """A string that is Latin-1, not UTF-8."""
    return _with(record, deviceName=msgspec.Raw(b'"Montre d\xe9j\xe0 vu"'))


def lone_surrogate(record: Record) -> bytes:
    """An escape that names half a character."""
    return _with(record, deviceName=msgspec.Raw(b'"watch \\ud83d"'))


def deep_nesting(record: Record) -> bytes:
    """More than 100 levels deep."""
    return _with(record, extra=msgspec.Raw(b"[" * 120 + b"]" * 120))


def scalar_line(_record: Record) -> bytes:
    """A number where an object belongs."""
    return b"42"


def blank_line(record: Record) -> bytes:
    """An empty line before the record."""
    return b"\n" + encode(record)


def crlf_line(record: Record) -> bytes:
    """A line break from another operating system."""
    return encode(record) + b"\r"


def missing_user_id(record: Record) -> bytes:
    """Nobody's record."""
    return _without(record, "userId", "user_id", "device_id")


def unknown_extra_field(record: Record) -> bytes:
    """A field that no contract names yet."""
    return _with(record, readinessHint={"level": 3, "text": "new in the next release"})


def unknown_envelope(record: Record) -> bytes:
    """A push of a record type nobody has heard of."""
    inner = {name: value for name, value in record.items() if name != "_received_at"}
    return encode({"wellnessMoments": [inner], "_received_at": record["_received_at"]})


# Values that are wrong in an otherwise well-formed daily.


def not_a_number(record: Record) -> bytes:
    """NaN, which JSON does not have."""
    return _with(record, distanceInMeters=msgspec.Raw(b"NaN"))


def infinity(record: Record) -> bytes:
    """Infinity, which JSON does not have."""
    return _with(record, distanceInMeters=msgspec.Raw(b"Infinity"))


def huge_exponent(record: Record) -> bytes:
    """A number beyond every double."""
    return _with(record, distanceInMeters=msgspec.Raw(b"1e400"))


def beyond_int64(record: Record) -> bytes:
    """An integer of 71 bits."""
    return _with(record, steps=msgspec.Raw(b"1180591620717411303424"))


def duplicate_keys(record: Record) -> bytes:
    """The same key twice; the second one holds."""
    return b'{"steps":1,' + encode(record)[1:]


def missing_start_and_date(record: Record) -> bytes:
    """A daily without a key: neither start nor calendarDate."""
    return _without(record, "startTimeInSeconds", "calendarDate")


def before_2010(record: Record) -> bytes:
    """A watch whose clock was never set."""
    return _on_day(record, dt.date(2009, 12, 31))


def beyond_arrival(record: Record) -> bytes:
    """A day a month after the line arrived."""
    arrived = dt.date.fromisoformat(str(record["_received_at"])[:10])
    return _on_day(record, arrived + dt.timedelta(days=30))


def impossible_date(record: Record) -> bytes:
    """A calendarDate no calendar has; start and offset still tell the day."""
    return _with(record, calendarDate="2026-02-30")


def start_in_milliseconds(record: Record) -> bytes:
    """Unix time in milliseconds where seconds are due."""
    return _with(record, startTimeInSeconds=1_000 * _int(record, "startTimeInSeconds")[0])


def number_as_string(record: Record) -> bytes:
    """A number in quotes, still a number."""
    return _with(record, steps=str(record["steps"]))


def integer_as_decimal(record: Record) -> bytes:
    """A whole number written as 72.0, still a whole number."""
    return _with(record, restingHeartRateInBeatsPerMinute=msgspec.Raw(b"72.0"))


def wrong_type(record: Record) -> bytes:
    """An object where a number belongs."""
    return _with(record, steps={"total": record["steps"]})


def out_of_range(record: Record) -> bytes:
    """More steps than a day holds."""
    return _with(record, steps=250_000)


def sentinel(record: Record) -> bytes:
    """Numbers that mean "not known"."""
    return _with(record, averageStressLevel=-1, restingHeartRateInBeatsPerMinute=0)


ANY_RECORD: tuple[Fault, ...] = (
    truncated_json,
    two_objects,
    trailing_text,
    nul_byte,
    bom_inside,
    invalid_utf8,
    lone_surrogate,
    deep_nesting,
    scalar_line,
    blank_line,
    crlf_line,
    missing_user_id,
    unknown_extra_field,
    unknown_envelope,
)
DAILIES_ONLY: tuple[Fault, ...] = (
    not_a_number,
    infinity,
    huge_exponent,
    beyond_int64,
    duplicate_keys,
    missing_start_and_date,
    before_2010,
    beyond_arrival,
    impossible_date,
    start_in_milliseconds,
    number_as_string,
    integer_as_decimal,
    wrong_type,
    out_of_range,
    sentinel,
)
LINE_FAULTS = ANY_RECORD + DAILIES_ONLY


def name_of(fault: Fault) -> str:
    """The kind, as the summary names it."""
    return fault.__name__
