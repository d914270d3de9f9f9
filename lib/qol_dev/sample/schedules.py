"""Schedules: when phones sync, and which records of which day come with which sync, as habits.yaml says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from qol_dev.sample.lived import FINAL, NAPPED, READING_MINUTES, REVISED, TENTATIVE, Batch, World
from qol_dev.sample.lives import silent_days
from qol_dev.sample.sample_options import DAY_S, Bools, Floats, Ints

#: User and second in one sortable number, so that one binary search answers for every user.
_SECOND_BITS = 33
_MIN_SYNC_GAP_S = 600
#: A ring or phone is forgotten on one day in twenty-five; when a watch is, the life days say.
_FORGOTTEN = 0.04


class Syncs:
    """Moments at which a phone passed on what the device held, sorted by user and time."""

    def __init__(self, world: World, source: str) -> None:
        """Up to four a day: after waking, at noon, after work, before bed; none on days without a phone near."""
        self.world = world
        rng, days = world.options.stream(f"syncs of {source}"), world.days
        shape = days["steps"].shape
        usual = (days["wake_minute"] + 26, np.full(shape, 750), np.full(shape, 1_110), np.full(shape, 1_350))
        spread = ((-23, 24), (-60, 60), (-70, 70), (-40, 40))
        minute = np.stack([at + rng.integers(*span, shape) for at, span in zip(usual, spread, strict=True)], axis=2)
        silent = silent_days(rng, shape)[:, :, None]
        happens = (rng.random(minute.shape) < world.lives["sync_habit"][:, None, None]) & ~silent
        second = days["midnight_s"][:, :, None] + 60 * minute + rng.integers(0, 60, minute.shape)
        user = np.broadcast_to(np.arange(shape[0])[:, None, None], minute.shape)
        keys = np.sort((user[happens] << _SECOND_BITS) | second[happens])
        self._keys: Ints = keys[np.diff(keys, prepend=-(1 << _SECOND_BITS)) > _MIN_SYNC_GAP_S]
        self.user, self.second = self._keys >> _SECOND_BITS, self._keys & ((1 << _SECOND_BITS) - 1)
        self._latency_ms = rng.integers(800, 60_000, len(self._keys))

    def deliver(self, index: Ints, day: Ints, version: int = FINAL, until_s: Ints | int = DAY_S) -> Batch:
        """What those syncs bring."""
        arrival = self.second[index] * 1_000 + self._latency_ms[index]
        return Batch.at(self.world, self.user[index], day, arrival_ms=arrival, version=version, until_s=until_s)

    def first_from(self, user: Ints, second: Ints) -> tuple[Ints, Bools]:
        """Per question the index of that user's first sync from that second on, and whether there is one."""
        index = np.searchsorted(self._keys, (user << _SECOND_BITS) | second)
        return index, self.belongs(index, user)

    def belongs(self, index: Ints, user: Ints) -> Bools:
        """Whether that sync exists and is that user's."""
        inside = index < len(self.user)
        found: Bools = inside & (self.user[np.where(inside, index, 0)] == user)
        return found

    def running(self) -> tuple[Ints, Ints, Ints]:
        """Syncs that fall into a day being lived: their index, the day's index and the seconds of it so far."""
        days = self.world.days
        midnight = days["midnight_s"]
        starts = (np.arange(len(midnight))[:, None] << _SECOND_BITS) | midnight
        place = np.searchsorted(starts.ravel(), self._keys, side="right") - 1 - self.user * midnight.shape[1]
        index = np.flatnonzero((place >= 0) & (place < self.world.options.days))
        user, day = self.user[index], place[index]
        so_far = (self.second[index] - midnight[user, day]) // 60 * 60
        grows = (so_far > 0) & (so_far < days["last_duration_s"][user, day]) & ~days["missing"][user, day]
        return index[grows], day[grows], so_far[grows]


class Schedule:
    """When records of one type come; `name` is the type's own chance."""

    def __init__(self, syncs: Syncs, source: str, name: str, habit: Mapping[str, Any]) -> None:
        self.syncs, self.world, self.source, self.name, self.habit = syncs, syncs.world, source, name, habit

    def deliveries(self, kind: str) -> Batch:
        """Everything that is ever sent, resends included, in order of arrival."""
        sent = Batch.joined([_nothing(self.world), *(self._readings() if kind == "reading" else self._told(kind))])
        sent = self._with_resends(sent.take(slice(None), kind))
        sent = sent.take(sent.arrival_ms < self.world.options.arrivals_end_ms)
        return sent.take(np.lexsort((sent.number, sent.version, sent.until_s, sent.day, sent.user, sent.arrival_ms)))

    def _chance(self, of: str) -> Floats:
        shape = (self.world.options.users, self.world.options.days)
        return self.world.options.chance(f"{of} of {self.name}", np.arange(shape[0])[:, None], np.arange(shape[1]))

    def _chosen(self) -> Bools:
        """Users x days of which there is something to tell: of owners of such a device, on days it was there."""
        days, world, habit = self.world.options.days, self.world, self.habit
        has = world.owners.has[self.source]
        chance = world.options.chance(f"who has {habit.get('rest_of', self.name)}", np.arange(len(has)))
        owners = has & ((chance < habit.get("who", 1.0)) != ("rest_of" in habit))
        owners = owners if owners.any() else has & (np.cumsum(has) == 1)
        weekdays = np.isin(np.arange(days) % 7, list(habit.get("weekdays", range(7))))
        chosen = owners[:, None] & weekdays & (self._chance("share") < habit.get("share", 1.0))
        if habit.get("ill"):
            chosen &= world.days["ill"][:, :days]
        if self.source == "garmin":
            return np.asarray(chosen & (world.days["missing"][:, :days] == bool(habit.get("missing"))))
        users = np.arange(len(has))[:, None]
        forgotten = world.options.chance(f"forgotten {self.source}", users, np.arange(days)) < _FORGOTTEN
        return np.asarray(chosen & ~forgotten)

    def _told(self, kind: str) -> Iterator[Batch]:
        """Each record at the first sync after it is known, in a first version there and final at the next; edits later."""
        days, chosen, habit = self.world.days, self._chosen(), self.habit
        if kind == "day" and "grows" in habit:
            yield self._growing(chosen)
        if kind == "night" and self.source == "garmin":
            chosen &= days["night"][:, : chosen.shape[1]]
        user, day = np.nonzero(chosen)
        lived = Batch.at(self.world, user, day, kind)
        known_s = lived.start_s + np.maximum(lived.seconds, 0) + 120 + int(habit.get("after_s", 0))
        first, synced = self.syncs.first_from(user, known_s)
        told = synced & ((lived.seconds > 0) | (kind == "minute"))
        first, user, day = first[told], user[told], day[told]
        until_s = days["last_duration_s"][user, day] if kind == "day" else DAY_S
        tentative = self._chance("tentative")[user, day] < habit.get("tentative", 0.0)
        yield self.syncs.deliver(first[tentative], day[tentative], TENTATIVE)
        settled = self.syncs.belongs(first + tentative, user)
        yield self.syncs.deliver(
            (first + tentative)[settled], day[settled], FINAL, np.broadcast_to(until_s, day.shape)[settled]
        )
        napped = (days["nap_minutes"][user, day] > 0) & bool(habit.get("naps"))
        edited = self._chance("revised")[user, day] < habit.get("revised", 0.0)
        for some, version, later in ((napped, NAPPED, 2), (edited, REVISED, 7)):
            there = some & self.syncs.belongs(first + later, user)
            yield self.syncs.deliver((first + later)[there], day[there], version)

    def _growing(self, chosen: Bools) -> Batch:
        """The day so far, at some syncs while it runs."""
        index, day, so_far = self.syncs.running()
        user = self.syncs.user[index]
        chance = self.world.options.chance(f"{self.name} grows", user, so_far, day)
        grows = chosen[user, day] & (chance < self.habit["grows"])
        return self.syncs.deliver(index[grows], day[grows], TENTATIVE, so_far[grows])

    def _readings(self) -> Iterator[Batch]:
        """Of every room each five minutes, seconds after it was taken, or the morning after a day offline."""
        number = np.arange(DAY_S // (60 * READING_MINUTES), dtype=np.int64)
        for room in self.world.owners.rooms:
            rng = self.world.options.stream("readings", room.user)
            for day in range(room.first_day, room.last_day + 1):
                user = np.full_like(number, room.user)
                taken = Batch.at(self.world, user, np.full_like(number, day), "reading", number=number).start_s
                sent = np.full_like(taken, taken[-1] + 32_400) if rng.random() < _FORGOTTEN else taken
                arrival = 1_000 * sent + rng.integers(900, 20_000, len(number))
                yield Batch.at(self.world, user, np.full_like(number, day), arrival_ms=arrival, number=number)

    def _with_resends(self, sent: Batch) -> Batch:
        """Some bodies again: mostly minutes later (an answer that got lost), some after days, a few after weeks."""
        rng = self.world.options.stream(f"resends of {self.name}")
        again = np.flatnonzero(rng.random(len(sent)) < 0.03)
        n = len(again)
        minutes = np.where(rng.random(n) < 0.8, rng.uniform(0.5, 30.0, n), np.exp(rng.uniform(4.0, 10.2, n)))
        arrival = sent.arrival_ms[again] + np.rint(minutes * 60_000.0).astype(np.int64)
        return Batch.joined([sent, sent.take(again, arrival_ms=arrival)])


def _nothing(world: World) -> Batch:
    return Batch.at(world, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
