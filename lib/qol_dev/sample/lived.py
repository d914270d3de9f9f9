"""Simulated values of a batch of deliveries, computed together so that heart rate, stress, steps and sleep agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qol_dev.sample.lives import DAY_MINUTES, World
from qol_dev.sample.sample_options import DAY_S, Bools, Floats, Ints

SLOT_MINUTES = 3
SLOTS = DAY_MINUTES // SLOT_MINUTES
QUARTER_MINUTES = 15
_QUARTERS = DAY_MINUTES // QUARTER_MINUTES
_MOVING = -2
#: By curve, what stands where the watch is off the wrist.
BLANK = {"heart": 0, "stress": -1, "battery": 0}
#: One sleep cycle: level, minutes in the first cycle, minutes in the sixth. Deep sleep comes early, REM late.
_CYCLE = (("light", 24, 22), ("deep", 26, 8), ("light", 18, 22), ("rem", 10, 30), ("awake", 5, 6))
_CYCLES = 14
LEVELS = [level for level, _, _ in _CYCLE] * _CYCLES
_LATE = np.repeat(np.minimum(np.arange(_CYCLES) / 5.0, 1.0), len(_CYCLE))
_USUAL_MINUTES = np.tile([early for _, early, _ in _CYCLE], _CYCLES) * (1.0 - _LATE)
_USUAL_MINUTES += np.tile([late for _, _, late in _CYCLE], _CYCLES) * _LATE
#: Versions of a record.
TENTATIVE, FINAL, REVISED = range(3)
READING_MINUTES = 5


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
    def at(world: World, user: Ints, day: Ints, kind: str = "day", **columns: Ints | int) -> Batch:
        """Deliveries of whole days in their final version, unless a column (an array, or one number for all) says else."""
        every: dict[str, Ints | int] = {"arrival_ms": 0, "version": FINAL, "number": 0, "until_s": DAY_S, **columns}
        full = {name: np.broadcast_to(np.asarray(c, dtype=np.int64), np.shape(user)) for name, c in every.items()}
        return Batch(world, kind, user=user, day=np.broadcast_to(day, np.shape(user)), **full)

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
        """A fact of each delivery's user and day."""
        return self.world.facts[name][self.user, self.day]

    def rows(self, place: str, width: int) -> Floats:
        """Standard normal noise, `width` numbers per user and day, the same for every version."""
        return self.world.options.rows(place, width, self.user, self.day)

    @cached_property
    def start_s(self) -> Ints:
        """Unix time at which what the record describes begins."""
        return np.asarray(self.of("midnight_s") + 60 * KINDS[self.kind][0](self))

    @cached_property
    def seconds(self) -> Ints:
        """How long what the record describes lasts."""
        return np.asarray(KINDS[self.kind][1](self), dtype=np.int64)

    def per_day(self, make: Callable[[Batch], Any]) -> Any:
        """What `make` makes of a batch, made once per user and day."""
        _, first, place = np.unique(self.user << 32 | self.day, return_index=True, return_inverse=True)
        return make(self.take(first))[place]

    @cached_property
    def _curves(self) -> Any:
        later = np.arange(SLOTS) * (DAY_S // SLOTS) >= self.until_s[:, None]
        blanks = np.array(list(BLANK.values()), dtype=np.int16)[:, None]
        return np.where(later[:, None], blanks, self.per_day(make_curves))

    def curve(self, name: str) -> Any:
        """Heart rate, stress or battery per slot of 180 s so far; what BLANK says off the wrist and later."""
        return self._curves[:, list(BLANK).index(name)]

    @cached_property
    def stretches(self) -> tuple[Ints, Ints]:
        """Begin and end of each stretch (of LEVELS) of the night as this version has it, minutes since bedtime.

        A tentative night misses both ends of the final one; in a revised one the user lay down earlier.
        """
        ends = self.per_day(make_nights)
        begins = np.roll(ends, 1, axis=1)
        begins[:, 0] = np.where(self.version == REVISED, -10 - 5 * (self.user % 5), 0)
        missed = np.where(self.version == TENTATIVE, 3 + (self.user + self.day) % 14, 0)[:, None]
        low, high = begins[:, :1] + missed, ends[:, -1:] - missed
        return np.clip(begins, low, high), np.clip(ends, low, high)

    @property
    def in_bed_minutes(self) -> Ints:
        """From the begin of the first stretch of the night to the end of the last."""
        return np.asarray(self.stretches[1][:, -1] - self.stretches[0][:, 0])

    def at_number(self, rows: Any, width: int = 1) -> Any:
        """Of each row the value with the batch's number, where a value stands for so many numbers."""
        return rows[np.arange(len(self)), self.number // width]

    @cached_property
    def share(self) -> Floats:
        """How much of the waking day has passed: what steps and energy have grown to."""
        wake = self.of("wake_minute")
        so_far = (self.until_s / 60.0 - wake) / (1_420.0 - wake)
        return np.where(self.until_s >= DAY_S, 1.0, np.clip(so_far, 0.0, 1.0))


def make_curves(b: Batch) -> NDArray[np.int16]:
    """Deliveries x 3 x SLOTS: of each whole day the heart rate (bpm, 0 off the wrist), stress and body battery.

    Stress is 1 to 100, -1 off the wrist, -2 moving too much to tell.
    """
    minute = np.arange(SLOTS) * SLOT_MINUTES
    asleep = _asleep(b, minute)
    off = (minute >= b.of("off_from_minute")[:, None]) & (minute < b.of("off_to_minute")[:, None])
    swing = _drift(b, "swing")
    # Who walks more has more slots in which stress cannot be told.
    moving = ~asleep & (_drift(b, "moving") > np.clip(1.6 - b.of("steps")[:, None] / 12_000.0, 0.4, 1.6))
    level = (
        np.where(asleep, 14.0, b.of("stress_points")[:, None]) + 11.0 * swing + 24.0 * np.clip(swing - 0.9, 0.0, None)
    )
    stress = np.where(moving, _MOVING, np.clip(level + 5.0 * b.rows("stress", SLOTS), 1, 100))
    resting = b.of("resting_hr_bpm")[:, None]
    effort = 24.0 + b.of("moderate_s")[:, None] / 200.0 + 34.0 * (b.of("vigorous_s")[:, None] > 0)
    bpm = resting + np.where(asleep, 3.0 + swing, 18.0 + 5.0 * swing) + effort * moving + 1.5 * b.rows("heart", SLOTS)
    rate = np.where(asleep, 0.34 + 0.06 * b.of("recovery")[:, None], -0.17 - 0.05 * swing)
    battery = np.clip(b.of("battery_at_midnight")[:, None] + rate.cumsum(axis=1), 5.0, 100.0)
    curves = {"heart": np.clip(bpm, resting - 3, 190), "stress": stress, "battery": battery}
    worn = [np.where(off, blank, curves[name]) for name, blank in BLANK.items()]
    return np.stack(worn, axis=1).round().astype(np.int16)


def _asleep(b: Batch, minute: Ints) -> Bools:
    """Before this morning's waking, or after this evening's bedtime (the night that ends on the next day)."""
    bed, wake, evening = (b.of(name)[:, None] for name in ("bed_minute", "wake_minute", "evening_minute"))
    return np.asarray(((minute >= bed) & (minute < wake)) | (minute >= evening))


def _drift(b: Batch, place: str) -> Floats:
    """Noise that wanders from hour to hour, deliveries x SLOTS."""
    knots = b.rows(place, 25)
    weight = np.arange(SLOTS // 24) / (SLOTS // 24)
    return (knots[:, :-1, None] * (1.0 - weight) + knots[:, 1:, None] * weight).reshape(len(b), SLOTS)


def make_walks(b: Batch) -> Ints:
    """Steps taken in each quarter of an hour; a row sums up to the day's `walked`."""
    minute = np.arange(_QUARTERS) * QUARTER_MINUTES
    start = b.of("training_minute")[:, None]
    training = (minute >= start) & (minute < start + b.of("vigorous_s")[:, None] // 60)
    weight = b.rows("walks", _QUARTERS) ** 2 * ~_asleep(b, minute) + 4.0 * training
    reached = weight.cumsum(axis=1) / np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    counted: Ints = np.rint(reached * b.of("walked")[:, None]).astype(np.int64)
    return np.diff(counted, axis=1, prepend=0)


def make_nights(b: Batch) -> Ints:
    """Minutes since bedtime at which each stretch (of LEVELS) of the night that ends on that day ends."""
    noise = b.rows("night", len(LEVELS))
    minutes = np.maximum(np.rint(_USUAL_MINUTES * np.clip(1.0 + 0.25 * noise, 0.6, 1.4)), 2.0)
    minutes[(np.array(LEVELS) == "awake") & (noise < 0.0)] = 0.0
    in_bed = (b.of("wake_minute") - b.of("bed_minute"))[:, None]
    return np.asarray(np.minimum(minutes.cumsum(axis=1), in_bed), dtype=np.int64)


Moment = tuple[Callable[[Batch], Any], Callable[[Batch], Any]]


def _lasting(seconds: int) -> Moment:
    """What is at the minute that its number says, and lasts so long."""
    return lambda b: b.number, lambda b: np.full_like(b.user, seconds)


#: By kind of record, the minute of the day at which it begins, and the seconds it lasts.
KINDS: dict[str, Moment] = {
    "day": (lambda b: np.zeros_like(b.user), lambda b: b.until_s),
    "night": (lambda b: b.of("bed_minute") + b.stretches[0][:, 0], lambda b: 60 * b.in_bed_minutes),
    "stretch": (
        lambda b: b.of("bed_minute") + b.at_number(b.stretches[0]),
        lambda b: 60 * b.at_number(b.stretches[1] - b.stretches[0]),
    ),
    "moment": (lambda b: b.of("morning_minute"), lambda b: b.of("moment_s")),
    "workout": (lambda b: b.of("training_minute"), lambda b: b.of("vigorous_s")),
    "nap": (lambda b: b.of("nap_minute"), lambda b: 60 * b.of("nap_minutes")),
    "evening": (lambda b: b.of("questions_minute"), lambda b: b.of("moment_s")),
    "quarter": _lasting(900),
    "hour": _lasting(3_600),
    "minute": _lasting(0),
    # A room stays at home while its user travels.
    "reading": (
        lambda b: READING_MINUTES * b.number + (b.of("offset_s") - b.of("home_offset_s")) // 60,
        lambda b: np.zeros_like(b.user),
    ),
}
