"""Plausible values that depend on a code of the record, and on how long it lasts."""

from collections.abc import Mapping
from typing import Annotated, Any

from annotated_types import Gt
from pydantic.dataclasses import dataclass

from qol.contracts import language as lang

TimeField = Annotated[lang.Name, lang.Refers("a field of type epoch_seconds or instant")]


@dataclass(frozen=True, kw_only=True, config=lang.CLOSED)
class PerMinute:
    """The most that is plausible in a minute of a record's time; `ranges` then are those of a day, and longer records may have as much more."""

    start: TimeField
    """The field with the record's start, declared before this one."""
    end: TimeField
    """The field with its end, declared before this one."""
    highest: lang.Filled[str, Annotated[lang.Number, Gt(0)]]
    """Highest plausible value per minute, per code."""
    shortest_seconds: Annotated[lang.Number, Gt(0)] = 60
    """A shorter record counts as so long."""
    instant_seconds: Annotated[lang.Number, Gt(0)] = 3600
    """An instant, or a record without an end, does not tell its time and counts as so long."""

    def seconds(self, row: Mapping[str, Any]) -> float:
        """How long a record counts."""
        start, end = row[self.start], row[self.end]
        is_long = start is not None and end is not None and end > start
        return max(end - start, self.shortest_seconds) if is_long else self.instant_seconds


@dataclass(frozen=True, kw_only=True, config=lang.CLOSED)
class RangesBy:
    """Plausible values that depend on a code field declared before this one; a code that is not listed has no limits."""

    field: lang.Name
    """The code field."""
    ranges: lang.Filled[str, lang.Range]
    """Lowest and highest plausible value per code."""
    per_minute: lang.Maybe[PerMinute] = None

    def limits(self, row: Mapping[str, Any]) -> tuple[float, float] | None:
        """Lowest and highest plausible value of a record, whose fields before this one are known."""
        code = row[self.field]
        limits, rate = self.ranges.get(code), self.per_minute
        if limits is None or rate is None or code not in rate.highest:
            return limits
        seconds = rate.seconds(row)
        return limits[0], min(limits[1] * max(1, seconds / 86_400), rate.highest[code] * seconds / 60)
