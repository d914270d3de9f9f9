"""The documents of a sample as the vendor keeps them: by person and record type, the newest version of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from qol.contracts.load import load_contracts
from qol_dev.sample import SampleOptions
from qol_dev.sample.channels import Channel, make_channels
from qol_dev.sample.lives import World, user_map

SOURCE = "oura"
Document = dict[str, Any]

#: `end_date` names the first day that is left out; of the other record types the last one that is in.
EXCLUSIVE_END = frozenset({"daily_activity", "sleep", "workout"})
#: Asked by two instants.
BY_INSTANT = frozenset({"heartrate", "ring_battery_level"})
#: Asked without a window: the ring that a person wears, which is the newest.
WHOLE = frozenset({"ring_configuration"})
#: Its day is the one in UTC, whatever its field `day` says.
_BY_UTC_DAY = frozenset({"workout"})
_DELETIONS = "deleted"
#: What the sample's lines have and the API no longer sends, or never did.
_NOT_SENT = frozenset({"user_id", "meta"})


@dataclass
class RingDocuments:
    """By person (the vendor's id) and record type, the versions of every document with the time each was made."""

    records: tuple[str, ...]
    versions: dict[tuple[str, str], dict[str, list[tuple[dt.datetime, Document]]]] = field(default_factory=dict)
    deleted: dict[str, dt.datetime] = field(default_factory=dict)
    #: Lines of the user map, with the time zones of the people.
    people_map: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of_sample(cls, options: SampleOptions) -> RingDocuments:
        """The rings of a sample; `options.sources` has to be `("oura",)`."""
        contracts = load_contracts()
        records = sorted(c.record for c in contracts.sources if c.source == SOURCE and c.record != _DELETIONS)
        world = World.of(options, contracts, [SOURCE])
        found = cls(tuple(records), people_map=list(user_map(world)))
        for channel in make_channels(world, [SOURCE]):
            for person, received, document in _delivered(channel):
                if channel.payload.contract.record == _DELETIONS:
                    found.deleted[str(document["object_id"])] = received
                else:
                    found.put(person, channel.payload.contract.record, document, received)
        return found

    @property
    def people(self) -> list[str]:
        """Ids of all users with a document."""
        return sorted({person for person, _ in self.versions})

    def put(self, person: str, record: str, document: Document, made: dt.datetime) -> None:
        """Add a document of a person, or a new version of one."""
        kept = {name: value for name, value in document.items() if name not in _NOT_SENT}
        self.versions.setdefault((person, record), {}).setdefault(_key(kept), []).append((made, kept))

    def all_of(self, person: str, record: str, now: dt.datetime) -> list[Document]:
        """What there is by now, oldest first."""
        of_record = self.versions.get((person, record), {})
        known = [(key, [document for made, document in listed if made <= now]) for key, listed in of_record.items()]
        gone = {key for key, at in self.deleted.items() if at <= now}
        return sorted((listed[-1] for key, listed in known if listed and key not in gone), key=_moment)

    def between(self, person: str, record: str, window: Mapping[str, str], now: dt.datetime) -> list[Document]:
        """Those of a window of query parameters; the last day by default. ValueError for an unusable window."""
        everything = self.all_of(person, record, now)
        if record in WHOLE:
            return everything[-1:]
        if record in BY_INSTANT:
            first, end = _bounds(window, "datetime", now)
            return [document for document in everything if first <= _instant(document["timestamp"]) < end]
        first, end = _bounds(window, "date", now)
        begins, ends = first.date(), end.date() + dt.timedelta(days=record not in EXCLUSIVE_END)
        return [document for document in everything if begins <= _day(record, document) < ends]


def _delivered(channel: Channel) -> Iterator[tuple[str, dt.datetime, Document]]:
    """Person, time and document of everything a channel delivers, pages taken apart."""
    sent = channel.deliveries
    owners = channel.payload.owner_ids(sent)
    for owner, at, record in zip(owners, sent.arrival_ms.tolist(), channel.records(sent), strict=True):
        for document in record.get("data", [record]):
            yield str(owner), dt.datetime.fromtimestamp(at / 1000, dt.UTC), document


def _key(document: Document) -> str:
    return str(document.get("id") or document.get("object_id") or f"{document['timestamp']} {document.get('source')}")


def _day(record: str, document: Document) -> dt.date:
    if record in _BY_UTC_DAY:
        return _instant(document["start_datetime"]).astimezone(dt.UTC).date()
    return dt.date.fromisoformat(document.get("day") or document["start_day"])


def _moment(document: Document) -> str:
    return str(document.get("timestamp") or document.get("day") or document.get("start_day") or "")


def _instant(text: str) -> dt.datetime:
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _bounds(window: Mapping[str, str], kind: str, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    end = _instant(window[f"end_{kind}"]) if f"end_{kind}" in window else now
    first = _instant(window[f"start_{kind}"]) if f"start_{kind}" in window else end - dt.timedelta(days=1)
    if first > end:
        raise ValueError(f"start_{kind} is after end_{kind}")
    return first, end
