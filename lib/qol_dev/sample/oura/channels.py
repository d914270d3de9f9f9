"""Oura's channels: one per endpoint, in the order in which a fetcher asks for them, and one of the webhook."""

from __future__ import annotations

from enum import IntEnum

from qol_dev.sample.channels import Body, Channel
from qol_dev.sample.oura import days, events, nights
from qol_dev.sample.oura.documents import fetched


class Endpoint(IntEnum):
    """Kinds of Oura's deliveries; naps and resting periods come from the endpoint of the nights.

    What was deleted comes from the webhook, in a folder of its own.
    """

    SLEEP = 0
    DAILY_SLEEP = 1
    DAILY_READINESS = 2
    DAILY_SPO2 = 3
    DAILY_RESILIENCE = 4
    CARDIOVASCULAR_AGE = 5
    SLEEP_TIME = 6
    DAILY_ACTIVITY = 7
    DAILY_STRESS = 8
    HEART_RATE = 9
    VO2_MAX = 10
    SHORT_PERIOD = 11
    WORKOUT = 12
    SESSION = 13
    TAG = 14
    REST_MODE = 15
    DELETED = 16


def _channel(endpoint: str, body: Body, tail: str = "") -> Channel:
    return Channel(f"{endpoint}{tail}", f"oura/{endpoint}", body)


CHANNELS: dict[int, Channel] = {
    Endpoint.SLEEP: _channel("sleep", fetched(nights.sleep)),
    Endpoint.DAILY_SLEEP: _channel("daily_sleep", fetched(nights.daily_sleep)),
    Endpoint.DAILY_READINESS: _channel("daily_readiness", fetched(nights.daily_readiness)),
    Endpoint.DAILY_SPO2: _channel("daily_spo2", fetched(nights.daily_spo2)),
    Endpoint.DAILY_RESILIENCE: _channel("daily_resilience", fetched(nights.daily_resilience)),
    Endpoint.CARDIOVASCULAR_AGE: _channel("daily_cardiovascular_age", fetched(nights.daily_cardiovascular_age)),
    Endpoint.SLEEP_TIME: _channel("sleep_time", fetched(nights.sleep_time)),
    Endpoint.DAILY_ACTIVITY: _channel("daily_activity", fetched(days.daily_activity)),
    Endpoint.DAILY_STRESS: _channel("daily_stress", fetched(days.daily_stress)),
    Endpoint.HEART_RATE: _channel("heartrate", days.heart_rate),
    Endpoint.VO2_MAX: _channel("vO2_max", days.vo2_max),
    Endpoint.SHORT_PERIOD: _channel("sleep", fetched(nights.short_period), "-short"),
    Endpoint.WORKOUT: _channel("workout", fetched(events.workout)),
    Endpoint.SESSION: _channel("session", fetched(events.session)),
    Endpoint.TAG: _channel("enhanced_tag", fetched(events.enhanced_tag)),
    Endpoint.REST_MODE: _channel("rest_mode_period", fetched(events.rest_mode_period)),
    Endpoint.DELETED: _channel("deleted", nights.short_period_deleted),
}
