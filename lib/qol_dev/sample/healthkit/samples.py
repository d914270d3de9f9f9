"""Samples: everything a phone and a watch store of one day, from the steps and nights that were lived."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from qol_dev.sample.days import DAY_MINUTES
from qol_dev.sample.garmin_measures import skin_deviation
from qol_dev.sample.healthkit.phone import PHONE, SCALE, WATCH, Item, Phone
from qol_dev.sample.motion import SLOT_MINUTES, training_minute
from qol_dev.sample.nights import stages
from qol_dev.sample.world import World

_CACHED_DAYS = 512
_HEART_EVERY_MINUTES = 30
_STAGES = {"awake": 2, "light": 3, "deep": 4, "rem": 5}
_STAGE_NAMES = {2: "Awake", 3: "AsleepCore", 4: "AsleepDeep", 5: "AsleepREM"}
_IN_BED = 0


@lru_cache(_CACHED_DAYS)
def items_of_day(world: World, person: int, day: int) -> list[Item]:
    """All samples, workouts and deletions of that local day, in the order in which the phone comes to know them."""
    phone = Phone(world, person, day)
    found = [*_walking(phone), *_body(phone), *_mistakes(phone)]
    if not world.days.missing[person, day]:
        found += [*_heart(phone), *_night(phone), *_training(phone)]
    return sorted(found, key=lambda item: item.known_s)


def _walking(phone: Phone) -> Iterator[Item]:
    """The same steps twice: by the phone in the pocket, which misses some, and by the watch while it is worn."""
    world, person, day = phone.world, phone.person, phone.day
    slots = world.walks(day)[person].tolist()
    off = range(int(world.days.off_from_minute[person, day]), int(world.days.off_to_minute[person, day]))
    worn = [0 if n * SLOT_MINUTES in off or world.days.missing[person, day] else steps for n, steps in enumerate(slots)]
    stride = float(world.people.stride_m[person])
    far, unit = (1_609.344, "mi") if phone.is_imperial else (1_000.0, "km") if person % 2 else (1.0, "m")
    for device, counted, first, share in ((PHONE, slots, 0, 0.86), (WATCH, worn, 2, 1.01)):
        for at in range(first, len(slots), 4):
            steps = round(sum(counted[at : at + 4]) * share)
            if steps:
                start = phone.midnight_s + 60 * SLOT_MINUTES * at
                end = start + 60 * SLOT_MINUTES * min(4, len(slots) - at)
                yield phone.quantity("StepCount", start, end, device, steps, "count")
                if at % 8 == first:
                    continue
                meters = round(sum(counted[max(0, at - 4) : at + 4]) * share) * stride
                yield phone.quantity("DistanceWalkingRunning", start - 3_600, end, device, round(meters / far, 4), unit)
                if device == WATCH:
                    kcal = 0.036 * meters / stride
                    energy, written = (round(kcal * 4.184, 2), "kJ") if person % 5 == 2 else (round(kcal, 2), "kcal")
                    yield phone.quantity("ActiveEnergyBurned", start - 3_600, end, WATCH, energy, written)
    floors = int(world.days.floors[person, day])
    if floors:
        start = phone.midnight_s + 12 * 3_600
        yield phone.quantity("FlightsClimbed", start, start + 3_600, PHONE, floors, "count")


def _heart(phone: Phone) -> Iterator[Item]:
    """Heart rate through the day, what the watch makes of it, and variability as SDNN, which is not RMSSD."""
    world, person, day = phone.world, phone.person, phone.day
    bpm = world.curves(day).heart_bpm[person].tolist()
    for minute in range(5, DAY_MINUTES, _HEART_EVERY_MINUTES):
        if bpm[minute]:
            yield phone.instant("HeartRate", minute, WATCH, bpm[minute], "count/min")
    resting, hrv = int(world.days.resting_hr_bpm[person, day]), int(world.days.hrv_ms[person, day])
    if world.days.night[person, day]:
        yield phone.instant("HeartRate", 247, WATCH, resting - 2, "count/min")
        # Told at noon and once more in the evening, when more is known.
        for minute, value in ((720, resting + 1), (1_290, resting)):
            yield phone.instant("RestingHeartRate", minute, WATCH, value, "count/min")
    for n, minute in enumerate((185, 612, 1_003)):
        yield phone.instant("HeartRateVariabilitySDNN", minute, WATCH, round(hrv * (1.22 + 0.05 * n), 2), "ms")
    yield phone.instant("WalkingHeartRateAverage", 1_310, WATCH, resting + 34, "count/min")
    exercise = (int(world.days.moderate_s[person, day]) + int(world.days.vigorous_s[person, day])) // 60
    if exercise:
        start = phone.midnight_s + 60 * training_minute(person, day)
        yield phone.quantity("AppleExerciseTime", start, start + 60 * exercise, WATCH, exercise, "min")
    if day % 7 == 2:
        fit = 38.0 + 5.5 * float(world.people.fitness[person])
        yield phone.instant("VO2Max", 1_150, WATCH, round(max(18.0, min(70.0, fit)), 1), "mL/min·kg")


def _night(phone: Phone) -> Iterator[Item]:
    """Stages by the watch, time in bed by the phone, and what the watch measured meanwhile; known after waking."""
    world, person, day = phone.world, phone.person, phone.day
    bed = phone.midnight_s + 60 * int(world.days.bed_minute[person, day])
    woke = phone.midnight_s + 60 * int(world.days.wake_minute[person, day])
    sleep = "HKCategoryTypeIdentifierSleepAnalysis"
    told = [phone.sample(sleep, bed - 600, woke + 300, PHONE, category_value=_IN_BED)]
    if (19 * person + 23 * day) % 31 != 7:
        for stretch in stages(world, person, day):
            value: int | str = _STAGES[stretch.level]
            if person % 5 == 3:
                value = f"HKCategoryValueSleepAnalysis{_STAGE_NAMES[_STAGES[stretch.level]]}"
            span = (bed + 60 * stretch.start, bed + 60 * stretch.end)
            told.append(phone.sample(sleep, *span, WATCH, category_value=value))
        recovery = float(world.days.recovery[person, day])
        # What began before the first midnight would tell of a week that nobody asked for.
        since = max(bed, phone.midnight_s) if day == 0 else bed
        hours = range(since + 3_600, woke, 7_200)
        told += [
            phone.quantity("OxygenSaturation", s, s, WATCH, 0.95 + (s // 7_200 + day) % 4 / 100, "%") for s in hours
        ]
        breaths = round(14.0 - 0.4 * recovery, 1)
        told += [phone.quantity("RespiratoryRate", s, s + 900, WATCH, breaths, "count/min") for s in hours]
        skin = 34.6 + skin_deviation(world, person, day)
        warmth, unit = (1.8 * skin + 32.0, "degF") if phone.is_imperial else (skin, "degC")
        told.append(phone.quantity("AppleSleepingWristTemperature", since, woke, WATCH, round(warmth, 2), unit))
    yield from (item._replace(known_s=woke + 600) for item in told)


def _training(phone: Phone) -> Iterator[Item]:
    """A workout; its steps and energy are samples already."""
    world, person, day = phone.world, phone.person, phone.day
    seconds = int(world.days.vigorous_s[person, day])
    if not seconds:
        return
    start = phone.midnight_s + 60 * training_minute(person, day)
    walked, unit = (seconds * 2.6 / 1_609.344, "mi") if phone.is_imperial else (seconds * 2.6 / 1_000, "km")
    yield Item(
        start + seconds,
        None,
        "workouts",
        {
            "uuid": phone.uuid("workout"),
            "workout_type": "HKWorkoutActivityTypeRunning" if person % 2 else 37,
            "start": phone.text(start),
            "end": phone.text(start + seconds),
            "duration": seconds - 20,
            "total_energy_burned": round(seconds / 60 * 8.2, 1),
            "energy_unit": "kcal",
            "total_distance": round(walked, 3),
            "distance_unit": unit,
            "source": {"bundle_id": "com.apple.health", "name": f"My {WATCH}"},
            "device": {"model": WATCH},
        },
    )


def _body(phone: Phone) -> Iterator[Item]:
    """Weight once or twice a week, pressure of those who have a cuff: as one correlation, or as two samples."""
    world, person, day = phone.world, phone.person, phone.day
    minute = int(world.days.wake_minute[person, day]) + 15
    if (person + day) % 5 == 0:
        kg = world.bodies.weight_on(person, day)
        weight, unit = (kg / 0.45359237, "lb") if phone.is_imperial else (kg, "kg")
        yield phone.instant("BodyMass", minute, SCALE, round(weight, 1), unit)
        yield phone.instant(
            "BodyFatPercentage", minute, SCALE, round(float(world.bodies.fat_percent[person]) / 100, 3), "%"
        )
    if (person + day) % 3 == 0 and person % 2:
        above = -2.5 * float(world.days.recovery[person, day])
        high = round(float(world.bodies.systolic_mmhg[person]) + above)
        low = round(float(world.bodies.diastolic_mmhg[person]) + 0.6 * above)
        if day % 2:
            at = phone.midnight_s + 60 * minute
            kind = "HKCorrelationTypeIdentifierBloodPressure"
            yield phone.sample(kind, at, at, SCALE, systolic=high, diastolic=low, unit="mmHg")
        else:
            yield phone.instant("BloodPressureSystolic", minute, SCALE, high, "mmHg")
            yield phone.instant("BloodPressureDiastolic", minute, SCALE, low, "mmHg")


def _mistakes(phone: Phone) -> Iterator[Item]:
    """What is deleted again: a weight typed wrong; two small step samples that the phone condenses to a new one."""
    person, day = phone.person, phone.day
    noon = phone.midnight_s + 43_200
    if (person + day) % 11 == 3:
        kg = phone.world.bodies.weight_on(person, day)
        yield from phone.deletion(phone.instant("BodyMass", 700, PHONE, round(10 * kg), "kg"), noon + 7_200)
        yield phone.instant("BodyMass", 702, PHONE, round(kg, 1), "kg")
    if (person + day) % 6 == 1:
        for n in (1, 2):
            small = phone.quantity("StepCount", noon - 120 * n, noon - 120 * n + 60, PHONE, 11 * n, "count")
            yield from phone.deletion(small, noon + 10_800)
        whole = phone.quantity("StepCount", noon - 240, noon - 60, PHONE, 33, "count")
        yield whole._replace(known_s=noon + 10_800)
