"""The user map: the internal id of each vendor id. Append-only, because a changed id would split a user in two."""

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import compress, islice, repeat
from pathlib import Path

import msgspec
import polars as pl

from qol.contracts.model import Contracts
from qol.contracts.raw_values import CODE, identifier, is_zone
from qol.errors import UsageError
from qol.identity.periods import ALWAYS, PERIOD_PROBLEM, Period, read_period
from qol.identity.pseudonyms import Identities, Owner

#: Keys of a line.
KEYS = ("source", "vendor_user_id", "user_id", "timezone", "from", "to", "withdrawn_at", "permissions")
#: How the user id of an entry begins that took the place of an erased user's.
ERASED_ENTRY = "erased-"
#: A name that may be shown; an id of a vendor has digits.
_NAME = re.compile(r"[A-Za-z_]{1,30}")

#: Since when a user gives only these permissions, microseconds since 1970.
Permitted = tuple[int, frozenset[str]]
#: Source, vendor id, internal id, time zone.
Entry = tuple[str, str, str, str | None]


@dataclass(frozen=True)
class UserMap:
    """Entries in the order of the file's lines, with their line numbers, or in the order of a table's items."""

    entries: tuple[Entry, ...]
    lines: tuple[int, ...] = ()
    #: Number of first entries that no later entry can come before; None for all.
    settled: int | None = None
    #: Time of registration of each entry, for a map without lines.
    registered: tuple[str, ...] = ()
    #: Whether the digest covers time zones: then they are as fixed as ids.
    pins_zones: bool = True
    #: The period of each entry; empty when all are valid always.
    periods: tuple[Period, ...] = ()
    #: Since when nothing that arrives of each entry is kept, microseconds since 1970; empty when no user withdrew.
    withdrawals: tuple[int | None, ...] = ()
    #: The permissions that each entry gives; empty when none are known.
    permissions: tuple[Permitted | None, ...] = ()

    def permitted(self, contracts: Contracts) -> dict[tuple[str, str], Permitted]:
        """(source, vendor id) -> since when and what users permit who took back what some record type needs."""
        needed = {source: rules.permissions.keys() for source, rules in contracts.source_rules.items()}
        return {
            entry[:2]: given
            for entry, given in zip(self.entries, self.permissions, strict=False)
            if given is not None and needed.get(entry[0], set()) - given[1]
        }

    @property
    def withdrawn(self) -> dict[tuple[str, str], int]:
        """(source, vendor id) -> since when nothing that arrives is kept, of entries without days."""
        found = zip(self._with_periods(), self.withdrawals, strict=False)
        return {entry[:2]: since for (entry, period), since in found if since is not None and period == ALWAYS}

    @property
    def known(self) -> dict[tuple[str, str], tuple[str, str | None]]:
        """(source, vendor id) -> (internal id, time zone), of entries without days."""
        return {entry[:2]: entry[2:] for entry, period in self._with_periods() if period == ALWAYS}

    @property
    def owners(self) -> dict[tuple[str, str], tuple[Owner, ...]]:
        """(source, vendor id) -> its owners, of entries with days."""
        found: dict[tuple[str, str], tuple[Owner, ...]] = {}
        withdrawals = self.withdrawals or repeat(None)
        for ((source, vendor, user_id, zone), period), left in zip(self._with_periods(), withdrawals, strict=False):
            if period != ALWAYS:
                found[source, vendor] = (*found.get((source, vendor), ()), Owner(period, user_id, zone, left))
        return found

    def _with_periods(self) -> Iterable[tuple[Entry, Period]]:
        return zip(self.entries, self.periods or repeat(ALWAYS), strict=False)

    def digest(self, count: int, key: bytes) -> str:
        """HMAC-SHA-256 over the first `count` entries; a plain hash of one vendor id could be guessed.

        The first day of an entry is as fixed as its id, the last one is not: it may become known later.
        """
        pinned: list[tuple[object, ...]] = []
        for entry, period in islice(self._with_periods(), count):
            fixed = entry if self.pins_zones else entry[:3]
            pinned.append(fixed if period == ALWAYS else (*fixed, period.first))
        return hmac.digest(key, msgspec.json.encode(pinned), hashlib.sha256).hex()

    @property
    def settled_entries(self) -> int:
        """Number of first entries whose digest a lake keeps."""
        return len(self.entries) if self.settled is None else self.settled

    def location(self, position: int) -> str:
        """Line or registration time of the entry at a position from 0, for messages; never its id."""
        if self.registered:
            return f"entry registered at {self.registered[position]}"
        return f"line {self.lines[position] if self.lines else position + 1}"


def read_user_map(path: Path | None) -> UserMap:
    """The entries of a JSON lines file, none without a file; UsageError names the line, never the id."""
    if path is None:
        return UserMap(())
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        raise UsageError(f"--user-map {path}: cannot be read; allowed: a JSON lines file") from None
    read = [(number, *_entry(path, number, line)) for number, line in enumerate(lines, 1) if line.strip()]
    numbers, entries, periods, left, given = zip(*read, strict=True) if read else ((), (), (), (), ())
    days = periods if any(period != ALWAYS for period in periods) else ()
    withdrawals, permissions = left if any(left) else (), given if any(given) else ()
    user_map = UserMap(entries, numbers, periods=days, withdrawals=withdrawals, permissions=permissions)
    overlap = find_overlap(user_map)
    if overlap is not None:
        if ALWAYS in (periods[place] for place in overlap):
            found = "names a vendor id that an earlier line names; allowed: one line each"
        else:
            found = f"has days that line {numbers[overlap[0]]} has; allowed: one person for a device and day"
        raise UsageError(f"{path}: line {numbers[overlap[1]]}: {found}")
    return user_map


def find_overlap(user_map: UserMap) -> tuple[int, int] | None:
    """Positions of an earlier and a later entry of one vendor id that share days, or None."""
    seen: dict[tuple[str, str], list[tuple[int, Period]]] = {}
    for position, entry in enumerate(user_map.entries):
        period = user_map.periods[position] if user_map.periods else ALWAYS
        before = seen.setdefault(entry[:2], [])
        for earlier, other in before:
            if period.overlaps(other):
                return earlier, position
        before.append((position, period))
    return None


def require_periods_usable(user_map: UserMap, contracts: Contracts) -> None:
    """UsageError when an entry has days and the rules of its source do not say `people_by_day`: it would not be read."""
    rules = contracts.source_rules
    fixed = {c.source for c in contracts.sources if c.source not in rules or not rules[c.source].people_by_day}
    for position, period in enumerate(user_map.periods):
        source = user_map.entries[position][0]
        if period != ALWAYS and source in fixed:
            raise UsageError(
                f"user map {user_map.location(position)}: from and to for {source}; allowed: only for sources whose rules"
                " say people_by_day"
            )


def require_known_sources(user_map: UserMap, contracts: Contracts, used: int) -> None:
    """UsageError when an entry names a source without a contract: no record would ever match it.

    The first `used` entries are not checked: earlier runs used them, so they can no longer be corrected.
    """
    sources = sorted({contract.source for contract in contracts.sources})
    for position, (source, *_) in enumerate(user_map.entries):
        if position >= used and source not in sources:
            found = f"source {source}" if _NAME.fullmatch(source) else "source"
            raise UsageError(
                f"user map {user_map.location(position)}: {found}: no contract has it; allowed: {', '.join(sources)}"
            )


def _unknown_key(raw: dict[str, object]) -> str | None:
    """The problem of an entry with a key that is not allowed; names the key only where it cannot be an id."""
    unknown = next((key for key in raw if key not in KEYS), None)
    if unknown is None:
        return None
    named = f"unknown key {unknown}" if _NAME.fullmatch(unknown) else "an unknown key"
    return f"{named}; allowed: {', '.join(KEYS)}. In a line that earlier runs used, take it out: nothing was read of it"


def _entry(path: Path, number: int, line: bytes) -> tuple[Entry, Period, int | None, Permitted | None]:
    try:
        raw = msgspec.json.decode(line, type=dict)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UsageError(f"{path}: line {number}: not a JSON object") from None
    source, vendor, period = raw.get("source"), identifier(raw.get("vendor_user_id")), read_period(raw)
    if not isinstance(source, str) or not CODE.fullmatch(source):
        problem: str | None = "source must be a source's name"
    elif vendor is None:
        problem = "vendor_user_id must be a text or whole number"
    elif raw.get("withdrawn_at") is not None and moment(raw["withdrawn_at"]) is None:
        problem = "withdrawn_at must be ISO 8601 with its zone"
    elif not _is_permissions(raw.get("permissions"), raw.get("withdrawn_at")):
        problem = "permissions must be a list of those that stay, beside withdrawn_at"
    else:
        problem = entry_problem(raw.get("user_id"), raw.get("timezone"), period) or _unknown_key(raw)
    if problem is not None:
        raise UsageError(f"{path}: line {number}: {problem}")
    entry = (str(source), str(vendor), str(raw["user_id"]), raw.get("timezone"))
    left, names = microseconds(moment(raw.get("withdrawn_at"))), raw.get("permissions")
    given = (left, frozenset(names)) if left is not None and isinstance(names, list) and names else None
    return entry, period or ALWAYS, None if given else left, given


def _is_permissions(found: object, withdrawn_at: object) -> bool:
    """Whether an entry's permissions are left out, or a list of texts beside a withdrawal."""
    is_list = isinstance(found, list) and all(isinstance(name, str) for name in found)
    return found is None or (is_list and withdrawn_at is not None)


def moment(text: object) -> datetime | None:
    """A time written with its zone, in UTC; None for anything else."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found and found.tzinfo else None


def microseconds(at: datetime | None) -> int | None:
    """A moment as microseconds since 1970."""
    return None if at is None else (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def entry_problem(user_id: object, timezone: object, period: Period | None) -> str | None:
    """What is wrong with an entry's user id, time zone (None is allowed) or period; None when nothing is."""
    if not isinstance(user_id, str) or not CODE.fullmatch(user_id):
        return f"user_id must match {CODE.pattern}"
    if timezone is not None and not is_zone(timezone):
        return "timezone must be an IANA time zone such as Asia/Tokyo"
    return PERIOD_PROBLEM if period is None else None


def keep_hashes(
    user_map: UserMap, identities: Identities, kept: Collection[str], checked: int, user_ids: Iterable[pl.Series]
) -> tuple[UserMap, list[str]]:
    """The map as a run uses it, and all keyed hashes that it keeps: no user may get a second id.

    An entry whose keyed hash is in `kept`, or already has records, gives that hash instead of its own id. `checked` is the
    number of first entries whose hashes earlier runs looked up: those found are in `kept`. `user_ids` are those of the
    published records, file by file; none is read when no entry is new.
    """
    hashes = [identities.user_hash(source, vendor) for source, vendor, *_ in user_map.entries]
    other = [digest != entry[2] for digest, entry in zip(hashes, user_map.entries, strict=True)]
    found = set(kept).intersection(compress(hashes, other))
    fresh = pl.Series(list(compress(hashes[checked:], other[checked:])), dtype=pl.String)
    if len(fresh):
        for published in user_ids:
            found.update(published.filter(published.is_in(fresh.implode())))
    entries = tuple(
        (*entry[:2], digest if digest in found else entry[2], entry[3])
        for digest, entry in zip(hashes, user_map.entries, strict=True)
    )
    return replace(user_map, entries=entries), sorted(found)
