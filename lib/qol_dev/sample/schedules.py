"""Schedules: which records of which day arrive when, as habits.yaml says: soon after they are known, or days late."""

from collections.abc import Iterator

import numpy as np

from qol_dev.sample.lived import FINAL, READING_MINUTES, REVISED, TENTATIVE, Batch
from qol_dev.sample.lives import World
from qol_dev.sample.payload import Payload
from qol_dev.sample.sample_options import DAY_S, Bools, Ints

#: The weekly job lists the lake on the Wednesday after, 00:05 UTC; nothing arrives at or after 00:00 UTC of that day.
_ARRIVAL_DAYS = 2
#: A ring or phone is forgotten on one day in twenty-five; when a watch is, the life days say.
_FORGOTTEN = 0.04
#: Of so many four-day stretches nothing arrives before they are over.
_SILENT_SHARE, _SILENT_DAYS = 0.04, 4
_RESENT_SHARE = 0.03
#: Minutes of the day at which a phone may pass on the day so far.
_SYNC_MINUTES = (430, 750, 1_110, 1_350)


class Schedule:
    """When records of one type come; `name` is the type's own chance."""

    def __init__(self, world: World, payload: Payload) -> None:
        self.world, self.name, self.kind, self.habit = world, payload.name, payload.kind, payload.habit
        self.source = payload.source

    def deliveries(self) -> Batch:
        """Everything that is ever sent, resends included, in order of arrival."""
        sent = self._with_resends(Batch.joined(list(self._readings() if self.kind == "reading" else self._reported())))
        ends_s = self.world.options.first_s + (self.world.options.days + _ARRIVAL_DAYS) * DAY_S
        sent = sent.take(sent.arrival_ms < 1_000 * ends_s)
        return sent.take(np.lexsort((sent.number, sent.version, sent.until_s, sent.day, sent.user, sent.arrival_ms)))

    def _owners(self) -> Bools:
        """Users who have such a device; in a small lake one at least."""
        has, habit = self.world.has[self.source], self.habit
        chance = self.world.options.chance(f"who has {habit.get('rest_of', self.name)}", np.arange(len(has)))
        owners = has & ((chance < habit.get("who", 1.0)) != ("rest_of" in habit))
        return np.asarray(owners if owners.any() else has & (np.cumsum(has) == 1))

    def _known(self) -> Batch:
        """Everything there is to tell: of owners of such a device, on days it was there."""
        user, day = np.nonzero(np.repeat(self._owners()[:, None], self.world.options.days, axis=1))
        lived = Batch.at(self.world, user, day, self.kind)
        if self.kind == "day":
            lived = lived.take(slice(None), until_s=lived.of("last_duration_s"))
        known = self._some("share", lived, 1.0) & ((lived.seconds > 0) | (self.kind == "minute"))
        known &= np.isin(day % 7, list(self.habit.get("weekdays", range(7))))
        if self.source != "garmin":
            return lived.take(known & (self.world.options.chance(f"forgotten {self.source}", user, day) >= _FORGOTTEN))
        known &= lived.of("missing") == bool(self.habit.get("missing"))
        return lived.take(known & (lived.of("night") | (self.kind != "night")))

    def _some(self, name: str, lived: Batch, usual: float = 0.0) -> Bools:
        """Records of which habits.yaml names a share, those that chance takes."""
        chance = self.world.options.chance(f"{name} of {self.name}", lived.user, lived.day)
        return np.asarray(chance < self.habit.get(name, usual))

    def _reported(self) -> Iterator[Batch]:
        """Each record after it is known, perhaps in a first version and final hours later; the running day; late edits."""
        lived = self._known()
        if self.kind == "day" and "grows" in self.habit:
            yield from self._growing(lived)
        tentative = self._some("tentative", lived)
        first = lived.start_s + lived.seconds + 120 + self.habit.get("after_s", 0) + self._lag_s(lived)
        yield _arriving(lived, tentative, first, TENTATIVE)
        yield _arriving(lived, np.full(len(lived), True), first + 5 * 3_600 * tentative, FINAL)
        yield _arriving(lived, self._some("revised", lived), first + 2 * DAY_S, REVISED)

    def _lag_s(self, lived: Batch) -> Ints:
        """Seconds until the phone passes on what the device holds: by the user's habit, or when a silence is over."""
        options, place = self.world.options, f"lag of {self.source}"
        minutes = np.exp(lived.of("lag_log_minutes") + 0.8 * options.normal(place, lived.user, lived.day))
        silent = options.chance(place, lived.user, lived.day // _SILENT_DAYS) < _SILENT_SHARE
        days_left = _SILENT_DAYS - lived.day % _SILENT_DAYS
        return np.asarray(60 * minutes + silent * days_left * DAY_S, dtype=np.int64)

    def _growing(self, lived: Batch) -> Iterator[Batch]:
        """The day so far, at some moments while it runs."""
        for minute in _SYNC_MINUTES:
            chance = self.world.options.chance(f"{self.name} grows", lived.user, lived.day, minute)
            until_s = 60 * (minute + (37 * lived.user + 11 * lived.day) % 50)
            grows = (chance < self.habit["grows"] * lived.of("sync_habit")) & (until_s < lived.until_s)
            yield _arriving(
                lived.take(slice(None), until_s=until_s), grows, lived.of("midnight_s") + until_s, TENTATIVE
            )

    def _readings(self) -> Iterator[Batch]:
        """Of every room each five minutes, seconds after it was taken, or hours later on a day offline."""
        in_a_day = DAY_S // (60 * READING_MINUTES)
        for user, room in self.world.rooms.items():
            day = np.repeat(np.arange(room.first_day, room.last_day + 1), in_a_day)
            number = np.arange(len(day)) % in_a_day
            taken = Batch.at(self.world, np.full_like(day, user), day, "reading", number=number)
            is_offline = self.world.options.chance("offline", taken.user, day) < _FORGOTTEN
            yield _arriving(taken, np.full(len(day), True), taken.start_s + 32_400 * is_offline, FINAL)

    def _with_resends(self, sent: Batch) -> Batch:
        """Some bodies again: mostly minutes later (an answer that got lost), some after days, a few after weeks."""
        rng = self.world.options.stream(f"resends of {self.name}")
        again = np.flatnonzero(rng.random(len(sent)) < _RESENT_SHARE)
        n = len(again)
        minutes = np.where(rng.random(n) < 0.8, rng.uniform(0.5, 30.0, n), np.exp(rng.uniform(4.0, 10.2, n)))
        arrival = sent.arrival_ms[again] + np.rint(minutes * 60_000.0).astype(np.int64)
        return Batch.joined([sent, sent.take(again, arrival_ms=arrival)])


def _arriving(lived: Batch, chosen: Bools, second: Ints, version: int) -> Batch:
    """The chosen records in that version, up to a minute after those seconds, Unix time."""
    sent = lived.take(chosen, version=np.full(chosen.sum(), version))
    latency_ms = 800 + 59_000 * sent.world.options.chance("latency", sent.user, sent.day, sent.number, sent.until_s)
    return sent.take(slice(None), arrival_ms=1_000 * second[chosen] + latency_ms.astype(np.int64))
