"""The input of EventBridge Scheduler, and the business week that follows from it; the clock is not read."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from qol.errors import UsageError
from qol.tables.weeks import iso_week, last_closed_week
from qol_lambda.settings import setting

_TOKEN = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_ALLOWED = "a time with its zone such as 2026-11-18T00:05:00Z, which the schedule's input fills in"


def scheduled_time(event: Mapping[str, Any]) -> datetime:
    """When the schedule was due, in UTC; UsageError when the event has no such time with a zone."""
    found = event.get("scheduled_time")
    try:
        due = datetime.fromisoformat(found) if isinstance(found, str) else None
    except ValueError:
        due = None
    if due is None or due.tzinfo is None:
        raise UsageError(f"scheduled_time: found {_shown(found)}; allowed: {_ALLOWED}")
    return due.astimezone(UTC)


def business_week(due: datetime) -> str:
    """`2026-W46`: the last week that was closed when the schedule was due."""
    return iso_week(last_closed_week(due))


def execution_id(event: Mapping[str, Any], request_id: str) -> str:
    """The id that all deliveries of one scheduled execution share, else the request id, which all attempts of a delivery share."""
    found = event.get("execution_id")
    return found if isinstance(found, str) and _TOKEN.fullmatch(found) else request_id


def local_day(due: datetime) -> date:
    """The calendar day in the time zone of the schedules."""
    return due.astimezone(_zone()).date()


def local_time(moment: datetime) -> str:
    """`2026-11-18 09:05 Asia/Tokyo`."""
    zone = _zone()
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}"


def utc_text(moment: datetime) -> str:
    """`2026-11-18T00:05:00Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _zone() -> ZoneInfo:
    return ZoneInfo(setting("QOL_TIME_ZONE", "Asia/Tokyo"))


def _shown(found: object) -> str:
    return repr(found[:40]) if isinstance(found, str) else "nothing" if found is None else type(found).__name__
