"""Nights: sleep periods and the daily documents that come of them."""

from __future__ import annotations

from qol_dev.sample.clock import local_text, utc_text
from qol_dev.sample.garmin_measures import skin_deviation
from qol_dev.sample.nights import Stretch, nap_start, stages
from qol_dev.sample.oura.documents import Version, deleted_s, frame, has_night, owned
from qol_dev.sample.payloads import Record
from qol_dev.sample.world import World

STREAM = 14
_PHASES = {"deep": "1", "light": "2", "rem": "3", "awake": "4"}
_STEP_S = 300


def _slept(world: World, person: int, day: int, version: int) -> list[Stretch]:
    """The night's stages; tentative without the last minutes, revised with the quarter of an hour before."""
    told = stages(world, person, day)
    if version == Version.TENTATIVE:
        *rest, last = told
        return [*rest, last._replace(end=max(last.start + 1, last.end - 9))]
    return [Stretch("light", -15, 0), *told] if version == Version.REVISED else told


def _score(*parts: float) -> int:
    return max(1, min(100, round(sum(parts))))


def sleep(world: World, person: int, day: int, version: int) -> Record | None:
    """The long sleep of the night that ends on that day."""
    if not has_night(person, day):
        return None
    days = world.days
    told = _slept(world, person, day, version)
    start = (
        int(days.midnight_s[person, day]) + 60 * (int(days.bed_minute[person, day]) + told[0].start) + (7 * day) % 60
    )
    minutes = told[-1].end - told[0].start
    phases = "".join(_PHASES[s.level] * (s.end - s.start) for s in told)
    spent = {level: 60 * phases.count(sign) for level, sign in _PHASES.items()}
    offset = int(days.offset_s[person, day])
    return {
        **frame(world, person, day, version, "sleep", night=True),
        **_period(start, 60 * minutes, offset, spent),
        **_heart(world, person, day, start, minutes),
        "type": "long_sleep",
        "period": 0,
        "latency": 60 * (4 + (person + day) % 15),
        "sleep_phase_5_min": phases[:: _STEP_S // 60],
        "readiness": _readiness(world, person, day),
        "sleep_algorithm_version": "v2",
        "sleep_analysis_reason": "bedtime_edit" if version == Version.REVISED else "foreground_sleep_analysis",
    }


def _period(start: int, seconds: int, offset: int, spent: dict[str, int]) -> Record:
    """What every sleep period says; `awake` is what remains of the time in bed."""
    total = spent["deep"] + spent["light"] + spent["rem"]
    return {
        "bedtime_start": local_text(start, offset),
        "bedtime_end": local_text(start + seconds, offset),
        "time_in_bed": seconds,
        "total_sleep_duration": total,
        "deep_sleep_duration": spent["deep"],
        "light_sleep_duration": spent["light"],
        "rem_sleep_duration": spent["rem"],
        "awake_time": seconds - total,
        "efficiency": (200 * total + seconds) // (2 * seconds),
        "low_battery_alert": False,
    }


def _heart(world: World, person: int, day: int, start: int, minutes: int) -> Record:
    """Heart rate and its variability each five minutes, with gaps, and their means."""
    days = world.days
    rest, mean_ms = int(days.resting_hr_bpm[person, day]), int(days.hrv_ms[person, day])
    noise = world.options.stream(STREAM, person, day).normal(0.0, 1.0, (2, -(-minutes // 5)))
    bpm = (rest + 4.0 + 1.6 * noise[0]).clip(rest - 1.0).round().tolist()
    ms = (mean_ms * (1.0 + 0.18 * noise[1])).clip(5.0, 290.0).round().tolist()
    gap = (person + day) % 11
    series = {"interval": float(_STEP_S), "timestamp": local_text(start, int(days.offset_s[person, day]))}
    return {
        "average_heart_rate": round(4.0 * sum(bpm) / len(bpm)) / 4.0,
        "lowest_heart_rate": int(min(bpm)),
        "average_hrv": round(sum(ms) / len(ms)),
        "average_breath": round(14.0 - 0.4 * float(days.recovery[person, day]), 3),
        "heart_rate": {**series, "items": [None if n % 23 == gap else v for n, v in enumerate(bpm)]},
        "hrv": {**series, "items": [None if n % 23 == gap else v for n, v in enumerate(ms)]},
    }


def short_period(world: World, person: int, day: int, version: int) -> Record | None:
    """A nap; or, where nobody napped, an evening on the sofa that the ring took for rest."""
    days = world.days
    nap = int(days.nap_minutes[person, day])
    minutes = nap or 35
    start = nap_start(world, person, day) + (0 if nap else 5 * 3_600)
    spent = {"deep": 0, "light": 60 * (minutes * 4 // 5) if nap else 0, "rem": 0}
    return {
        **frame(world, person, day, version, "nap", night=False),
        **_period(start, 60 * minutes, int(days.offset_s[person, day]), spent),
        "type": "sleep" if nap else "rest",
        "period": 1,
        "average_hrv": None,
        "average_heart_rate": float(int(days.resting_hr_bpm[person, day]) + 6),
        "lowest_heart_rate": int(days.resting_hr_bpm[person, day]) + 2,
        "readiness": {
            # Zero: not evaluated.
            "contributors": {"body_temperature": 0, "recovery_index": 0, "resting_heart_rate": 0, "previous_night": 71},
            "score": 70,
            "temperature_deviation": None,
            "temperature_trend_deviation": None,
        },
    }


def short_period_deleted(world: World, person: int, day: int, version: int) -> Record:
    """What the webhook says when that document is deleted."""
    message: Record = {
        "event_type": "delete",
        "data_type": "sleep",
        "object_id": frame(world, person, day, version, "nap", night=False)["id"],
        "event_time": utc_text(deleted_s(world, person, day)),
    }
    return owned(world, person, message)


def _readiness(world: World, person: int, day: int) -> Record:
    recovery = float(world.days.recovery[person, day])
    warmer = skin_deviation(world, person, day)
    usual = {"activity_balance": 80, "body_temperature": 94, "hrv_balance": 82, "previous_day_activity": 76}
    usual |= {"previous_night": 78, "recovery_index": 74, "resting_heart_rate": 83, "sleep_balance": 81}
    return {
        "contributors": {
            name: _score(points, 6.0 * recovery, (person + n) % 5) for n, (name, points) in enumerate(usual.items())
        },
        "score": _score(79.0, 6.5 * recovery),
        "temperature_deviation": warmer,
        "temperature_trend_deviation": round(warmer / 3.0, 2),
    }


def daily_readiness(world: World, person: int, day: int, version: int) -> Record | None:
    """How ready the body is, points; temperatures are deviations."""
    if not has_night(person, day):
        return None
    told = frame(world, person, day, version, "daily_readiness", night=True)
    return {**told, **_readiness(world, person, day), "timestamp": f"{world.dates[day]}T00:00:00+00:00"}


def daily_sleep(world: World, person: int, day: int, version: int) -> Record | None:
    """The night in points."""
    if not has_night(person, day):
        return None
    phases = _slept(world, person, day, version)
    asleep = sum(s.end - s.start for s in phases if s.level != "awake")
    short, recovery = abs(asleep - 450) / 8.0, float(world.days.recovery[person, day])
    usual = {"deep_sleep": 84, "efficiency": 88, "latency": 80, "rem_sleep": 79, "restfulness": 74, "timing": 82}
    parts = {name: _score(points, 5.0 * recovery, (day + n) % 7 - 3) for n, (name, points) in enumerate(usual.items())}
    return {
        **frame(world, person, day, version, "daily_sleep", night=True),
        "contributors": {**parts, "total_sleep": _score(96.0 - 1.5 * short)},
        "score": _score(80.0, 5.0 * recovery, -short),
        "timestamp": f"{world.dates[day]}T00:00:00+00:00",
    }


def daily_spo2(world: World, person: int, day: int, version: int) -> Record | None:
    """Mean blood oxygen of the night; now and then 0.0, which means none was measured."""
    if not has_night(person, day):
        return None
    none = (person + 2 * day) % 31 == 4
    average = 0.0 if none else round(96.4 + 0.5 * float(world.days.recovery[person, day]) / 3.0 + (day % 5) / 10.0, 3)
    return {
        **frame(world, person, day, version, "daily_spo2", night=True),
        "spo2_percentage": {"average": average},
        "breathing_disturbance_index": None if none else (3 * person + day) % 14,
    }


def daily_resilience(world: World, person: int, day: int, version: int) -> Record | None:
    """How well somebody bears stress; without a time of its own."""
    if not has_night(person, day):
        return None
    level = 55.0 + 9.0 * float(world.people.fitness[person]) + 4.0 * float(world.days.recovery[person, day])
    points = [max(5.0, min(95.0, round(level + change, 1))) for change in (-3.2, 1.5, -9.6)]
    names = ("limited", "adequate", "solid", "strong", "exceptional")
    return {
        **frame(world, person, day, version, "daily_resilience", night=True),
        "contributors": dict(zip(("sleep_recovery", "daytime_recovery", "stress"), points, strict=True)),
        "level": names[min(4, int(max(0.0, level) // 20))],
    }


def daily_cardiovascular_age(world: World, person: int, day: int, version: int) -> Record | None:
    """Age of the vessels in years; older recordings have no id."""
    if not has_night(person, day):
        return None
    told = frame(world, person, day, version, "daily_cardiovascular_age", night=True)
    if "meta" not in told:
        told.pop("id")
    age = float(world.people.age_years[person]) - 4.0 * float(world.people.fitness[person])
    return {**told, "vascular_age": round(max(18.0, min(99.0, age)))}


def sleep_time(world: World, person: int, day: int, version: int) -> Record | None:
    """When Oura thinks somebody should go to bed, once it knows them."""
    if not has_night(person, day):
        return None
    told = frame(world, person, day, version, "sleep_time", night=True)
    known = day >= 14 and person % 2 == 0
    best = int(60 * world.people.bed_minute[person]) // 900 * 900
    window = {"day_tz": int(world.days.offset_s[person, day]), "start_offset": best - 1_800, "end_offset": best + 1_800}
    return {
        **told,
        "optimal_bedtime": window if known else None,
        "recommendation": "follow_optimal_bedtime" if known else "earlier_bedtime",
        "status": "optimal_found" if known else "only_recommended_found",
    }
