"""Channels: for every entry of habits.yaml and every contract without one, what arrives when, and its records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any

import numpy as np
import yaml

from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.errors import UsageError
from qol_dev.sample.curves import LEVELS
from qol_dev.sample.example_times import Record
from qol_dev.sample.lived import Batch, World
from qol_dev.sample.payload import Payload
from qol_dev.sample.sample_options import CORE, DAY_S, Ints, SampleOptions
from qol_dev.sample.schedules import Schedule, Syncs
from qol_dev.sample.truth import TRUTH
from qol_dev.sample.vendor_shapes import SHAPES

Habit = Mapping[str, Any]

_CORE_RECORDS = ("dailies", "sleeps", "stressDetails", "hrv", "userMetrics")
_SUNDAY = 6
_FIRST = ("garmin", "oura", "healthkit")


@dataclass(frozen=True)
class Channel:
    """One kind of delivery: its folder below raw/, its key in a push, what arrives when, and what builds its records.

    `posts` are the record types of which a delivery holds several records; without any it holds one.
    """

    name: str
    habit: Habit
    folder: str
    deliveries: Batch
    payload: Payload
    posts: tuple[_Post, ...] = ()

    @property
    def source(self) -> str:
        """The source it is of."""
        return self.name.partition("/")[0]

    @property
    def key(self) -> str:
        """Under which key a push lists such records."""
        return str(self.habit.get("key", self.name.split("/")[1].partition("-")[0]))

    def records(self, sent: Batch) -> list[Record]:
        """What those deliveries hold: a record, a page around one, or a post of all there was to tell."""
        if self.posts:
            return _posted(self, sent)
        rows = self.payload.rows(sent)
        if self.name in SHAPES:
            SHAPES[self.name](rows, sent)
        if self.habit.get("pages"):
            for n in np.flatnonzero(sent.day % 7 == _SUNDAY):
                rows[n] = _page([rows[n]], self.person)
        return rows

    @property
    def person(self) -> str:
        """The name under which a record says whose it is."""
        return self.payload.person


@dataclass(frozen=True)
class _Post:
    """Records of one type in a post: at which numbers of their kind, listed under which key."""

    payload: Payload
    habit: Habit
    kind: str
    numbers: Ints
    key: str

    def rows(self, sent: Batch) -> Iterator[tuple[int, Record]]:
        """The place of the delivery and the record, of all that had ended by then."""
        index = np.repeat(np.arange(len(sent)), len(self.numbers))
        each = sent.take(index, self.kind, number=np.tile(self.numbers, len(sent)))
        chance = sent.world.options.chance(f"told {self.habit.get('ids')}", each.user, each.day)
        told = chance < self.habit.get("share", 1.0)
        told &= each.start_s + each.seconds <= each.midnight_s + each.until_s
        told &= (each.seconds > 0) | (self.kind == "minute")
        if needed := self.habit.get("needs"):
            told &= np.nan_to_num(TRUTH[needed](each)) > 0
        if told.any():
            # A sample stays what it is, however much of the day is known.
            ended = each.take(told, until_s=np.full(told.sum(), DAY_S))
            yield from zip(index[told].tolist(), self.payload.rows(ended), strict=True)


def _posted(channel: Channel, sent: Batch) -> list[Record]:
    """A post per delivery, wrapped in the vendor's manner; what a post says for all its records stands there once."""
    lists: list[dict[str, list[Record]]] = [{} for _ in range(len(sent))]
    for post in channel.posts:
        for at, row in post.rows(sent):
            lists[at].setdefault(post.key, []).append(row)
    ids = channel.payload.owner_ids(sent)
    inherited = sent.world.contracts.source_rules[channel.source].inherit
    return [_wrapped(found, channel, owner, inherited) for found, owner in zip(lists, ids, strict=True)]


def _wrapped(found: dict[str, list[Record]], channel: Channel, owner: object, inherited: frozenset[str]) -> Record:
    rows = [row for listed in found.values() for row in listed]
    if channel.key == "data":
        return _page(rows, channel.person) | {channel.person: owner}
    same = {name: rows[0][name] for name in sorted(inherited) if rows and name in rows[0]} | {channel.person: owner}
    if "metrics" not in found:
        bare = {key: [_without(row, inherited) for row in listed] for key, listed in found.items()}
        return {**bare, **(same if inherited else {})} if found else {channel.key: []}
    by_name = groupby(found["metrics"], key=lambda row: (row["name"], row["units"]))
    metrics = [
        {"name": name, "units": unit, "data": [_without(row, inherited) for row in of_name]}
        for (name, unit), of_name in by_name
    ]
    return {"data": {"metrics": metrics, "workouts": []}, channel.person: owner}


def _without(row: Record, names: frozenset[str]) -> Record:
    return {name: value for name, value in row.items() if name not in names}


def _page(rows: list[Record], person: str) -> Record:
    """A page as an API answers it, with its owner beside the data."""
    owner = {person: rows[0][person]} if rows else {}
    return {"data": [_without(row, frozenset({person})) for row in rows], "next_token": None, **owner}


@cache
def _habits() -> Mapping[str, Habit]:
    found: dict[str, Habit] = yaml.safe_load((files("qol_dev.sample") / "habits.yaml").read_text(encoding="utf-8"))
    return found


def asked_sources(options: SampleOptions, contracts: Contracts) -> list[str]:
    """The sources to make data of; UsageError for one that has no contract."""
    known = list(dict.fromkeys(contract.source for contract in contracts.sources))
    strange = [name for name in options.sources if name not in (*known, *CORE)]
    if strange or not options.sources:
        allowed = ", ".join((*known, *CORE))
        raise UsageError(f"sample sources: found {', '.join(strange) or 'none'}; allowed: {allowed}")
    asked = {"garmin" if name in CORE else name for name in options.sources}
    return sorted(asked, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))


def make_channels(world: World, sources: list[str]) -> list[Channel]:
    """All channels of these sources to which anything comes, in the order of their contracts' names."""
    syncs = {source: Syncs(world, source) for source in sources}
    by_name = {f"{c.source}/{c.record}": c for c in sorted(world.contracts.sources, key=lambda contract: contract.name)}
    only_core = "garmin" not in world.options.sources
    found = []
    for name, contract in by_name.items():
        if contract.source not in sources or (
            contract.source == "garmin" and only_core and contract.record not in _CORE_RECORDS
        ):
            continue
        variants = {} if only_core and contract.source == "garmin" else _habits()
        entries = {name: _habits().get(name, {})} | {n: h for n, h in variants.items() if n.startswith(f"{name}-")}
        found += [
            _channel(syncs[contract.source], contract, n, h, by_name) for n, h in entries.items() if h is not None
        ]
    return [channel for channel in found if len(channel.deliveries)]


def _channel(
    syncs: Syncs, contract: SourceContract, name: str, habit: Habit, by_name: Mapping[str, SourceContract]
) -> Channel:
    kind = habit.get("of", _kind_of(contract))
    sent = Schedule(syncs, contract.source, name, habit).deliveries(kind)
    folder = habit.get("folder", contract.paths[0].removeprefix("raw/"))
    posts = tuple(
        _post(by_name[f"{contract.source}/{part.get('record', contract.record)}"], name, part)
        for part in habit.get("posts", ())
    )
    return Channel(name, habit, folder, sent, Payload(contract, name, kind, habit), posts)


def _post(contract: SourceContract, name: str, habit: Habit) -> _Post:
    """`at`: the minutes, or one every so many; of stretches all there are."""
    at = habit.get("at", 0)
    minutes = np.arange(0, 1_440, at) if isinstance(at, int) and at else np.atleast_1d(np.asarray(at, dtype=np.int64))
    kind = habit.get("of", "minute")
    numbers = np.arange(len(LEVELS)) if kind == "stretch" else minutes
    key = habit.get("key", contract.envelope_keys[0] if contract.envelope_keys else "data")
    return _Post(Payload(contract, name, kind, habit), habit, kind, numbers, key)


def _kind_of(contract: SourceContract) -> str:
    """What a record of a contract without a habit describes: a night, a day, or a moment of the day."""
    if contract.episodes is not None:
        return "night"
    return "moment" if contract.day.start and not contract.day.date else "day"
