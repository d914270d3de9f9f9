"""What must hold after every change of the store, and at the end."""

import functools
import io
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from qol.identity.lake_state import STATE_KEY
from qol.identity.pseudonyms import Identities
from qol.lake.base import LOCK_KEY
from qol.people.raw_parts import unpacked
from tests.builders import KEY
from tests.simulation.deliveries import Delivery, Sent
from tests.simulation.scenario import LEAVING, PEOPLE
from tests.simulation.store import Store, Version

#: Files of tables: each is replaced as a whole, under the lock.
TABLES = ("processed/", "quarantine/rows/", "_objects/")
#: What may identify people; a run's work ends with it, or is removed by the next one.
IDENTIFYING = ("raw/", "quarantine/", "_staging/")
WEEKLY = "processed/weekly/"
#: The lines of records say where they come from; a record that two objects hold may come from either.
PROVENANCE = ("raw_object", "line_number", "item")


def user_ids(person: str) -> frozenset[str]:
    """Under which ids a person's rows are stored: that of the user map, and the keyed hash."""
    return frozenset({f"P-{person}", Identities(KEY, {}).user_hash("garmin", f"v-{person}")})


@dataclass
class Leaving:
    """What became of a person's erasure; moments in seconds, None for never."""

    begun: float | None = None
    finished: float | None = None
    lifted: float | None = None


@dataclass
class Guard:
    """Watches a store; deliveries are told to it once they are acknowledged."""

    store: Store
    delivered: dict[str, list[tuple[Sent, float]]] = field(default_factory=dict)
    leaving: dict[str, Leaving] = field(default_factory=lambda: {person: Leaving() for person in LEAVING})
    epochs: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store.on_change = self.check
        self.world = self.store.world

    def acknowledge(self, delivery: Delivery) -> None:
        """The store said that it has an object."""
        self.delivered[delivery.key] = [(sent, self.world.clock) for sent in delivery.sent]

    def is_erased(self, person: str) -> bool:
        """Whether a person's erasure has ended and is in force."""
        found = self.leaving.get(person, Leaving())
        return found.finished is not None and found.lifted is None

    def check(self, key: str, before: Version | None) -> None:
        """What must hold after a change."""
        now = self.store.current(key)
        if key.startswith((*TABLES, "_erasures/", STATE_KEY)) and before is not None:
            self._check_order(key, before)
        if key == LOCK_KEY and now is not None:
            self._note_lock(now)
        elif key.startswith("_erasures/") and now is not None:
            self._note_tombstone(json.loads(now.data or b""))
        elif key.startswith(TABLES):
            self._check_table(key, before, now)
        elif key.startswith(("raw/", "quarantine/bodies/")):
            self._check_kept(key, now)

    def _check_order(self, key: str, before: Version) -> None:
        writer = self.world.process
        if before.epoch > writer.epoch:
            self.world.found("no older run over a newer one", f"{writer.name} wrote {key}")

    def _note_lock(self, now: Version) -> None:
        token = json.loads(now.data or b"")["token"]
        if token not in self.epochs:
            self.epochs[token] = len(self.epochs) + 1
            self.world.process.epoch = self.epochs[token]

    def _note_tombstone(self, tombstone: dict[str, object]) -> None:
        found, clock = self.leaving[self.world.process.person], self.world.clock
        if tombstone["lifted"] is not None:
            found.lifted = clock
        else:
            found.begun, found.lifted = clock if found.begun is None or found.lifted else found.begun, None
        if tombstone["finished"] is not None and found.lifted is None and found.finished is None:
            found.finished = clock
            self._check_versions(self.world.process.person)
        elif tombstone["finished"] is None:
            found.finished = None

    def _check_table(self, key: str, before: Version | None, now: Version | None) -> None:
        writer = self.world.process
        if now is None or now.data is None:
            self.world.found("readers see whole files", f"{writer.name} removed {key}")
            return
        if problem := _broken(now.data):
            self.world.found("readers see whole files (I2)", f"{key}: {problem}")
            return
        if writer.epoch == 0:
            self.world.found("only who holds the lock publishes", f"{writer.name} wrote {key}")
        self._check_users(key, before, _users(now.data))

    def _check_users(self, key: str, before: Version | None, users: frozenset[str]) -> None:
        writer = self.world.process
        # A request that reaches the store when its lock is long another's: `--verify` finds it, and a second erasure ends it.
        overtaken = self.world.is_landing and writer.epoch < len(self.epochs)
        for person in LEAVING:
            if self.is_erased(person) and users & user_ids(person) and not overtaken:
                self.world.found("erased stays erased", f"{writer.name} wrote {person} into {key}")
        if key.startswith(WEEKLY) and before is not None and writer.kind in ("run", "rebuild", "backfill"):
            gone = frozenset().union(*(user_ids(one) for one in LEAVING if self.leaving[one].begun is not None))
            if lost := _users(before.data or b"") - users - gone:
                self.world.found("no good week gets worse (I4)", f"{writer.name} took {len(lost)} people out of {key}")

    def _check_kept(self, key: str, now: Version | None) -> None:
        text = unpacked_text(now.data if now and now.data else b"")
        for sent, moment in self.delivered.get(key, ()):
            if sent.text.encode() not in text and not self._may_go(sent.person, moment):
                name = self.world.process.name
                self.world.found("nothing acknowledged is lost", f"{name} took {sent.text} out of {key}")

    def _may_go(self, person: str, moment: float) -> bool:
        found = self.leaving.get(person, Leaving())
        return found.begun is not None and (found.lifted is None or moment <= found.lifted)

    def _check_versions(self, person: str) -> None:
        """Nothing that was there when the erasure began is in any version; a run that is still at work stages what it likes."""
        began = self.leaving[person].begun or 0.0
        later = {key for key, sent in self.delivered.items() if any(at > began - 60 for _, at in sent)}
        for key, versions in self.store.versions.items():
            for one in versions if key not in later and not key.startswith("_staging/") else ():
                if one.data is not None and (found := traces(one.data, key) & {person}):
                    self.world.found("erased stays erased", f"{found} in version {one.id} of {key}")

    def check_arrivals(self) -> None:
        """After plain runs: what arrived of people after their erasure is in no raw object any more."""
        for key, data in self.store.objects().items():
            if key.startswith("raw/") and any(self.is_erased(person) for person in traces(data, key)):
                self.world.found("erased stays erased", f"what arrived later is still in {key}")

    def check_end(self, expected: dict[str, bytes]) -> None:
        """After plain runs: tables are those of the raw objects that are left, and everything adds up."""
        objects = self.store.objects()
        for key, sent in self.delivered.items():
            for one, moment in sent:
                text = unpacked_text(objects.get(key, b""))
                if one.text.encode() not in text and not self._may_go(one.person, moment):
                    self.world.found("nothing acknowledged is lost", f"{one.text} is not in {key}")
        for key, data in objects.items():
            found = {person for person in traces(data, key) if self.is_erased(person)}
            if found:
                self.world.found("erased stays erased", f"{sorted(found)} in {key} at the end")
        self._check_private()
        self._check_counts(objects)
        self._check_tables(tables_of(objects), tables_of(expected))

    def _check_private(self) -> None:
        for key, versions in self.store.versions.items():
            for one in versions if not key.startswith(IDENTIFYING) else ():
                if one.data is not None and any(text in readable(one.data) for text in (b"v-", b"CANARY")):
                    self.world.found("no vendor id or text leaves raw (I5)", f"{key} version {one.id}")

    def _check_counts(self, objects: dict[str, bytes]) -> None:
        rows = [row for key, data in objects.items() if key.startswith("_objects/") for row in _rows(data)]
        wrong = [
            row for row in rows
            if row["lines"] != sum(row[name] for name in ("blank", "control", "rejected", "kept", "superseded", "withdrawn", "erased"))
        ]  # fmt: skip
        read = {row["raw_object"] for row in rows}
        lost = [key for key in objects if key.startswith("raw/") and Identities(KEY, {}).object_hash(key) not in read]
        if wrong or lost:
            self.world.found("lines in are lines out (I1)", f"not read: {lost}, wrong: {wrong}")

    def _check_tables(self, found: dict[str, pl.DataFrame], expected: dict[str, pl.DataFrame]) -> None:
        for key in sorted(found.keys() | expected.keys()):
            if key not in found or key not in expected or not found[key].equals(expected[key]):
                said = f"{key} is {found.get(key)}\nexpected {expected.get(key)}"
                self.world.found("the same deliveries, the same tables (I3)", said)


def unpacked_text(data: bytes) -> bytes:
    """Bytes, or what is packed in them."""
    try:
        return unpacked(data) if data.startswith(b"\x1f\x8b") else data
    except zlib.error:
        return data


def tables_of(objects: dict[str, bytes]) -> dict[str, pl.DataFrame]:
    """Rows of published files that have any, records without where they come from."""
    found = {key: pl.read_parquet(io.BytesIO(data)) for key, data in objects.items() if key.startswith("processed/")}
    return {key: rows.drop(PROVENANCE, strict=False) for key, rows in found.items() if rows.height}


@functools.lru_cache(4096)
def _broken(data: bytes) -> str:
    try:
        pq.ParquetFile(io.BytesIO(data)).read()
    except (pa.ArrowException, OSError) as err:
        return str(err)
    return ""


@functools.lru_cache(4096)
def _users(data: bytes) -> frozenset[str]:
    table = pq.read_table(io.BytesIO(data))
    return frozenset(table["user_id"].to_pylist() if "user_id" in table.column_names else ())


def _rows(data: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(data)).to_pylist()
    return rows


@functools.lru_cache(8192)
def readable(data: bytes) -> bytes:
    """All that is in an object: gzip unpacked, Parquet decoded."""
    return repr(_rows(data)).encode() if data.startswith(b"PAR1") else unpacked_text(data)


def traces(data: bytes, key: str) -> set[str]:
    """The people with an id or a text in an object or its key."""
    text = key.encode() + readable(data)
    return {
        person
        for person in PEOPLE
        if any(one.encode() in text for one in (f"v-{person}", f"CANARY-{person}", *user_ids(person)))
    }
