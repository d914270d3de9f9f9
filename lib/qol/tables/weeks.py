"""ISO weeks, Monday to Sunday, of local days, and when a week is closed; imports nothing heavy."""

import re
from datetime import UTC, date, datetime, time, timedelta

from qol.errors import UsageError

WEEK = timedelta(days=7)
_WEEK = re.compile(r"(?!0000)([0-9]{4})-W([0-9]{2})")
CLOSES_AFTER = timedelta(days=7, hours=12)


def monday_of(day: date) -> date:
    """The Monday of the ISO week a day belongs to."""
    return day - timedelta(days=day.weekday())


def mondays_between(first: date, last: date) -> list[date]:
    """The Mondays of the weeks that two days and those between them belong to."""
    start = monday_of(first)
    return [start + number * WEEK for number in range((monday_of(last) - start).days // 7 + 1)]


def iso_week(monday: date) -> str:
    """`2026-W46` of a Monday."""
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"


def parse_week(text: str, option: str | None = None) -> date:
    """The Monday of `2026-W46`; UsageError, which names the option, for anything that is not an ISO week."""
    problem = "not an ISO week"
    if found := _WEEK.fullmatch(text):
        try:
            return date.fromisocalendar(int(found[1]), int(found[2]), 1)
        except ValueError:
            last = date(int(found[1]), 12, 28).isocalendar().week  # 28 December is always in the last one
            problem = f"{found[1]} has weeks W01 to W{last}"
    named = f"{option} {text}" if option else f"week {text!r}"
    raise UsageError(f"{named}: {problem}; allowed: YYYY-Www such as 2026-W46")


def is_closed(monday: date, now: datetime) -> bool:
    """Whether the week is over in every time zone: from 12:00 UTC of the Monday after, when UTC-12 leaves Sunday."""
    return now >= datetime.combine(monday, time(), UTC) + CLOSES_AFTER


def last_closed_week(now: datetime) -> date:
    """The Monday of the last week that is closed at `now`."""
    return monday_of((now.astimezone(UTC) - CLOSES_AFTER).date())
