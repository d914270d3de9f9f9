"""A person in a lake: all user ids and vendor ids, as a set of erased users that the ingest recognizes."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from qol.contracts.model import Contracts
from qol.contracts.wording import count
from qol.errors import UsageError
from qol.identity.dynamodb_user_map import SCHEME, read_user_table
from qol.identity.key_lookup import find_key
from qol.identity.lake_state import read_lake_state, require_same_users
from qol.identity.periods import ALWAYS
from qol.identity.pseudonyms import ALL_TIME, Erased, Identities, Owner, UserIndex
from qol.identity.user_map import UserMap, keep_hashes, read_user_map
from qol.lake.base import Lake
from qol.people.erasure_requests import UnknownUserError

_ALLOWED = 'one id per line: a user_id, or {"user": "…"} or {"vendor": "<source>:<vendor id>"}'
_USER = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True)
class Person:
    """Every user id under which rows of a person are stored, and the keyed hashes that recognize their items."""

    user_ids: tuple[str, ...]
    erased: Erased


def read_ids(option: str, text: str) -> list[str]:
    """User ids, and vendor ids as `<source>:<id>`, of a text with one per line; UsageError names the line, never the id."""
    ids: list[str] = []
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), 1):
        named = line
        if line.startswith("{"):
            try:
                given = msgspec.json.decode(line, type=dict[str, str])
            except msgspec.MsgspecError:
                given = {}
            named = next(iter(given.values()), "") if given.keys() <= {"user", "vendor"} and len(given) == 1 else ""
        if not named:
            raise UsageError(f"{option}: line {number}: not an id; allowed: {_ALLOWED}")
        ids.append(named)
    if not ids:
        raise UsageError(f"{option}: no id; allowed: {_ALLOWED}")
    return list(dict.fromkeys(ids))


@dataclass(frozen=True)
class People:
    """The users of a lake, as its runs know them."""

    contracts: Contracts
    identities: Identities
    #: The map as it is given, and with the keyed hashes that users keep.
    given: UserMap
    used: UserMap

    def person(self, named: str) -> Person:
        """The person with a user id, or with a vendor id `<source>:<id>`; UsageError for a source without a contract."""
        ids, devices = set[str](), dict[str, tuple[Owner, ...]]()
        user_id = named
        if not _USER.fullmatch(named):
            user_id = self._user_of_vendor(named)
            source, _, vendor = named.partition(":")
            if not self._is_by_day(source):
                ids.add(self.identities.erasure_hash(source, vendor))
        users = {user_id: None}
        entries = zip(
            self.given.entries, self.used.entries, self.given.periods or [ALWAYS] * len(self.given.entries), strict=True
        )
        for (source, vendor, given_id, zone), (_, _, used_id, _), period in entries:
            if user_id not in (given_id, used_id):
                continue
            users |= {given_id: None, used_id: None, self.identities.user_hash(source, vendor): None}
            name = self.identities.erasure_hash(source, vendor)
            if self._is_by_day(source):
                devices[name] = (*devices.get(name, ()), Owner(period, "", zone, ALL_TIME))
            else:
                ids.add(name)
        hashes = frozenset(self.identities.erasure_hash("user", one) for one in users)
        return Person(tuple(users), Erased(hashes, frozenset(ids), devices))

    def _user_of_vendor(self, named: str) -> str:
        source, _, vendor = named.partition(":")
        sources = sorted({contract.source for contract in self.contracts.sources})
        if source not in sources or not vendor:
            raise UnknownUserError(f"--vendor: not <source>:<vendor id>; allowed: a source of {', '.join(sources)}")
        if not self._is_by_day(source):
            return UserIndex(self.identities, source, ())[vendor].user_id
        users = {user_id for (of, device, user_id, _) in self.used.entries if (of, device) == (source, vendor)}
        if len(users) != 1:
            raise UnknownUserError(
                f"--vendor: a device of {source} with {count(len(users), 'user')}; allowed: a user_id"
            )
        return users.pop()

    def _is_by_day(self, source: str) -> bool:
        """Whether ids of a source are devices, each of which different users have on different days."""
        return source in self.contracts.source_rules and self.contracts.source_rules[source].people_by_day


def read_people(lake: Lake, contracts: Contracts, key: bytes, read_map: Callable[[], UserMap]) -> People:
    """The users of a lake; UsageError when key or map are not those of its runs."""
    given, state = read_map(), read_lake_state(lake)
    bare = Identities(key, {})
    require_same_users(state, bare, given)
    used, _ = keep_hashes(given, bare, state.kept_hashes, len(given.entries), ()) if given.entries else (given, [])
    identities = Identities(key, used.known, used.owners, used.withdrawn, permitted=used.permitted(contracts))
    return People(contracts, identities, given, used)


def open_people(lake: Lake, contracts: Contracts, user_map: str | None, key_secret: str | None) -> People:
    """The users of a lake, from the map (a file, or dynamodb:TABLE) and the key that its runs use."""
    if user_map is not None and user_map.startswith(SCHEME):
        read = partial(read_user_table, user_map.removeprefix(SCHEME), assigns=False)
    else:
        read = partial(read_user_map, None if user_map is None else Path(user_map))
    return read_people(lake, contracts, find_key(lake, key_secret), read)


def recognizing(identities: Identities, erased: Erased) -> Identities:
    """The identities with these erased users and no withdrawals."""
    return replace(identities, erased=erased, withdrawn={}, permitted={})
