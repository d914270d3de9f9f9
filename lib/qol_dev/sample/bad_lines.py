"""Bad lines: every way a line has been seen or feared to go wrong, from a record to its bytes; and control messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec

Record = dict[str, Any]
Fault = Callable[[Record], bytes]

#: Kinds that concern a whole object, by the names the summary counts them under.
BOM_AT_OBJECT_START = "bom_at_object_start"
TRUNCATED_GZIP_OBJECT = "truncated_gzip_object"
BOM = b"\xef\xbb\xbf"

encode = msgspec.json.Encoder().encode


def _with(**fields: object) -> Fault:
    return lambda record: encode({**record, **fields})


def _without(*names: str) -> Fault:
    return lambda record: encode({name: value for name, value in record.items() if name not in names})


def _raw(name: str, text: bytes) -> Fault:
    return _with(**{name: msgspec.Raw(text)})


def _changed(name: str, change: Callable[[Any], object]) -> Fault:
    return lambda record: encode({**record, name: change(record.get(name))})


def _on_day(find: Callable[[dt.date], dt.date]) -> Fault:
    """The record as if its local midnight had been that of the day found from the arrival."""

    def moved(record: Record) -> bytes:
        day = find(dt.date.fromisoformat(record["_received_at"][:10]))
        start = int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
        return encode(
            {**record, "calendarDate": str(day), "startTimeInSeconds": start - record["startTimeOffsetInSeconds"]}
        )

    return moved


def _unknown_envelope(record: Record) -> bytes:
    inner = {name: value for name, value in record.items() if name != "_received_at"}
    return encode({"wellnessMoments": [inner], "_received_at": record["_received_at"]})


#: May befall any record.
ANY_RECORD: dict[str, Fault] = {
    "truncated_json": lambda record: (line := encode(record))[: len(line) * 2 // 3],
    "two_objects": lambda record: encode(record) * 2,
    "trailing_text": lambda record: encode(record) + b" OK",
    "nul_byte": lambda record: encode(record) + b"\x00",
    "bom_inside": lambda record: BOM + encode(record),
    "invalid_utf8": _raw("deviceName", b'"Montre d\xe9j\xe0 vu"'),
    "lone_surrogate": _raw("deviceName", b'"watch \\ud83d"'),
    "deep_nesting": _raw("extra", b"[" * 120 + b"]" * 120),
    "scalar_line": lambda _record: b"42",
    "blank_line": lambda record: b"\n" + encode(record),
    "crlf_line": lambda record: encode(record) + b"\r",
    "missing_user_id": _without("userId", "user_id", "device_id"),
    "unknown_extra_field": _with(readinessHint={"level": 3, "text": "new in the next release"}),
    "unknown_envelope": _unknown_envelope,
}
#: Values that are wrong in an otherwise well-formed daily.
DAILIES_ONLY: dict[str, Fault] = {
    "not_a_number": _raw("distanceInMeters", b"NaN"),
    "infinity": _raw("distanceInMeters", b"Infinity"),
    "huge_exponent": _raw("distanceInMeters", b"1e400"),
    "beyond_int64": _raw("steps", b"1180591620717411303424"),
    "duplicate_keys": lambda record: b'{"steps":1,' + encode(record)[1:],
    "missing_start_and_date": _without("startTimeInSeconds", "calendarDate"),
    "before_2010": _on_day(lambda _arrival: dt.date(2009, 12, 31)),
    "beyond_arrival": _on_day(lambda arrival: arrival + dt.timedelta(days=30)),
    "impossible_date": _with(calendarDate="2026-02-30"),
    "start_in_milliseconds": _changed("startTimeInSeconds", lambda seconds: 1_000 * seconds),
    "number_as_string": _changed("steps", str),
    "integer_as_decimal": _raw("restingHeartRateInBeatsPerMinute", b"72.0"),
    "wrong_type": _changed("steps", lambda steps: {"total": steps}),
    "out_of_range": _with(steps=250_000),
    "sentinel": _with(averageStressLevel=-1, restingHeartRateInBeatsPerMinute=0),
}
LINE_FAULTS = ANY_RECORD | DAILIES_ONLY


def _ping(record: Record, now_s: int) -> Record:
    query = f"uploadStartTimeInSeconds={now_s - 86_400}&uploadEndTimeInSeconds={now_s}&token=fake-{now_s:x}"
    url = f"https://apis.garmin.com/wellness-api/rest/dailies?{query}"
    return {"dailies": [{"userId": record["userId"], "callbackURL": url}]}


def _permissions(record: Record, now_s: int) -> Record:
    given = {"permissions": ["ACTIVITY_EXPORT", "HEALTH_EXPORT"], "changeTimeInSeconds": now_s}
    return {"userPermissionsChange": [{"userId": record["userId"], **given}]}


def _cycle(record: Record, now_s: int) -> Record:
    """Menstrual cycle tracking: through the same door, and nothing a study of the quality of life may keep."""
    told = {"periodStartDate": record["calendarDate"], "dayInCycle": 5, "currentPhaseType": "FOLLICULAR"}
    return {
        "mct": [{"userId": record["userId"], "summaryId": f"x-{now_s:x}", **told, "lastUpdatedTimeInSeconds": now_s}]
    }


#: From a daily and the Unix time to a message that comes through the same door as data and is not data.
CONTROLS: dict[str, Callable[[Record, int], Record]] = {
    "ping": _ping,
    "deregistration": lambda record, _now_s: {"deregistrations": [{"userId": record["userId"]}]},
    "permissions": _permissions,
    "cycle": _cycle,
}
