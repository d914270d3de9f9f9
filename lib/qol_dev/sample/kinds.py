"""Kinds: what Garmin sends, and the versions of a night."""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """Record types, in the order of their names' use in folders."""

    DAILIES = 0
    SLEEPS = 1
    STRESS_DETAILS = 2
    HRV = 3
    USER_METRICS = 4
    EPOCHS = 5
    PULSE_OX = 6
    RESPIRATION = 7
    BODY_COMPS = 8
    BLOOD_PRESSURES = 9
    SKIN_TEMP = 10
    HEALTH_SNAPSHOT = 11
    MOVE_IQ = 12
    ACTIVITIES = 13
    ACTIVITY_DETAILS = 14
    CHANGED_ACTIVITIES = 15
    OTHER_MAKERS = 16


class Night(IntEnum):
    """Versions of a night (`Deliveries.version` of sleeps)."""

    TENTATIVE = 0
    FINAL = 1
    FINAL_WITH_NAP = 2
    EDITED = 3
    NAP = 4
