"""What a sample lake is asked to be, what it turned out to be, and the random numbers it is made of."""

from __future__ import annotations

import datetime as dt
import zlib
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

#: Users go on living and syncing this many days past the last week, which is how its last days get finished.
TAIL_DAYS = 3
#: The weekly job lists the lake on the Wednesday after, 00:05 UTC; nothing arrives at or after 00:00 UTC of that day.
ARRIVALS_END_DAYS = 2
DAY_S = 86_400

#: What `sources` may name: every source with a contract (these five are ours), and Garmin's five most used record types.
SOURCES = ("garmin", "oura", "healthkit", "sensor", "survey")
CORE = ("garmin-core",)

_EPOCH = dt.date(1970, 1, 1)
_OLDEST = dt.date(2010, 1, 4)


@dataclass(frozen=True)
class SampleOptions:
    """How many users and ISO weeks, the last week with data, the seed of all chance, and which sources.

    `garmin-core` gives everybody a watch and its five most used record types. UsageError names what is not allowed.
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
        if self.first_day < _OLDEST:
            raise UsageError(f"sample weeks: found a first day of {self.first_day}; allowed: {_OLDEST} or later")

    @cached_property
    def first_day(self) -> dt.date:
        """Monday of the first week with data."""
        try:
            last = parse_week(self.end)
        except UsageError:
            raise UsageError(f"sample end: found {self.end!r}; allowed: an ISO week such as 2026-W46") from None
        return last - dt.timedelta(weeks=self.weeks - 1)

    @property
    def days(self) -> int:
        """Days with data: whole ISO weeks."""
        return 7 * self.weeks

    @property
    def first_epoch_day(self) -> int:
        """Days from 1970-01-01 to the first day with data."""
        return (self.first_day - _EPOCH).days

    @property
    def arrivals_end_ms(self) -> int:
        """The moment, Unix time in milliseconds, before which every line has arrived."""
        return (self.first_epoch_day + self.days + ARRIVALS_END_DAYS) * 1_000 * DAY_S

    def stream(self, place: str, *numbers: int) -> np.random.Generator:
        """Random numbers of one named place (perhaps of one day): no place disturbs another."""
        return np.random.default_rng([self.seed, zlib.crc32(place.encode()), *numbers])

    def chance(self, place: str, *keys: Ints | int) -> Floats:
        """Evenly distributed in [0, 1), one per element of the keys (user, day, ...), the same whenever it is asked."""
        return (self.hashed(place, *keys) >> np.uint64(11)) / float(1 << 53)

    def normal(self, place: str, *keys: Ints | int) -> Floats:
        """Nearly standard normal, as the sum of four even numbers of 16 bits, one per element of the keys."""
        drawn = self.hashed(place, *keys)
        total = sum((drawn >> np.uint64(16 * n) & np.uint64(0xFFFF)).astype(float) for n in range(4))
        normal: Floats = (total / 65_536.0 - 2.0) * np.sqrt(3.0)
        return normal

    def hashed(self, place: str, *keys: Ints | int) -> NDArray[np.uint64]:
        """64 bits per element of the keys (splitmix64, whose overflow is meant)."""
        mixed = np.atleast_1d(np.uint64(self.seed << 32 | zlib.crc32(place.encode())))
        with np.errstate(over="ignore"):
            for key in keys:
                mixed = (mixed ^ np.asarray(key).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
                mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                mixed = mixed ^ (mixed >> np.uint64(31))
        return mixed


@dataclass(frozen=True)
class SampleSummary:
    """What was written: raw objects, their physical lines and bytes, users seen, faults by kind, arrival days.

    The object cut short in upload counts in `objects`, `bytes` and `faults`, not in `lines`.
    """

    objects: int
    lines: int
    bytes: int
    people: int
    faults: Mapping[str, int]
    first_arrival: dt.date
    last_arrival: dt.date
