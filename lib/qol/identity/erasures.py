"""Tombstones of erased users, `_erasures/<id>.json`: keyed hashes by which their later items are recognized."""

from datetime import UTC, datetime

import msgspec

from qol.errors import LakeError
from qol.identity.erasure_hash import RECEIVER_KEY
from qol.identity.periods import Period
from qol.identity.pseudonyms import ALL_TIME, Erased, Identities, Owner
from qol.lake.base import Lake

ERASURES = "_erasures/"


class ErasedDevice(msgspec.Struct, frozen=True):
    """A device's hash, and the first and last day since 1970 on which the user had it, in a time zone."""

    id: str
    first: int | None = None
    last: int | None = None
    timezone: str | None = None


class Tombstone(msgspec.Struct):
    """One erased user: hashes, who asked when, when it was finished or lifted, and what was removed by layer."""

    id: str
    requested: str
    asked_by: str = ""
    finished: str | None = None
    lifted: str | None = None
    users: list[str] = []
    ids: list[str] = []
    devices: list[ErasedDevice] = []
    counts: dict[str, int] = {}
    #: What the last search found, by each layer it searched; and what may remain outside the lake, for how long.
    found: dict[str, int] = {}
    outside: dict[str, str] = {}

    @property
    def key(self) -> str:
        """The key of its object."""
        return f"{ERASURES}{self.id}.json"

    @property
    def erased(self) -> Erased:
        """What recognizes the user's items."""
        devices: dict[str, tuple[Owner, ...]] = {}
        for one in self.devices:
            owner = Owner(Period(one.first, one.last), "", one.timezone, ALL_TIME)
            devices[one.id] = (*devices.get(one.id, ()), owner)
        return Erased(frozenset(self.users), frozenset(self.ids), devices)

    def add(self, erased: Erased) -> None:
        """Add the hashes of a user; those that are there stay, as the map may have lost its entries since."""
        self.users = sorted({*self.users, *erased.users})
        self.ids = sorted({*self.ids, *erased.ids})
        found = {ErasedDevice(name, *o.period, o.timezone) for name, owners in erased.devices.items() for o in owners}
        self.devices = sorted({*self.devices, *found}, key=repr)


def read_tombstones(lake: Lake) -> list[Tombstone]:
    """Every tombstone of a lake; LakeError for one that cannot be read, since a run without it would let the user in."""
    found: list[Tombstone] = []
    for stored in lake.children(ERASURES).objects:
        try:
            found.append(msgspec.json.decode(lake.read(stored.key), type=Tombstone))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise LakeError(f"{stored.key}: damaged; restore it from a backup, or repeat its `qol erase`") from None
    return found


def read_erased(lake: Lake) -> Erased:
    """What recognizes the items of all erased users but those whose erasure was lifted."""
    users, ids, devices = set[str](), set[str](), dict[str, tuple[Owner, ...]]()
    for one in (tombstone.erased for tombstone in read_tombstones(lake) if tombstone.lifted is None):
        users |= one.users
        ids |= one.ids
        for name, owners in one.devices.items():
            devices[name] = (*devices.get(name, ()), *owners)
    return Erased(frozenset(users), frozenset(ids), devices)


def write_tombstone(lake: Lake, tombstone: Tombstone) -> None:
    """Store a tombstone by one atomic write."""
    lake.put(tombstone.key, msgspec.json.encode(tombstone) + b"\n")


def write_erased_accounts(lake: Lake, identities: Identities) -> None:
    """Write the hashes of erased accounts, which the webhook's receiver must not add to the user map; a folder has no receiver."""
    if not lake.uri.startswith("s3://"):
        return
    found = {"key": identities.erasure_key.hex(), "ids": sorted(read_erased(lake).ids)}
    lake.put(RECEIVER_KEY, msgspec.json.encode(found) + b"\n")


def moment_text(now: datetime) -> str:
    """A moment as tombstones have it."""
    return now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
