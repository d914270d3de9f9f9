"""Garmin's activities: trainings with and without samples, walks it noticed, and days told by another maker's watch."""

from __future__ import annotations

from qol_dev.sample.motion import training_minute
from qol_dev.sample.payloads import Record, daily, head, identity
from qol_dev.sample.world import World

_SPORTS = (("RUNNING", "Running", 2.7), ("CYCLING", "Cycling", 6.8), ("INDOOR_CARDIO", "Cardio", 0.0))
_DEVICES = ("Forerunner 255", "Venu 3", "vivosmart 5")
_SAMPLE_EVERY_S = 60
_OF_ANY_MAKER = (
    *("userId", "userAccessToken", "summaryId", "calendarDate", "activityType"),
    *("startTimeInSeconds", "startTimeOffsetInSeconds", "durationInSeconds"),
)


def _start(world: World, person: int, day: int) -> int:
    return int(world.days.midnight_s[person, day]) + 60 * int(training_minute(person, day))


def _activity_id(world: World, person: int, day: int) -> int:
    return 21_000_000_000 + 40_000 * (world.options.first_epoch_day % 10_000 + day) + person


def _summary(world: World, person: int, day: int) -> Record:
    """What the record of an activity and the one with its samples both say."""
    kind, name, speed = _SPORTS[person % len(_SPORTS)]
    seconds = int(world.days.vigorous_s[person, day])
    mean = 128 + 4 * (person % 6) - round(2.0 * float(world.people.fitness[person]))
    summary: Record = {
        "activityName": name,
        "activityType": kind,
        "startTimeInSeconds": _start(world, person, day),
        "startTimeOffsetInSeconds": int(world.days.offset_s[person, day]),
        "durationInSeconds": seconds,
        "averageHeartRateInBeatsPerMinute": mean,
        "maxHeartRateInBeatsPerMinute": mean + 21,
        "activeKilocalories": round(seconds / 60 * 8.5),
        "deviceName": _DEVICES[person % 2],
    }
    if speed:
        summary |= {
            "distanceInMeters": round(speed * seconds, 1),
            "averageSpeedInMetersPerSecond": speed,
            "averagePaceInMinutesPerKilometer": round(1_000 / 60 / speed, 3),
            # Around Tokyo station; nobody's home.
            "startingLatitudeInDegree": 35.681,
            "startingLongitudeInDegree": 139.767,
        }
    if kind == "RUNNING":
        summary |= {"steps": round(seconds * 2.7), "averageRunCadenceInStepsPerMinute": 162.0}
    return summary


def activity(world: World, person: int, day: int, _version: int) -> Record:
    """A training, as the watch recorded it."""
    number = _activity_id(world, person, day)
    return {**identity(world, person), "summaryId": str(number), "activityId": number, **_summary(world, person, day)}


def activity_details(world: World, person: int, day: int, _version: int) -> Record:
    """The same training with a sample per minute."""
    number, summary = _activity_id(world, person, day), _summary(world, person, day)
    start, seconds = _start(world, person, day), int(world.days.vigorous_s[person, day])
    mean = 128 + 4 * (person % 6) - round(2.0 * float(world.people.fitness[person]))
    speed = _SPORTS[person % len(_SPORTS)][2]
    samples = [
        {
            "startTimeInSeconds": start + at,
            "heartRate": mean + (at // _SAMPLE_EVERY_S) % 9 - 4,
            "speedMetersPerSecond": speed,
            "totalDistanceInMeters": round(speed * at, 1),
            "airTemperatureCelcius": 19.0,
            "movingDurationInSeconds": at,
            "timerDurationInSeconds": at,
            "clockDurationInSeconds": at,
        }
        for at in range(0, seconds, _SAMPLE_EVERY_S)
    ]
    return {
        **identity(world, person),
        "summaryId": f"{number}-detail",
        "activityId": number,
        "summary": summary,
        "samples": samples,
    }


def changed_activity(world: World, person: int, day: int, version: int) -> Record:
    """The training again after its owner changed its name and what it burnt."""
    changed = activity(world, person, day, version) | {"activityName": "After work", "manual": True}
    return changed | {"activeKilocalories": round(int(world.days.vigorous_s[person, day]) / 60 * 9.0)}


def move_iq(world: World, person: int, day: int, _version: int) -> Record:
    """A walk the watch noticed by itself; its steps are in the daily already."""
    seconds = 600 + 60 * ((person + 3 * day) % 20)
    start = int(world.days.midnight_s[person, day]) + 60 * (int(world.days.wake_minute[person, day]) + 45)
    return {
        **identity(world, person),
        "summaryId": f"{head(world, person, start, None)['summaryId']}walking{seconds:x}",
        "calendarDate": world.dates[day],
        "startTimeInSeconds": start,
        "durationInSeconds": seconds,
        "offsetInSeconds": int(world.days.offset_s[person, day]),
        "activityType": "walking",
    }


def daily_of_another_maker(world: World, person: int, day: int, _version: int) -> Record:
    """A day without the watch, told by another maker's band through Garmin Connect: little more than steps."""
    told, steps = daily(world, person, day, 86_400), int(world.days.walked[person, day])
    own = {name: told[name] for name in _OF_ANY_MAKER if name in told}
    distance = round(float(world.people.stride_m[person]) * steps, 1)
    return own | {"steps": steps, "distanceInMeters": distance, "source": "FITBIT"}
