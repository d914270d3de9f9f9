"""Channels: for every entry of habits.yaml and every contract without one, what arrives when, and its records."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.errors import UsageError
from qol_dev.sample.example_times import Record
from qol_dev.sample.lived import LEVELS, Batch
from qol_dev.sample.lives import World, data_of
from qol_dev.sample.payload import Payload
from qol_dev.sample.sample_options import CORE, DAY_S, SampleOptions
from qol_dev.sample.schedules import Schedule
from qol_dev.sample.truth import TRUTH

_CORE = [f"garmin/{record}" for record in ("dailies", "sleeps", "stressDetails", "hrv", "userMetrics")]
#: What an element of `metrics` says of all its data.
_OF_METRIC = frozenset({"name", "units"})
_SUNDAY = 6


@dataclass(frozen=True)
class Channel:
    """One kind of delivery: what arrives when, and what builds its records.

    `posts` are the record types of which a delivery holds several records; without any it holds one.
    """

    deliveries: Batch
    payload: Payload
    posts: list[Payload]

    @property
    def key(self) -> str:
        """Under which key a push lists such records."""
        return str(self.payload.habit.get("key", self.payload.contract.record))

    def records(self, sent: Batch) -> list[Record]:
        """What those deliveries hold: a record, a page around one, or a post of all there was to tell."""
        if self.posts:
            return self._posted(sent)
        rows = self.payload.rows(sent)
        if self.payload.habit.get("pages"):
            for n in np.flatnonzero(sent.day % 7 == _SUNDAY):
                rows[n] = self._wrapped({"data": [rows[n]]}, rows[n][self.payload.person])
        return rows

    def _posted(self, sent: Batch) -> list[Record]:
        lists: list[dict[str, list[Record]]] = [{} for _ in range(len(sent))]
        for post in self.posts:
            key = str(post.habit.get("key", *post.contract.envelope_keys[:1]))
            for at, row in _ended(post, sent):
                lists[at].setdefault(key, []).append(row)
        owners = self.payload.owner_ids(sent)
        return [self._wrapped(found or {self.key: []}, owner) for found, owner in zip(lists, owners, strict=True)]

    def _wrapped(self, found: dict[str, list[Record]], owner: str) -> Record:
        """A post or page; what all its records inherit stands there once."""
        inherited = self.deliveries.world.contracts.source_rules[self.payload.source].inherit
        if not inherited:
            return dict(found)
        rows = [row for listed in found.values() for row in listed]
        once = {name: rows[0][name] for name in sorted(inherited - _OF_METRIC) if rows and name in rows[0]}
        body: Record = {key: [_without(row, once) for row in listed] for key, listed in found.items()}
        if "metrics" in body:
            by_name = groupby(body["metrics"], key=lambda row: {name: row[name] for name in sorted(_OF_METRIC)})
            body = {"data": {"metrics": [of | {"data": [_without(r, of) for r in listed]} for of, listed in by_name]}}
        return body | once | {self.payload.person: owner}


def _without(row: Record, names: Mapping[str, Any]) -> Record:
    return {name: value for name, value in row.items() if name not in names}


def _ended(post: Payload, sent: Batch) -> Iterator[tuple[int, Record]]:
    """The place of the delivery and the record, of all records of a post that had ended by then.

    `at`: the minutes at which there are records, or one every so many; of stretches there are all.
    """
    habit, at = post.habit, post.habit.get("at", [0])
    numbers = range(len(LEVELS)) if post.kind == "stretch" else range(0, 1_440, at) if isinstance(at, int) else at
    place = np.repeat(np.arange(len(sent)), len(numbers))
    each = sent.take(place, post.kind, number=np.tile(np.array(numbers, dtype=np.int64), len(sent)))
    kept = (each.seconds > 0) | (post.kind == "minute")
    kept &= sent.world.options.chance(f"share of {habit.get('ids')}", each.user, each.day) < habit.get("share", 1.0)
    kept &= each.start_s + each.seconds <= each.of("midnight_s") + each.until_s
    if "needs" in habit:
        kept &= np.nan_to_num(TRUTH[habit["needs"]](each)) > 0
    if kept.any():
        # A sample stays what it is, however much of the day is known.
        ended = each.take(kept, until_s=np.full(kept.sum(), DAY_S))
        yield from zip(place[kept].tolist(), post.rows(ended), strict=True)


def asked_sources(options: SampleOptions, contracts: Contracts) -> list[str]:
    """The sources to make data of; UsageError for one that has no contract."""
    known = dict.fromkeys(contract.source for contract in contracts.sources)
    strange = [name for name in options.sources if name not in (*known, *CORE)]
    if strange or not options.sources:
        allowed = ", ".join((*known, *CORE))
        raise UsageError(f"sample sources: found {', '.join(strange) or 'none'}; allowed: {allowed}")
    return sorted({"garmin" if name in CORE else name for name in options.sources})


def make_channels(world: World, sources: list[str]) -> list[Channel]:
    """All channels of these sources to which anything comes, in the order of their names."""
    contracts = {f"{c.source}/{c.record}": c for c in world.contracts.sources if c.source in sources}
    entries: dict[str, Any] = {**{name: {} for name in contracts}, **data_of("habits.yaml")}
    if "garmin" not in world.options.sources:
        entries = {name: habit for name, habit in entries.items() if name in _CORE or not name.startswith("garmin/")}
    channels = []
    for name, habit in sorted(entries.items()):
        contract = contracts.get(name.partition("-")[0])
        if contract is None or habit is None:
            continue
        payload = Payload(contract, name, habit, _kind_of(contract))
        parts = [
            (contracts[f"{contract.source}/{p.get('record', contract.record)}"], p) for p in habit.get("posts", ())
        ]
        posts = [Payload(of_part, name, part, "minute") for of_part, part in parts]
        channels.append(Channel(Schedule(world, payload).deliveries(), payload, posts))
    return [channel for channel in channels if len(channel.deliveries)]


def _kind_of(contract: SourceContract) -> str:
    """What a record of a contract without a habit describes: a night, a day, or a moment of the day."""
    if contract.episodes is not None:
        return "night"
    return "moment" if contract.day.start and not contract.day.date else "day"
