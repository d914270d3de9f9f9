"""Sensors: temperature and humidity of bedrooms each 5 minutes, with all the ways in which cheap sensors fail."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qol_dev.sample.channels import Channel
from qol_dev.sample.days import FULL_DAY_S
from qol_dev.sample.devices import Tenancy
from qol_dev.sample.payloads import Record
from qol_dev.sample.syncs import Deliveries, arranged, retries
from qol_dev.sample.world import World

STREAM, DAY_STREAM = 17, 18
_CACHED_DAYS = 256
_EVERY_S = 300
_READINGS = FULL_DAY_S // _EVERY_S
#: A line written by a table's stream: every value with its type.
_TYPED, _MILLISECONDS, _TEXTS = 2, 1, 3
#: Chance of each failure per reading, in the order of `_failed`.
_FAILURES = (0.002, 0.0015, 0.001, 0.001, 0.002)
#: Share of days on which a room is offline and sends everything the next morning.
_OFFLINE_SHARE = 0.04


@dataclass(frozen=True)
class _RoomDay:
    """Readings of one local day from its midnight on, per reading; `chance` decides which of them fail."""

    midnight_s: int
    temperature_c: list[float]
    humidity_percent: list[float]
    chance: list[float]


@lru_cache(_CACHED_DAYS)
def _room_day(world: World, place: int, day: int) -> _RoomDay:
    """Warmer in the evening, cooler from week to week, damp when it is warm."""
    rng = world.options.stream(DAY_STREAM, place, day)
    hour = np.arange(_READINGS) * 24 / _READINGS
    usual = 22.0 + (place % 5) * 0.6 - 0.06 * day + rng.normal(0.0, 0.6)
    temperature = usual + 1.8 * np.sin((hour - 11.0) / 12.0 * np.pi) + rng.normal(0.0, 0.08, _READINGS)
    humidity = 47.0 + 1.5 * (temperature - usual) + rng.normal(0.0, 4.0) + rng.normal(0.0, 0.4, _READINGS)
    return _RoomDay(
        midnight_s=_midnight_s(world, world.devices.rooms[place], day),
        temperature_c=temperature.round(2).tolist(),
        humidity_percent=humidity.clip(20.0, 90.0).round(1).tolist(),
        chance=rng.random(_READINGS).tolist(),
    )


def _midnight_s(world: World, room: Tenancy, day: int) -> int:
    home = int(world.people.home_offset_s[room.person])
    return (world.options.first_epoch_day + day) * FULL_DAY_S - home


def reading(world: World, place: int, day: int, slot: int) -> Record:
    """One reading of the room at that place in the list of tenancies; every room writes in its own manner."""
    room, lived = world.devices.rooms[place], _room_day(world, place, day)
    second = lived.midnight_s + _EVERY_S * slot
    values: Record = {
        "temperature": lived.temperature_c[slot],
        "humidity": lived.humidity_percent[slot],
        "status": "ok",
    }
    chance = lived.chance[slot]
    if chance < sum(_FAILURES):
        values |= _failed(chance)
    manner = place % 4
    if manner == _TYPED:
        return _typed({"device_id": room.device_id, "timestamp": second, **values})
    moment: int | str = 1_000 * second if manner == _MILLISECONDS else str(second) if manner == _TEXTS else second
    return {"device_id": room.device_id, "timestamp": moment, **values}


def _failed(chance: float) -> Record:
    """What replaces the values: unplugged, just switched on, not a number, a driver's zeros, the device's own word."""
    failures: tuple[Record, ...] = (
        {"temperature": -127.0, "status": "error"},
        {"temperature": 85.0},
        {"temperature": "NaN", "humidity": "NaN"},
        {"temperature": 0.0, "humidity": 0.0},
        {"temperature": None, "humidity": None, "status": "offline"},
    )
    return failures[int(np.searchsorted(np.cumsum(_FAILURES)[:-1], chance, side="right"))]


def _typed(record: Record) -> Record:
    """The record as DynamoDB writes it."""
    return {name: _typed_value(value) for name, value in record.items()}


def _typed_value(value: object) -> Record:
    if value is None:
        return {"NULL": True}
    return {"S": value} if isinstance(value, str) else {"N": str(value)}


CHANNELS = {0: Channel("readings", "sensor/readings", reading, per_object=2_000)}


def make_deliveries(world: World) -> Deliveries:
    """A line per reading, seconds after it was taken, or in the morning after a day offline."""
    rng = world.options.stream(STREAM)
    parts = []
    for place, room in enumerate(world.devices.rooms):
        for day in range(room.first_day, room.last_day + 1):
            slot = np.arange(_READINGS, dtype=np.int64)
            taken = _midnight_s(world, room, day) + _EVERY_S * slot
            offline = rng.random() < _OFFLINE_SHARE
            sent = np.full(_READINGS, taken[-1] + 32_400) if offline else taken
            arrival = 1_000 * sent + rng.integers(900, 20_000, _READINGS)
            parts.append(
                Deliveries(arrival, np.zeros_like(slot), np.full_like(slot, place), np.full_like(slot, day), slot)
            )
    everything = Deliveries.of(parts)
    return arranged(Deliveries.of([everything, retries(rng, everything)]), world.options)
