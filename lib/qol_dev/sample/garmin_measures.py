"""Garmin's measurements: blood oxygen, scale, cuff, skin temperature and the two-minute snapshot."""

from __future__ import annotations

from qol_dev.sample.days import FULL_DAY_S
from qol_dev.sample.payloads import Record, head
from qol_dev.sample.world import World

STREAM = 13
_SNAPSHOT_S = 120


def _frame(world: World, person: int, day: int, start: int, duration: int, tail: str = "") -> Record:
    frame = head(world, person, start, duration)
    return {
        **frame,
        "summaryId": f"{frame['summaryId']}{tail}",
        "calendarDate": world.dates[day],
        "startTimeInSeconds": start,
        "startTimeOffsetInSeconds": int(world.days.offset_s[person, day]),
        "durationInSeconds": duration,
    }


def pulse_ox(world: World, person: int, day: int, version: int) -> Record:
    """Blood oxygen in percent each 15 minutes of the night, as known `version` seconds into the day; 0 is on demand."""
    start = int(world.days.midnight_s[person, day])
    if version == 0:
        # A reading taken around noon, its offset beyond the record's own end, as real ones have it.
        record = _frame(world, person, day, start, 0, "-spo2OnDemand")
        return record | {"timeOffsetSpo2Values": {"43200": 96 + (person + day) % 3}, "onDemand": True}
    until = min(version, 60 * int(world.days.wake_minute[person, day]), FULL_DAY_S)
    asleep_from = 60 * max(0, int(world.days.bed_minute[person, day]))
    values = {str(s): 95 + (s // 900 + person) % 4 for s in range(-(-asleep_from // 900) * 900, until, 900)}
    return _frame(world, person, day, start, version, "-6") | {"timeOffsetSpo2Values": values, "onDemand": False}


def _measurement(world: World, person: int, day: int, moment: int) -> Record:
    return {
        **head(world, person, moment, None),
        "measurementTimeInSeconds": moment,
        "measurementTimeOffsetInSeconds": int(world.days.offset_s[person, day]),
    }


def body_composition(world: World, person: int, day: int, _version: int) -> Record:
    """From a scale; or typed in, which names no time but 00:00 UTC of the day and measures no fat."""
    days, bodies = world.days, world.bodies
    weight = bodies.weight_on(person, day)
    typed = person % 3 == 1
    midnight_utc = (world.options.first_epoch_day + day) * FULL_DAY_S
    weighed = int(days.midnight_s[person, day]) + 60 * (int(days.wake_minute[person, day]) + 12) + person % 60
    record = _measurement(world, person, day, midnight_utc if typed else weighed)
    record |= {"weightInGrams": round(1_000 * weight)}
    if typed:
        return record | {"bodyFatInPercent": 0.0, "bodyMassIndex": 0.0}
    fat = float(bodies.fat_percent[person])
    return record | {
        "bodyFatInPercent": round(fat + 0.1 * (day % 4), 1),
        "bodyWaterInPercent": round(72.0 - 0.7 * fat, 1),
        "bodyMassIndex": round(weight / float(bodies.height_m[person]) ** 2, 1),
        "muscleMassInGrams": round(1_000 * weight * (0.96 - fat / 100) * 0.5),
        "boneMassInGrams": round(40 * weight),
    }


def blood_pressure(world: World, person: int, day: int, _version: int) -> Record:
    """In mmHg, higher on days of little recovery."""
    days, bodies = world.days, world.bodies
    moment = int(days.midnight_s[person, day]) + 60 * (int(days.wake_minute[person, day]) + 25) + (11 * day) % 60
    above = -2.5 * float(days.recovery[person, day])
    return {
        **_measurement(world, person, day, moment),
        "systolic": round(float(bodies.systolic_mmhg[person]) + above),
        "diastolic": round(float(bodies.diastolic_mmhg[person]) + 0.6 * above),
        "pulse": int(days.resting_hr_bpm[person, day]) + 8,
        "sourceType": "MANUAL" if (person + day) % 3 else "DEVICE",
    }


def skin_temperature(world: World, person: int, day: int, _version: int) -> Record:
    """Deviation from the wearer's own baseline over the night, degrees Celsius."""
    days = world.days
    bed, wake = int(days.bed_minute[person, day]), int(days.wake_minute[person, day])
    record = _frame(world, person, day, int(days.midnight_s[person, day]) + 60 * bed, 60 * (wake - bed))
    return record | {"avgDeviationCelsius": skin_deviation(world, person, day)}


def skin_deviation(world: World, person: int, day: int) -> float:
    """How much warmer than usual the skin was that night, whichever device felt it."""
    noise = float(world.options.stream(STREAM, person, day).normal(0.0, 0.15))
    return round(-0.22 * float(world.days.recovery[person, day]) + noise, 2)


def health_snapshot(world: World, person: int, day: int, _version: int) -> Record:
    """Two quiet minutes in the morning: heart, stress, oxygen, breathing and variability."""
    days = world.days
    start = int(days.midnight_s[person, day]) + 60 * (int(days.wake_minute[person, day]) + 70)
    heart, hrv = int(days.resting_hr_bpm[person, day]) + 6, int(days.hrv_ms[person, day])
    frame = _frame(world, person, day, start, _SNAPSHOT_S)
    frame["offsetStartTimeInSeconds"] = frame.pop("startTimeOffsetInSeconds")
    kinds = (("heart_rate", heart, 4.0), ("stress", 24, 6.0), ("spo2", 97, 1.0), ("respiration", 14, 0.8))
    return frame | {
        "summaries": [
            *(_summary(name, float(usual), spread, person + day) for name, usual, spread in kinds),
            {"summaryType": "rmssd_hrv", "avgValue": float(hrv)},
            {"summaryType": "sdrr_hrv", "avgValue": round(1.3 * hrv, 1)},
        ]
    }


def _summary(name: str, usual: float, spread: float, salt: int) -> Record:
    values = {str(s): round(usual + spread * ((s + salt) % 7 - 3) / 3.0, 2) for s in range(0, _SNAPSHOT_S + 1, 5)}
    mean = sum(values.values()) / len(values)
    return {
        "summaryType": name,
        "minValue": min(values.values()),
        "maxValue": max(values.values()),
        "avgValue": round(mean, 2),
        "epochSummaries": values,
    }
