"""Days from one to another: since when, and until when, a device belongs to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from qol.contracts.raw_values import parse_day

PROBLEM = "from and to must be days such as 2026-04-01, from not after to"


class Period(NamedTuple):
    """Local days since 1970, both included; None where it is open."""

    first: int | None = None
    last: int | None = None

    def holds(self, day: int) -> bool:
        """Whether a day lies in it."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def meets(self, other: Period) -> bool:
        """Whether some day lies in both."""
        return _not_after(self.first, other.last) and _not_after(other.first, self.last)


#: The period of an entry that names no days.
ALWAYS = Period()


def read_period(entry: Mapping[str, Any]) -> Period | None:
    """The period that `from` and `to` of a user map's entry give, None when they give none that can be."""
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
