"""People: who they are to the vendor, where they live, and the rhythm and physiology their days scatter around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qol_dev.sample.options import Bools, Floats, Ints, SampleOptions

STREAM = 1

#: Zones without daylight saving, so that a fixed offset is right in every year and no time zone database is needed.
ZONES: tuple[tuple[str, int, float], ...] = (
    ("Asia/Tokyo", 32400, 0.90),
    ("America/Bogota", -18000, 0.04),
    ("Asia/Bangkok", 25200, 0.02),
    ("Asia/Kolkata", 19800, 0.02),
    ("Pacific/Honolulu", -36000, 0.02),
)
OFFSETS: Ints = np.array([offset for _, offset, _ in ZONES], dtype=np.int64)


@dataclass(frozen=True)
class People:
    """One entry per person in every list and array; names end in the unit."""

    vendor_ids: list[str]
    summary_prefixes: list[str]
    tokens: list[str | None]
    zones: list[str]
    home_offset_s: Ints
    rest_weekdays: Bools
    bed_minute: Floats
    wake_minute: Floats
    free_day_delay_minutes: Floats
    resting_hr_bpm: Floats
    hrv_ms: Floats
    stress_points: Floats
    log_steps: Floats
    stride_m: Floats
    fitness: Floats
    bmr_kcal: Floats
    age_years: Floats
    adherence: Floats
    sync_habit: Floats
    dense_heart_rate: Bools
    enhanced_sleep: Bools

    def __len__(self) -> int:
        return len(self.vendor_ids)


def make_people(options: SampleOptions) -> People:
    """`options.users` people; the same options give the same people."""
    rng = options.stream(STREAM)
    n = options.users
    zone = rng.choice(len(ZONES), size=n, p=[share for _, _, share in ZONES])
    fitness = rng.normal(0.0, 1.0, n)
    resting = np.clip(60.0 - 4.5 * fitness + rng.normal(0.0, 4.0, n), 47.0, 72.0)
    chronotype = rng.normal(0.0, 45.0, n)
    age = rng.uniform(22.0, 78.0, n)
    return People(
        vendor_ids=[rng.bytes(16).hex() for _ in range(n)],
        summary_prefixes=["x" + rng.bytes(4).hex()[:7] for _ in range(n)],
        tokens=_tokens(rng, n),
        zones=[ZONES[z][0] for z in zone],
        home_offset_s=OFFSETS[zone],
        rest_weekdays=_rest_weekdays(rng, n),
        bed_minute=-20.0 + chronotype,
        wake_minute=395.0 + 0.5 * chronotype + rng.normal(0.0, 15.0, n),
        free_day_delay_minutes=np.clip(35.0 + 0.6 * chronotype + rng.normal(0.0, 15.0, n), 0.0, 150.0),
        resting_hr_bpm=resting,
        hrv_ms=np.clip(np.exp(3.75 - 0.03 * (resting - 60.0) + rng.normal(0.0, 0.22, n)), 15.0, 140.0),
        stress_points=np.clip(36.0 + 0.4 * (resting - 60.0) + rng.normal(0.0, 6.0, n), 20.0, 60.0),
        log_steps=np.log(7200.0) + 0.22 * fitness + rng.normal(0.0, 0.25, n),
        stride_m=rng.uniform(0.62, 0.80, n),
        fitness=fitness,
        bmr_kcal=rng.uniform(1150.0, 1850.0, n),
        age_years=age,
        adherence=np.clip(rng.beta(18.0, 1.3, n), 0.55, 0.995),
        sync_habit=_sync_habit(rng, n),
        dense_heart_rate=rng.random(n) < 0.3,
        enhanced_sleep=rng.random(n) < 0.85,
    )


def _sync_habit(rng: np.random.Generator, n: int) -> Floats:
    """Chance of each possible sync: one person in eight hardly ever; the first one does, so that no lake is empty."""
    habit = np.where(rng.random(n) < 0.12, 0.08, rng.uniform(0.35, 0.85, n))
    habit[0] = 0.8
    return habit


def _tokens(rng: np.random.Generator, n: int) -> list[str | None]:
    """Fake access tokens for the quarter of the people whose pushes still carry one."""
    carries = rng.random(n) < 0.25
    drawn = [rng.bytes(16).hex() for _ in range(n)]
    return [f"fake-{d[:8]}-{d[8:12]}-{d[12:20]}" if has else None for d, has in zip(drawn, carries, strict=True)]


def _rest_weekdays(rng: np.random.Generator, n: int) -> Bools:
    """Which weekdays are free: Saturday and Sunday, but for one person in eight two days that follow each other."""
    first = np.where(rng.random(n) < 0.125, rng.integers(0, 7, n), 5)
    weekday = np.arange(7)[None, :]
    free: Bools = ((weekday - first[:, None]) % 7) < 2
    return free
