"""Mishaps: which lines stand in whole pushes, are faulty or unstamped, and where control messages come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from qol_dev.sample.bad_lines import (
    ANY_RECORD,
    DAILIES_ONLY,
    LINE_FAULTS,
    cycle,
    deregistration,
    encode,
    permission_change,
    ping,
)
from qol_dev.sample.channels import Channel
from qol_dev.sample.lived import World
from qol_dev.sample.sample_options import DAY_S, Ints

Record = dict[str, Any]

#: Share of bad lines; a lake of at least this many lines has each kind at least once.
_FAULT_SHARE = 0.001
_EVERY_KIND_FROM = 2_000
_ENVELOPE_SHARE = 0.012
_UNSTAMPED_SHARE = 0.002
_PING_SHARE = 0.004
#: What some pushes hold beside their first record type, about the same user and day.
_COMPANIONS = {"garmin/dailies": "garmin/stressDetails", "garmin/sleeps": "garmin/hrv"}


@dataclass
class Lines:
    """How each delivery of a channel becomes a line; places are indices into its deliveries.

    `faults`: what went wrong there. `pushes`: size of the push that begins there. `controls`: message sent after it.
    """

    channel: Channel
    companion: Channel | None
    faults: dict[int, str] = field(default_factory=dict)
    pushes: dict[int, int] = field(default_factory=dict)
    controls: dict[int, Callable[[Record, int], Record]] = field(default_factory=dict)
    unstamped: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        stamps = np.datetime_as_string(self.channel.deliveries.arrival_ms.astype("datetime64[ms]"))
        self.received_at = [f"{stamp}Z" for stamp in stamps.tolist()]

    def bare(self) -> Ints:
        """Places of records that are a line by themselves."""
        inside = [n for at, size in self.pushes.items() for n in range(at, at + size)]
        return np.setdiff1d(np.arange(len(self.received_at)), inside)

    def between(self, start: int, stop: int) -> Iterator[bytes]:
        """Lines without their line break, of deliveries of one arrival day; a push is never split."""
        rows = self.channel.records(self.channel.deliveries.take(slice(start, stop)))
        at = start
        while at < stop:
            size = min(self.pushes.get(at, 1), stop - at)
            record, first = rows[at - start], rows[at - start]
            if at in self.pushes:
                record = self._push(at, rows[at - start : at - start + size])
            at += size
            if at - 1 not in self.unstamped:
                record["_received_at"] = self.received_at[at - 1]
            fault = self.faults.get(at - 1)
            yield LINE_FAULTS[fault](record) if fault else encode(record)
            if at - 1 in self.controls:
                now_s = int(self.channel.deliveries.arrival_ms[at - 1]) // 1_000
                yield encode({**self.controls[at - 1](first, now_s), "_received_at": self.received_at[at - 1]})

    def _push(self, at: int, rows: list[Record]) -> Record:
        push: Record = {self.channel.key: rows}
        if self.companion is not None and at % 2 == 0:
            push[self.companion.key] = self.companion.records(self.channel.deliveries.take(slice(at, at + 1)))
        return push


def make_lines(world: World, channels: list[Channel]) -> list[Lines]:
    """The lines of every channel; whoever deregisters sends nothing of Garmin's afterwards."""
    by_name = {channel.name: channel for channel in channels}
    leaver = _leaver(world)
    kept = [_without(channel, *leaver) if channel.source == "garmin" else channel for channel in channels]
    lines = [Lines(channel, by_name.get(_COMPANIONS.get(channel.name, ""))) for channel in kept]
    for of_channel in lines:
        rng = world.options.stream(f"mishaps of {of_channel.channel.name}")
        if of_channel.channel.source == "garmin" and of_channel.channel.posts == ():
            of_channel.pushes = _pushes(rng, of_channel.channel)
        bare = of_channel.bare()
        if of_channel.channel.posts == ():
            of_channel.unstamped = set(bare[rng.random(len(bare)) < _UNSTAMPED_SHARE].tolist())
        if of_channel.channel.name == "garmin/dailies":
            of_channel.controls = _controls(rng, of_channel, leaver[0])
    _break_some(world, lines)
    return lines


def _leaver(world: World) -> tuple[int, int]:
    """One user deregisters two thirds into their time, Unix time in milliseconds; alone in a lake they stay."""
    wearers = np.flatnonzero(world.owners.has.get("garmin", np.zeros(0)))
    if len(wearers) < 2:
        return -1, 0
    return int(wearers[-1]), 1_000 * (world.options.first_epoch_day * DAY_S + world.options.days * DAY_S * 2 // 3)


def _without(channel: Channel, user: int, after_ms: int) -> Channel:
    sent = channel.deliveries
    return replace(channel, deliveries=sent.take((sent.user != user) | (sent.arrival_ms < after_ms)))


def _pushes(rng: np.random.Generator, channel: Channel) -> dict[int, int]:
    """Place and size of whole pushes: up to four neighbours that arrived on one day."""
    day = channel.deliveries.arrival_ms // (1_000 * DAY_S)
    sizes = np.minimum(rng.integers(1, 5, len(day)), np.searchsorted(day, day, side="right") - np.arange(len(day)))
    chosen: dict[int, int] = {}
    free_from = 0
    for at in np.flatnonzero(rng.random(len(day)) < _ENVELOPE_SHARE).tolist():
        if at >= free_from:
            chosen[at] = int(sizes[at])
            free_from = at + chosen[at]
    return chosen


def _controls(rng: np.random.Generator, lines: Lines, leaver: int) -> dict[int, Callable[[Record, int], Record]]:
    """Pings, at least one, a change of permissions, cycles of one user in seven every second week, and who leaves."""
    sent, bare = lines.channel.deliveries, lines.bare()
    pings = rng.choice(bare, min(len(bare), max(2, round(_PING_SHARE * len(sent)))), replace=False).tolist()
    due = bare[(sent.user[bare] % 7 == 3) & (sent.day[bare] % 14 == 5)]
    _, first = np.unique(sent.user[due], return_index=True)
    found = (
        dict.fromkeys(due[first].tolist(), cycle)
        | dict.fromkeys(pings[1:], ping)
        | dict.fromkeys(pings[:1], permission_change)
    )
    theirs = bare[sent.user[bare] == leaver]
    return found | dict.fromkeys(theirs[-1:].tolist(), deregistration)


def _break_some(world: World, lines: list[Lines]) -> None:
    """Kinds in turn over places in random order, so that every kind comes about equally often."""
    rng = world.options.stream("faults")
    places = [
        (n, at) for n, of_channel in enumerate(lines) for at in set(of_channel.bare().tolist()) - of_channel.unstamped
    ]
    dailies = [place for place in places if lines[place[0]].channel.name == "garmin/dailies"]
    kinds = list(LINE_FAULTS if dailies else ANY_RECORD)
    count = round(_FAULT_SHARE * len(places))
    count = max(count, len(kinds)) if len(places) >= _EVERY_KIND_FROM else count
    order = rng.permutation(len(kinds))
    for n, (where, where_daily) in enumerate(
        zip(*(_drawn(rng, found, count) for found in (places, dailies)), strict=False)
    ):
        kind = kinds[order[n % len(kinds)]]
        channel, at = where_daily if kind in DAILIES_ONLY else where
        lines[channel].faults[at] = kind


def _drawn(rng: np.random.Generator, places: list[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    return (
        [places[n] for n in rng.choice(len(places), min(count, len(places)), replace=False).tolist()] if places else []
    )
