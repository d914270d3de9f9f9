"""Lives: who the users are, and what they lived on each local day before any device reports it."""

from __future__ import annotations

from typing import Any

import numpy as np

from qol_dev.sample.sample_options import DAY_S, TAIL_DAYS, Bools, Floats, Ints, SampleOptions

#: Zones without daylight saving: a fixed offset is right in every year and no time zone database is needed.
ZONES: tuple[tuple[str, int, float], ...] = (
    ("Asia/Tokyo", 32400, 0.90),
    ("America/Bogota", -18000, 0.04),
    ("Asia/Bangkok", 25200, 0.02),
    ("Asia/Kolkata", 19800, 0.02),
    ("Pacific/Honolulu", -36000, 0.02),
)
DAY_MINUTES = 1_440
OFFSETS: Ints = np.array([offset for _, offset, _ in ZONES], dtype=np.int64)
ZONE_AT = {offset: name for name, offset, _ in ZONES}

#: How much an illness of four days takes from recovery, and how many user-weeks begin one.
_ILLNESS, _ILLNESS_DAYS, _ILLNESS_SHARE = 2.6, 4, 0.025

Columns = dict[str, Any]


def make_lives(options: SampleOptions) -> Columns:
    """`options.users` lives, a column per trait; names end in the unit, `fitness` is standard normal."""
    rng = options.stream("lives")
    n = options.users
    fitness = rng.normal(0.0, 1.0, n)
    resting = np.clip(60.0 - 4.5 * fitness + rng.normal(0.0, 4.0, n), 47.0, 72.0)
    chronotype = rng.normal(0.0, 45.0, n)
    age = rng.uniform(22.0, 78.0, n)
    height = np.clip(rng.normal(1.65, 0.08, n), 1.45, 1.95)
    # For one user in eight the free days are not Saturday and Sunday; one in eight hardly ever syncs, the first one does.
    first_free = np.where(rng.random(n) < 0.125, rng.integers(0, 7, n), 5)
    syncs = np.where((rng.random(n) < 0.12) & (np.arange(n) > 0), 0.08, rng.uniform(0.35, 0.85, n))
    bmi = np.clip(rng.normal(23.5, 2.8, n) - 0.5 * fitness, 18.0, 34.0)
    return {
        "home_offset_s": OFFSETS[rng.choice(len(ZONES), size=n, p=[share for _, _, share in ZONES])],
        "free_weekdays": ((np.arange(7)[None, :] - first_free[:, None]) % 7) < 2,
        "bed_minute": -20.0 + chronotype,
        "wake_minute": 395.0 + 0.5 * chronotype + rng.normal(0.0, 15.0, n),
        "free_day_delay_minutes": np.clip(35.0 + 0.6 * chronotype + rng.normal(0.0, 15.0, n), 0.0, 150.0),
        "resting_hr_bpm": resting,
        "hrv_ms": np.clip(np.exp(3.75 - 0.03 * (resting - 60.0) + rng.normal(0.0, 0.22, n)), 15.0, 140.0),
        "stress_points": np.clip(36.0 + 0.4 * (resting - 60.0) + rng.normal(0.0, 6.0, n), 20.0, 60.0),
        "log_steps": np.log(7200.0) + 0.22 * fitness + rng.normal(0.0, 0.25, n),
        "stride_m": rng.uniform(0.62, 0.80, n),
        "fitness": fitness,
        "bmr_kcal": rng.uniform(1150.0, 1850.0, n),
        "age_years": age,
        "weight_kg": bmi * height**2,
        "height_m": height,
        "fat_pct": np.clip(1.2 * bmi - 5.0 + rng.normal(0.0, 3.0, n), 8.0, 45.0),
        "systolic_mmhg": np.clip(112.0 + 0.35 * (age - 40.0) + rng.normal(0.0, 8.0, n), 92.0, 160.0),
        "adherence": np.clip(rng.beta(18.0, 1.3, n), 0.55, 0.995),
        "sync_habit": syncs,
    }


def make_life_days(lives: Columns, options: SampleOptions) -> Columns:
    """A column of users x days per fact, from the first Monday to the end of the last week, and TAIL_DAYS mornings more.

    Minutes count from the day's local midnight; a bedtime may be negative. The watch is off the wrist from
    `off_from_minute` to `off_to_minute`; `night` says whether the night that ends on this day was recorded;
    `last_duration_s` is how much of the day is ever reported. Of the steps `walked`, a watch on the wrist counts `steps`.
    """
    rng = options.stream("days")
    shape = (len(lives["fitness"]), options.days + TAIL_DAYS)
    free = lives["free_weekdays"][:, np.arange(shape[1]) % 7]
    # On a journey of 2 to 6 days in about one user-week in seventeen.
    abroad = OFFSETS[rng.integers(0, len(OFFSETS), (shape[0], 1))]
    offset = np.where(_stretches(rng, shape, 0.06, 2, 7), abroad, lives["home_offset_s"][:, None])
    ill = _stretches(rng, shape, _ILLNESS_SHARE, _ILLNESS_DAYS, _ILLNESS_DAYS + 1)
    recovery = _slow_noise(rng, shape) - _ILLNESS * ill
    bed, wake = _sleep_times(rng, lives, free)
    missing, off_from, off_to, last = _wear(rng, lives, shape)
    worn_share = 1.0 - (off_to - off_from) / DAY_MINUTES
    walked, steps, moderate, vigorous = _activity(rng, lives, free, worn_share, ill)
    night_worn = (off_from == off_to) | (off_from >= wake) | (off_to <= np.maximum(bed, 0))
    return {
        "offset_s": offset,
        "midnight_s": (options.first_epoch_day + np.arange(shape[1], dtype=np.int64))[None, :] * DAY_S - offset,
        "bed_minute": bed,
        "wake_minute": wake,
        "recovery": recovery,
        "ill": ill,
        "missing": missing,
        "off_from_minute": off_from,
        "off_to_minute": off_to,
        "night": night_worn & ~missing & (rng.random(shape) < 0.97),
        "nap_minutes": np.where(rng.random(shape) < 0.05, rng.integers(15, 95, shape), 0),
        "last_duration_s": last,
        "resting_hr_bpm": _whole(np.clip(lives["resting_hr_bpm"][:, None] - 1.4 * recovery, 45, 85)),
        "hrv_ms": _whole(np.clip(lives["hrv_ms"][:, None] * np.exp(0.11 * recovery), 8, 200)),
        "stress_points": lives["stress_points"][:, None] - 4.0 * recovery - 6.0 * free,
        "walked": walked,
        "steps": steps,
        "moderate_s": moderate,
        "vigorous_s": vigorous,
        "battery_at_midnight": np.clip(30.0 + 8.0 * recovery + rng.normal(0.0, 8.0, shape), 8.0, 70.0),
    }


def _whole(values: Floats) -> Ints:
    return np.rint(values).astype(np.int64)


def _slow_noise(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Standard normal noise in which good and bad days come in runs: what makes heart, stress and sleep agree."""
    noise = rng.normal(0.0, 1.0, shape)
    for day in range(1, shape[1]):
        noise[:, day] = 0.5 * noise[:, day - 1] + 0.866 * noise[:, day]
    return noise


def _stretches(rng: np.random.Generator, shape: tuple[int, int], share: float, least: int, below: int) -> Bools:
    """Days in a stretch of `least` to `below` - 1 days, which begins in that share of user-weeks."""
    inside = np.zeros(shape, dtype=np.bool_)
    day = np.arange(shape[1])[None, :]
    for monday in range(0, shape[1], 7):
        begins = monday + rng.integers(0, 7, (shape[0], 1))
        ends = begins + rng.integers(least, below, (shape[0], 1))
        inside |= (rng.random((shape[0], 1)) < share) & (day >= begins) & (day < ends)
    return inside


def silent_days(rng: np.random.Generator, shape: tuple[int, int]) -> Bools:
    """Days of 3 to 12 in a row without any sync, after which data comes late; the first user has none."""
    silent = _stretches(rng, shape, 0.04, 3, 13)
    silent[:1] = False
    return silent


def _sleep_times(rng: np.random.Generator, lives: Columns, free: Bools) -> tuple[Ints, Ints]:
    """Bed and wake minute of the night that ends on each day; both later when that day is free."""
    delay = lives["free_day_delay_minutes"][:, None] * free
    bed = lives["bed_minute"][:, None] + 0.7 * delay + rng.normal(0.0, 22.0, free.shape)
    wake = lives["wake_minute"][:, None] + 1.4 * delay + rng.normal(0.0, 14.0, free.shape)
    bed_minute = _whole(np.clip(bed, -180.0, 240.0))
    return bed_minute, np.maximum(_whole(wake), bed_minute + 230)


def _wear(rng: np.random.Generator, lives: Columns, shape: tuple[int, int]) -> tuple[Bools, Ints, Ints, Ints]:
    """Days without any data, minutes off the wrist, and the last duration of days on which the battery died."""
    lapse = (1.0 - lives["adherence"])[:, None]
    chance = rng.random(shape)
    missing = chance < 0.35 * lapse
    all_off = (chance >= 0.35 * lapse) & (chance < 0.75 * lapse)
    half_off = (chance >= 0.75 * lapse) & (chance < 1.15 * lapse)
    charging = rng.random(shape) < 0.4
    at = rng.integers(660, 1_320, shape)
    # On a half-worn day the watch is put on in the evening, or left at home in the morning and never put on again.
    put_on, left_at_home = half_off & (at < 900), half_off & (at >= 900)
    off_from = np.select([all_off | put_on, left_at_home], [0, at - 480], at)
    off_to = np.select([all_off | left_at_home, put_on], [DAY_MINUTES, at + 240], at + 60 * charging)
    short = (all_off & (rng.random(shape) < 0.5)) | (rng.random(shape) < 0.004)
    last = np.where(short, 60 * rng.integers(200, 1_200, shape), DAY_S)
    return missing, off_from, off_to, last


def _activity(
    rng: np.random.Generator, lives: Columns, free: Bools, worn: Floats, ill: Bools
) -> tuple[Ints, Ints, Ints, Ints]:
    """Steps walked, steps counted, moderate and vigorous seconds; workouts fall where the steps are many."""
    log_steps = lives["log_steps"][:, None] - 0.12 * free - 0.8 * ill + rng.normal(0.0, 0.34, free.shape)
    walked = np.clip(np.exp(log_steps), 300.0, 45_000.0)
    steps = walked * worn
    brisk = np.clip((steps - 4_000.0) / 260.0, 0.0, 90.0) * rng.uniform(0.4, 1.2, free.shape)
    keen = (lives["fitness"][:, None] + rng.normal(0.0, 1.0, free.shape) > 1.1) & ~ill
    vigorous = keen * (steps > 3_000.0) * rng.uniform(10.0, 55.0, free.shape)
    return _whole(walked), _whole(steps), 60 * _whole(brisk), 60 * _whole(vigorous)
