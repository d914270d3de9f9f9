"""Syncs: when phones pass on what devices hold, and the deliveries that come of it, for everybody at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from qol_dev.sample.days import Days
from qol_dev.sample.options import Bools, Ints, SampleOptions
from qol_dev.sample.people import People
from qol_dev.sample.world import World

#: Person and second in one sortable number, so that one binary search answers for everybody.
_SECOND_BITS = 33
_MIN_SYNC_GAP_S = 600


@dataclass(frozen=True)
class Deliveries:
    """One entry per delivered record. `version` is the duration in seconds for dailies and stressDetails."""

    arrival_ms: Ints
    kind: Ints
    person: Ints
    day: Ints
    version: Ints

    def __len__(self) -> int:
        return len(self.arrival_ms)

    def take(self, chosen: Ints | Bools) -> Deliveries:
        """The chosen deliveries, in that order."""
        return Deliveries(*(getattr(self, f.name)[chosen] for f in fields(self)))

    @staticmethod
    def of(parts: Iterable[Deliveries]) -> Deliveries:
        """All parts, one after the other."""
        listed = list(parts)
        return Deliveries(*(np.concatenate([getattr(p, f.name) for p in listed]) for f in fields(Deliveries)))


@dataclass(frozen=True)
class Syncs:
    """Moments at which a phone passed on what the watch held, sorted by person and time."""

    person: Ints
    second: Ints
    latency_ms: Ints

    def first_at_or_after(self, person: Ints, second: Ints) -> tuple[Ints, Bools]:
        """Per question the index of that person's first sync from that second on, and whether there is one."""
        keys = (self.person << _SECOND_BITS) | self.second
        index = np.searchsorted(keys, (person << _SECOND_BITS) | second)
        return index, self.belongs(index, person)

    def belongs(self, index: Ints, person: Ints) -> Bools:
        """Whether that sync exists and is that person's."""
        inside = index < len(self.person)
        found: Bools = inside & (self.person[np.where(inside, index, 0)] == person)
        return found

    def deliver(self, index: Ints, kind: int, day: Ints, version: Ints | int) -> Deliveries:
        """What those syncs bring; the types of one sync follow each other by a beat."""
        arrival = self.second[index] * 1_000 + self.latency_ms[index] + 97 * kind
        of_kind, versions = np.full_like(day, kind), np.zeros_like(day) + version
        return Deliveries(arrival, of_kind, self.person[index], day, versions)

    def after(self, chosen: Bools, due_s: Ints, kind: int, version: int = 0) -> Deliveries:
        """The chosen people x days, each at its person's first sync from `due_s` on, where there is one."""
        person, day = np.nonzero(chosen)
        index, synced = self.first_at_or_after(person, due_s[person, day])
        return self.deliver(index[synced], kind, day[synced], version)


def make_syncs(rng: np.random.Generator, people: People, days: Days) -> Syncs:
    """Up to four syncs a day: after waking, at noon, after work, before bed; none on days without a phone near."""
    n, width = days.steps.shape
    minute = np.stack(
        [
            days.wake_minute + rng.integers(3, 50, (n, width)),
            750 + rng.integers(-60, 60, (n, width)),
            1_110 + rng.integers(-70, 70, (n, width)),
            1_350 + rng.integers(-40, 40, (n, width)),
        ],
        axis=2,
    )
    happens = (rng.random(minute.shape) < people.sync_habit[:, None, None]) & ~_silent(rng, n, width)[:, :, None]
    second = days.midnight_s[:, :, None] + 60 * minute + rng.integers(0, 60, minute.shape)
    person = np.broadcast_to(np.arange(n)[:, None, None], minute.shape)
    keys = np.sort((person[happens] << _SECOND_BITS) | second[happens])
    keys = keys[np.diff(keys, prepend=-(1 << _SECOND_BITS)) > _MIN_SYNC_GAP_S]
    return Syncs(keys >> _SECOND_BITS, keys & ((1 << _SECOND_BITS) - 1), rng.integers(800, 60_000, len(keys)))


def _silent(rng: np.random.Generator, n: int, width: int) -> Bools:
    """Days in a stretch of 3 to 12 without any sync, which begins in about one person-week in 25, never the first's."""
    silent = np.zeros((n, width), dtype=np.bool_)
    day = np.arange(width)[None, :]
    for monday in range(0, width, 7):
        begins = monday + rng.integers(0, 7, n)
        ends = begins + rng.integers(3, 13, n)
        goes_silent = (rng.random(n) < 0.04) & (np.arange(n) > 0)
        silent |= goes_silent[:, None] & (day >= begins[:, None]) & (day < ends[:, None])
    return silent


def days_of(world: World, syncs: Syncs) -> Ints:
    """The index of the local day into which each sync falls; -1 before the first."""
    days, width = world.days, world.days.steps.shape[1]
    starts = (np.arange(len(world.people))[:, None] << _SECOND_BITS) | days.midnight_s
    place = np.searchsorted(starts.ravel(), (syncs.person << _SECOND_BITS) | syncs.second, side="right") - 1
    found: Ints = place - syncs.person * width
    return found


def running_days(world: World, syncs: Syncs) -> tuple[Ints, Ints, Ints]:
    """Syncs that fall into a day being lived: their index, the day's index and the seconds of it so far."""
    days, day = world.days, days_of(world, syncs)
    known = (day >= 0) & (day < world.options.days)
    index, day = np.flatnonzero(known), day[known]
    person = syncs.person[index]
    duration = (syncs.second[index] - days.midnight_s[person, day]) // 60 * 60
    grows = (duration > 0) & (duration < days.last_duration_s[person, day]) & ~days.missing[person, day]
    return index[grows], day[grows], duration[grows]


def retries(rng: np.random.Generator, sent: Deliveries) -> Deliveries:
    """The same bodies again: mostly minutes later (an answer that got lost), some after days, a few after weeks."""
    again = sent.take(rng.random(len(sent)) < 0.03)
    n = len(again)
    minutes = np.where(rng.random(n) < 0.8, rng.uniform(0.5, 30.0, n), np.exp(rng.uniform(4.0, 10.2, n)))
    arrival = again.arrival_ms + np.rint(minutes * 60_000.0).astype(np.int64)
    return Deliveries(arrival, again.kind, again.person, again.day, again.version)


def arranged(sent: Deliveries, options: SampleOptions) -> Deliveries:
    """What arrives before the end moment, sorted by arrival day, kind and arrival."""
    a = sent.take(sent.arrival_ms < options.arrivals_end_ms)
    return a.take(np.lexsort((a.version, a.day, a.person, a.arrival_ms, a.kind, a.arrival_ms // 86_400_000)))
