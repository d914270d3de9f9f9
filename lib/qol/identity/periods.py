"""Periods of local days: since when, and until when, a device belongs to a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from qol.contracts.raw_values import parse_day

PERIOD_PROBLEM = "from and to must be days such as 2026-04-01, from not after to"


class Period(NamedTuple):
    """First and last local day since 1970, both included; None where the period is open."""

    first: int | None = None
    last: int | None = None

    def contains(self, day: int) -> bool:
        """Whether a day lies in the period."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def overlaps(self, other: Period) -> bool:
        """Whether some day lies in both periods."""
        return _not_after(self.first, other.last) and _not_after(other.first, self.last)


#: The period of an entry without `from` and `to`.
ALWAYS = Period()


def read_period(entry: Mapping[str, Any]) -> Period | None:
    """The period of a user map's entry, from its keys `from` and `to`; None when one is no day or `from` is after `to`."""
    days: list[int | None] = []
    for key in ("from", "to"):
        text = entry.get(key)
        day = parse_day(text) if isinstance(text, str) else None
        if day is None and text is not None:
            return None
        days.append(day)
    period = Period(*days)
    return period if _not_after(period.first, period.last) else None


def _not_after(first: int | None, last: int | None) -> bool:
    return first is None or last is None or first <= last
