"""Control messages: what comes through the same door as data and is none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qol_dev.sample.payloads import Record, identity
from qol_dev.sample.world import World

#: From the person and the Unix second to the message, without its stamp.
Control = Callable[[World, int, int], Record]

_PERMISSIONS = ["ACTIVITY_EXPORT", "HEALTH_EXPORT", "WORKOUT_IMPORT", "COURSE_IMPORT"]


def ping(world: World, person: int, now_s: int) -> Record:
    """Garmin saying that dailies wait to be fetched."""
    query = f"uploadStartTimeInSeconds={now_s - 86_400}&uploadEndTimeInSeconds={now_s}&token=fake-{now_s:x}"
    url = f"https://apis.garmin.com/wellness-api/rest/dailies?{query}"
    return {"dailies": [{**identity(world, person), "callbackURL": url}]}


def deregistration(world: World, person: int, _now_s: int) -> Record:
    """A person who leaves."""
    return {"deregistrations": [identity(world, person)]}


def permission_change(world: World, person: int, now_s: int) -> Record:
    """The whole set of permissions a person now gives; health data stays among them."""
    change = {**identity(world, person), "permissions": _PERMISSIONS, "changeTimeInSeconds": now_s}
    return {"userPermissionsChange": [change]}


def cycle(world: World, person: int, now_s: int) -> Record:
    """Menstrual cycle tracking: through the same door, and nothing a study of the quality of life may keep."""
    started = now_s - now_s % 86_400 - 86_400 * (3 + person % 20)
    record = {
        **identity(world, person),
        "summaryId": f"{world.people.summary_prefixes[person]}-{1_000 * now_s:x}",
        "periodStartDate": str(np.datetime64(started, "s").astype("datetime64[D]")),
        "dayInCycle": 4 + person % 20,
        "periodLength": 5,
        "currentPhaseType": "FOLLICULAR",
        "cycleLength": 28,
        "lastUpdatedTimeInSeconds": now_s,
    }
    return {"mct": [record]}
