"""Nights: sleep stages drawn once per night, and the records that tell them in several versions."""

from __future__ import annotations

from typing import NamedTuple

from qol_dev.sample.kinds import Night
from qol_dev.sample.payloads import Record, head
from qol_dev.sample.world import World

STREAM, HRV_STREAM = 5, 6

#: One sleep cycle: level, minutes at the start of the night, minutes at its end. Deep sleep comes early, REM late.
_CYCLE = (("light", 24, 22), ("deep", 26, 8), ("light", 18, 22), ("rem", 10, 30))
_SCORES = ((90, "EXCELLENT"), (80, "GOOD"), (60, "FAIR"), (-1, "POOR"))


class Stretch(NamedTuple):
    """Minutes since bedtime spent in one level."""

    level: str
    start: int
    end: int


def sleep(world: World, person: int, day: int, version: int) -> Record:
    """The night that ends on that day, or a nap of that day, in the given version (`Night`)."""
    if version == Night.NAP:
        return _nap(world, person, day)
    stretches = _as_told(_as_seen(world, person, day), person, day, version)
    bed = int(world.days.midnight_s[person, day]) + 60 * int(world.days.bed_minute[person, day])
    start = bed + 60 * stretches[0].start
    seconds = {level: _seconds(stretches, level) for level in ("deep", "light", "rem", "awake")}
    asleep = seconds["deep"] + seconds["light"] + seconds["rem"]
    record = _frame(world, person, day, start, asleep)
    enhanced = bool(world.people.enhanced_sleep[person])
    record |= {
        "unmeasurableSleepInSeconds" if enhanced else "unmeasurableSleepDurationInSeconds": 0,
        "deepSleepDurationInSeconds": seconds["deep"],
        "lightSleepDurationInSeconds": seconds["light"],
        "awakeDurationInSeconds": seconds["awake"],
        "sleepLevelsMap": _levels(stretches, bed),
        "validation": _validation(version, enhanced=enhanced),
    }
    if enhanced:
        record |= _enhanced(world, person, day, seconds["rem"], asleep)
    if version == Night.FINAL_WITH_NAP:
        record |= _nap_list(world, person, day)
    return record


def _frame(world: World, person: int, day: int, start: int, duration: int) -> Record:
    return {
        **head(world, person, start, duration),
        "calendarDate": world.dates[day],
        "startTimeInSeconds": start,
        "startTimeOffsetInSeconds": int(world.days.offset_s[person, day]),
        "durationInSeconds": duration,
    }


def _as_seen(world: World, person: int, day: int) -> list[Stretch]:
    """The night as the watch sees it: older ones take REM for light sleep."""
    slept = stages(world, person, day)
    if world.people.enhanced_sleep[person]:
        return slept
    return [Stretch("light" if s.level == "rem" else s.level, s.start, s.end) for s in slept]


def stages(world: World, person: int, day: int) -> list[Stretch]:
    """The night that ends on that day as it was slept: stretches from bedtime to waking, without gaps."""
    total = int(world.days.wake_minute[person, day] - world.days.bed_minute[person, day])
    chance = iter(world.options.stream(STREAM, person, day).random(8 * (total // 40 + 2)).tolist())
    stretches: list[Stretch] = []
    at = 0
    while at < total:
        late = min(at / 420.0, 1.0)
        for level, early_minutes, late_minutes in _CYCLE:
            usual = early_minutes + (late_minutes - early_minutes) * late
            end = min(at + max(4, round(usual * (0.6 + 0.8 * next(chance)))), total)
            if end > at:
                stretches.append(Stretch(level, at, end))
            at = end
        if at < total and next(chance) < 0.45:
            end = min(at + 1 + int(9 * next(chance)), total)
            stretches.append(Stretch("awake", at, end))
            at = end
    return stretches


def _as_told(stages: list[Stretch], person: int, day: int, version: int) -> list[Stretch]:
    """A tentative night misses both ends of the final one; a person who edits says they lay down earlier."""
    if version == Night.EDITED:
        earlier = 10 + 5 * (person % 5)
        return [Stretch("light", -earlier, 0), *stages]
    if version != Night.TENTATIVE:
        return stages
    low, high = 2 + (person + day) % 9, stages[-1].end - 3 - (person + 3 * day) % 14
    cut = [Stretch(s.level, max(s.start, low), min(s.end, high)) for s in stages]
    return [s for s in cut if s.end > s.start]


def _seconds(stretches: list[Stretch], level: str) -> int:
    return 60 * sum(s.end - s.start for s in stretches if s.level == level)


def _levels(stretches: list[Stretch], bed: int) -> dict[str, list[dict[str, int]]]:
    levels: dict[str, list[dict[str, int]]] = {}
    for level, start, end in stretches:
        span = {"startTimeInSeconds": bed + 60 * start, "endTimeInSeconds": bed + 60 * end}
        levels.setdefault(level, []).append(span)
    return levels


def _validation(version: int, *, enhanced: bool) -> str:
    if version == Night.EDITED:
        return "AUTO_MANUAL"
    family = "ENHANCED" if enhanced else "AUTO"
    return f"{family}_TENTATIVE" if version == Night.TENTATIVE else f"{family}_FINAL"


def _enhanced(world: World, person: int, day: int, rem: int, asleep: int) -> Record:
    """What only newer watches tell: REM, breathing, oxygen and a score."""
    recovery = float(world.days.recovery[person, day])
    score = round(min(max(74.0 + 5.0 * recovery - abs(asleep / 60.0 - 450.0) / 8.0, 18.0), 99.0))
    quarters = range(0, asleep, 900)
    breath = round(14.0 - 0.4 * recovery, 1)
    return {
        "remSleepInSeconds": rem,
        "timeOffsetSleepSpo2": {str(s): 95 + (s // 900 + person) % 4 for s in quarters},
        "timeOffsetSleepRespiration": {str(s): round(breath + 0.2 * ((s // 900 + day) % 5), 1) for s in quarters},
        "overallSleepScore": {
            "value": score,
            "qualifierKey": next(name for least, name in _SCORES if score >= least),
        },
    }


def nap_start(world: World, person: int, day: int) -> int:
    """Unix time at which that day's nap begins, around two in the afternoon, local time."""
    return int(world.days.midnight_s[person, day]) + 60 * (810 + (7 * person + 13 * day) % 90)


def _nap_list(world: World, person: int, day: int) -> Record:
    seconds = 60 * int(world.days.nap_minutes[person, day])
    nap = {
        "napDurationInSeconds": seconds,
        "napStartTimeInSeconds": nap_start(world, person, day),
        "napOffsetInSeconds": int(world.days.offset_s[person, day]),
        "napValidation": "DEVICE",
    }
    return {"totalNapDurationInSeconds": seconds, "naps": [nap]}


def _nap(world: World, person: int, day: int) -> Record:
    start, seconds = nap_start(world, person, day), 60 * int(world.days.nap_minutes[person, day])
    span = {"startTimeInSeconds": start, "endTimeInSeconds": start + seconds}
    return {
        **_frame(world, person, day, start, seconds),
        "unmeasurableSleepDurationInSeconds": 0,
        "deepSleepDurationInSeconds": 0,
        "lightSleepDurationInSeconds": seconds,
        "awakeDurationInSeconds": 0,
        "sleepLevelsMap": {"light": [span]},
        "validation": "AUTO_FINAL",
    }


def hrv(world: World, person: int, day: int, _version: int) -> Record:
    """Heart-rate variability (RMSSD, ms) of the night that ends on that day: mean, best five minutes, every five."""
    days = world.days
    minutes = int(days.wake_minute[person, day] - days.bed_minute[person, day])
    start = int(days.midnight_s[person, day]) + 60 * int(days.bed_minute[person, day])
    mean = int(days.hrv_ms[person, day])
    spread = world.options.stream(HRV_STREAM, person, day).normal(mean, 0.2 * mean, minutes // 5)
    values = spread.clip(5.0, 290.0).round().astype(int).tolist()
    return {
        **head(world, person, start, None),
        "calendarDate": world.dates[day],
        "startTimeInSeconds": start,
        "startTimeOffsetInSeconds": int(days.offset_s[person, day]),
        "durationInSeconds": 60 * minutes,
        "lastNightAvg": mean,
        "lastNight5MinHigh": max(mean, *values),
        "hrvValues": {str(300 * n): value for n, value in enumerate(values)},
    }
