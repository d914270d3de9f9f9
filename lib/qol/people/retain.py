"""Removes what a lake keeps longer than `schemas/retention.yaml` says."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from qol.contracts.retention import PLACES, Retention, day_of
from qol.identity.dynamodb_user_map import SCHEME
from qol.identity.erasures import Tombstone, moment_text, write_erased_accounts, write_tombstone
from qol.identity.pseudonyms import Erased
from qol.identity.user_map import microseconds
from qol.lake.base import Lake
from qol.people.erase_items import erase_items
from qol.people.erase_map import erase_entries
from qol.people.person import People, Person

MAP_ENTRIES = "map_entries"


@dataclass(frozen=True)
class Expiry:
    """A lake, how long it keeps what, and the clock; the user map and its users where entries expire too."""

    lake: Lake
    retention: Retention
    now: datetime
    people: People | None = None
    user_map: str | None = None

    def find(self) -> list[tuple[str, str]]:
        """Place and key of every object that goes, in order; nothing is written."""
        return sorted(self._objects())

    def run(self) -> Counter[str]:
        """Remove it under the lake's lock: objects and map entries by place. LockedError when a run holds the lock."""
        with self.lake.lock(f"retain-{self.now:%Y%m%dT%H%M%SZ}"):
            expired = self.find()
            for key in dict.fromkeys(_whole(key) for _, key in expired):
                (self.lake.sweep if key.endswith("/") else self.lake.delete)(key)
            removed = Counter(place for place, _ in expired)
            if entries := self.map_entries(acts=True):
                removed[MAP_ENTRIES] = entries
        return removed

    def map_entries(self, *, acts: bool) -> int:
        """How many entries of people who left go, whose withdrawal is longer ago.

        Each leaves a tombstone, by which what the person still sends stays out. Their rows stay, under a user id that no entry has.
        """
        if self.people is None or self.user_map is None:
            return 0
        identities = self.people.identities
        ids = [identities.erasure_hash(source, vendor) for source, vendor in self._left(self.people)]
        moment = moment_text(self.now)
        for name in ids if acts else ():
            write_tombstone(self.lake, Tombstone(name, moment, "retention", moment, ids=[name]))
        if acts and ids:
            write_erased_accounts(self.lake, identities)
        person = Person((), Erased(ids=frozenset(ids)))
        if self.user_map.startswith(SCHEME):
            return erase_items(self.lake, self.user_map.removeprefix(SCHEME), identities, person, acts=acts)
        return erase_entries(self.lake, Path(self.user_map), identities, person, acts=acts)

    def _left(self, people: People) -> Iterator[tuple[str, str]]:
        """Source and vendor id of those who withdrew longer ago; of devices, their entries are kept."""
        days = self.retention.map_entries
        if days == "keep":
            return
        oldest = microseconds(self.now.astimezone(UTC) - timedelta(days=days)) or 0
        yield from (entry for entry, since in people.given.withdrawn.items() if since < oldest)

    def _objects(self) -> Iterator[tuple[str, str]]:
        today = self.now.astimezone(UTC).date()
        for place, prefixes in PLACES.items():
            first = self.retention.first_day(place, today)
            for prefix in prefixes if first is not None else ():
                for stored in self.lake.walk(prefix):
                    day = day_of(stored.key)
                    if first is not None and day is not None and day < first:
                        yield place, stored.key


def _whole(key: str) -> str:
    """The folder of a day, all of whose objects go together, or the key of an object that has none."""
    folder, mark, rest = key.partition("/date=")
    return f"{folder}{mark}{rest.partition('/')[0]}/" if mark else key
