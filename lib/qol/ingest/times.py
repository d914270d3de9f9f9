"""Texts of times: instants with their offset from UTC, offsets alone, names of time zones."""

import re
from datetime import UTC, datetime, timedelta

#: An offset alone, as HealthKit and others send it beside an absolute time.
OFFSET = re.compile(r"(Z)|([+-])(\d\d):?([0-5]\d)")
_BLANK = r"[ \u00a0\u202f]*"
#: Hours to add for the half of the day, as phones write it before or after the time.
_HALVES = {"am": 0, "pm": 12, "午前": 0, "午後": 12, "上午": 0, "下午": 12, "오전": 0, "오후": 12}
_HALF = rf"[ap]\.?{_BLANK}m\.?|午前|午後|上午|下午|오전|오후"
#: A time of the 12-hour clock on a day whose year comes first, with its offset.
_TWELVE_HOURS = re.compile(
    rf"([0-9]{{4}}[-/][0-9]{{2}}[-/][0-9]{{2}})(?:T|{_BLANK})({_HALF})?{_BLANK}"
    rf"(0?[0-9]|1[0-2])(:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]+)?)?){_BLANK}({_HALF})?{_BLANK}(Z|[+-][0-9]{{2}}:?[0-9]{{2}})",
    re.IGNORECASE,
)
#: Offsets in use, seconds: Baker Island to Kiribati.
MIN_UTC_OFFSET, MAX_UTC_OFFSET = -43_200, 50_400
_UNIX_START = datetime(1970, 1, 1, tzinfo=UTC)


def parse_instant(text: str) -> int | None:
    """Microseconds since 1970 UTC of an ISO 8601 time with its offset, or None."""
    instant = _instant(text)
    if instant is None:
        return None
    delta = instant - _UNIX_START
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def parse_seconds(text: str) -> int | None:
    """Whole seconds since 1970 UTC of an ISO 8601 time with its offset, floored, or None."""
    microseconds = parse_instant(text)
    return None if microseconds is None else microseconds // 1_000_000


def parse_offset(text: str) -> int | None:
    """Seconds local time is ahead of UTC, of an ISO 8601 time or of an offset alone (`+09:00`, `+0900`, `Z`), or None.

    None also for an offset that no place on Earth has.
    """
    alone = OFFSET.fullmatch(text.strip())
    if alone is not None:
        zulu, sign, hours, minutes = alone.groups()
        seconds = 0 if zulu else int(sign + "1") * (int(hours) * 3600 + int(minutes) * 60)
    else:
        instant = _instant(text)
        offset = None if instant is None else instant.utcoffset()
        if offset is None or offset % timedelta(seconds=1):
            return None
        seconds = offset.days * 86_400 + offset.seconds
    return seconds if MIN_UTC_OFFSET <= seconds <= MAX_UTC_OFFSET else None


def _instant(text: str) -> datetime | None:
    # Apple's exports leave a blank before the offset.
    head, blank, offset = text.strip().rpartition(" ")
    iso = head + offset if offset[:1] in ("+", "-") else head + blank + offset
    instant = _from_iso(iso) or _from_iso(_in_24_hours(iso))
    return instant if instant is not None and instant.tzinfo is not None and 1971 <= instant.year <= 9000 else None


def _from_iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _in_24_hours(text: str) -> str:
    """A time of the 12-hour clock in 24 hours, empty where it is not one; 12 is the hour 0 of its half of the day."""
    found = _TWELVE_HOURS.fullmatch(text)
    if found is None or (found[2] is None) == (found[5] is None):
        return ""
    half = re.sub(r"[\W]", "", found[2] or found[5]).lower()
    return f"{found[1].replace('/', '-')}T{int(found[3]) % 12 + _HALVES[half]:02}{found[4]}{found[6]}"
