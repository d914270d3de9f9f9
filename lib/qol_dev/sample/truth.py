"""Truth: the canonical daily metrics of what was lived, by name, for a batch at once; devices only report it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from qol_dev.sample.curves import LEVELS, MOVING, SLOT_MINUTES
from qol_dev.sample.lived import READING_MINUTES, Batch
from qol_dev.sample.sample_options import DAY_S, Floats

Truth = Callable[[Batch], Any]


def _reduced(values: Any, reduce: str) -> Floats:
    """Mean, min or max of a matrix's positive values, row by row; NaN where there is none."""
    known = values > 0
    kept = np.where(known, values, {"mean": 0.0, "min": np.inf, "max": -np.inf}[reduce])
    count = known.sum(axis=1)
    found = kept.sum(axis=1) / np.maximum(count, 1) if reduce == "mean" else getattr(kept, reduce)(axis=1)
    return np.where(count > 0, found, np.nan)


def _stress_minutes(low: int, high: int) -> Truth:
    return lambda b: SLOT_MINUTES * ((b.stress >= low) & (b.stress <= high)).sum(axis=1)


def _battery(sign: int) -> Truth:
    def change(b: Batch) -> Any:
        steps = sign * np.diff(b.battery.astype(np.int64), axis=1)
        both = (b.battery[:, 1:] > 0) & (b.battery[:, :-1] > 0)
        return np.minimum(np.where(both & (steps > 0), steps, 0).sum(axis=1), 100)

    return change


def _worn_resting(b: Batch) -> Any:
    return np.where(b.of("night") & (b.heart > 0).any(axis=1), b.of("resting_hr_bpm"), np.nan)


def _score(usual: float, per_recovery: float) -> Truth:
    return lambda b: np.clip(usual + per_recovery * b.of("recovery") + 2.0 * b.noise("score"), 1, 99)


def _in_bed(b: Batch) -> Any:
    return b.stretches[1][:, -1] - b.stretches[0][:, 0]


def _levels(*levels: str) -> Truth:
    return lambda b: b.minutes_in(*levels)


def _sum(**parts: float) -> Truth:
    return lambda b: sum(factor * TRUTH[name](b) for name, factor in parts.items())


_BUSY = _sum(ring_off_minutes=1, rest_minutes=1, light_activity_minutes=1, moderate_minutes=1, vigorous_minutes=1)


def _quarter(b: Batch) -> Any:
    """Steps of the quarter of an hour that begins at the batch's minute."""
    return b.walks[np.arange(len(b)), b.number // 15]


def _hour(b: Batch) -> Any:
    return b.walks.reshape(len(b), 24, 4).sum(axis=2)[np.arange(len(b)), b.number // 60]


def _now(b: Batch) -> Any:
    bpm = b.heart[np.arange(len(b)), b.number]
    return np.where(bpm > 0, bpm, np.nan)


def _room_c(b: Batch) -> Any:
    """Warmer in the evening, cooler from week to week, and every room in its own way."""
    hour = READING_MINUTES / 60.0 * b.number
    usual = 22.0 + (b.user % 5) * 0.6 - 0.06 * b.day + 0.6 * b.noise("room")
    air = b.world.options.normal("air", b.user, b.day, b.number)
    return usual + 1.8 * np.sin((hour - 11.0) / 12.0 * np.pi) + 0.08 * air


def _between(low: float, truth: Truth, high: float) -> Truth:
    return lambda b: np.clip(truth(b), low, high)


#: The metrics of schemas/metrics/daily.yaml, then what habits.yaml names.
TRUTH: dict[str, Truth] = {
    "steps": lambda b: np.floor(b.of("steps") * b.share),
    "distance_m": lambda b: TRUTH["steps"](b) * b.life("stride_m"),
    "active_kcal": _sum(steps=0.035, moderate_minutes=2.2, vigorous_minutes=6.5),
    "floors": lambda b: np.floor(np.minimum(TRUTH["steps"](b) / 900.0, 60.0) * (1.0 + 0.2 * b.noise("floors"))),
    "moderate_minutes": lambda b: np.floor(b.of("moderate_s") * b.share / 60),
    "vigorous_minutes": lambda b: np.floor(b.of("vigorous_s") * b.share / 60),
    "sedentary_minutes": lambda b: np.maximum(b.until_s / 60.0 - _BUSY(b), 0.0),
    "resting_hr_bpm": lambda b: b.of("resting_hr_bpm"),
    "min_hr_bpm": lambda b: np.fmin(_reduced(b.heart, "min"), _worn_resting(b)),
    "max_hr_bpm": lambda b: np.fmax(_reduced(b.heart, "max"), _worn_resting(b)),
    "mean_hr_bpm": lambda b: _reduced(b.heart, "mean"),
    "hrv_rmssd_ms": lambda b: b.of("hrv_ms"),
    "hrv_sdnn_ms": lambda b: 1.25 * b.of("hrv_ms"),
    "sleep_minutes": _levels("deep", "light", "rem"),
    "deep_minutes": _levels("deep"),
    "light_minutes": _levels("light"),
    "rem_minutes": _levels("rem"),
    "awake_minutes": _levels("awake"),
    "time_in_bed_minutes": _in_bed,
    "sleep_efficiency_pct": lambda b: np.floor(100.0 * TRUTH["sleep_minutes"](b) / np.maximum(_in_bed(b), 1)),
    "sleep_score": _score(78.0, 5.0),
    "nap_minutes": lambda b: b.of("nap_minutes"),
    "stress_mean": lambda b: _reduced(b.stress, "mean"),
    "stress_max": lambda b: _reduced(b.stress, "max"),
    "rest_stress_minutes": _stress_minutes(1, 25),
    "low_stress_minutes": _stress_minutes(26, 50),
    "medium_stress_minutes": _stress_minutes(51, 75),
    "high_stress_minutes": _stress_minutes(76, 100),
    "activity_stress_minutes": _stress_minutes(MOVING, MOVING),
    "body_battery_charged": _battery(1),
    "body_battery_drained": _battery(-1),
    "recovery_high_minutes": _stress_minutes(1, 10),
    "respiration_mean_brpm": lambda b: 14.0 - 0.4 * b.of("recovery"),
    "spo2_mean_pct": _between(90, lambda b: 96.4 + 0.2 * b.of("recovery") + 0.3 * b.noise("spo2"), 99.5),
    "spo2_min_pct": lambda b: TRUTH["spo2_mean_pct"](b) - 4.0,
    "weight_kg": lambda b: b.life("weight_kg") + 0.6 * np.sin(b.day / 6.0 + b.user) + 0.2 * b.noise("weight"),
    "body_fat_pct": lambda b: b.life("fat_pct") + 0.2 * b.noise("fat"),
    "bmi": lambda b: TRUTH["weight_kg"](b) / b.life("height_m") ** 2,
    "vo2max": _between(18, lambda b: 38.0 + 5.5 * b.life("fitness") - 0.18 * (b.life("age_years") - 45.0), 70),
    "fitness_age_years": _between(18, lambda b: b.life("age_years") - 6.0 * b.life("fitness"), 90),
    "skin_temp_deviation_c": lambda b: -0.22 * b.of("recovery") + 0.15 * b.noise("skin"),
    "systolic_mmhg": lambda b: b.life("systolic_mmhg") - 2.5 * b.of("recovery") + 2.0 * b.noise("pressure"),
    "diastolic_mmhg": lambda b: 0.5 * TRUTH["systolic_mmhg"](b) + 17.0 + 3.0 * b.noise("diastolic"),
    "readiness_score": _score(79.0, 6.5),
    "activity_score": _score(80.0, 2.0),
    "vascular_age_years": _between(18, lambda b: b.life("age_years") - 4.0 * b.life("fitness"), 99),
    # Not metrics:
    "worn_resting_hr_bpm": _worn_resting,
    "offset_s": lambda b: b.offset_s,
    "duration_s": lambda b: b.seconds,
    "walked": lambda b: np.rint(b.of("walked") * b.share * (0.96 + b.user % 7 / 100.0)),
    "stressed_minutes": _stress_minutes(26, 100),
    "bmr_kcal": lambda b: b.life("bmr_kcal") * b.until_s / DAY_S,
    "week_hr_bpm": lambda b: np.where((b.heart > 0).any(axis=1), b.life("resting_hr_bpm") + 14.0, np.nan),
    "ring_off_minutes": lambda b: np.minimum(
        (5 * b.user + 3 * b.day) % 45 + 900 * (b.noise("ring") > 1.9), b.until_s // 240
    ),
    "rest_minutes": lambda b: (
        0.9 * np.minimum(b.until_s / 60.0, b.of("wake_minute") - np.minimum(b.of("bed_minute"), 0))
    ),
    "light_activity_minutes": lambda b: np.minimum(TRUTH["steps"](b) / 90.0, b.until_s / 360.0),
    "active_day_s": lambda b: np.minimum(_sum(steps=0.55, vigorous_minutes=60)(b), b.until_s),
    "best_hrv_ms": lambda b: 1.5 * b.of("hrv_ms"),
    "heart_now_bpm": _now,
    "hour_steps": _hour,
    "hour_m": lambda b: _hour(b) * b.life("stride_m"),
    "quarter_steps": _quarter,
    "quarter_active_s": lambda b: np.minimum(np.ceil(0.6 * _quarter(b)), 900),
    "quarter_rest_s": lambda b: 900 - TRUTH["quarter_active_s"](b),
    "quarter_m": lambda b: _quarter(b) * b.life("stride_m"),
    "stretch_stage": lambda b: np.array([{"light": 3, "deep": 4, "rem": 5, "awake": 2}[LEVELS[n]] for n in b.number]),
    "room_c": _room_c,
    "room_humidity_pct": lambda b: np.clip(14.0 + 1.5 * _room_c(b) + 4.0 * b.noise("humidity"), 20.0, 90.0),
    "workout_hr_bpm": lambda b: 128.0 + 4.0 * (b.user % 6) - 2.0 * b.life("fitness"),
    "workout_id": lambda b: 21_000_000_000 + 1_000_000 * (b.world.options.first_epoch_day + b.day) + b.user,
}
