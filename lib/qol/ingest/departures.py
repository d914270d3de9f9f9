"""The user of an item, and whether it is kept: nothing of erased users is, and nothing that arrives after a withdrawal."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from qol.contracts.raw_values import identifier, safe_get
from qol.identity.pseudonyms import ALL_TIME, User
from qol.ingest.items import Item
from qol.ingest.local_day import DAY_SECONDS
from qol.ingest.results import ResultBuilder
from qol.ingest.times import parse_instant

MICROSECONDS = 1_000_000
#: Why an item is not kept, as the manifest counts it.
Departure = Literal["erased", "withdrawn"]
#: What may be an id in a text: the content of a string, and a word, as one may have it in an address or after a broken quote.
_NAMES = (
    re.compile(rb'"((?:[^"\\]++|\\.){1,128})"'),
    *(re.compile(rb"[A-Za-z0-9_%b-]{1,128}" % more) for more in (b".:@+", b".@+", b"")),
)


class Departures:
    """The items of users who left, in the raw folders of one source."""

    def __init__(self, results: ResultBuilder, source: str) -> None:
        contracts = results.context.contracts
        rules = contracts.source_rules.get(source)
        self._results = results
        self._users = results.context.users(source)
        self._by_day = rules is not None and rules.people_by_day
        self._persons = {contract.person for contract in contracts.sources if contract.source == source}
        #: Whether any user has left: without one, no item need be looked at.
        self.any = results.context.identities.has_left

    def of(self, item: Item, arrival_day: int) -> Departure | None:
        """Why an item is not kept; None when it is. `arrival_day` is the day of its folder, since 1970."""
        if item.contract is not None and identifier(safe_get(item.raw, item.contract.person)) is not None:
            reader = self._results.reader(item.contract)
            return _departure(reader.user_of(item.raw, item.received_at, arrival_day), item.received_at, arrival_day)
        found = (_departure(user, item.received_at, arrival_day) for user in self._named(item.raw, arrival_day))
        return next(filter(None, found), None)

    def of_text(self, text: bytes, arrival_day: int) -> Departure | None:
        """Why a text that is no JSON is not kept: it holds an id of a user who left; None when it holds none."""
        users = (self._user(name, arrival_day) for name in _names_in(text))
        return next(filter(None, (_departure(user, None, arrival_day) for user in users)), None)

    def is_id(self, value: object, arrival_day: int) -> bool:
        """Whether a text is an id of a user who left."""
        return isinstance(value, str) and _departure(self._user(value, arrival_day), None, arrival_day) is not None

    def _named(self, raw: Any, arrival_day: int) -> Iterator[User | None]:
        """Users whom an item names that has no contract or no id: at the places of ids, else anywhere in it."""
        ids = list(filter(None, (identifier(safe_get(raw, path)) for path in self._persons)))
        return (self._user(name, arrival_day) for name in ids or dict.fromkeys(_texts(raw)))

    def _user(self, vendor_user_id: str, arrival_day: int) -> User | None:
        """The user of an id; of a device, its owner on the arrival day."""
        vendor_user_id = vendor_user_id.strip()
        if not self._by_day:
            return self._users[vendor_user_id]
        owners = self._users.owners(vendor_user_id)
        return next((user for period, user in owners if period.contains(arrival_day)), None)


def _departure(user: User | None, received: object, arrival_day: int) -> Departure | None:
    if user is None or user.left is None:
        return None
    if user.left == ALL_TIME:
        return "erased"
    instant = parse_instant(received) if isinstance(received, str) else None
    if instant is None:  # of what has no stamp, only later days are surely later
        return "withdrawn" if arrival_day > user.left // MICROSECONDS // DAY_SECONDS else None
    return "withdrawn" if instant > user.left else None


def _texts(node: Any) -> Iterator[str]:
    """Every text in a JSON value, keys too, and what may be an id in each."""
    if isinstance(node, str):
        yield node
        yield from _names_in(node.encode(errors="replace"))
    elif isinstance(node, dict | list):
        for value in [*node, *node.values()] if isinstance(node, dict) else node:
            yield from _texts(value)


def _names_in(text: bytes) -> Iterable[str]:
    """What may be an id in a text, each once; zeros are left out, as UTF-16 has them between letters."""
    found = (name for pattern in _NAMES for name in pattern.findall(text.replace(b"\0", b"")))
    return dict.fromkeys(name.decode(errors="replace") for name in found)
