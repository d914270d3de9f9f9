"""Deliveries: when the fetcher finds which of Oura's documents."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qol_dev.sample.options import Bools, Ints
from qol_dev.sample.oura.channels import Endpoint
from qol_dev.sample.oura.documents import Version, deleted_s, has_night, is_deleted, is_revised, known_s
from qol_dev.sample.syncs import Deliveries, Syncs, arranged, make_syncs, retries
from qol_dev.sample.world import World

STREAM = 15
_OF_THE_NIGHT = (Endpoint.SLEEP, Endpoint.DAILY_SLEEP, Endpoint.DAILY_READINESS)
_ONCE_A_NIGHT = (Endpoint.DAILY_SPO2, Endpoint.DAILY_RESILIENCE, Endpoint.CARDIOVASCULAR_AGE, Endpoint.SLEEP_TIME)
_OF_THE_DAY = (Endpoint.DAILY_ACTIVITY, Endpoint.DAILY_STRESS)


def make_deliveries(world: World) -> Deliveries:
    """Everything of Oura's that arrives before the end moment, sorted by arrival day, endpoint and arrival."""
    rng = world.options.stream(STREAM)
    syncs = make_syncs(rng, world.people, world.days)
    sent = Deliveries.of([*_nights(rng, world, syncs), *_days(rng, world, syncs), *_events(rng, world, syncs)])
    return arranged(Deliveries.of([sent, retries(rng, sent)]), world.options)


def _each(world: World, holds: Iterator[bool]) -> Bools:
    """An answer for each person x day of the weeks asked for, in that order."""
    shape = (len(world.people), world.options.days)
    return np.fromiter(holds, dtype=np.bool_, count=shape[0] * shape[1]).reshape(shape)


def _places(world: World) -> Iterator[tuple[int, int]]:
    return ((p, d) for p in range(len(world.people)) for d in range(world.options.days))


def _worn(world: World) -> Bools:
    return np.repeat(world.devices.oura[:, None], world.options.days, axis=1)


def _due(world: World, version: Version, *, night: bool) -> Ints:
    shape = (len(world.people), world.options.days)
    due = [known_s(world, p, d, version, night=night) for p, d in _places(world)]
    return np.array(due, dtype=np.int64).reshape(shape)


def _nights(rng: np.random.Generator, world: World, syncs: Syncs) -> Iterator[Deliveries]:
    """Sometimes tentative, then final, a few revised; once a week a page of the last days again. Some naps go again."""
    worn = _worn(world) & _each(world, (has_night(p, d) for p, d in _places(world)))
    revised = worn & _each(world, (is_revised(p, d) for p, d in _places(world)))
    weekly = worn & (np.arange(world.options.days) % 7 == 6)
    tentative = worn & (rng.random(worn.shape) < 0.5)
    first, final, later = (
        _due(world, version, night=True) for version in (Version.TENTATIVE, Version.FINAL, Version.REVISED)
    )
    for kind in _OF_THE_NIGHT:
        yield syncs.after(tentative, first, kind, Version.TENTATIVE)
        yield syncs.after(worn, final, kind, Version.FINAL)
        yield syncs.after(revised, later, kind, Version.REVISED)
        yield syncs.after(weekly, later + 72_000, kind, Version.PAGE)
    for kind in _ONCE_A_NIGHT:
        yield syncs.after(worn, final, kind, Version.FINAL)
    naps = _worn(world) & ((world.days.nap_minutes[:, : worn.shape[1]] > 0) | (rng.random(worn.shape) < 0.03))
    yield syncs.after(naps, _due(world, Version.FINAL, night=False), Endpoint.SHORT_PERIOD, Version.FINAL)
    gone = naps & _each(world, (is_deleted(p, d) for p, d in _places(world)))
    said = np.array([deleted_s(world, p, d) for p, d in _places(world)], dtype=np.int64).reshape(gone.shape)
    yield syncs.after(gone, said, Endpoint.DELETED, Version.FINAL)


def _days(rng: np.random.Generator, world: World, syncs: Syncs) -> Iterator[Deliveries]:
    """The running day as it is at one, its end the next morning; heart rate of every second person."""
    worn = _worn(world)
    noon, ended = (_due(world, version, night=False) for version in (Version.TENTATIVE, Version.FINAL))
    tentative = worn & (rng.random(worn.shape) < 0.4)
    for kind in _OF_THE_DAY:
        yield syncs.after(tentative, noon, kind, Version.TENTATIVE)
        yield syncs.after(worn, ended, kind, Version.FINAL)
    yield syncs.after(worn & _every_second(worn), ended, Endpoint.HEART_RATE)
    yield syncs.after(worn & (np.arange(worn.shape[1]) % 7 == 5), ended, Endpoint.VO2_MAX, Version.FINAL)


def _every_second(worn: Bools) -> Bools:
    """Every second of the people who wear a ring, the first of them included."""
    has = worn[:, :1]
    chosen: Bools = has & (np.cumsum(has, axis=0) % 2 == 1)
    return chosen


def _events(rng: np.random.Generator, world: World, syncs: Syncs) -> Iterator[Deliveries]:
    """Trainings and some walks, quiet minutes, notes; rest mode on the worst days."""
    worn, days = _worn(world), world.options.days
    ended = _due(world, Version.FINAL, night=False)
    chance = rng.random((3, *worn.shape))
    moved = (world.days.vigorous_s[:, :days] > 0) | (chance[0] < 0.2)
    yield syncs.after(worn & moved, ended, Endpoint.WORKOUT, Version.FINAL)
    yield syncs.after(worn & (chance[1] < 0.1), ended, Endpoint.SESSION, Version.FINAL)
    yield syncs.after(worn & (chance[2] < 0.06), ended, Endpoint.TAG, Version.FINAL)
    ill = worn & (world.days.recovery[:, :days] < -2.4)
    yield syncs.after(ill, ended, Endpoint.REST_MODE, Version.FINAL)
