"""Garmin's slots of 15 minutes: epochs and breathing."""

from __future__ import annotations

from qol_dev.sample.curves import SLOT_MINUTES as CURVE_MINUTES
from qol_dev.sample.garmin_more import SLOT_UNIT
from qol_dev.sample.motion import SLOT_MINUTES, SLOT_S, training_minute
from qol_dev.sample.payloads import Record, identity
from qol_dev.sample.world import World

_SEDENTARY, _ON_FOOT = 0, 1
_CODES = {"SEDENTARY": 8, "WALKING": 6, "RUNNING": 1}


def _slot(version: int) -> tuple[int, int, int]:
    """Slot, part (at rest or on foot) and duration in seconds."""
    place, duration = divmod(version, SLOT_UNIT)
    return place // 2, place % 2, duration


def _frame(world: World, person: int, day: int, slot: int, duration: int, tail: str) -> Record:
    start = int(world.days.midnight_s[person, day]) + SLOT_S * slot
    return {
        **identity(world, person),
        "summaryId": f"{world.people.summary_prefixes[person]}-{start:x}{tail}",
        "startTimeInSeconds": start,
        "startTimeOffsetInSeconds": int(world.days.offset_s[person, day]),
        "durationInSeconds": duration,
    }


def epoch(world: World, person: int, day: int, version: int) -> Record:
    """One activity type of a slot; active times of a slot's types add up to its duration."""
    slot, part, duration = _slot(version)
    steps = int(world.walks(day)[person, slot]) * duration // SLOT_S
    on_foot = min(duration, int(steps * 0.6) // 15 * 15 + 15) if steps else 0
    runs = _trains(world, person, day, slot)
    kind = "SEDENTARY" if part == _SEDENTARY else "RUNNING" if runs else "WALKING"
    moved = kind != "SEDENTARY"
    motion = min(7.0, round(1.0 + steps / 250.0, 2)) if moved else 0.0
    return {
        **_frame(world, person, day, slot, duration, f"-{_CODES[kind]:x}"),
        "activityType": kind,
        "activeTimeInSeconds": on_foot if moved else duration - on_foot,
        "steps": steps if moved else 0,
        "distanceInMeters": round(steps * float(world.people.stride_m[person]), 2) if moved else 0.0,
        "activeKilocalories": round(steps * 0.04) if moved else 0,
        "met": round((8.4 if runs else 2.6) + (steps % 7) / 10, 2) if moved else 1.0,
        "intensity": "HIGHLY_ACTIVE" if moved and runs else "ACTIVE" if moved else "SEDENTARY",
        "meanMotionIntensity": motion,
        "maxMotionIntensity": min(7.0, motion + 1.0),
    }


def _trains(world: World, person: int, day: int, slot: int) -> bool:
    vigorous = int(world.days.vigorous_s[person, day]) // 60
    begins = int(training_minute(person, day))
    return begins <= slot * SLOT_MINUTES < begins + vigorous


def respiration(world: World, person: int, day: int, version: int) -> Record:
    """Breaths per minute in a slot; -1 where the watch could not tell."""
    slot, _, duration = _slot(version)
    per_slot = SLOT_MINUTES // CURVE_MINUTES
    hearts = world.curves(day).heart_bpm[person, slot * SLOT_MINUTES : (slot + 1) * SLOT_MINUTES].tolist()
    breaths = {
        str(60 * minute): round(9.0 + bpm / 11.0 + 0.1 * ((person + minute) % per_slot), 2) if bpm else -1.0
        for minute, bpm in enumerate(hearts[: duration // 60])
        if (slot + minute) % 4 != 1
    }
    return {**_frame(world, person, day, slot, duration, ""), "timeOffsetEpochToBreaths": breaths}
