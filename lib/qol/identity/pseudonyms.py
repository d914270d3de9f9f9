"""Vendor ids to pseudonyms: the user map's entry when there is one, else a keyed hash."""

import hashlib
import hmac
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple

from qol.identity.erasure_hash import HASH_BYTES, erasure_hash
from qol.identity.periods import ALWAYS, Period

#: The instant since which nothing of an erased user is kept.
ALL_TIME = -(2**62)
#: Users that a worker keeps from task to task: to find one in a larger table takes longer than to hash the id again.
MAX_CACHED_USERS = 10_000
#: Bytes that SHA-256 works on at a time.
_BLOCK = 64


class User(NamedTuple):
    """The user of a vendor id: pseudonym, bucket of the reduce step, home time zone when the user map names one.

    What arrives after `left`, microseconds since 1970, is not kept; None for users who have not left.
    """

    user_id: str
    bucket: int
    timezone: str | None
    left: int | None = None


class Owner(NamedTuple):
    """The user who has a device for a period: pseudonym, home time zone when the map names one, and when they withdrew."""

    period: Period
    user_id: str
    timezone: str | None
    withdrawn: int | None = None


@dataclass(frozen=True)
class Erased:
    """Keyed hashes of erased users: of their user ids, of their vendor ids, and of devices with when they had them."""

    users: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    devices: Mapping[str, tuple[Owner, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.users or self.ids)


@dataclass(frozen=True)
class Identities:
    """The secret key and the user map; never printed."""

    key: bytes
    known: Mapping[tuple[str, str], tuple[str, str | None]]
    #: For devices that change hands: (source, device id) -> their owners.
    owners: Mapping[tuple[str, str], tuple[Owner, ...]] = field(default_factory=dict)
    #: (source, vendor id) -> since when nothing that arrives is kept, microseconds since 1970.
    withdrawn: Mapping[tuple[str, str], int] = field(default_factory=dict)
    erased: Erased = field(default_factory=Erased)
    #: (source, vendor id) of users who took back a permission -> since when, and those that they still give.
    permitted: Mapping[tuple[str, str], tuple[int, frozenset[str]]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Identities({len(self.known) + len(self.owners)} mapped)"

    @property
    def key_check(self) -> str:
        """A keyed hash of a constant: equal for equal keys, and no help in finding the key."""
        return hmac.digest(self.key, b"key check", hashlib.sha256).hex()[: 2 * HASH_BYTES]

    def user_hash(self, source: str, vendor_user_id: str) -> str:
        """128 bits of HMAC-SHA-256 over `user:<source>:<id>` as hex (ENISA 2019: a MAC, not a plain hash)."""
        (hashed,) = self.user_hashes(source, [vendor_user_id])
        return hashed

    def user_hashes(self, source: str, vendor_user_ids: Iterable[str]) -> Iterator[str]:
        """The hash of each id; an HMAC by hand (RFC 2104), as copies of its two hashes take half the time of its own."""
        start, end = self._user_macs
        start = start.copy()
        start.update(f"user:{source}:".encode())
        for vendor_user_id in vendor_user_ids:
            inner, outer = start.copy(), end.copy()
            inner.update(vendor_user_id.encode())
            outer.update(inner.digest())
            yield outer.hexdigest()[: 2 * HASH_BYTES]

    @property
    def _user_macs(self) -> tuple[Any, Any]:
        key = hashlib.sha256(self.key).digest() if len(self.key) > _BLOCK else self.key
        padded = key.ljust(_BLOCK, b"\0")
        return hashlib.sha256(bytes(b ^ 0x36 for b in padded)), hashlib.sha256(bytes(b ^ 0x5C for b in padded))

    def document_hash(self, source: str, record: str, document_id: str) -> str:
        """128 bits of keyed BLAKE2b (RFC 7693) over a vendor's document id, whose prefix may encode the user."""
        (hashed,) = self.document_hashes(source, record, [document_id])
        return hashed

    def document_hashes(self, source: str, record: str, document_ids: Iterable[str]) -> Iterator[str]:
        """The hash of each document id; what is the same for all of them is hashed once."""
        start = hashlib.blake2b(f"{source}:{record}:".encode(), key=self._document_key, digest_size=HASH_BYTES)
        for document_id in document_ids:
            document = start.copy()
            document.update(document_id.encode())
            yield document.hexdigest()

    @cached_property
    def _document_key(self) -> bytes:
        """A key for document ids alone, derived from the secret key; BLAKE2b takes at most 64 bytes."""
        return hmac.digest(self.key, b"document", hashlib.sha256)

    def erasure_hash(self, kind: str, name: str) -> str:
        """The hash of an id of an erased user, of a source or a `user`."""
        return erasure_hash(self.erasure_key, kind, name)

    def is_erased_user(self, user_id: str) -> bool:
        """Whether a user id is that of an erased user."""
        return self.erasure_hash("user", user_id) in self.erased.users

    @cached_property
    def erasure_key(self) -> bytes:
        """A key for erased users alone, derived from the secret key."""
        return hmac.digest(self.key, b"erasure", hashlib.sha256)

    @property
    def since(self) -> dict[tuple[str, str], int]:
        """(source, vendor id) -> since when something that arrives is not kept, of every withdrawal, wholly or in part."""
        return {**{entry: since for entry, (since, _) in self.permitted.items()}, **self.withdrawn}

    @property
    def has_left(self) -> bool:
        """Whether any user withdrew, wholly or in part, or was erased."""
        return bool(
            self.erased
            or self.withdrawn
            or self.permitted
            or any(o.withdrawn for found in self.owners.values() for o in found)
        )

    def object_hash(self, key: str) -> str:
        """128 bits of keyed BLAKE2b over the key of a raw object, whose name may be a user's."""
        return hashlib.blake2b(key.encode(), key=self._object_key, digest_size=HASH_BYTES).hexdigest()

    @cached_property
    def _object_key(self) -> bytes:
        return hmac.digest(self.key, b"raw object", hashlib.sha256)


class UserIndex(dict[str, User]):
    """Users of one source by vendor id, each looked up once, as to records that need a permission or, without one, as to all."""

    def __init__(
        self, identities: Identities, source: str, limits: tuple[str, ...], permission: str | None = None
    ) -> None:
        super().__init__()
        self._identities = identities
        self._source = source
        self._limits = limits
        self._permission = permission
        self._owners: dict[str, tuple[tuple[Period, User], ...]] = {}

    def __missing__(self, vendor_user_id: str) -> User:
        if len(self) >= MAX_CACHED_USERS:
            self.clear()
        known, entry = self._identities.known, (self._source, vendor_user_id)
        user_id, zone = known[entry] if entry in known else (self._identities.user_hash(*entry), None)
        user = self[vendor_user_id] = self._user(user_id, zone, self._left(vendor_user_id))
        return user

    def _left(self, vendor_user_id: str) -> int | None:
        """Since when nothing of a vendor id is kept; None when it is."""
        entry = (self._source, vendor_user_id)
        ids = self._identities.erased.ids
        is_erased = bool(ids) and self._identities.erasure_hash(*entry) in ids
        if is_erased or entry in self._identities.withdrawn:
            return ALL_TIME if is_erased else self._identities.withdrawn[entry]
        since, given = self._identities.permitted.get(entry, (None, frozenset()))
        return None if self._permission is None or self._permission in given else since

    def columns(self, vendor_user_ids: Sequence[str]) -> tuple[list[str], list[int], list[str | None]]:
        """Pseudonyms, buckets and home zones of many users; all are hashed, none is kept.

        An empty id stays empty, and the user id of one who left is.
        """
        mapped: dict[str, tuple[str, str | None]] = {"": ("", None)}
        different = dict.fromkeys(vendor_user_ids)
        if known := self._identities.known:
            mapped |= {one: known[self._source, one] for one in different if (self._source, one) in known}
        names = {one: user_id for one, (user_id, _) in mapped.items()}
        hashed = [one for one in different if one not in names]
        names.update(zip(hashed, self._identities.user_hashes(self._source, hashed), strict=True))
        if self._identities.has_left:
            users = {one: self._user(user_id, None, self._left(one)) for one, user_id in names.items()}
            names.update((one, "") for one, user in users.items() if user.left is not None)
        user_ids = list(map(names.__getitem__, vendor_user_ids))
        zones = [mapped[one][1] if one in mapped else None for one in vendor_user_ids]
        return user_ids, list(map(partial(bisect_right, self._limits), user_ids)), zones

    def owners(self, device_id: str) -> tuple[tuple[Period, User], ...]:
        """Owners of a device with their periods; the period of an entry without days is always."""
        if device_id not in self._owners:
            entry, devices = (self._source, device_id), self._identities.erased.devices
            known, left = self._identities.known, self._identities.withdrawn.get(entry)
            always = [Owner(ALWAYS, *known[entry], left)] if entry in known else []
            owners = [*always, *self._identities.owners.get(entry, ())]
            if devices:  # last: who has the device now comes before whoever was erased
                owners += devices.get(self._identities.erasure_hash(*entry), ())
            self._owners[device_id] = tuple((owner.period, self._user(*owner[1:])) for owner in owners)
        return self._owners[device_id]

    def _user(self, user_id: str, timezone: str | None, left: int | None) -> User:
        if self._identities.erased and self._identities.is_erased_user(user_id):
            left = ALL_TIME
        return User(user_id, bucket_of(user_id, self._limits), timezone, left)


def bucket_of(user_id: str, limits: tuple[str, ...]) -> int:
    """Number of the range of user ids that holds an id; the concatenation of buckets is sorted by user id."""
    return bisect_right(limits, user_id)


def bucket_limits(count: int, mapped: list[str]) -> tuple[str, ...]:
    """Limits that split both kinds of user ids evenly: hashes by their first digits, mapped ids by their quantiles.

    Known before any line is read, so no task has to sample; the files do not depend on them.
    """
    if count <= 1:
        return ()
    hashes = [f"{(2**32 * i) // count:08x}" for i in range(1, count)]
    ordered = sorted(set(mapped))
    quantiles = [ordered[len(ordered) * i // count] for i in range(1, count)] if len(ordered) >= count else []
    return tuple(sorted({*hashes, *quantiles}))
