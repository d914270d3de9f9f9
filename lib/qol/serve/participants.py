"""The participant of a token's subject, a vendor id of source `healthkit`, by the same user map and key as in the job."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from qol.contracts.model import Contracts
from qol.errors import LakeError, QolError
from qol.identity.dynamodb_user_map import SCHEME, read_user_table
from qol.identity.erasures import ERASURES, read_erased
from qol.identity.key_lookup import find_key
from qol.identity.pseudonyms import Erased, Identities, UserIndex
from qol.identity.user_map import UserMap, read_user_map
from qol.lake import Lake, LocalLake
from qol.lake.base import StoredObject
from qol.people.person import People, read_people
from qol.serve.problem_details import ProblemError

SOURCE = "healthkit"
#: Erasures, and a user map in a table, are read again after this time.
FRESH_SECONDS, TABLE_SECONDS = 15.0, 300.0
_SUBJECT = re.compile(r"[^\x00-\x1f\x7f]{1,255}")


@dataclass(frozen=True)
class Participant:
    """A person: the vendor id under which their data is sent, the user id of tables, and their time zone.

    `is_mapped` is False where the user map has the person, but under other sources alone.
    """

    vendor_id: str
    user_id: str
    zone: str
    is_known: bool
    is_mapped: bool = True
    #: Whether the person withdrew or was erased.
    has_left: bool = False


class Participants:
    """The people of a lake; the user map is read again when it changes."""

    def __init__(self, lake: Lake, contracts: Contracts, secret: str | None, user_map: str | None, zone: str) -> None:
        self._lake, self._contracts, self._zone = lake, contracts, zone
        self.user_map = user_map
        self._key = find_key(lake, secret)
        self._lock = threading.Lock()
        now = time.monotonic()
        self._seen: object = None
        self._read_map(now)
        self._erasures_seen = self._erasures()
        self._erased = Erased()
        self._tombstones: tuple[StoredObject, ...] = ()
        self._read_erased(now)

    @property
    def identities(self) -> Identities:
        """The key and the user map, with erased users."""
        with self._lock:
            now = time.monotonic()
            # What is known stays while the lake or the map is away.
            with suppress(LakeError, OSError):
                is_changed = self._signature(now) != self._seen
                erasures = self._erasures()
                if is_changed or erasures != self._erasures_seen or now - self._erased_at > FRESH_SECONDS:
                    self._read_erased(now)
                    self._erasures_seen = erasures
                if is_changed and self.table:
                    # A table of 200,000 people takes seconds: requests go on with what is known.
                    self._seen = self._signature(now)
                    threading.Thread(target=self._read_table, args=(now,), daemon=True).start()
                elif is_changed:
                    self._read_map(now)
            return replace(self._identities, erased=self._erased)

    def erasure_id(self, user_id: str) -> str:
        """The name of a person in the state and in tombstones: a keyed hash, which is not an id."""
        return self._identities.erasure_hash("user", user_id)

    def vendor_id_of(self, user_id: str) -> str | None:
        """The person's id of this source, where the user map has one."""
        return self._of_user.get(user_id, (None, None))[0]

    def alias(self, vendor_id: str) -> str:
        """A keyed hash of an id of this source, by which an erased person is known when the map no longer has them."""
        return self._identities.erasure_hash(SOURCE, vendor_id)

    def has_entries(self, user_id: str) -> bool:
        """Whether the user map has the person."""
        return user_id in self._of_user

    def people(self) -> People:
        """The users of the lake as `qol erase` needs them."""
        return read_people(self._lake, self._contracts, self._key, _reader(self.user_map))

    def forget_erasures(self) -> None:
        """Read at the next request who was erased."""
        self._erased_at = float("-inf")

    def of(self, subject: str) -> Participant:
        """The person of a token's subject."""
        if not _SUBJECT.fullmatch(subject):
            raise ProblemError(403, "This person has no access.")
        identities, is_mapped, named = self.identities, True, subject
        entry = identities.known.get((SOURCE, subject))
        if entry is None and subject in self._of_user:
            vendor, zone = self._of_user[subject]
            is_mapped, entry = vendor is not None, (subject, zone)
            subject = vendor or subject
        user = UserIndex(identities, SOURCE, ())[subject]
        user_id = user.user_id if entry is None or is_mapped else entry[0]
        has_left = user.left is not None and user.left <= time.time() * 1e6
        # The map has no entry of an erased person any more, so that a user id is taken for a vendor id.
        has_left |= bool(identities.erased) and any(identities.is_erased_user(one) for one in (user_id, named))
        zone = (entry and entry[1]) or self._zone
        return Participant(subject, user_id, zone, is_known=entry is not None, is_mapped=is_mapped, has_left=has_left)

    def with_entry(self, person: Participant) -> Participant:
        """The person with an entry of this source in the user map, so that the job can assign the batches.

        LockedError while a run works, which may have read the map already.
        """
        if person.is_mapped or self.user_map is None or self.table:
            return person
        with self._lake.lock("serve-user-map"):
            self._append(Path(self.user_map), person)
        return replace(person, is_mapped=True)

    def _append(self, path: Path, person: Participant) -> None:
        if (SOURCE, person.vendor_id) in self.identities.known:
            return
        entry = {
            "source": SOURCE,
            "vendor_user_id": person.vendor_id,
            "user_id": person.user_id,
            "timezone": person.zone,
        }
        starts = b"" if _ends_line(path) else b"\n"
        with path.open("ab") as file:
            file.write(starts + json.dumps(entry).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    @property
    def table(self) -> str | None:
        """The name of the table with the user map; None where it is a file or is not there."""
        is_table = self.user_map is not None and self.user_map.startswith(SCHEME)
        return str(self.user_map).removeprefix(SCHEME) if is_table else None

    def _read_table(self, now: float) -> None:
        with suppress(QolError):
            self._read_map(now)

    def _signature(self, now: float) -> object:
        """Changes when the user map's file does; of a table after some minutes."""
        if self.user_map is None:
            return None
        if self.table:
            return now // TABLE_SECONDS
        found = Path(self.user_map).stat()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _erasures(self) -> object:
        """Changes when a tombstone is written, where that can be seen without a request."""
        with suppress(OSError):
            if isinstance(self._lake, LocalLake):
                return self._lake.path(ERASURES).stat().st_mtime_ns
        return None

    def _read_erased(self, now: float) -> None:
        """Read the tombstones if their listing has changed: in a bucket each is a request."""
        listed = self._lake.children(ERASURES).objects
        if listed != self._tombstones:
            self._erased, self._tombstones = read_erased(self._lake), listed
        self._erased_at = now

    def _read_map(self, now: float) -> None:
        seen = self._signature(now)
        people = read_people(self._lake, self._contracts, self._key, _reader(self.user_map))
        of_user: dict[str, tuple[str | None, str | None]] = {}
        for source, vendor, user_id, zone in people.used.entries:
            known, of_zone = of_user.get(user_id, (None, None))
            of_user[user_id] = (vendor if source == SOURCE else known, of_zone or zone)
        self._identities, self._of_user, self._seen = people.identities, of_user, seen


def _ends_line(path: Path) -> bool:
    data = path.read_bytes()
    return not data or data.endswith(b"\n")


def _reader(user_map: str | None) -> Callable[[], UserMap]:
    if user_map is not None and user_map.startswith(SCHEME):
        return partial(read_user_table, user_map.removeprefix(SCHEME), assigns=False)
    return partial(read_user_map, None if user_map is None else Path(user_map))
