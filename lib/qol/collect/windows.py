"""Which days are asked for, in which requests, under which parameters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from qol.contracts.collect import CollectWindow

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """First and last day, both included."""

    first: date
    last: date

    def widened(self, days: int) -> "Days":
        """So many days more at both ends."""
        return Days(self.first - days * _DAY, self.last + days * _DAY)


def next_days(window: CollectWindow, collected: date | None, today: date) -> Days:
    """The days that a run asks for by itself: since the last collected one, and those before it that may have changed."""
    if collected is None:
        return Days(today - (window.first_days - 1) * _DAY, today)
    return Days(min(collected, today) - window.again_days * _DAY, today)


def spans(window: CollectWindow, days: Days) -> Iterator[Days]:
    """The days and those around them, in spans that one request may have.

    Spans of dates share a day: where the vendor leaves out the last one, the next span has it.
    """
    wide = days.widened(window.widen_days)
    shared = 1 if window.written == "date" and window.days > 1 else 0
    first = wide.first
    while True:
        last = min(first + (window.days - 1) * _DAY, wide.last)
        yield Days(first, last)
        if last >= wide.last:
            return
        first = last + (1 - shared) * _DAY


def parameters(window: CollectWindow, span: Days) -> Mapping[str, str]:
    """A span as the vendor's parameters; instants and seconds end with the midnight after the last day, in UTC."""
    if window.start is None or window.end is None:
        return {}
    ends = (span.first, span.last) if window.written == "date" else (span.first, span.last + _DAY)
    first, last = (_text(window, day) for day in ends)
    return {window.start: first, window.end: last}


def _text(window: CollectWindow, day: date) -> str:
    midnight = datetime.combine(day, time(), UTC)
    if window.written == "seconds":
        return str(int(midnight.timestamp()))
    return midnight.isoformat() if window.written == "instant" else day.isoformat()


def moved(collected: date | None, asked: Days, today: date) -> date | None:
    """The last collected day after these days were asked for; a gap before them leaves it where it was."""
    last = min(asked.last, today)
    if collected is None:
        return last
    return max(collected, last) if asked.first <= collected + _DAY else collected
