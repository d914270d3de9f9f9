"""Mishaps: how deliveries become lines: some in pushes, some faulty or unstamped, with control messages between them."""

from collections.abc import Iterator
from dataclasses import replace
from string import Template

import msgspec
import numpy as np

from qol_dev.sample.channels import Channel
from qol_dev.sample.example_times import Record
from qol_dev.sample.lives import World, data_of
from qol_dev.sample.sample_options import DAY_S

#: Share of bad lines; a lake of at least this many lines has each kind at least once.
_FAULT_SHARE, _EVERY_KIND_FROM = 0.001, 2_000
_PUSH_SHARE, _UNSTAMPED_SHARE = 0.012, 0.002
#: What some pushes hold beside their first record type, about the same user and day.
_COMPANIONS = {"garmin/dailies": "garmin/stressDetails", "garmin/sleeps": "garmin/hrv"}
_DAILIES = "garmin/dailies"
_FAULTS = data_of("faults.yaml")
#: What may befall any record; with values that are wrong in an otherwise well-formed daily.
ANY_RECORD: tuple[str, ...] = tuple(_FAULTS["any_record"])
LINE_FAULTS: tuple[str, ...] = (*ANY_RECORD, *_FAULTS["dailies"])

encode = msgspec.json.Encoder().encode


def broken(fault: str, record: Record) -> bytes:
    """The line of the record with that fault."""
    change = {**_FAULTS["any_record"], **_FAULTS["dailies"]}[fault]
    if isinstance(change, dict):
        raw = {name: msgspec.Raw(text.encode("latin-1")) for name, text in change.items() if text is not None}
        return encode({name: value for name, value in record.items() if name not in change or name in raw} | raw)
    line = encode(record).decode("latin-1")  # a character per byte
    parts = {"line": line, "start": line[: len(line) * 2 // 3], "open": line[:-1], "rest": line[1:]}
    return Template(change).substitute(parts).encode("latin-1")


def control(kind: str, daily: Record, arrival_ms: int, stamp: str) -> bytes:
    """The line of a message that is no data, about the user and day of a daily."""
    return Template(_FAULTS["controls"][kind]).substitute(daily, now_s=arrival_ms // 1_000, stamp=stamp).encode()


class Lines:
    """How the deliveries of a channel become lines: `groups` of deliveries, begin and end, each of which is a line.

    Groups in `pushed` are wrapped in a push, those in `unstamped` have no stamp; `faults` and `controls` say what went
    wrong with a group, and which message was sent after it.
    """

    def __init__(self, channel: Channel, companion: Channel | None) -> None:
        self.channel, self.companion, sent = channel, companion, channel.deliveries
        self.stamps = [f"{at}Z" for at in np.datetime_as_string(sent.arrival_ms.astype("datetime64[ms]")).tolist()]
        chance = sent.world.options.stream(f"mishaps of {channel.payload.name}").random((2, len(sent)))
        pushed = (chance[0] < _PUSH_SHARE) & (channel.payload.source == "garmin") & (not channel.posts)
        unstamped = (chance[1] < _UNSTAMPED_SHARE) & (not channel.posts)  # of a post no half is missing
        number, day = np.arange(len(sent)), sent.arrival_ms // (1_000 * DAY_S)
        # Up to four neighbours that arrived on one day.
        neighbours = np.minimum(number + 1 + number % 4, np.searchsorted(day, day, "right"))
        ends, at = np.where(pushed, neighbours, number + 1).tolist(), 0
        self.groups: list[tuple[int, int]] = []
        while at < len(sent):
            self.groups.append((at, ends[at]))
            at = ends[at]
        self.faults: dict[tuple[int, int], str] = {}
        self.controls: dict[tuple[int, int], str] = {}
        self.pushed = {group for group in self.groups if pushed[group[0]]}
        self.unstamped = {group for group in self.groups if unstamped[group[1] - 1]}
        self.bare = [group for group in self.groups if group not in self.pushed | self.unstamped]

    def of(self, groups: list[tuple[int, int]]) -> Iterator[bytes]:
        """The lines of neighbouring groups, without line breaks, and the messages after them."""
        first, sent = groups[0][0], self.channel.deliveries
        rows = self.channel.records(sent.take(slice(first, groups[-1][1])))
        for group in groups:
            begin, end = group
            row, stamp = rows[begin - first], self.stamps[end - 1]
            whole = self._push(begin, rows[begin - first : end - first]) if group in self.pushed else dict(row)
            if group not in self.unstamped:
                whole["_received_at"] = stamp
            yield broken(self.faults[group], whole) if group in self.faults else encode(whole)
            if group in self.controls:
                yield control(self.controls[group], row, int(sent.arrival_ms[begin]), stamp)

    def _push(self, at: int, rows: list[Record]) -> Record:
        push: Record = {self.channel.key: rows}
        if self.companion is not None and at % 2 == 0:
            push[self.companion.key] = self.companion.records(self.channel.deliveries.take(slice(at, at + 1)))
        return push


def make_lines(world: World, channels: list[Channel]) -> list[Lines]:
    """The lines of every channel; the user who deregisters sends nothing of Garmin's after their last daily."""
    by_name = {channel.payload.name: channel for channel in channels}
    leaver, left_ms = _leaver(by_name.get(_DAILIES))
    lines = []
    for channel in channels:
        sent = channel.deliveries
        stays = (sent.user != leaver) | (sent.arrival_ms <= left_ms) | (channel.payload.source != "garmin")
        kept = replace(channel, deliveries=sent.take(stays))
        if len(kept.deliveries):
            lines.append(Lines(kept, by_name.get(_COMPANIONS.get(channel.payload.name, ""))))
    for of_dailies in [found for found in lines if found.channel.payload.name == _DAILIES]:
        kinds = ["permissions", *["ping", "ping", "cycle"] * (1 + len(of_dailies.bare) // 450)]
        of_dailies.controls = dict(zip(of_dailies.bare[::150], kinds, strict=False))
        theirs = [group for group in of_dailies.groups if of_dailies.channel.deliveries.user[group[0]] == leaver]
        of_dailies.controls |= dict.fromkeys(theirs[-1:], "deregistration")
    _break_some(world, lines)
    return lines


def _leaver(dailies: Channel | None) -> tuple[int, int]:
    """The user who deregisters after two thirds of all dailies, and when, Unix time in milliseconds; one alone stays."""
    if dailies is None or len(np.unique(dailies.deliveries.user)) < 2:
        return -1, 0
    at = len(dailies.deliveries) * 2 // 3
    return int(dailies.deliveries.user[at]), int(dailies.deliveries.arrival_ms[at])


def _break_some(world: World, lines: list[Lines]) -> None:
    """Kinds in turn over lines in random order, so that every kind comes about equally often."""
    rng = world.options.stream("faults")
    places = [(of, group) for of in lines for group in of.bare]
    dailies = [place for place in places if place[0].channel.payload.name == _DAILIES]
    kinds = LINE_FAULTS if dailies else ANY_RECORD
    count = max(round(_FAULT_SHARE * len(places)), len(kinds) if len(places) >= _EVERY_KIND_FROM else 0)
    for kind in (kinds * (1 + count // len(kinds)))[:count]:
        among = places if kind in ANY_RECORD else dailies
        of, group = among[int(rng.integers(len(among)))]
        while group in of.faults:
            of, group = among[int(rng.integers(len(among)))]
        of.faults[group] = kind
