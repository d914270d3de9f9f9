"""Garmin's channels: one per kind of record."""

from __future__ import annotations

from qol_dev.sample import garmin_measures, garmin_slots, garmin_workouts, nights, payloads
from qol_dev.sample.channels import Body, Channel
from qol_dev.sample.kinds import Kind

#: What some pushes hold beside their first summary type, about the same person and day.
COMPANIONS = {Kind.DAILIES: Kind.STRESS_DETAILS, Kind.SLEEPS: Kind.HRV}


def _channel(name: str, body: Body, per_object: int = 200) -> Channel:
    return Channel(name, f"garmin/{name}", body, per_object)


CHANNELS: dict[int, Channel] = {
    Kind.DAILIES: Channel("dailies", "daily", payloads.daily, packs=False),
    Kind.SLEEPS: _channel("sleeps", nights.sleep),
    Kind.STRESS_DETAILS: _channel("stressDetails", payloads.stress_details),
    Kind.HRV: _channel("hrv", nights.hrv),
    Kind.USER_METRICS: _channel("userMetrics", payloads.user_metrics),
    Kind.EPOCHS: _channel("epochs", garmin_slots.epoch, 1_000),
    Kind.PULSE_OX: _channel("pulseox", garmin_measures.pulse_ox),
    Kind.RESPIRATION: _channel("allDayRespiration", garmin_slots.respiration, 1_000),
    Kind.BODY_COMPS: _channel("bodyComps", garmin_measures.body_composition),
    Kind.BLOOD_PRESSURES: _channel("bloodPressures", garmin_measures.blood_pressure),
    Kind.SKIN_TEMP: _channel("skinTemp", garmin_measures.skin_temperature),
    Kind.HEALTH_SNAPSHOT: _channel("healthSnapshot", garmin_measures.health_snapshot),
    Kind.MOVE_IQ: _channel("moveIQActivities", garmin_workouts.move_iq),
    Kind.ACTIVITIES: _channel("activities", garmin_workouts.activity),
    Kind.ACTIVITY_DETAILS: _channel("activityDetails", garmin_workouts.activity_details),
    Kind.CHANGED_ACTIVITIES: _channel("manuallyUpdatedActivities", garmin_workouts.changed_activity),
    Kind.OTHER_MAKERS: Channel("dailies-other", "daily", garmin_workouts.daily_of_another_maker, packs=False),
}
