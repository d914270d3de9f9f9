"""What a sample lake is asked to be, and the random numbers it is made of."""

import datetime as dt
import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qol.errors import UsageError
from qol.tables.weeks import parse_week

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DAY_S = 86_400
#: What `sources` may name: every source with a contract (these five are ours), and Garmin's five most used record types.
SOURCES = ("garmin", "oura", "healthkit", "sensor", "survey")
CORE = ("garmin-core",)

_OLDEST = dt.date(2010, 1, 4)
_NOISE_SIZE = 1 << 18


@dataclass(frozen=True)
class SampleOptions:
    """How many users and ISO weeks, the last week with data, the seed of all chance, and which sources.

    `garmin-core` gives every user a watch and its five most used record types. UsageError names what is not allowed.
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
        return parse_week(self.end, "sample end") - dt.timedelta(weeks=self.weeks - 1)

    @property
    def days(self) -> int:
        """Days with data: whole ISO weeks."""
        return 7 * self.weeks

    @property
    def first_s(self) -> int:
        """Unix time of 00:00 UTC of the first day with data."""
        return int(np.datetime64(self.first_day, "s").astype(np.int64))

    def stream(self, place: str) -> np.random.Generator:
        """Random numbers of one named place: no place disturbs another."""
        return np.random.default_rng([self.seed, zlib.crc32(place.encode())])

    def chance(self, place: str, *keys: Ints | int) -> Floats:
        """Evenly distributed in [0, 1), one per element of the keys (user, day, ...), the same whenever it is asked."""
        return (self.hashed(place, *keys) >> np.uint64(11)) / float(1 << 53)

    def normal(self, place: str, *keys: Ints | int) -> Floats:
        """Standard normal, one per element of the keys, the same whenever it is asked."""
        return self.rows(place, 1, *keys)[..., 0]

    def rows(self, place: str, width: int, *keys: Ints | int) -> Floats:
        """Standard normal noise, `width` numbers in a row per element of the keys, the same whenever it is asked."""
        begin = (self.hashed(place, *keys) % np.uint64(_NOISE_SIZE - width)).astype(np.int64)
        return np.lib.stride_tricks.sliding_window_view(self._noise, width)[begin]

    @cached_property
    def _noise(self) -> Floats:
        return self.stream("noise").standard_normal(_NOISE_SIZE)

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
