"""Erases a person from a lake: a tombstone first, then every layer, then a search that finds nothing.

Each step finds what is left of the person by itself, so that an erasure that was interrupted is repeated from its start.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from qol.contracts.columns import table_folder
from qol.contracts.raw_values import EPOCH
from qol.errors import UsageError
from qol.identity.dynamodb_user_map import SCHEME
from qol.identity.erasures import Tombstone, moment_text, read_tombstones, write_erased_accounts, write_tombstone
from qol.ingest.departures import Departures
from qol.ingest.listing import RawObject
from qol.ingest.results import IngestContext, ResultBuilder
from qol.lake.base import Lake, StoredObject
from qol.people.erase_collected import erase_collected
from qol.people.erase_items import erase_items
from qol.people.erase_map import erase_entries, forget_hashes
from qol.people.erase_tables import Place, erase_rows
from qol.people.erasure_requests import UnknownUserError
from qol.people.person import People, Person, recognizing
from qol.people.raw_parts import STAGING, all_objects, object_at, rewrite, split_object, unpacked
from qol.tables.raw_keys import TABLE, RawKey

BODIES = "quarantine/bodies/"
GZIP = b"\x1f\x8b"
#: Where files may name users by their user ids: lists, pages and answers to queries.
NAMING = ("_reports/", "_docs/", "athena-results/", "athena-results-operators/")
ERASED = ("erased",)
OLD_VERSIONS = "old versions"
#: Places that no erasure reaches, and how long they keep what they may have of a person, as docs/erase-and-export.md says;
#: and those that only an account has.
OUTSIDE = {
    "copies: exports, reports, saved query results": "ask who has them",
    "the vendor's own servers": "ask the vendor",
}
OUTSIDE_IN_ACCOUNT = {
    "recovery points of the user map": "35 days; after a recovery, erase again",
    "the stream that gathers pushes": "15 minutes; 24 hours while S3 does not answer",
    "queues of announcements": "4 days; failed ones 14 days",
    "CloudTrail's records of reads": "400 days",
    "Athena's history of queries": "45 days",
    "logs, metrics, mails of the functions": "logs 180 days",
}


@dataclass(frozen=True)
class Certificate:
    """How many rows, lines, entries and objects were removed (or would be) by layer, and what a last search found."""

    tombstone: Tombstone
    removed: dict[str, int]
    remaining: dict[str, int]

    @property
    def is_clean(self) -> bool:
        """Whether the last search found nothing."""
        return not any(self.remaining.values())


@dataclass(frozen=True)
class Erasure:
    """One person to erase: the lake, its users, the zone of runs, the clock and the user map."""

    lake: Lake
    people: People
    person: Person
    zone: str
    now: datetime
    #: A file, or dynamodb:TABLE.
    user_map: str | None = None
    asked_by: str = ""
    #: The scheduler's name of the run, whose next attempt takes the lock over.
    job_run_id: str | None = None
    #: Where `qol collect` keeps tokens: a file, or dynamodb:TABLE.
    tokens: str | None = None

    def run(self) -> Certificate:
        """Erase the person under the lake's lock, and search every layer again.

        LockedError when a run holds the lock; UnknownUserError when the lake has nothing on the person, as of a misspelled id.
        """
        with self.lake.lock(f"erase-{self.now:%Y%m%dT%H%M%SZ}", self.job_run_id):
            self.lake.sweep(STAGING)
            tombstone = self._tombstone()
            if self.lake.stat(tombstone.key) is None and not self._is_known(tombstone):
                raise UnknownUserError(
                    "the lake holds nothing on this id; allowed: a user_id of its tables, or a vendor id"
                )
            tombstone.lifted = tombstone.finished = None
            self._write(tombstone)
            removed = self._layers(tombstone, acts=True)
            remaining = self._layers(tombstone, acts=False)
            if not any(remaining.values()):
                tombstone.finished = moment_text(self.now)
            is_in_account = self.lake.uri.startswith("s3://")
            tombstone.found, tombstone.outside = remaining, OUTSIDE | (OUTSIDE_IN_ACCOUNT if is_in_account else {})
            tombstone.counts = {name: tombstone.counts.get(name, 0) + count for name, count in removed.items()}
            write_tombstone(self.lake, tombstone)
        return Certificate(tombstone, removed, remaining)

    def _is_known(self, tombstone: Tombstone) -> bool:
        """Whether any layer has the person; old versions do not count, as some are deleted without being read."""
        found = self._layers(tombstone, acts=False)
        return any(number for layer, number in found.items() if layer != OLD_VERSIONS)

    def find(self) -> Certificate:
        """What there is of the person by layer; nothing is written."""
        tombstone = self._tombstone()
        return Certificate(tombstone, {}, self._layers(tombstone, acts=False))

    def lift(self) -> Tombstone:
        """Let the person's items in again, after new consent; UsageError when no erasure of theirs is in force."""
        with self.lake.lock(f"lift-{self.now:%Y%m%dT%H%M%SZ}"):
            tombstone = self._tombstone()
            if self.lake.stat(tombstone.key) is None or tombstone.lifted is not None:
                raise UsageError("--lift: no erasure of this person is in force; allowed: an erased person")
            tombstone.lifted = moment_text(self.now)
            self._write(tombstone)
        return tombstone

    def _write(self, tombstone: Tombstone) -> None:
        """Store the tombstone, and what the receiver knows of it."""
        write_tombstone(self.lake, tombstone)
        write_erased_accounts(self.lake, self.people.identities)

    def _tombstone(self) -> Tombstone:
        """The person's tombstone, a new one when the lake has none."""
        erased = self.person.erased
        mine = (
            t
            for t in read_tombstones(self.lake)
            if not erased.users.isdisjoint(t.users) or not erased.ids.isdisjoint(t.ids)
        )
        name = self.people.identities.erasure_hash("user", self.person.user_ids[0])
        tombstone = next(mine, None) or Tombstone(name, moment_text(self.now), self.asked_by)
        tombstone.add(erased)
        return tombstone

    def _layers(self, tombstone: Tombstone, *, acts: bool) -> dict[str, int]:
        """Remove, or only count, what each layer has; rejects before raw, which says which of them are the person's."""
        context = IngestContext(
            self.people.contracts, recognizing(self.people.identities, tombstone.erased), self.zone, ()
        )
        objects, places = self._raw(context)
        rows = erase_rows(self.lake, context, places, f"{STAGING}erase/", dry_run=not acts)
        if acts:
            for raw in objects:
                rewrite(self.lake, context, raw, ERASED)
        counts = {"raw items": len(places), "raw objects": len(objects), **rows}
        counts["unparsable bodies"] = self._bodies(context, acts=acts)
        counts["names of raw objects"] = self._names(acts=acts)
        counts["files that name users"] = self._naming(acts=acts)
        counts["user map entries"] = self._map(tombstone, acts=acts)
        person = Person(self.person.user_ids, tombstone.erased)
        counts |= erase_collected(self.lake, self.people, person, self.tokens, acts=acts)
        if acts:
            self.lake.sweep(STAGING)  # staged rows may share buffers with rows that went
        return counts | self._versions(context, acts=acts)

    def _raw(self, context: IngestContext) -> tuple[list[RawObject], set[Place]]:
        """Raw objects that hold the person, and the places of their items."""
        objects: list[RawObject] = []
        places: set[Place] = set()
        for raw in all_objects(self.lake, context.contracts, self.now.date()):
            split = split_object(context, raw, self.lake.read(raw.stored.key), ERASED)
            if split.parts:
                objects.append(raw)
                name = context.identities.object_hash(raw.stored.key)
                places |= {(name, number, item) for number, parts in split.parts for item in parts.items}
        return objects, places

    def _bodies(self, context: IngestContext, *, acts: bool) -> int:
        """Unparsable bodies that hold an id of the person; they go whole."""
        results = ResultBuilder(context)
        sources = {contract.source for contract in context.contracts.sources}
        departures = [Departures(results, source) for source in sorted(sources)]
        day, gone = (self.now.date() - EPOCH).days, 0
        for stored in self.lake.walk(BODIES):
            data = self.lake.read(stored.key)
            data = unpacked(data) if data.startswith(GZIP) else data
            if any(one.of_text(data, day) == "erased" for one in departures):
                gone += 1
                if acts:
                    self.lake.delete(stored.key)
        return gone

    def _names(self, *, acts: bool) -> int:
        """Names of raw objects that are no longer there, which may be those of users."""
        gone = 0
        for stored in self.lake.children(table_folder(TABLE)).objects:
            keys = msgspec.json.Decoder(RawKey).decode_lines(self.lake.read(stored.key))
            there = [one for one in keys if self.lake.stat(one.key) is not None]
            gone += len(keys) - len(there)
            if acts and len(there) < len(keys):
                self.lake.put(stored.key, msgspec.json.Encoder().encode_lines(there))
        return gone

    def _naming(self, *, acts: bool) -> int:
        """Files that name the person's user ids: of tables their lines go, any other file goes whole."""
        ids = b"|".join(re.escape(user_id.encode()) for user_id in self.person.user_ids)
        named = re.compile(rb"(?<![A-Za-z0-9_.-])(?:%b)(?![A-Za-z0-9_.-])" % ids)
        gone = 0
        for key in (stored.key for prefix in NAMING for stored in self.lake.walk(prefix)):
            data = self.lake.read(key)
            if not named.search(data):
                continue
            gone += 1
            if acts and key.endswith((".csv", ".jsonl")):
                self.lake.put(key, b"".join(line for line in data.splitlines(keepends=True) if not named.search(line)))
            elif acts:
                self.lake.delete(key)
        return gone

    def _map(self, tombstone: Tombstone, *, acts: bool) -> int:
        person = Person(self.person.user_ids, tombstone.erased)
        if acts:
            forget_hashes(self.lake, person)
        if self.user_map is None:
            return 0
        if self.user_map.startswith(SCHEME):
            table = self.user_map.removeprefix(SCHEME)
            return erase_items(self.lake, table, self.people.identities, person, acts=acts)
        return erase_entries(self.lake, Path(self.user_map), self.people.identities, person, acts=acts)

    def _versions(self, context: IngestContext, *, acts: bool) -> dict[str, int]:
        """Old versions, in a bucket."""
        from qol.lake.s3 import S3Lake

        if not isinstance(self.lake, S3Lake):
            return {}
        from qol.people.erase_versions import erase_versions

        def holds(key: str, data: bytes) -> bool:
            raw = object_at(context.contracts, StoredObject(key, len(data), ""), self.now.date())
            return bool(split_object(context, raw, data, ERASED).parts)

        return {OLD_VERSIONS: erase_versions(self.lake, self.person, context.identities, holds, acts=acts)}
