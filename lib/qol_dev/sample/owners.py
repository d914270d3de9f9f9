"""Owners: which sources know which user, by which id; whose a room sensor was when; the user map that says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from qol_dev.sample.lives import Columns
from qol_dev.sample.sample_options import Bools, SampleOptions

#: Of twenty users, in an order that chance decides, so many wear these; sources not named here reach one user in three.
_DECK: tuple[tuple[int, frozenset[str]], ...] = (
    (11, frozenset({"garmin"})),
    (2, frozenset({"garmin", "oura"})),
    (1, frozenset({"garmin", "healthkit"})),
    (2, frozenset({"oura"})),
    (4, frozenset({"healthkit"})),
)
_DEALT = ("garmin", "oura", "healthkit")
#: One room sensor per so many users; one room in three goes, halfway, to another user in the same zone.
_ROOM_EVERY = 10
#: Every fifth user with nothing but one wearable has an id of the study's own; the others of them stay pseudonyms.
_MAPPED_EVERY = 5


@dataclass(frozen=True)
class Tenancy:
    """A room sensor and the days, by index and both included, on which that user lived with it."""

    device_id: str
    user: int
    first_day: int
    last_day: int


@dataclass(frozen=True)
class Owners:
    """By source, who has it (one entry per user) and the id the vendor knows each user by; the rooms of `sensor`."""

    has: dict[str, Bools]
    ids: dict[str, list[str]]
    rooms: list[Tenancy] = field(default_factory=list)


def make_owners(lives: Columns, options: SampleOptions, sources: list[str]) -> Owners:
    """Everybody has at least one device of these sources; a room knows no user."""
    worn = [source for source in sources if source != "sensor"]
    dealt = _deal(options, [source for source in _DEALT if source in worn], len(lives["fitness"]))
    has = {}
    for source in worn:
        place = np.arange(len(lives["fitness"])) + len(source)
        has[source] = dealt.get(source, place % (2 if source == "survey" else 3) == 0)
    if worn:
        nobody = ~np.logical_or.reduce(list(has.values()))
        has[worn[0]] = has[worn[0]] | nobody
        has[worn[0]][0] = True
    ids = {source: _ids(options, source, len(lives["fitness"])) for source in worn}
    rooms = _rooms(lives, options) if "sensor" in sources else []
    lived_with = {room.user: room.device_id for room in rooms}
    return Owners(has, ids | {"sensor": [lived_with.get(user, "") for user in range(len(lives["fitness"]))]}, rooms)


def _ids(options: SampleOptions, source: str, n: int) -> list[str]:
    low, high = (options.hashed(f"id{part}{source}", np.arange(n)).tolist() for part in (0, 1))
    return [f"{source[:1]}{a:016x}{b & 0xFFFFFF:06x}" for a, b in zip(low, high, strict=True)]


def _deal(options: SampleOptions, asked: list[str], n: int) -> dict[str, Bools]:
    """Who wears which of these: decks one after the other, without what is not asked for; the first user has the first."""
    deck = [worn for count, worn in _DECK for _ in range(count)]
    rng = options.stream("owners")
    hands = [deck[at] for _ in range(0, n, len(deck)) for at in rng.permutation(len(deck)).tolist()][:n]
    hands[0] = frozenset(_DEALT[:1])
    kept = [hand & set(asked) or set(asked[:1]) for hand in hands]
    return {source: np.array([source in hand for hand in kept]) for source in asked}


def _rooms(lives: Columns, options: SampleOptions) -> list[Tenancy]:
    rng = options.stream("rooms")
    who = rng.permutation(len(lives["fitness"])).tolist()
    half, last = options.days // 2, options.days - 1
    rooms: list[Tenancy] = []
    for number, at in enumerate(range(0, len(who), _ROOM_EVERY)):
        device_id, tenant = f"room-{rng.bytes(3).hex()}", who[at]
        others = [
            u for u in who[at + 1 : at + _ROOM_EVERY] if lives["home_offset_s"][u] == lives["home_offset_s"][tenant]
        ]
        goes_on = number % 3 == 0 and bool(others)
        rooms.append(Tenancy(device_id, tenant, 0, half - 1 if goes_on else last))
        if goes_on:
            rooms.append(Tenancy(device_id, others[0], half, last))
    return rooms


def user_map(owners: Owners, zones: list[str], dates: list[str]) -> Iterator[dict[str, str]]:
    """Lines of the user map; every user with more than one wearable is in it, and every tenant of a room."""
    tenants = {room.user for room in owners.rooms}
    number = 0
    for user, zone in enumerate(zones):
        known = [source for source, has in owners.has.items() if has[user]]
        if len(known) == 1 and known[0] in _DEALT[:1] and user % _MAPPED_EVERY and user not in tenants:
            continue
        number += 1
        same = {"user_id": f"P{number:04d}", "timezone": zone}
        for source in known:
            yield {"source": source, "vendor_user_id": owners.ids[source][user], **same}
        for room in owners.rooms:
            if room.user == user:
                period = {"from": dates[room.first_day], "to": dates[room.last_day]}
                yield {"source": "sensor", "vendor_user_id": room.device_id, **same, **period}
