"""The local day of a record: the vendor's own day, else the date of its start in local time, else the arrival date."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from qol.contracts.fields import Field
from qol.contracts.raw_values import parse_day
from qol.contracts.source import DayRule
from qol.ingest.parse import Reason, RejectedError

DAY_SECONDS = 86_400
FIRST_DAY = parse_day("2010-01-01") or 0


def offset_of(rule: DayRule, row: Mapping[str, Any], home: str) -> int | None:
    """Seconds local time is ahead of UTC at a row's start: its own offset, else its own zone's, else that of `home`."""
    if rule.offset is not None and row[rule.offset] is not None:
        return int(row[rule.offset])
    if rule.start is None or row[rule.start] is None:
        return None
    own_zone = row[rule.zone] if rule.zone is not None else None
    return zone_offset(own_zone or home, row[rule.start])


def offset_of_field(field: Field, rule: DayRule, row: Mapping[str, Any], home: str) -> int | None:
    """Seconds local time is ahead of UTC at the time a field with `at` is of; null when the time is not known.

    It is what the record wrote, else that of the row's zone (or `home`) at the time if the zone has the row's own
    `utc_offset_seconds` at its start, else that offset.
    """
    if row[field.name] is not None:
        return int(row[field.name])
    at = next((row[name] for name in field.at if row[name] is not None), None)
    if at is None:
        return None
    start, offset = row[rule.start] if rule.start is not None else None, row["utc_offset_seconds"]
    zone = (row[rule.zone] if rule.zone is not None else None) or home
    changes = start is not None and zone_offset(zone, start) == offset
    return zone_offset(zone, at) if changes else offset


def day_of(rule: DayRule, row: Mapping[str, Any], offset: int | None, arrival: int) -> tuple[int, str]:
    """The day (since 1970) and its rule: provider, offset, zone or arrival; `offset` as `offset_of` gives it."""
    if rule.date is not None and row[rule.date] is not None:
        return row[rule.date], "provider"
    start = row[rule.start] if rule.start is not None else None
    if start is None or offset is None:
        return arrival, "arrival"
    if rule.utc_midnight and start % DAY_SECONDS == 0:
        return start // DAY_SECONDS, "provider"
    own = rule.offset is not None and row[rule.offset] is not None
    return (start + offset + shift_seconds(rule)) // DAY_SECONDS, "offset" if own else "zone"


def shift_seconds(rule: DayRule) -> int:
    """Seconds that are added to local time before its date is taken."""
    return round(rule.shift_hours * 3600)


def require_day(day: int, arrival: int, max_age: int | None = None) -> None:
    """Refuse a day that cannot be, or that lies more than `max_age` days before its arrival.

    RejectedError: day_out_of_range (before 2010, or more than one day after arrival), day_too_old.
    """
    if day < FIRST_DAY:
        raise RejectedError(Reason.DAY_OUT_OF_RANGE, "the day lies before 2010-01-01")
    if day > arrival + 1:
        raise RejectedError(Reason.DAY_OUT_OF_RANGE, "the day lies more than one day after its arrival")
    if max_age is not None and arrival - day > max_age:
        raise RejectedError(Reason.DAY_TOO_OLD, f"the day lies more than {max_age} days before its arrival")


def zone_offset(zone: str, start: int) -> int:
    """Seconds local time is ahead of UTC in a zone at a Unix time."""
    return _quarter_hour_offset(zone, start // 900)


@lru_cache(maxsize=65_536)
def _quarter_hour_offset(zone: str, quarter_hours: int) -> int:
    offset = datetime.fromtimestamp(quarter_hours * 900, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
