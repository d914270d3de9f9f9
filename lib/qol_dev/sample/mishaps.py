"""Mishaps: how deliveries become lines: in pushes of several, faulty, unstamped, with control messages between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from qol_dev.sample.bad_lines import ANY_RECORD, CONTROLS, DAILIES_ONLY, LINE_FAULTS, Record, encode
from qol_dev.sample.channels import Channel
from qol_dev.sample.lived import World
from qol_dev.sample.sample_options import DAY_S

#: Share of bad lines; a lake of at least this many lines has each kind at least once.
_FAULT_SHARE, _EVERY_KIND_FROM = 0.001, 2_000
_PUSH_SHARE, _UNSTAMPED_SHARE = 0.012, 0.002
#: What some pushes hold beside their first record type, about the same user and day.
_COMPANIONS = {"garmin/dailies": "garmin/stressDetails", "garmin/sleeps": "garmin/hrv"}
_DAILIES = "garmin/dailies"


@dataclass
class Lines:
    """How each delivery of a channel becomes a line; places are indices into its deliveries.

    `bare`: places of records that are a whole line and stamped. `pushes`: size of the push that begins there. `faults`
    and `controls`: what went wrong there, which message was sent after it.
    """

    channel: Channel
    companion: Channel | None = None
    bare: list[int] = field(default_factory=list)
    pushes: dict[int, int] = field(default_factory=dict)
    unstamped: set[int] = field(default_factory=set)
    faults: dict[int, str] = field(default_factory=dict)
    controls: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sent = self.channel.deliveries
        self.received_at = [f"{at}Z" for at in np.datetime_as_string(sent.arrival_ms.astype("datetime64[ms]")).tolist()]
        rng = sent.world.options.stream(f"mishaps of {self.channel.name}")
        if not self.channel.posts:  # of a post no half is missing
            self.unstamped = set(np.flatnonzero(rng.random(len(sent)) < _UNSTAMPED_SHARE).tolist())
        if self.channel.source == "garmin" and not self.channel.posts:
            self._choose_pushes(rng)
        inside = {n for at, size in self.pushes.items() for n in range(at, at + size)}
        self.bare = [n for n in range(len(sent)) if n not in inside and n not in self.unstamped]

    def _choose_pushes(self, rng: np.random.Generator) -> None:
        """Up to four neighbours that arrived on one day."""
        free_from = 0
        for at in np.flatnonzero(rng.random(len(self.received_at)) < _PUSH_SHARE).tolist():
            same_day = [stamp[:10] == self.received_at[at][:10] for stamp in self.received_at[at : at + 4]]
            if at >= free_from:
                self.pushes[at] = min(1 + at % 4, sum(same_day))
                free_from = at + self.pushes[at]

    def between(self, start: int, stop: int) -> Iterator[bytes]:
        """Lines without their line break, of deliveries of one arrival day; a push is never split."""
        rows = self.channel.records(self.channel.deliveries.take(slice(start, stop)))
        at = start
        while at < stop:
            record, size = rows[at - start], self.pushes.get(at, 1)
            last = at + size - 1
            whole = self._push(at, rows[at - start : at - start + size]) if at in self.pushes else dict(record)
            if last not in self.unstamped:
                whole["_received_at"] = self.received_at[last]
            yield LINE_FAULTS[self.faults[at]](whole) if at in self.faults else encode(whole)
            if at in self.controls:
                now_s = int(self.channel.deliveries.arrival_ms[at]) // 1_000
                yield encode(CONTROLS[self.controls[at]](record, now_s) | {"_received_at": self.received_at[last]})
            at = last + 1

    def _push(self, at: int, rows: list[Record]) -> Record:
        push: Record = {self.channel.key: rows}
        if self.companion is not None and at % 2 == 0:
            push[self.companion.key] = self.companion.records(self.channel.deliveries.take(slice(at, at + 1)))
        return push


def make_lines(world: World, channels: list[Channel]) -> list[Lines]:
    """The lines of every channel; the user who deregisters sends nothing of Garmin's afterwards."""
    by_name = {channel.name: channel for channel in channels}
    leaver, left_ms = _leaver(world)
    lines = []
    for channel in channels:
        sent = channel.deliveries
        stays = (sent.user != leaver) | (sent.arrival_ms < left_ms) | (channel.source != "garmin")
        kept = replace(channel, deliveries=sent.take(stays))
        if len(kept.deliveries):
            lines.append(Lines(kept, by_name.get(_COMPANIONS.get(channel.name, ""))))
    for of_dailies in [found for found in lines if found.channel.name == _DAILIES]:
        kinds = ["permissions", *["ping", "ping", "cycle"] * (1 + len(of_dailies.bare) // 450)]
        of_dailies.controls = dict(zip(of_dailies.bare[::150], kinds, strict=False))
        theirs = [at for at in of_dailies.bare if of_dailies.channel.deliveries.user[at] == leaver]
        of_dailies.controls |= dict.fromkeys(theirs[-1:], "deregistration")
    _break_some(world, lines)
    return lines


def _leaver(world: World) -> tuple[int, int]:
    """One user deregisters two thirds into their time, Unix time in milliseconds; alone in a lake they stay."""
    wearers = np.flatnonzero(world.owners.has.get("garmin", np.zeros(0)))
    if len(wearers) < 2:
        return -1, 0
    return int(wearers[-1]), 1_000 * DAY_S * (world.options.first_epoch_day + world.options.days * 2 // 3)


def _break_some(world: World, lines: list[Lines]) -> None:
    """Kinds in turn over places in random order, so that every kind comes about equally often."""
    rng = world.options.stream("faults")
    places = [(of_channel, at) for of_channel in lines for at in of_channel.bare]
    dailies = [place for place in places if place[0].channel.name == _DAILIES]
    kinds = list(LINE_FAULTS if dailies else ANY_RECORD)
    count = max(round(_FAULT_SHARE * len(places)), len(kinds) if len(places) >= _EVERY_KIND_FROM else 0)
    for kind in (kinds * (1 + count // len(kinds)))[:count]:
        among = dailies if kind in DAILIES_ONLY else places
        start = int(rng.integers(len(among)))
        free = ((of, at) for of, at in (*among[start:], *among[:start]) if at not in of.faults)
        for of_channel, at in islice(free, 1):
            of_channel.faults[at] = kind
