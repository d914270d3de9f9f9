"""Days: what one person lived on one local day, as arrays of shape people x days, before any device reports it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qol_dev.sample.options import TAIL_DAYS, Bools, Floats, Ints, SampleOptions
from qol_dev.sample.people import OFFSETS, People

STREAM = 2
FULL_DAY_S = 86_400
DAY_MINUTES = 1_440


@dataclass(frozen=True)
class Days:
    """Arrays people x (days + TAIL_DAYS). Minutes count from the day's local midnight; a bedtime may be negative.

    The watch is off the wrist from `off_from_minute` to `off_to_minute`. `night` says whether the night that ends on
    this day was recorded. `last_duration_s` is the longest duration the day ever reports, mostly the whole day.
    `walked` are the steps taken, `steps` those of them that a watch on the wrist counts.
    """

    offset_s: Ints
    midnight_s: Ints
    bed_minute: Ints
    wake_minute: Ints
    recovery: Floats
    missing: Bools
    off_from_minute: Ints
    off_to_minute: Ints
    night: Bools
    nap_minutes: Ints
    last_duration_s: Ints
    resting_hr_bpm: Ints
    hrv_ms: Ints
    stress_points: Floats
    walked: Ints
    steps: Ints
    floors: Ints
    moderate_s: Ints
    vigorous_s: Ints
    battery_at_midnight: Floats


def make_days(people: People, options: SampleOptions) -> Days:
    """Every person's days from the first Monday to the end of the last week, and TAIL_DAYS mornings more."""
    rng = options.stream(STREAM)
    shape = (len(people), options.days + TAIL_DAYS)
    free = people.rest_weekdays[:, np.arange(shape[1]) % 7]
    offset = _offsets(rng, people, shape)
    epoch_day = options.first_epoch_day + np.arange(shape[1], dtype=np.int64)
    bed, wake = _sleep_times(rng, people, free)
    recovery = _slow_noise(rng, shape)
    missing, off_from, off_to, last = _wear(rng, people, shape)
    worn_share = 1.0 - (off_to - off_from) / DAY_MINUTES
    walked, steps, moderate, vigorous = _activity(rng, people, free, worn_share)
    night_worn = (off_from == off_to) | (off_from >= wake) | (off_to <= np.maximum(bed, 0))
    return Days(
        offset_s=offset,
        midnight_s=epoch_day[None, :] * FULL_DAY_S - offset,
        bed_minute=bed,
        wake_minute=wake,
        recovery=recovery,
        missing=missing,
        off_from_minute=off_from,
        off_to_minute=off_to,
        night=night_worn & ~missing & (rng.random(shape) < 0.97),
        nap_minutes=np.where(rng.random(shape) < 0.05, rng.integers(15, 95, shape), 0),
        last_duration_s=last,
        resting_hr_bpm=_whole(np.clip(people.resting_hr_bpm[:, None] - 1.4 * recovery, 45, 75)),
        hrv_ms=_whole(np.clip(people.hrv_ms[:, None] * np.exp(0.11 * recovery), 8, 200)),
        stress_points=people.stress_points[:, None] - 4.0 * recovery - 6.0 * free,
        walked=walked,
        steps=steps,
        floors=rng.poisson(np.minimum(steps / 900.0, 60.0)),
        moderate_s=moderate,
        vigorous_s=vigorous,
        battery_at_midnight=np.clip(30.0 + 8.0 * recovery + rng.normal(0.0, 8.0, shape), 8.0, 70.0),
    )


def _whole(values: Floats) -> Ints:
    return np.rint(values).astype(np.int64)


def _slow_noise(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Standard normal noise in which good and bad days come in runs: what makes heart, stress and sleep agree."""
    noise = rng.normal(0.0, 1.0, shape)
    for day in range(1, shape[1]):
        noise[:, day] = 0.5 * noise[:, day - 1] + 0.866 * noise[:, day]
    return noise


def _offsets(rng: np.random.Generator, people: People, shape: tuple[int, int]) -> Ints:
    """Seconds east of UTC per day: home, but on a journey of 2 to 6 days in about one person-week in seventeen."""
    n, width = shape
    offset = np.repeat(people.home_offset_s[:, None], width, axis=1)
    for monday in range(0, width - TAIL_DAYS, 7):
        travels = rng.random(n) < 0.06
        away_from = monday + rng.integers(0, 5, n)
        away_to = away_from + rng.integers(2, 7, n)
        there = OFFSETS[rng.integers(0, len(OFFSETS), n)]
        day = np.arange(width)[None, :]
        away = travels[:, None] & (day >= away_from[:, None]) & (day < away_to[:, None])
        offset = np.where(away, there[:, None], offset)
    return offset


def _sleep_times(rng: np.random.Generator, people: People, free: Bools) -> tuple[Ints, Ints]:
    """Bed and wake minute of the night that ends on each day; both later when that day is free."""
    delay = people.free_day_delay_minutes[:, None] * free
    bed = people.bed_minute[:, None] + 0.7 * delay + rng.normal(0.0, 22.0, free.shape)
    wake = people.wake_minute[:, None] + 1.4 * delay + rng.normal(0.0, 14.0, free.shape)
    bed_minute = _whole(np.clip(bed, -180.0, 240.0))
    return bed_minute, np.maximum(_whole(wake), bed_minute + 230)


def _wear(rng: np.random.Generator, people: People, shape: tuple[int, int]) -> tuple[Bools, Ints, Ints, Ints]:
    """Days without any data, minutes off the wrist, and the last duration of days on which the battery died."""
    lapse = (1.0 - people.adherence)[:, None]
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
    last = np.where(short, 60 * rng.integers(200, 1_200, shape), FULL_DAY_S)
    return missing, off_from, off_to, last


def _activity(rng: np.random.Generator, people: People, free: Bools, worn: Floats) -> tuple[Ints, Ints, Ints, Ints]:
    """Steps walked, steps counted, moderate and vigorous seconds; a person's workouts fall where the steps are many."""
    log_steps = people.log_steps[:, None] - 0.12 * free + rng.normal(0.0, 0.34, free.shape)
    walked = np.clip(np.exp(log_steps), 300.0, 45_000.0)
    steps = walked * worn
    brisk = np.clip((steps - 4_000.0) / 260.0, 0.0, 90.0) * rng.uniform(0.4, 1.2, free.shape)
    keen = people.fitness[:, None] + rng.normal(0.0, 1.0, free.shape) > 1.1
    vigorous = keen * (steps > 3_000.0) * rng.uniform(10.0, 55.0, free.shape)
    return _whole(walked), _whole(steps), 60 * _whole(brisk), 60 * _whole(vigorous)
