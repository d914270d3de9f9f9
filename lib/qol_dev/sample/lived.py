"""Lived: the world of a sample, and a batch of deliveries that asks it what was lived, for all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from qol.contracts.model import Contracts
from qol_dev.sample.curves import LEVELS, OFF_WRIST, Curves, make_curves, make_nights, training_minute
from qol_dev.sample.lives import Columns, make_life_days, make_lives
from qol_dev.sample.owners import Owners, make_owners
from qol_dev.sample.sample_options import DAY_S, Bools, Floats, Ints, SampleOptions

#: A few days are in use at a time; of few users many are kept. Late ones are drawn again, to the same values.
_DAYS_KEPT, _USER_DAYS_KEPT = 14, 20_000
#: Versions of a record.
TENTATIVE, FINAL, REVISED, NAPPED = range(4)
READING_MINUTES = 5


@dataclass(frozen=True, eq=False)
class World:
    """What happened to everybody, and who has which device; a world equals only itself."""

    options: SampleOptions
    contracts: Contracts
    lives: Columns
    days: Columns
    owners: Owners

    @classmethod
    def of(cls, options: SampleOptions, contracts: Contracts, sources: list[str]) -> World:
        """The world that these options always give."""
        lives = make_lives(options)
        return cls(options, contracts, lives, make_life_days(lives, options), make_owners(lives, options, sources))

    @cached_property
    def curves(self) -> Callable[[int], Curves]:
        """Curves of every user by day index."""
        return lru_cache(self._days_kept)(lambda day: make_curves(self.days, self.options, day))

    @cached_property
    def nights(self) -> Callable[[int], Ints]:
        """Ends of the stretches of the night that ends on a day, by its index."""
        return lru_cache(self._days_kept)(lambda day: make_nights(self.days, self.options, day))

    @property
    def _days_kept(self) -> int:
        return max(_DAYS_KEPT, _USER_DAYS_KEPT // self.options.users)

    @cached_property
    def dates(self) -> list[str]:
        """Calendar dates by day index, `YYYY-MM-DD`."""
        first = np.datetime64(self.options.first_day)
        return [str(first + n) for n in range(self.days["steps"].shape[1])]


@dataclass(frozen=True, eq=False)
class Batch:
    """Deliveries of records of one kind (of KINDS), one entry each: when, whose, of which day, which version.

    Of days, `until_s` is how much of the day is known; of what comes several times a day, `number` says which it is.
    """

    world: World
    kind: str
    arrival_ms: Ints
    user: Ints
    day: Ints
    version: Ints
    number: Ints
    until_s: Ints

    def __len__(self) -> int:
        return len(self.user)

    @staticmethod
    def at(
        world: World,
        user: Ints,
        day: Ints,
        kind: str = "day",
        **columns: Ints | int,
    ) -> Batch:
        """Deliveries of whole days in their final version, unless a column (an array, or one number for all) says else."""
        whole: dict[str, Ints | int] = {"arrival_ms": 0, "version": FINAL, "number": 0, "until_s": DAY_S, **columns}
        full = {name: np.broadcast_to(np.asarray(c, dtype=np.int64), np.shape(user)) for name, c in whole.items()}
        return Batch(world, kind, user=user, day=day, **full)

    def take(self, chosen: Ints | Bools | slice, kind: str | None = None, **columns: Ints) -> Batch:
        """The chosen deliveries, in that order; perhaps as records of another kind or with other columns."""
        kept = {field.name: getattr(self, field.name)[chosen] for field in fields(self)[2:]}
        return Batch(self.world, kind or self.kind, **{**kept, **columns})

    @staticmethod
    def joined(parts: list[Batch]) -> Batch:
        """All parts, one after the other."""
        columns = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Batch)[2:]}
        return Batch(parts[0].world, parts[0].kind, **columns)

    def of(self, name: str) -> Any:
        """A column of the life days."""
        return self.world.days[name][self.user, self.day]

    def life(self, name: str) -> Any:
        """A column of the lives."""
        return self.world.lives[name][self.user]

    def noise(self, place: str) -> Floats:
        """Nearly standard normal per user and day, the same for every version."""
        return self.world.options.normal(place, self.user, self.day)

    @cached_property
    def offset_s(self) -> Ints:
        """Seconds east of UTC."""
        return np.asarray(self.of("offset_s"))

    @cached_property
    def midnight_s(self) -> Ints:
        """Unix time of the day's local midnight."""
        return np.asarray(self.of("midnight_s"))

    @cached_property
    def start_s(self) -> Ints:
        """Unix time at which what the record describes begins."""
        return np.asarray(self.midnight_s + 60 * KINDS[self.kind][0](self))

    @cached_property
    def seconds(self) -> Ints:
        """How long what the record describes lasts."""
        return np.asarray(KINDS[self.kind][1](self), dtype=np.int64)

    @cached_property
    def heart(self) -> Any:
        """Heart rate per minute so far, 0 off the wrist and later."""
        return self._until(self._rows(lambda day: self.world.curves(day).heart), 0)

    @cached_property
    def stress(self) -> Any:
        """Stress per slot of 180 s so far, negative where there is none."""
        return self._until(self._rows(lambda day: self.world.curves(day).stress), OFF_WRIST)

    @cached_property
    def battery(self) -> Any:
        """Body battery per slot so far, 0 off the wrist and later."""
        return np.where(self.stress == OFF_WRIST, 0, self._rows(lambda day: self.world.curves(day).battery))

    @cached_property
    def walks(self) -> Any:
        """Steps per quarter of an hour of the whole day."""
        return self._rows(lambda day: self.world.curves(day).walks)

    @cached_property
    def stretches(self) -> tuple[Ints, Ints]:
        """Begin and end of each stretch (of LEVELS) of the night as this version has it, minutes since bedtime.

        A tentative night misses both ends of the final one; in a revised one the user lay down earlier.
        """
        ends = self._rows(self.world.nights)
        begins = np.concatenate([np.zeros((len(self), 1), dtype=np.int64), ends[:, :-1]], axis=1)
        begins[:, 0] -= np.where(self.version == REVISED, 10 + 5 * (self.user % 5), 0)
        tentative = (self.version == TENTATIVE)[:, None]
        low = np.where(tentative, 2 + (self.user + self.day)[:, None] % 9, begins[:, :1])
        high = np.where(tentative, ends[:, -1:] - 3 - (self.user + 3 * self.day)[:, None] % 14, ends[:, -1:])
        return np.clip(begins, low, high), np.clip(ends, low, high)

    def minutes_in(self, *levels: str) -> Ints:
        """Minutes of the night in any of these levels."""
        begins, ends = self.stretches
        inside: Ints = ((ends - begins) * np.isin(LEVELS, levels)).sum(axis=1)
        return inside

    def stretch(self) -> tuple[Ints, Ints]:
        """Begin and end of the stretch with the batch's number, minutes since bedtime."""
        begins, ends = self.stretches
        return begins[np.arange(len(self)), self.number], ends[np.arange(len(self)), self.number]

    def _rows(self, of_day: Callable[[int], Any]) -> Any:
        parts = {int(day): of_day(int(day)) for day in np.unique(self.day)}
        return np.stack([parts[day][user] for user, day in zip(self.user.tolist(), self.day.tolist(), strict=True)])

    def _until(self, rows: Any, blank: int) -> Any:
        later = np.arange(rows.shape[1]) * (DAY_S // rows.shape[1]) >= self.until_s[:, None]
        return np.where(later, np.asarray(blank, rows.dtype), rows)

    @cached_property
    def share(self) -> Floats:
        """How much of the waking day has passed: what steps and energy have grown to."""
        wake = self.of("wake_minute").astype(float)
        so_far = (self.until_s / 60.0 - wake) / np.maximum(1_420.0 - wake, 60.0)
        return np.where(self.until_s >= DAY_S, 1.0, np.clip(so_far, 0.0, 1.0))


Moment = tuple[Callable[[Batch], Any], Callable[[Batch], Any]]
#: By kind of record, the minute of the day at which it begins, and the seconds it lasts.
KINDS: dict[str, Moment] = {
    "day": (lambda b: np.zeros_like(b.user), lambda b: b.until_s),
    "night": (
        lambda b: b.of("bed_minute") + b.stretches[0][:, 0],
        lambda b: 60 * (b.stretches[1][:, -1] - b.stretches[0][:, 0]),
    ),
    "stretch": (lambda b: b.of("bed_minute") + b.stretch()[0], lambda b: 60 * (b.stretch()[1] - b.stretch()[0])),
    "moment": (
        lambda b: b.of("wake_minute") + 15 + (7 * b.user + 13 * b.day) % 60,
        lambda b: 120 + 60 * ((b.user + b.day) % 20),
    ),
    "workout": (lambda b: training_minute(b.user, b.day), lambda b: b.of("vigorous_s")),
    "nap": (lambda b: 810 + (7 * b.user + 13 * b.day) % 90, lambda b: 60 * b.of("nap_minutes")),
    "evening": (lambda b: 1_230 + b.user % 30, lambda b: 420 + b.user % 200),
    "quarter": (lambda b: b.number, lambda b: np.full_like(b.user, 900)),
    "hour": (lambda b: b.number, lambda b: np.full_like(b.user, 3_600)),
    "minute": (lambda b: b.number, lambda b: np.zeros_like(b.user)),
    # A room stays at home while its user travels.
    "reading": (
        lambda b: READING_MINUTES * b.number + (b.offset_s - b.life("home_offset_s")) // 60,
        lambda b: np.zeros_like(b.user),
    ),
}
