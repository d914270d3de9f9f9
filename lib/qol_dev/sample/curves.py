"""Curves: heart rate, stress, steps and sleep stages through one day of every user, so that all its records agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qol_dev.sample.lives import DAY_MINUTES, Columns
from qol_dev.sample.sample_options import Bools, Floats, Ints, SampleOptions

SLOT_MINUTES = 3
SLOTS = DAY_MINUTES // SLOT_MINUTES
QUARTER_MINUTES = 15
QUARTERS = DAY_MINUTES // QUARTER_MINUTES
OFF_WRIST, MOVING = -1, -2

#: One sleep cycle: level, minutes in the first cycle, minutes in the sixth. Deep sleep comes early, REM late.
_CYCLE = (("light", 24, 22), ("deep", 26, 8), ("light", 18, 22), ("rem", 10, 30), ("awake", 5, 6))
_CYCLES = 14
LEVELS = [level for level, _, _ in _CYCLE] * _CYCLES


@dataclass(frozen=True)
class Curves:
    """One local day. Heart rate: bpm per minute, 0 off the wrist; stress and battery: per slot of 180 s.

    Stress is 1 to 100, -1 off the wrist, -2 moving too much to tell. `walks` are steps per quarter of an hour.
    """

    heart: NDArray[np.uint8]
    stress: NDArray[np.int8]
    battery: NDArray[np.int8]
    walks: Ints


def make_curves(days: Columns, options: SampleOptions, day: int) -> Curves:
    """The curves of the day with that index, for every user."""
    rng = options.stream("curves", day)
    n = len(days["steps"])
    slot_minute = np.arange(SLOTS) * SLOT_MINUTES
    asleep = _asleep(days, day, slot_minute)
    off = _off_wrist(days, day, slot_minute)
    swing = _drift(rng, n)
    # Who walks more has more slots in which stress cannot be told.
    moving = ~asleep & (_drift(rng, n) > np.clip(1.6 - days["steps"][:, day, None] / 12_000.0, 0.4, 1.6))
    usual = np.where(asleep, 14.0, days["stress_points"][:, day, None])
    level = usual + 11.0 * swing + 24.0 * np.clip(swing - 0.9, 0.0, None) + rng.normal(0.0, 5.0, (n, SLOTS))
    stress = np.clip(np.rint(level), 1, 100)
    stress[moving] = MOVING
    stress[off] = OFF_WRIST
    effort = 24.0 + days["moderate_s"][:, day, None] / 200.0 + 34.0 * (days["vigorous_s"][:, day, None] > 0)
    return Curves(
        heart=_heart(rng, days, day, np.where(asleep, 3.0 + swing, 18.0 + 5.0 * swing) + effort * moving),
        stress=stress.astype(np.int8),
        battery=_battery(days, day, asleep, swing),
        walks=_walks(rng, days, day),
    )


def _asleep(days: Columns, day: int, minute: Ints) -> Bools:
    """Before this morning's waking, or after this evening's bedtime (the night that ends on the next day)."""
    bed, wake = days["bed_minute"][:, day, None], days["wake_minute"][:, day, None]
    inside: Bools = ((minute >= bed) & (minute < wake)) | (minute >= _evening(days, day))
    return inside


def _evening(days: Columns, day: int) -> Ints:
    """Minute at which each user goes to bed at the end of that day, users x 1."""
    evening: Ints = DAY_MINUTES + days["bed_minute"][:, min(day + 1, days["steps"].shape[1] - 1), None]
    return evening


def _off_wrist(days: Columns, day: int, minute: Ints) -> Bools:
    off: Bools = (minute >= days["off_from_minute"][:, day, None]) & (minute < days["off_to_minute"][:, day, None])
    return off


def _drift(rng: np.random.Generator, n: int) -> Floats:
    """Noise that wanders from hour to hour, users x SLOTS."""
    knots = rng.normal(0.0, 1.0, (n, 25))
    weight = np.arange(SLOTS // 24) / (SLOTS // 24)
    between: Floats = knots[:, :-1, None] * (1.0 - weight) + knots[:, 1:, None] * weight
    return between.reshape(n, SLOTS)


def _heart(rng: np.random.Generator, days: Columns, day: int, above_rest: Floats) -> NDArray[np.uint8]:
    """Heart rate per minute from what each slot adds to the resting rate."""
    resting = days["resting_hr_bpm"][:, day, None]
    minutes = np.repeat(resting + above_rest, SLOT_MINUTES, axis=1)
    minutes += rng.integers(-3, 4, minutes.shape)
    heart = np.clip(np.rint(minutes), resting - 3, 190)
    heart[_off_wrist(days, day, np.arange(DAY_MINUTES))] = 0
    return np.asarray(heart, dtype=np.uint8)


def _battery(days: Columns, day: int, asleep: Bools, swing: Floats) -> NDArray[np.int8]:
    """Charges while asleep, drains while awake, faster in stressful hours."""
    charge = 0.34 + 0.06 * days["recovery"][:, day, None]
    rate = np.where(asleep, charge, -0.17 - 0.05 * swing)
    level = days["battery_at_midnight"][:, day, None] + np.cumsum(rate, axis=1)
    rounded: NDArray[np.int8] = np.rint(np.clip(level, 5.0, 100.0)).astype(np.int8)
    return rounded


def training_minute(user: Ints, day: Ints | int) -> Ints:
    """The minute after local midnight at which users train when they do, 16:00 to 19:59."""
    return np.asarray(960 + (37 * user + 53 * np.asarray(day)) % 240)


def _walks(rng: np.random.Generator, days: Columns, day: int) -> Ints:
    """Steps taken in each quarter of an hour; a row sums up to the day's `walked`."""
    n = len(days["walked"])
    minute = np.arange(QUARTERS) * QUARTER_MINUTES
    awake = (minute >= days["wake_minute"][:, day, None]) & (minute < _evening(days, day))
    weight = rng.gamma(0.6, 1.0, (n, QUARTERS)) * awake
    start = training_minute(np.arange(n), day)[:, None]
    weight += 4.0 * ((minute >= start) & (minute < start + days["vigorous_s"][:, day, None] // 60))
    reached = np.cumsum(weight, axis=1) / np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    counted = np.rint(reached * days["walked"][:, day, None]).astype(np.int64)
    return np.diff(counted, axis=1, prepend=0)


def make_nights(days: Columns, options: SampleOptions, day: int) -> Ints:
    """Minutes since bedtime at which each stretch (of LEVELS) of the night that ends on that day ends, users x stretches."""
    rng = options.stream("nights", day)
    total = days["wake_minute"][:, day, None] - days["bed_minute"][:, day, None]
    late = np.repeat(np.minimum(np.arange(_CYCLES) / 5.0, 1.0), len(_CYCLE))
    early_minutes, late_minutes = (np.tile([stretch[n] for stretch in _CYCLE], _CYCLES) for n in (1, 2))
    usual = early_minutes + (late_minutes - early_minutes) * late
    minutes = np.maximum(np.rint(usual * rng.uniform(0.6, 1.4, (len(total), len(LEVELS)))), 2)
    minutes[:, len(_CYCLE) - 1 :: len(_CYCLE)] *= rng.random((len(total), _CYCLES)) < 0.55
    ends: Ints = np.minimum(np.cumsum(minutes, axis=1), total).astype(np.int64)
    return ends
