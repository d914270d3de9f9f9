"""Lines: deliveries as the receiver wrote them: bare records, whole pushes, control messages, and a few faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from qol_dev.sample import faults
from qol_dev.sample.channels import Body, Channel
from qol_dev.sample.controls import Control, cycle, deregistration, permission_change, ping
from qol_dev.sample.faults import Fault, encode
from qol_dev.sample.garmin_channels import CHANNELS, COMPANIONS
from qol_dev.sample.kinds import Kind, Night
from qol_dev.sample.options import Ints
from qol_dev.sample.payloads import Record
from qol_dev.sample.syncs import Deliveries
from qol_dev.sample.world import World

STREAM = 7
#: Share of bad lines; a lake of at least this many lines has each kind at least once.
_FAULT_SHARE = 0.001
_EVERY_KIND_FROM = 2_000
_ENVELOPE_SHARE = 0.012
_PING_SHARE = 0.0008


@dataclass(frozen=True)
class Lines:
    """How each delivery becomes a line; places are indices into `deliveries`.

    `channels`: by kind where a line goes and what builds it. `broken`: what went wrong there. `envelopes`: size of the
    push that begins there. `controls`: message sent after it. `companions`: what some pushes of a kind hold beside it.
    """

    world: World
    channels: Mapping[int, Channel]
    deliveries: Deliveries
    received_at: list[str]
    broken: dict[int, Fault]
    envelopes: dict[int, int] = field(default_factory=dict)
    controls: dict[int, Control] = field(default_factory=dict)
    companions: Mapping[Kind, Kind] = field(default_factory=dict)

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
        return self._body(int(d.kind[at]))(self.world, int(d.person[at]), int(d.day[at]), int(d.version[at]))

    def _body(self, kind: int) -> Body:
        return self.channels[kind].body

    def _control(self, at: int) -> Record:
        d = self.deliveries
        return self.controls[at](self.world, int(d.person[at]), int(d.arrival_ms[at]) // 1_000)

    def _stamped(self, record: Record, at: int) -> Record:
        record["_received_at"] = self.received_at[at]
        return record

    def _envelope(self, at: int, end: int) -> Record:
        """A whole push; every second one of a type with a companion brings that too."""
        kind = Kind(int(self.deliveries.kind[at]))
        push: Record = {self.channels[kind].key: [self._record(n) for n in range(at, end)]}
        companion = self.companions.get(kind)
        d = self.deliveries
        if companion is not None and at % 2 == 0 and d.version[at] != Night.NAP:
            record = self._body(companion)(self.world, int(d.person[at]), int(d.day[at]), int(d.version[at]))
            push[self.channels[companion].key] = [record]
        return self._stamped(push, end - 1)


def garmin_lines(world: World, deliveries: Deliveries) -> Lines:
    """Choose envelopes, faults and control messages; whoever deregisters sends nothing afterwards."""
    rng = world.options.stream(STREAM)
    kept, leaving = _without_the_one_who_leaves(rng, world, deliveries)
    envelopes = _envelopes(rng, kept)
    inside = {n for at, size in envelopes.items() for n in range(at, at + size)}
    bare = np.array([n for n in range(len(kept)) if n not in inside], dtype=np.int64)
    controls = _controls(rng, kept, bare if leaving is None else bare[bare != leaving])
    if leaving is not None:
        controls[leaving] = deregistration
    broken = _faults(rng, kept, bare, faults.LINE_FAULTS)
    if "garmin" in world.options.sources:
        controls = dict.fromkeys(_cycle_places(world, kept, bare), cycle) | controls
    return Lines(world, CHANNELS, kept, _stamps(kept), broken, envelopes, controls, COMPANIONS)


def plain_lines(world: World, source: int, channels: Mapping[int, Channel], deliveries: Deliveries) -> Lines:
    """Lines of a source without pushes of several records or messages: a few are faulty, `source` numbers the chance."""
    rng = world.options.stream(STREAM, source)
    broken = _faults(rng, deliveries, np.arange(len(deliveries)), faults.ANY_RECORD)
    return Lines(world, channels, deliveries, _stamps(deliveries), broken)


def _stamps(deliveries: Deliveries) -> list[str]:
    return [f"{s}Z" for s in np.datetime_as_string(deliveries.arrival_ms.astype("datetime64[ms]")).tolist()]


def _cycle_places(world: World, deliveries: Deliveries, bare: Ints) -> list[int]:
    """After which bare dailies a message about a cycle comes: one person in seven, every second week."""
    d = deliveries.take(bare)
    due = (d.kind == Kind.DAILIES) & (d.person % 7 == 3) & (d.day % 14 == 5)
    _, first = np.unique(d.person[due] * world.options.days + d.day[due], return_index=True)
    return [int(n) for n in bare[due][first]]


def _without_the_one_who_leaves(
    rng: np.random.Generator, world: World, deliveries: Deliveries
) -> tuple[Deliveries, int | None]:
    """One person deregisters right after a daily two thirds into their time; alone in a lake they stay."""
    wearers = np.flatnonzero(world.devices.garmin)
    person = int(wearers[rng.integers(0, len(wearers))])
    theirs = np.flatnonzero((deliveries.person == person) & (deliveries.kind == Kind.DAILIES))
    if len(wearers) < 2 or not len(theirs):
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
        # All of a slot's epochs come at one moment, or the later of them would replace the others.
        if at >= free_from and deliveries.kind[at] != Kind.EPOCHS:
            chosen[at] = int(sizes[at])
            free_from = at + chosen[at]
    return chosen


def _controls(rng: np.random.Generator, deliveries: Deliveries, bare: Ints) -> dict[int, Control]:
    """Pings after a few dailies, at least one, and one change of permissions."""
    dailies = bare[deliveries.kind[bare] == Kind.DAILIES]
    pings = max(1, round(_PING_SHARE * len(deliveries)))
    places = rng.choice(dailies, min(len(dailies), pings + 1), replace=False).tolist()
    return dict.fromkeys(places[1:], ping) | dict.fromkeys(places[:1], permission_change)


def _faults(rng: np.random.Generator, deliveries: Deliveries, bare: Ints, kinds: tuple[Fault, ...]) -> dict[int, Fault]:
    """Kinds in turn over places in random order, so that every kind comes about equally often."""
    count = round(_FAULT_SHARE * len(deliveries))
    if len(deliveries) >= _EVERY_KIND_FROM:
        count = max(count, len(kinds))
    any_place = rng.permutation(bare)
    for_dailies = (deliveries.kind[any_place] == Kind.DAILIES) & any(f in faults.DAILIES_ONLY for f in kinds)
    daily_places, other_places = iter(any_place[for_dailies].tolist()), iter(any_place[~for_dailies].tolist())
    order = rng.permutation(len(kinds)).tolist()
    chosen: dict[int, Fault] = {}
    for n in range(count):
        fault = kinds[order[n % len(order)]]
        at = next(daily_places if fault in faults.DAILIES_ONLY else other_places, None)
        if at is not None:
            chosen[at] = fault
    return chosen
