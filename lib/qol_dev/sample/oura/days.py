"""Days: activity, stress and heart rate of a day that begins at 04:00."""

from __future__ import annotations

import numpy as np

from qol_dev.sample.clock import local_text, utc_text
from qol_dev.sample.curves import SLOT_MINUTES as CURVE_MINUTES
from qol_dev.sample.days import DAY_MINUTES
from qol_dev.sample.motion import SLOT_MINUTES, training_minute
from qol_dev.sample.options import Floats
from qol_dev.sample.oura.documents import Version, frame, owned, page
from qol_dev.sample.payloads import Record
from qol_dev.sample.world import World

_BEGINS_MINUTE = 240
#: Minutes of the day that a tentative document knows: from 04:00 to 13:00.
_TENTATIVE_MINUTES = 540
_HEART_EVERY_MINUTES = 20
_CLASSES = ("non_wear", "rest", "inactive", "low", "medium", "high")


def _met(world: World, person: int, day: int) -> Floats:
    """MET of each minute from 04:00 to 04:00; 0.1 marks minutes off the finger."""
    steps = np.concatenate([world.walks(day)[person], world.walks(day + 1)[person]])
    slots = steps[_BEGINS_MINUTE // SLOT_MINUTES :][: DAY_MINUTES // SLOT_MINUTES] / (100.0 * SLOT_MINUTES)
    met = np.repeat(1.1 + 4.2 * np.minimum(slots, 1.0), SLOT_MINUTES) + 0.1 * (np.arange(DAY_MINUTES) % 3 == 0)
    vigorous = int(world.days.vigorous_s[person, day]) // 60
    trains = training_minute(person, day) - _BEGINS_MINUTE
    met[trains : trains + vigorous] += 4.0
    asleep_from = DAY_MINUTES + int(world.days.bed_minute[person, day + 1]) - _BEGINS_MINUTE
    asleep_to = int(world.days.wake_minute[person, day]) - _BEGINS_MINUTE
    met[max(0, asleep_from) :] = 0.9
    met[: max(0, asleep_to)] = 0.9
    off = 480 + (11 * person + 7 * day) % 200
    met[off : off + (5 * person + 3 * day) % 45] = 0.1
    rounded: Floats = met.round(1)
    return rounded


def daily_activity(world: World, person: int, day: int, version: int) -> Record | None:
    """Steps, energy, and what each minute was like; tentative until the day has ended."""
    minutes = _TENTATIVE_MINUTES if version == Version.TENTATIVE else DAY_MINUTES
    met = _met(world, person, day)[:minutes]
    classes = np.digitize(met, [0.5, 1.0, 1.5, 3.0, 5.0])
    spent = {name: 60 * int((classes == n).sum()) for n, name in enumerate(_CLASSES)}
    score = max(1, min(100, round(78 + 6 * float(world.people.fitness[person]))))
    started = local_text(
        int(world.days.midnight_s[person, day]) + 60 * _BEGINS_MINUTE, int(world.days.offset_s[person, day])
    )
    return {
        **frame(world, person, day, version, "daily_activity", night=False),
        "class_5_min": "".join(map(str, classes[::5].tolist())),
        "score": score,
        **_energy(world, person, day, version),
        "average_met_minutes": round(float(met.mean()), 5),
        "contributors": {
            name: max(1, min(100, score + change))
            for name, change in (
                *(("meet_daily_targets", 4), ("move_every_hour", 9), ("recovery_time", 12)),
                *(("stay_active", -8), ("training_frequency", 3), ("training_volume", 2)),
            )
        },
        "inactivity_alerts": (person + day) % 4,
        "non_wear_time": spent["non_wear"],
        "resting_time": spent["rest"],
        "sedentary_time": spent["inactive"],
        **{f"{name}_activity_time": spent[name] for name in ("low", "medium", "high")},
        "sedentary_met_minutes": int(met[classes == 2].sum()) // 60,
        **{
            f"{name}_activity_met_minutes": int(met[classes == n].sum())
            for n, name in ((3, "low"), (4, "medium"), (5, "high"))
        },
        "met": {"interval": 60.0, "items": met.tolist(), "timestamp": started},
        "timestamp": started,
    }


def _energy(world: World, person: int, day: int, version: int) -> Record:
    """Steps as the ring counts them, a few percent off, and what they burnt and amount to."""
    share = 0.4 if version == Version.TENTATIVE else 1.0
    steps = round(int(world.days.walked[person, day]) * share * (0.96 + (person % 7) / 100.0))
    active = round(steps * 0.036 + int(world.days.vigorous_s[person, day]) / 60 * 6.0 * share)
    walking = round(steps * float(world.people.stride_m[person]) * 1.1)
    return {
        "steps": steps,
        "active_calories": active,
        "total_calories": active + round(float(world.people.bmr_kcal[person]) * share),
        "target_calories": 450,
        "equivalent_walking_distance": walking,
        "target_meters": 9_000,
        "meters_to_target": 9_000 - walking,
    }


def daily_stress(world: World, person: int, day: int, version: int) -> Record | None:
    """Seconds of high stress and of high recovery while awake, in steps of 15 minutes."""
    until = 60 * 13 // CURVE_MINUTES if version == Version.TENTATIVE else None
    slots = world.curves(day).stress[person, int(world.days.wake_minute[person, day]) // CURVE_MINUTES : until]
    high = int((slots > 60).sum()) * 60 * CURVE_MINUTES // 900 * 900
    low = int(((slots > 0) & (slots < 25)).sum()) * 60 * CURVE_MINUTES // 900 * 900
    known = len(slots) > 0 and bool((slots > 0).any())
    return {
        **frame(world, person, day, version, "daily_stress", night=False),
        "stress_high": high,
        "recovery_high": low,
        "day_summary": None if not known else "stressful" if high > low else "restored" if low > 9_000 else "normal",
    }


def heart_rate(world: World, person: int, day: int, _version: int) -> Record:
    """A page of the day's heart rates, with the last hours of the day before once more; times are UTC."""
    found = [point for d in (day - 1, day) if d >= 0 for point in _heart_of(world, person, d, late_only=d < day)]
    return page(world, person, found)


def _heart_of(world: World, person: int, day: int, *, late_only: bool) -> list[Record]:
    midnight, wake = int(world.days.midnight_s[person, day]), int(world.days.wake_minute[person, day])
    bpm = world.curves(day).heart_bpm[person].tolist()
    points: list[Record] = []
    for minute in range(DAY_MINUTES - 120 if late_only else 0, DAY_MINUTES, _HEART_EVERY_MINUTES):
        if bpm[minute]:
            source = "sleep" if minute < wake else "rest" if minute % 3 == 1 else "awake"
            points.append(_point(midnight + 60 * minute + person % 60, bpm[minute], source))
    trains = training_minute(person, day)
    if world.days.vigorous_s[person, day] and not late_only:
        # The same second twice: what the finger and what the workout said.
        at = midnight + 60 * trains
        points += [_point(at, 92, "awake"), _point(at, 131, "workout")]
    return points


def _point(second: int, bpm: int, source: str) -> Record:
    return {"bpm": bpm, "source": source, "timestamp": utc_text(second), "timestamp_unix": 1_000 * second}


def vo2_max(world: World, person: int, day: int, version: int) -> Record:
    """Fitness as estimated on that day, in whole numbers."""
    estimate = 38.0 + 5.5 * float(world.people.fitness[person]) - 0.18 * (float(world.people.age_years[person]) - 45.0)
    told = frame(world, person, day, version, "vO2_max", night=False)
    moment = int(world.days.midnight_s[person, day]) + 60 * training_minute(person, day)
    return owned(
        world, person, {**told, "timestamp": utc_text(moment), "vo2_max": round(max(18.0, min(70.0, estimate)))}
    )
