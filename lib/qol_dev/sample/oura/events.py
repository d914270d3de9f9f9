"""Events: workouts, sessions, tags and rest, each a document of its own."""

from __future__ import annotations

from qol_dev.sample.clock import local_text
from qol_dev.sample.motion import training_minute
from qol_dev.sample.oura.documents import frame
from qol_dev.sample.payloads import Record
from qol_dev.sample.world import World


def _moment(world: World, person: int, day: int, minute: int) -> str:
    second = int(world.days.midnight_s[person, day]) + 60 * minute
    return local_text(second, int(world.days.offset_s[person, day]))


def workout(world: World, person: int, day: int, version: int) -> Record:
    """A training where there was one; a walk in the morning on other days."""
    minutes = int(world.days.vigorous_s[person, day]) // 60
    start = training_minute(person, day) if minutes else int(world.days.wake_minute[person, day]) + 50
    lasts = minutes or 14 + (person + day) % 20
    return {
        **frame(world, person, day, version, "workout", night=False),
        "activity": ("running", "cycling", "cardioTraining")[person % 3] if minutes else "walking",
        "calories": round(lasts * (8.1 if minutes else 3.7), 3),
        "distance": round(lasts * 160.0, 6) if minutes and person % 3 < 2 else None,
        "start_datetime": _moment(world, person, day, start),
        "end_datetime": _moment(world, person, day, start + lasts),
        "intensity": "hard" if minutes > 40 else "moderate" if minutes else "easy",
        "label": "with the neighbours" if (person + day) % 9 == 0 else None,
        "source": "workout_heart_rate" if minutes else "autodetected",
    }


def session(world: World, person: int, day: int, version: int) -> Record:
    """Some minutes of breathing or meditation in the evening."""
    lasts = 5 + (person + day) % 10
    begins = _moment(world, person, day, 1_260 - lasts)
    return {
        **frame(world, person, day, version, "session", night=False),
        "type": "meditation" if person % 2 else "breathing",
        "start_datetime": begins,
        "end_datetime": _moment(world, person, day, 1_260),
        "mood": ("good", "same", None)[(person + day) % 3],
        "heart_rate": {"interval": 60.0, "items": [64.0, None, *([62.0] * (lasts - 2))], "timestamp": begins},
        "heart_rate_variability": None,
        "motion_count": {"interval": 60.0, "items": [9.0, *([1.0] * (lasts - 1))], "timestamp": begins},
    }


def enhanced_tag(world: World, person: int, day: int, version: int) -> Record:
    """What somebody noted; free text nobody else should read."""
    told = frame(world, person, day, version, "enhanced_tag", night=False)
    told.pop("day")
    return {
        **told,
        "tag_type_code": ("tag_generic_late_meal", "tag_generic_alcohol", "custom")[(person + day) % 3],
        "start_time": _moment(world, person, day, 1_200 + (person + day) % 60),
        "end_time": None,
        "start_day": world.dates[day],
        "end_day": None,
        "comment": "argued with my sister" if (person + day) % 3 == 2 else "",
        "custom_name": "Family" if (person + day) % 3 == 2 else None,
    }


def rest_mode_period(world: World, person: int, day: int, version: int) -> Record:
    """Two days in bed."""
    told = frame(world, person, day, version, "rest_mode_period", night=False)
    told.pop("day")
    return {
        **told,
        "start_day": world.dates[day],
        "start_time": _moment(world, person, day, 600),
        "end_day": world.dates[day + 2],
        "end_time": _moment(world, person, day + 2, 660),
        "episodes": [{"tags": ["tag_generic_fever"], "timestamp": _moment(world, person, day, 640)}],
    }
