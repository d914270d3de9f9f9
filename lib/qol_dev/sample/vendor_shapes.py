"""Vendor shapes: the small things about a vendor's records that neither its contract's examples nor habits.yaml say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from qol_dev.sample.lived import NAPPED, REVISED, TENTATIVE, Batch
from qol_dev.sample.sample_options import DAY_S

Record = dict[str, Any]

_OF_ANY_MAKER = (
    "userId",
    "calendarDate",
    "startTimeInSeconds",
    "startTimeOffsetInSeconds",
    "durationInSeconds",
    "steps",
    "source",
)
#: What replaces a reading: unplugged, just switched on, not a number, a driver's zeros, the device's own word.
_FAILURES: tuple[Record, ...] = (
    {"temperature": -127.0, "status": "error"},
    {"temperature": 85.0},
    {"temperature": "NaN", "humidity": "NaN"},
    {"temperature": 0.0, "humidity": 0.0},
    {"temperature": None, "humidity": None, "status": "offline"},
)
_FAILURE_SHARE = 0.0075
_NEGATIVE_ITEMS = ("q3", "q4", "q26")
_NO_ANSWER: tuple[object, ...] = (None, "", 0, 9, 99)


def _other_maker(rows: list[Record], _b: Batch) -> None:
    """A day without the watch, told by another maker's band through Garmin Connect: little more than steps."""
    for row in rows:
        for name in row.keys() - set(_OF_ANY_MAKER):
            del row[name]


def _garmin_sleeps(rows: list[Record], b: Batch) -> None:
    """Validations; older watches take REM for light sleep and give no score; naps stand inside a later version."""
    naps = 60 * b.of("nap_minutes")
    for row, user, version, nap, midnight in zip(
        rows, b.user.tolist(), b.version.tolist(), naps.tolist(), b.midnight_s.tolist(), strict=True
    ):
        is_new = user % 7 != 5
        family = "ENHANCED" if is_new else "AUTO"
        ending = {TENTATIVE: "TENTATIVE"}.get(version, "FINAL")
        row["validation"] = "AUTO_MANUAL" if version == REVISED else f"{family}_{ending}"
        if not is_new:
            levels = row["sleepLevelsMap"]
            both = levels.pop("rem", []) + levels.get("light", [])
            levels["light"] = sorted(both, key=lambda span: span["startTimeInSeconds"])
            row["lightSleepDurationInSeconds"] += row.pop("remSleepInSeconds")
            for name in ("overallSleepScore", "sleepScores", "timeOffsetSleepSpo2", "timeOffsetSleepRespiration"):
                row.pop(name)
        elif version == NAPPED:
            row["totalNapDurationInSeconds"] = nap
            row["naps"] = [
                {
                    "napDurationInSeconds": nap,
                    "napStartTimeInSeconds": midnight + 50_000,
                    "napValidation": "DEVICE",
                }
            ]


def _garmin_weights(rows: list[Record], b: Batch) -> None:
    """Some users type their weight in, which names no time but 00:00 UTC of the day and measures nothing else."""
    for row, user, day in zip(rows, b.user.tolist(), b.day.tolist(), strict=True):
        if user % 3 == 1:
            row["measurementTimeInSeconds"] = (b.world.options.first_epoch_day + day) * DAY_S
            row |= {"bodyFatInPercent": 0.0, "bodyMassIndex": 0.0}
            row.pop("muscleMassInGrams")


def _readings(rows: list[Record], b: Batch) -> None:
    """Sensors fail now and then; rooms write seconds, milliseconds, text, or every value with its type."""
    chance = b.world.options.chance("failure", b.user, b.day, b.number)
    for at in np.flatnonzero(chance < _FAILURE_SHARE).tolist():
        rows[at] |= _FAILURES[at % len(_FAILURES)]
    places = {room.user: place % 4 for place, room in enumerate(b.world.owners.rooms)}
    for at, (row, user) in enumerate(zip(rows, b.user.tolist(), strict=True)):
        manner = places[user]
        if manner == 1:
            row["timestamp"] *= 1_000
        elif manner == 2:
            rows[at] = {name: _typed(value) for name, value in row.items()}
        elif manner == 3:
            row["timestamp"] = str(row["timestamp"])


def _typed(value: object) -> Record:
    if value is None:
        return {"NULL": True}
    return {"S": value} if isinstance(value, str) else {"N": str(value)}


def _questionnaires(rows: list[Record], b: Batch) -> None:
    """Answers as numbers or texts, in columns or lists, some missing, one language turned round already."""
    items = [f"q{n}" for n in range(1, 27)]
    skips = b.world.options.chance("skips", b.user[:, None], b.day[:, None], np.arange(26)[None, :])
    for row, user, skip in zip(rows, b.user.tolist(), skips.tolist(), strict=True):
        row["pre_reversed"] = user % 11 == 7
        row["language"] = "pl" if user % 11 == 7 else "en" if user % 5 == 3 else "ja"
        for item, chance in zip(items, skip, strict=True):
            answer = 6 - row[item] if item in _NEGATIVE_ITEMS and user % 11 != 7 else row[item]
            row[item] = _NO_ANSWER[int(chance * 200)] if chance < 0.025 else str(answer) if user % 4 == 1 else answer
        if user % 3 == 2:
            row["answers"] = [{"item": n + 1, "value": row.pop(item)} for n, item in enumerate(items)]


#: By entry of habits.yaml, what changes its records in place.
SHAPES: Mapping[str, Callable[[list[Record], Batch], None]] = {
    "garmin/dailies-other": _other_maker,
    "garmin/sleeps": _garmin_sleeps,
    "garmin/bodyComps": _garmin_weights,
    "sensor/readings": _readings,
    "survey/whoqol26": _questionnaires,
}
