"""Lines: deliveries as the receiver wrote them: bare records, whole pushes, control messages, and a few faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from qol.sample import faults, nights, payloads
from qol.sample.controls import Control, deregistration, permission_change, ping
from qol.sample.deliveries import Deliveries, Kind, Night
from qol.sample.faults import Fault, encode
from qol.sample.options import Ints
from qol.sample.payloads import Record
from qol.sample.world import World

STREAM = 7
#: Share of bad lines; a lake of at least this many lines has each kind at least once.
_FAULT_SHARE = 0.001
_EVERY_KIND_FROM = 2_000
_ENVELOPE_SHARE = 0.012
_PING_SHARE = 0.0008

ENVELOPE_KEYS = {
    Kind.DAILIES: "dailies",
    Kind.SLEEPS: "sleeps",
    Kind.STRESS_DETAILS: "stressDetails",
    Kind.HRV: "hrv",
    Kind.USER_METRICS: "userMetrics",
}
_BODIES: dict[Kind, Callable[[World, int, int, int], Record]] = {
    Kind.DAILIES: payloads.daily,
    Kind.SLEEPS: nights.sleep,
    Kind.STRESS_DETAILS: payloads.stress_details,
    Kind.HRV: nights.hrv,
    Kind.USER_METRICS: payloads.user_metrics,
}
#: What some pushes hold beside their first summary type, about the same person and day.
_COMPANIONS = {Kind.DAILIES: Kind.STRESS_DETAILS, Kind.SLEEPS: Kind.HRV}


@dataclass(frozen=True)
class Lines:
    """How each delivery becomes a line; places are indices into `deliveries`.

    `envelopes`: size of the push that begins there. `broken`: what went wrong there. `controls`: message sent after it.
    """

    world: World
    deliveries: Deliveries
    received_at: list[str]
    envelopes: dict[int, int]
    broken: dict[int, Fault]
    controls: dict[int, Control]

    def fault_counts(self) -> dict[str, int]:
        """How many lines of each fault kind there are."""
        counts: dict[str, int] = {}
        for fault in self.broken.values():
            counts[faults.name_of(fault)] = counts.get(faults.name_of(fault), 0) + 1
        return dict(sorted(counts.items()))

    def between(self, start: int, stop: int) -> Iterator[bytes]:
        """Lines without their line break, for deliveries of one kind and arrival day."""
        at = start
        while at < stop:
            end = min(at + self.envelopes.get(at, 1), stop)
            if at in self.envelopes:
                yield encode(self._envelope(at, end))
            else:
                written: Fault = self.broken.get(at, encode)
                yield written(self._stamped(self._record(at), at))
            for n in range(at, end):
                if n in self.controls:
                    yield encode(self._stamped(self._control(n), end - 1))
            at = end

    def _record(self, at: int) -> Record:
        d = self.deliveries
        body = _BODIES[Kind(int(d.kind[at]))]
        return body(self.world, int(d.person[at]), int(d.day[at]), int(d.version[at]))

    def _control(self, at: int) -> Record:
        d = self.deliveries
        return self.controls[at](self.world, int(d.person[at]), int(d.arrival_ms[at]) // 1_000)

    def _stamped(self, record: Record, at: int) -> Record:
        record["_received_at"] = self.received_at[at]
        return record

    def _envelope(self, at: int, end: int) -> Record:
        """A whole push; every second one of a type with a companion brings that too."""
        kind = Kind(int(self.deliveries.kind[at]))
        push: Record = {ENVELOPE_KEYS[kind]: [self._record(n) for n in range(at, end)]}
        companion = _COMPANIONS.get(kind)
        d = self.deliveries
        if companion is not None and at % 2 == 0 and d.version[at] != Night.NAP:
            record = _BODIES[companion](self.world, int(d.person[at]), int(d.day[at]), int(d.version[at]))
            push[ENVELOPE_KEYS[companion]] = [record]
        return self._stamped(push, end - 1)


def make_lines(world: World, deliveries: Deliveries) -> Lines:
    """Choose envelopes, faults and control messages; whoever deregisters sends nothing afterwards."""
    rng = world.options.stream(STREAM)
    kept, leaving = _without_the_one_who_leaves(rng, world, deliveries)
    stamps = np.datetime_as_string(kept.arrival_ms.astype("datetime64[ms]")).tolist()
    envelopes = _envelopes(rng, kept)
    inside = {n for at, size in envelopes.items() for n in range(at, at + size)}
    bare = np.array([n for n in range(len(kept)) if n not in inside], dtype=np.int64)
    controls = _controls(rng, kept, bare if leaving is None else bare[bare != leaving])
    if leaving is not None:
        controls[leaving] = deregistration
    return Lines(world, kept, [f"{s}Z" for s in stamps], envelopes, _faults(rng, kept, bare), controls)


def _without_the_one_who_leaves(
    rng: np.random.Generator, world: World, deliveries: Deliveries
) -> tuple[Deliveries, int | None]:
    """One person deregisters right after a daily two thirds into their time; alone in a lake they stay."""
    person = int(rng.integers(0, len(world.people)))
    theirs = np.flatnonzero((deliveries.person == person) & (deliveries.kind == Kind.DAILIES))
    if len(world.people) < 2 or not len(theirs):
        return deliveries, None
    last = int(theirs[len(theirs) * 2 // 3])
    stays = (deliveries.person != person) | (deliveries.arrival_ms <= deliveries.arrival_ms[last])
    return deliveries.take(stays), int(stays[:last].sum())


def _envelopes(rng: np.random.Generator, deliveries: Deliveries) -> dict[int, int]:
    """Place and size of whole pushes: up to four neighbours of one kind that arrived on one day."""
    n = len(deliveries)
    group = deliveries.arrival_ms // 86_400_000 * len(Kind) + deliveries.kind
    ends = np.searchsorted(group, group, side="right")
    sizes = np.minimum(rng.integers(1, 5, n), ends - np.arange(n))
    chosen: dict[int, int] = {}
    free_from = 0
    for at in np.flatnonzero(rng.random(n) < _ENVELOPE_SHARE).tolist():
        if at >= free_from:
            chosen[at] = int(sizes[at])
            free_from = at + chosen[at]
    return chosen


def _controls(rng: np.random.Generator, deliveries: Deliveries, bare: Ints) -> dict[int, Control]:
    """Pings after a few dailies, at least one, and one change of permissions."""
    dailies = bare[deliveries.kind[bare] == Kind.DAILIES]
    pings = max(1, round(_PING_SHARE * len(deliveries)))
    places = rng.choice(dailies, min(len(dailies), pings + 1), replace=False).tolist()
    return dict.fromkeys(places[1:], ping) | dict.fromkeys(places[:1], permission_change)


def _faults(rng: np.random.Generator, deliveries: Deliveries, bare: Ints) -> dict[int, Fault]:
    """Kinds in turn over places in random order, so that every kind comes about equally often."""
    count = round(_FAULT_SHARE * len(deliveries))
    if len(deliveries) >= _EVERY_KIND_FROM:
        count = max(count, len(faults.LINE_FAULTS))
    any_place = rng.permutation(bare)
    is_daily = deliveries.kind[any_place] == Kind.DAILIES
    daily_places, other_places = iter(any_place[is_daily].tolist()), iter(any_place[~is_daily].tolist())
    order = rng.permutation(len(faults.LINE_FAULTS)).tolist()
    chosen: dict[int, Fault] = {}
    for n in range(count):
        fault = faults.LINE_FAULTS[order[n % len(order)]]
        at = next(daily_places if fault in faults.DAILIES_ONLY else other_places, None)
        if at is not None:
            chosen[at] = fault
    return chosen
