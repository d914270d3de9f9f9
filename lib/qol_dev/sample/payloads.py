"""Payloads: what Garmin would push about a day, up to the second the watch had seen; a pure function of the world."""

from __future__ import annotations

from itertools import compress

import numpy as np
from numpy.typing import NDArray

from qol_dev.sample.curves import MOVING, OFF_WRIST, SLOT_MINUTES
from qol_dev.sample.days import DAY_MINUTES, FULL_DAY_S
from qol_dev.sample.world import World

Record = dict[str, object]

SLOT_S = 60 * SLOT_MINUTES
#: Heart rate comes every 15 s in the final daily of some people and thinned to every 7 minutes otherwise: fewer than
#: 240 entries a day say nothing about wear time, and lines stay small.
_DENSE_S, _SPARSE_S = 15, 420
_SLOT_KEYS = [str(s) for s in range(0, FULL_DAY_S, SLOT_S)]
_DENSE_KEYS = [str(s) for s in range(0, FULL_DAY_S, _DENSE_S)]
_SPARSE_KEYS = [str(s) for s in range(0, FULL_DAY_S, _SPARSE_S)]
#: Four samples of one minute are not quite alike.
_JITTER = np.resize(np.array([0, 1, -1, 0, 1, 0, -1], dtype=np.int16), len(_DENSE_KEYS))

_BANDS = ((25, "calm"), (33, "balanced"), (42, "stressful"), (101, "very_stressful"))


def identity(world: World, person: int) -> Record:
    """Whose it is: the vendor's id and, for some people, an old access token."""
    token = world.people.tokens[person]
    vendor_id = world.people.vendor_ids[person]
    return {"userId": vendor_id} if token is None else {"userId": vendor_id, "userAccessToken": token}


def head(world: World, person: int, start_s: int, duration_s: int | None) -> Record:
    """Fields every record begins with; `summaryId` is prefix-hex(start), mostly with -hex(duration)."""
    tail = "" if duration_s is None else f"-{duration_s:x}"
    summary_id = f"{world.people.summary_prefixes[person]}-{start_s:x}{tail}"
    return {**identity(world, person), "summaryId": summary_id}


def daily(world: World, person: int, day: int, duration_s: int) -> Record:
    """The daily of that day as known `duration_s` seconds after its start."""
    start = int(world.days.midnight_s[person, day])
    return {
        **head(world, person, start, duration_s),
        "calendarDate": world.dates[day],
        "activityType": "WALKING",
        "startTimeInSeconds": start,
        "startTimeOffsetInSeconds": int(world.days.offset_s[person, day]),
        "durationInSeconds": duration_s,
        **_activity(world, person, day, duration_s),
        **_heart(world, person, day, duration_s),
        **_stress(world.curves(day).stress[person, : duration_s // SLOT_S]),
        **_battery_change(world, person, day, duration_s),
        "stepsGoal": 8000,
        "intensityDurationGoalInSeconds": 9000,
        "floorsClimbedGoal": 10,
    }


def _share_of_waking(world: World, person: int, day: int, duration_s: int) -> float:
    """How much of the waking day has passed: what steps and energy have grown to."""
    if duration_s >= FULL_DAY_S:
        return 1.0
    wake = int(world.days.wake_minute[person, day])
    evening = DAY_MINUTES + min(0, int(world.days.bed_minute[person, day + 1]))
    return min(max((duration_s / 60 - wake) / (evening - wake), 0.0), 1.0)


def _activity(world: World, person: int, day: int, duration_s: int) -> Record:
    days, people = world.days, world.people
    share = _share_of_waking(world, person, day, duration_s)
    steps = int(days.steps[person, day] * share)
    moderate = int(days.moderate_s[person, day] * share) // 60 * 60
    vigorous = int(days.vigorous_s[person, day] * share) // 60 * 60
    active = min(duration_s, max(int(steps * 0.55), moderate + vigorous))
    return {
        "steps": steps,
        "distanceInMeters": round(steps * float(people.stride_m[person]), 1),
        "activeTimeInSeconds": active,
        "activeKilocalories": round(steps * 0.035 + moderate / 60 * 2.2 + vigorous / 60 * 6.5),
        "bmrKilocalories": round(float(people.bmr_kcal[person]) * duration_s / FULL_DAY_S),
        "moderateIntensityDurationInSeconds": moderate,
        "vigorousIntensityDurationInSeconds": vigorous,
        "floorsClimbed": int(days.floors[person, day] * share),
    }


def _heart(world: World, person: int, day: int, duration_s: int) -> Record:
    """Heart-rate fields of what was worn so far; without any sample there are none, as on a real day off the wrist."""
    minutes = world.curves(day).heart_bpm[person, : duration_s // 60]
    worn = minutes[minutes > 0]
    if not len(worn):
        return {}
    fields: Record = {"averageHeartRateInBeatsPerMinute": round(float(world.people.resting_hr_bpm[person])) + 14}
    low, high = int(worn.min()), int(worn.max())
    if world.days.night[person, day]:
        resting = int(world.days.resting_hr_bpm[person, day])
        fields["restingHeartRateInBeatsPerMinute"] = resting
        low, high = min(low, resting), max(high, resting)
    dense = duration_s == FULL_DAY_S and bool(world.people.dense_heart_rate[person])
    fields |= {"minHeartRateInBeatsPerMinute": low, "maxHeartRateInBeatsPerMinute": high}
    fields["timeOffsetHeartRateSamples"] = _dense_samples(minutes) if dense else _sparse_samples(minutes)
    return fields


def _dense_samples(minutes: NDArray[np.uint8]) -> dict[str, int]:
    # Clipped to the day's own extremes, so that min and max stay true of the samples.
    worn = minutes[minutes > 0]
    samples = np.repeat(minutes.astype(np.int16), 60 // _DENSE_S)
    jittered = np.clip(samples + _JITTER[: len(samples)], worn.min(), worn.max())
    return _known(_DENSE_KEYS, jittered, samples > 0)


def _sparse_samples(minutes: NDArray[np.uint8]) -> dict[str, int]:
    samples = minutes[:: _SPARSE_S // 60]
    return _known(_SPARSE_KEYS, samples, samples > 0)


def _known(keys: list[str], values: NDArray[np.integer], known: NDArray[np.bool_]) -> dict[str, int]:
    """The map of offset to value where a value is known; a gap has no entry."""
    if known.all():
        return dict(zip(keys, values.tolist(), strict=False))  # keys reach to the end of the day, values to the sync
    return dict(zip(compress(keys, known.tolist()), values[known].tolist(), strict=True))


def _stress(slots: NDArray[np.int8]) -> Record:
    """Stress fields counted from the very samples that stressDetails sends."""
    scores = slots[slots > 0]
    mean = round(float(scores.mean())) if len(scores) else -1
    low, medium, high = (int(((scores > a) & (scores <= b)).sum()) for a, b in ((25, 50), (50, 75), (75, 100)))
    return {
        "averageStressLevel": mean,
        "maxStressLevel": int(scores.max()) if len(scores) else -1,
        "stressDurationInSeconds": SLOT_S * (low + medium + high),
        "restStressDurationInSeconds": SLOT_S * int((scores <= 25).sum()),
        "activityStressDurationInSeconds": SLOT_S * int((slots == MOVING).sum()),
        "lowStressDurationInSeconds": SLOT_S * low,
        "mediumStressDurationInSeconds": SLOT_S * medium,
        "highStressDurationInSeconds": SLOT_S * high,
        "stressQualifier": "unknown" if mean < 0 else next(name for top, name in _BANDS if mean < top),
    }


def _battery_change(world: World, person: int, day: int, duration_s: int) -> Record:
    curves, slots = world.curves(day), duration_s // SLOT_S
    level = curves.battery[person, :slots][curves.stress[person, :slots] != OFF_WRIST].astype(np.int64)
    if not len(level):
        return {}
    change = np.diff(level)
    return {
        "bodyBatteryChargedValue": min(100, int(change[change > 0].sum())),
        "bodyBatteryDrainedValue": min(100, int(-change[change < 0].sum())),
    }


def stress_details(world: World, person: int, day: int, duration_s: int) -> Record:
    """Stress and body battery each 180 s of that day, as known `duration_s` seconds after its start."""
    curves, slots = world.curves(day), duration_s // SLOT_S
    stress = curves.stress[person, :slots]
    start = int(world.days.midnight_s[person, day])
    return {
        **head(world, person, start, duration_s),
        "calendarDate": world.dates[day],
        "startTimeInSeconds": start,
        "startTimeOffsetInSeconds": int(world.days.offset_s[person, day]),
        "durationInSeconds": duration_s,
        "timeOffsetStressLevelValues": dict(zip(_SLOT_KEYS, stress.tolist(), strict=False)),
        "timeOffsetBodyBatteryValues": _known(_SLOT_KEYS, curves.battery[person, :slots], stress != OFF_WRIST),
    }


def user_metrics(world: World, person: int, day: int, _version: int) -> Record:
    """Fitness as estimated that day; a state, not a quantity of the day."""
    fitness, age = float(world.people.fitness[person]), float(world.people.age_years[person])
    vo2max = 38.0 + 5.5 * fitness - 0.18 * (age - 45.0) + 0.3 * float(world.days.recovery[person, day])
    return {
        **head(world, person, int(world.days.midnight_s[person, day]), None),
        "calendarDate": world.dates[day],
        "vo2Max": round(min(max(vo2max, 18.0), 70.0), 1),
        "fitnessAge": round(min(max(age - 6.0 * fitness, 18.0), 90.0)),
        "enhanced": True,
    }
