"""Health Auto Export: the app's own sums, a list of points per metric, of a day and the one before."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from qol_dev.sample.clock import spaced_text
from qol_dev.sample.motion import SLOT_S
from qol_dev.sample.nights import stages
from qol_dev.sample.payloads import Record
from qol_dev.sample.world import World

_KILOJOULE_PER_STEP = 0.15


def post(world: World, person: int, day: int, _version: int) -> Record:
    """The body of one POST: what it told of yesterday, and today."""
    found: dict[tuple[str, str], list[Record]] = {}
    for d in range(max(0, day - 1), day + 1):
        for name, unit, point in (*_steps(world, person, d), *_heart(world, person, d), *_others(world, person, d)):
            found.setdefault((name, unit), []).append(point)
    metrics = [{"name": name, "units": unit, "data": points} for (name, unit), points in found.items()]
    return {"data": {"metrics": metrics, "workouts": []}, "user_id": world.devices.ids["healthkit"][person]}


_Point = tuple[str, str, Record]


def _at(world: World, person: int, day: int, minute: int) -> str:
    return spaced_text(int(world.days.midnight_s[person, day]) + 60 * minute, int(world.days.offset_s[person, day]))


def _steps(world: World, person: int, day: int) -> Iterator[_Point]:
    """Sums per hour; hours without a step are not there."""
    slots = world.walks(day)[person].tolist()
    stride = float(world.people.stride_m[person])
    for hour, group in groupby(enumerate(slots), key=lambda item: item[0] * SLOT_S // 3_600):
        steps = sum(count for _, count in group)
        if steps:
            when = {"date": _at(world, person, day, 60 * hour), "source": "My iPhone|My Watch"}
            yield "step_count", "count", {"qty": steps, **when}
            yield "walking_running_distance", "km", {"qty": round(steps * stride / 1_000, 5), **when}
            yield "active_energy", "kJ", {"qty": round(steps * _KILOJOULE_PER_STEP, 3), **when}


def _heart(world: World, person: int, day: int) -> Iterator[_Point]:
    """Least, mean and greatest of each second hour."""
    bpm = world.curves(day).heart_bpm[person]
    for hour in range(0, 24, 2):
        worn = bpm[60 * hour : 60 * hour + 120]
        worn = worn[worn > 0]
        if len(worn):
            point = {"Min": int(worn.min()), "Avg": round(float(worn.mean()), 2), "Max": int(worn.max())}
            yield "heart_rate", "count/min", {"date": _at(world, person, day, 60 * hour), **point, "source": "My Watch"}


def _others(world: World, person: int, day: int) -> Iterator[_Point]:
    days, morning = world.days, _at(world, person, day, int(world.days.wake_minute[person, day]))
    if days.night[person, day]:
        yield "resting_heart_rate", "count/min", {"qty": int(days.resting_hr_bpm[person, day]), "date": morning}
    yield "heart_rate_variability", "ms", {"qty": round(1.25 * int(days.hrv_ms[person, day]), 1), "date": morning}
    yield "blood_oxygen_saturation", "%", {"qty": 95 + (person + day) % 4, "date": morning}
    yield "sleep_analysis", "hr", _sleep(world, person, day)
    if day % 3 == 0:
        yield "weight_body_mass", "kg", {"qty": round(world.bodies.weight_on(person, day), 1), "date": morning}
    if day % 4 == 1:
        high, low = round(float(world.bodies.systolic_mmhg[person])), round(float(world.bodies.diastolic_mmhg[person]))
        yield "blood_pressure", "mmHg", {"systolic": high, "diastolic": low, "date": morning}


def _sleep(world: World, person: int, day: int) -> Record:
    """The night in hours; `asleep` stays 0 where stages are told."""
    slept = stages(world, person, day)
    bed = int(world.days.bed_minute[person, day])
    hours = {
        level: sum(s.end - s.start for s in slept if s.level == level) / 60
        for level in ("deep", "light", "rem", "awake")
    }
    begins, ends = (_at(world, person, day, bed + minute) for minute in (slept[0].start, slept[-1].end))
    return {
        "date": _at(world, person, day, 0),
        "sleepStart": begins,
        "sleepEnd": ends,
        "inBedStart": _at(world, person, day, bed - 10),
        "inBedEnd": _at(world, person, day, bed + slept[-1].end + 5),
        "inBed": (slept[-1].end + 15) / 60,
        "asleep": 0,
        "core": hours["light"],
        "deep": hours["deep"],
        "rem": hours["rem"],
        "awake": hours["awake"],
        "source": "My iPhone|My Watch",
    }
