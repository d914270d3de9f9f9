"""Truth: the canonical daily metrics of what was lived, by name, for a batch at once; devices only report it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from qol_dev.sample.lived import LEVELS, QUARTER_MINUTES, READING_MINUTES, SLOT_MINUTES, Batch, make_walks
from qol_dev.sample.lives import FACT_NAMES, data_of

Truth = Callable[[Batch], Any]


def _extreme(name: str, of: np.ufunc) -> Truth:
    """Lowest or highest positive value of a curve; NaN without one."""
    return lambda b: of.reduce(np.where(b.curve(name) > 0, b.curve(name), np.nan), axis=1)


def _mean(name: str, b: Batch) -> Any:
    """Mean of a curve's positive values; NaN without one."""
    known = b.curve(name) > 0
    return b.curve(name).sum(axis=1, where=known) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)


def _stress_minutes(low: int, high: int) -> Truth:
    return lambda b: SLOT_MINUTES * ((b.curve("stress") >= low) & (b.curve("stress") <= high)).sum(axis=1)


def _battery(sign: int, b: Batch) -> Any:
    """Points charged or drained; a change of more than a few is the watch being put on or taken off."""
    steps = sign * np.diff(b.curve("battery"), axis=1)
    return np.minimum(np.where((steps > 0) & (steps < 5), steps, 0).sum(axis=1), 100)


def _worn_resting(b: Batch) -> Any:
    return np.where(b.of("night") & (b.curve("heart") > 0).any(axis=1), b.of("resting_hr_bpm"), np.nan)


def _levels(*levels: str) -> Truth:
    """Minutes of the night in any of these levels."""
    return lambda b: ((b.stretches[1] - b.stretches[0]) * np.isin(LEVELS, levels)).sum(axis=1)


def _sum(**parts: float) -> Truth:
    return lambda b: sum(factor * TRUTH[name](b) for name, factor in parts.items())


def _quarter(b: Batch) -> Any:
    """Steps of the quarter of an hour that begins at the batch's minute."""
    return b.at_number(b.per_day(make_walks), QUARTER_MINUTES)


def _hour(b: Batch) -> Any:
    return b.at_number(b.per_day(make_walks).reshape(len(b), 24, 4).sum(axis=2), 60)


def _room_c(b: Batch) -> Any:
    """Warmer in the evening, and every room in its own way."""
    hour = READING_MINUTES / 60.0 * b.number
    air = b.world.options.normal("air", b.user, b.day, b.number)
    return b.of("room_usual_c") + 1.8 * np.sin((hour - 11.0) / 12.0 * np.pi) + 0.08 * air


#: The metrics of schemas/metrics/daily.yaml that follow the curves or grow with the day.
TRUTH: dict[str, Truth] = {
    **{name: partial(Batch.of, name=name) for name in FACT_NAMES},
    **{f"{level}_minutes": _levels(level) for level in ("deep", "light", "rem", "awake")},
    **{f"{name}_minutes": _stress_minutes(*band) for name, band in data_of("lives.yaml")["stress_bands"].items()},
    "steps": lambda b: np.floor(b.of("steps") * b.share),
    "distance_m": lambda b: TRUTH["steps"](b) * b.of("stride_m"),
    "active_kcal": _sum(steps=0.035, moderate_minutes=2.2, vigorous_minutes=6.5),
    "floors": lambda b: np.floor(np.minimum(TRUTH["steps"](b) / 900.0, 60.0)),
    "moderate_minutes": lambda b: np.floor(b.of("moderate_s") * b.share / 60),
    "vigorous_minutes": lambda b: np.floor(b.of("vigorous_s") * b.share / 60),
    "min_hr_bpm": lambda b: np.fmin(_extreme("heart", np.fmin)(b), _worn_resting(b)),
    "max_hr_bpm": lambda b: np.fmax(_extreme("heart", np.fmax)(b), _worn_resting(b)),
    "mean_hr_bpm": partial(_mean, "heart"),
    "sleep_minutes": _levels("deep", "light", "rem"),
    "time_in_bed_minutes": lambda b: b.in_bed_minutes,
    "sleep_efficiency_pct": lambda b: np.floor(100.0 * TRUTH["sleep_minutes"](b) / np.maximum(b.in_bed_minutes, 1)),
    "stress_mean": partial(_mean, "stress"),
    "stress_max": _extreme("stress", np.fmax),
    "body_battery_charged": partial(_battery, 1),
    "body_battery_drained": partial(_battery, -1),
    "bmi": lambda b: b.of("weight_kg") / b.of("height_m") ** 2,
    # What else habits.yaml names:
    "worn_resting_hr_bpm": _worn_resting,
    "walked": lambda b: b.of("walked") * b.share,
    "heart_now_bpm": lambda b: b.at_number(b.curve("heart"), SLOT_MINUTES),
    "hour_steps": _hour,
    "hour_m": lambda b: _hour(b) * b.of("stride_m"),
    "quarter_steps": _quarter,
    "quarter_m": lambda b: _quarter(b) * b.of("stride_m"),
    "stretch_stage": lambda b: np.array([{"light": 3, "deep": 4, "rem": 5, "awake": 2}[LEVELS[n]] for n in b.number]),
    "room_c": _room_c,
    "room_humidity_pct": lambda b: np.clip(14.0 + 1.5 * _room_c(b) + 4.0 * b.rows("humidity", 1)[:, 0], 20.0, 90.0),
    "workout_id": lambda b: 1_000_000 * (21_000 + b.day) + b.user,
}
