"""What a sample lake is asked to be, and what it turned out to be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qol.errors import UsageError
from qol.tables.weeks import parse_week

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: People go on living and syncing this many days past the last week, which is how its last days get finished.
TAIL_DAYS = 3
#: The weekly job lists the lake on the Wednesday after, 00:05 UTC; nothing arrives at or after 00:00 UTC of that day.
ARRIVALS_END_DAYS = 2

#: What `sources` may name: everything a study may collect, and Garmin alone as its five most used record types.
SOURCES = ("garmin", "oura", "healthkit", "sensor", "survey")
CORE = ("garmin-core",)

_EPOCH = dt.date(1970, 1, 1)
_OLDEST = dt.date(2010, 1, 4)


@dataclass(frozen=True)
class SampleOptions:
    """How many people and ISO weeks, which week is the last one with data, the seed all chance comes from, which sources.

    `garmin-core` alone gives everybody a watch and its five most used record types.
    """

    users: int = 50
    weeks: int = 6
    end: str = "2026-W46"
    seed: int = 7
    sources: tuple[str, ...] = SOURCES

    def __post_init__(self) -> None:
        for name, least in (("users", 1), ("weeks", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"sample {name}: found {getattr(self, name)}; allowed: {least} or more")
        strange = [name for name in self.sources if name not in SOURCES + CORE]
        if strange or not self.sources:
            allowed = ", ".join(SOURCES + CORE)
            raise UsageError(f"sample sources: found {', '.join(strange) or 'none'}; allowed: {allowed}")
        if self.first_day < _OLDEST:
            raise UsageError(f"sample weeks: found a first day of {self.first_day}; allowed: {_OLDEST} or later")

    @cached_property
    def first_day(self) -> dt.date:
        """Monday of the first week with data."""
        return _monday(self.end) - dt.timedelta(weeks=self.weeks - 1)

    @property
    def days(self) -> int:
        """Days with data: whole ISO weeks."""
        return 7 * self.weeks

    @property
    def has_garmin(self) -> bool:
        """Whether Garmin's records are asked for, the five types or all."""
        return bool({"garmin", *CORE} & set(self.sources))

    @property
    def first_epoch_day(self) -> int:
        """Days from 1970-01-01 to the first day with data."""
        return (self.first_day - _EPOCH).days

    @property
    def arrivals_end_ms(self) -> int:
        """The moment, Unix time in milliseconds, before which every line has arrived."""
        return (self.first_epoch_day + self.days + ARRIVALS_END_DAYS) * 86_400_000

    def stream(self, *place: int) -> np.random.Generator:
        """Random numbers of one place (a stage, perhaps with person and day): no place disturbs another."""
        return np.random.default_rng([self.seed, *place])


@dataclass(frozen=True)
class SampleSummary:
    """What was written: raw objects, their physical lines and bytes, people seen, faults by kind, arrival days.

    The object cut short in upload counts in `objects`, `bytes` and `faults`, not in `lines`.
    """

    objects: int
    lines: int
    bytes: int
    people: int
    faults: Mapping[str, int]
    first_arrival: dt.date
    last_arrival: dt.date


def _monday(iso_week: str) -> dt.date:
    try:
        return parse_week(iso_week)
    except UsageError:
        raise UsageError(f"sample end: found {iso_week!r}; allowed: an ISO week such as 2026-W46") from None
