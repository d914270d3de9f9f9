"""Curves: heart rate, stress and body battery through one day of everybody, so that all records of it agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qol_dev.sample.days import DAY_MINUTES, Days
from qol_dev.sample.options import Bools, Floats, SampleOptions

STREAM = 3
SLOT_MINUTES = 3
SLOTS = DAY_MINUTES // SLOT_MINUTES
OFF_WRIST, MOVING = -1, -2


@dataclass(frozen=True)
class Curves:
    """One local day: heart rate (bpm, 0 off the wrist) people x minutes, the others people x slots of 180 s.

    Stress is 1 to 100, -1 off the wrist, -2 moving too much to tell.
    """

    heart_bpm: NDArray[np.uint8]
    stress: NDArray[np.int8]
    battery: NDArray[np.int8]


def make_curves(days: Days, options: SampleOptions, day: int) -> Curves:
    """The curves of the day with that index, for everybody."""
    rng = options.stream(STREAM, day)
    n = len(days.steps)
    slot_minute = np.arange(SLOTS) * SLOT_MINUTES
    asleep = _asleep(days, day, slot_minute)
    off = _off_wrist(days, day, slot_minute)
    swing = _drift(rng, n, 20)
    # Who walks more has more slots in which stress cannot be told.
    moving = ~asleep & (_drift(rng, n, 20) > np.clip(1.6 - days.steps[:, day, None] / 12_000.0, 0.4, 1.6))
    usual = np.where(asleep, 14.0, days.stress_points[:, day, None])
    level = usual + 11.0 * swing + 24.0 * np.clip(swing - 0.9, 0.0, None) + rng.normal(0.0, 5.0, (n, SLOTS))
    stress = np.clip(np.rint(level), 1, 100)
    stress[moving] = MOVING
    stress[off] = OFF_WRIST
    effort = 24.0 + days.moderate_s[:, day, None] / 200.0 + 34.0 * (days.vigorous_s[:, day, None] > 0)
    return Curves(
        heart_bpm=_heart(rng, days, day, np.where(asleep, 3.0 + swing, 18.0 + 5.0 * swing) + effort * moving),
        stress=stress.astype(np.int8),
        battery=_battery(days, day, asleep, swing),
    )


def _asleep(days: Days, day: int, minute: NDArray[np.int64]) -> Bools:
    """Before this morning's waking, or after this evening's bedtime (the night that ends on the next day)."""
    bed, wake = days.bed_minute[:, day, None], days.wake_minute[:, day, None]
    evening = DAY_MINUTES + days.bed_minute[:, day + 1, None]
    inside: Bools = ((minute >= bed) & (minute < wake)) | (minute >= evening)
    return inside


def _off_wrist(days: Days, day: int, minute: NDArray[np.int64]) -> Bools:
    off: Bools = (minute >= days.off_from_minute[:, day, None]) & (minute < days.off_to_minute[:, day, None])
    return off


def _drift(rng: np.random.Generator, n: int, per_hour: int) -> Floats:
    """Noise that wanders from hour to hour, people x (24 * per_hour)."""
    knots = rng.normal(0.0, 1.0, (n, 25))
    weight = np.arange(per_hour) / per_hour
    between: Floats = knots[:, :-1, None] * (1.0 - weight) + knots[:, 1:, None] * weight
    return between.reshape(n, 24 * per_hour)


def _heart(rng: np.random.Generator, days: Days, day: int, above_rest: Floats) -> NDArray[np.uint8]:
    """Heart rate per minute from what each slot adds to the resting rate."""
    resting = days.resting_hr_bpm[:, day, None]
    minutes = np.repeat(resting + above_rest, SLOT_MINUTES, axis=1)
    minutes += rng.integers(-3, 4, minutes.shape)
    heart = np.clip(np.rint(minutes), resting - 3, 190)
    heart[_off_wrist(days, day, np.arange(DAY_MINUTES))] = 0
    return heart.astype(np.uint8)


def _battery(days: Days, day: int, asleep: Bools, swing: Floats) -> NDArray[np.int8]:
    """Charges while asleep, drains while awake, faster on stressful hours."""
    charge = 0.34 + 0.06 * days.recovery[:, day, None]
    rate = np.where(asleep, charge, -0.17 - 0.05 * swing)
    level = days.battery_at_midnight[:, day, None] + np.cumsum(rate, axis=1)
    rounded: NDArray[np.int8] = np.rint(np.clip(level, 5.0, 100.0)).astype(np.int8)
    return rounded
