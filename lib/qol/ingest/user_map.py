"""The user map: which internal id a vendor id has. Append-only, because a changed id would split a person in two."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl
import pyarrow.parquet as pq

from qol.errors import UsageError
from qol.ingest.convert import CODE, identifier
from qol.ingest.people import Identities
from qol.ingest.times import is_zone
from qol.lake.base import Lake

MIN_KEY_BYTES = 32


@dataclass(frozen=True)
class UserMap:
    """Entries in the order of the file's lines, with the number of each entry's line; or in that of a table's items."""

    entries: tuple[tuple[str, str, str, str | None], ...]
    lines: tuple[int, ...] = ()
    #: How many entries, from the first, can no longer get another place; None for all.
    settled: int | None = None
    #: When each entry was registered, for a map that has no lines.
    registered: tuple[str, ...] = ()
    #: Whether an entry's time zone is as fixed as its id.
    pins_zones: bool = True

    @property
    def known(self) -> dict[tuple[str, str], tuple[str, str | None]]:
        """(source, vendor id) -> (internal id, time zone)."""
        return {(source, vendor): (user_id, zone) for source, vendor, user_id, zone in self.entries}

    def digest(self, count: int, key: bytes) -> str:
        """HMAC-SHA-256 over the first `count` entries; a plain hash of one vendor id could be guessed."""
        pinned = self.entries[:count] if self.pins_zones else [entry[:3] for entry in self.entries[:count]]
        return hmac.digest(key, msgspec.json.encode(pinned), hashlib.sha256).hex()

    @property
    def settled_entries(self) -> int:
        """How many entries a lake remembers."""
        return len(self.entries) if self.settled is None else self.settled

    def place(self, position: int) -> str:
        """Where the entry at a position from 0 is, without its id."""
        if self.registered:
            return f"entry registered at {self.registered[position]}"
        return f"line {self.lines[position] if self.lines else position + 1}"


def read_key(text: str | None) -> bytes:
    """The pseudonym key; UsageError when it is missing or has fewer than 32 bytes of UTF-8."""
    key = (text or "").encode()
    if len(key) < MIN_KEY_BYTES:
        message = f"QOL_PSEUDONYM_KEY: found {len(key)} bytes; allowed: at least {MIN_KEY_BYTES} (UTF-8)"
        raise UsageError(message)
    return key


def read_user_map(path: Path | None) -> UserMap:
    """The entries of a JSON lines file; UsageError names the line, never the id."""
    if path is None:
        return UserMap(())
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        message = f"--user-map {path}: cannot be read; allowed: a JSON lines file"
        raise UsageError(message) from None
    entries: dict[tuple[str, str], tuple[str, str, str, str | None]] = {}
    numbers: list[int] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            entry = _entry(path, number, line)
            if entry[:2] in entries:
                message = f"{path}: line {number}: names a vendor id that an earlier line names; allowed: one line each"
                raise UsageError(message)
            entries[entry[:2]] = entry
            numbers.append(number)
    return UserMap(tuple(entries.values()), tuple(numbers))


def _entry(path: Path, number: int, line: bytes) -> tuple[str, str, str, str | None]:
    try:
        raw = msgspec.json.decode(line, type=dict)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        message = f"{path}: line {number}: not a JSON object"
        raise UsageError(message) from None
    source, user_id = raw.get("source"), raw.get("user_id")
    vendor, zone = identifier(raw.get("vendor_user_id")), raw.get("timezone")
    problem = None
    if not isinstance(source, str) or not CODE.fullmatch(source):
        problem = "source must be a source's name"
    elif vendor is None:
        problem = "vendor_user_id must be a text or whole number"
    elif not isinstance(user_id, str) or not CODE.fullmatch(user_id):
        problem = f"user_id must match {CODE.pattern}"
    elif zone is not None and not is_zone(zone):
        problem = "timezone must be an IANA time zone such as Asia/Tokyo"
    if problem is not None:
        message = f"{path}: line {number}: {problem}"
        raise UsageError(message)
    return str(source), str(vendor), str(user_id), zone


def require_append_only(
    lake: Lake, user_map: UserMap, identities: Identities, checked: int, record_files: Iterable[str]
) -> None:
    """UsageError when an entry's keyed hash already has records: the person would have two ids.

    `checked` is how many entries an earlier run found good; they are not looked up again.
    """
    fresh = {
        identities.person_hash(source, vendor): position
        for position, (source, vendor, user_id, _) in enumerate(user_map.entries)
        if position >= checked and identities.person_hash(source, vendor) != user_id
    }
    if not fresh:
        return
    hashes = pl.Series(list(fresh), dtype=pl.String)
    for key in record_files:
        people = pl.Series(pq.read_table(lake.open_table(key), columns=["user_id"])["user_id"]).unique()
        found = people.filter(people.is_in(hashes.implode()))
        if found.len():
            place = user_map.place(min(fresh[user_id] for user_id in found))
            message = (
                f"user map {place}: this person already has records under the keyed hash; allowed: entries for"
                " people without records (docs/backfill-and-rebuild.md says how to move them)"
            )
            raise UsageError(message)
