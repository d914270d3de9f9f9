"""Owners: which sources know which user, by which id; whose a room sensor was when; the user map that says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qol_dev.sample.lives import ZONE_AT, Columns
from qol_dev.sample.sample_options import Bools, SampleOptions

#: Of twenty users, in an order that chance decides, so many wear these; another source reaches one user in three.
_WORN = 11 * ["garmin"] + 2 * ["garmin oura"] + ["garmin healthkit"] + 2 * ["oura"] + 4 * ["healthkit"]
_DEALT = ("garmin", "oura", "healthkit")
#: One room sensor per so many users; one room in three goes, halfway, to another user.
_ROOM_EVERY = 10
#: Every fifth user with nothing but a watch has an id of the study's own; the others of them stay pseudonyms.
_MAPPED_EVERY = 5


class Tenancy(NamedTuple):
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
    rooms: list[Tenancy]


def make_owners(lives: Columns, options: SampleOptions, sources: list[str]) -> Owners:
    """Everybody has at least one device of these sources, the first user one of the first; a room knows no user."""
    users = np.arange(options.users)
    worn = [source for source in sources if source != "sensor"]
    has = {source: (users + len(source)) % (2 if source == "survey" else 3) == 0 for source in worn}
    rng = options.stream("owners")
    hands = [_WORN[n].split() for _ in range(0, len(users), len(_WORN)) for n in rng.permutation(len(_WORN))]
    has |= {source: np.array([source in hand for hand in hands[: len(users)]]) for source in _DEALT if source in worn}
    if worn:
        has[worn[0]] = has[worn[0]] | ~np.logical_or.reduce(list(has.values())) | (users == 0)
    rooms = _rooms(lives, options) if "sensor" in sources else []
    lived_with = {room.user: room.device_id for room in rooms}
    ids = {"sensor": [lived_with.get(user, "") for user in users.tolist()]}
    for source in worn:
        ids[source] = [f"{source[0]}{number:016x}" for number in options.hashed(f"id {source}", users).tolist()]
    return Owners(has, ids, rooms)


def _rooms(lives: Columns, options: SampleOptions) -> list[Tenancy]:
    rng = options.stream("rooms")
    # Rooms are where most users live.
    at_home = np.flatnonzero(lives["home_offset_s"] == np.median(lives["home_offset_s"]))
    who = rng.permutation(at_home if len(at_home) else options.users).tolist()
    half, last = options.days // 2, options.days - 1
    rooms: list[Tenancy] = []
    for number, at in enumerate(range(0, len(who), _ROOM_EVERY)):
        device_id, tenant = f"room-{rng.bytes(3).hex()}", who[at]
        next_one = who[at + 1 : at + 2] if number % 3 == 0 else []
        rooms.append(Tenancy(device_id, tenant, 0, half - 1 if next_one else last))
        rooms += [Tenancy(device_id, user, half, last) for user in next_one]
    return rooms


def user_map(owners: Owners, lives: Columns, dates: list[str]) -> Iterator[dict[str, str]]:
    """Lines of the user map; in it is every tenant of a room, and everybody with more than a watch."""
    rooms = {room.user: room for room in owners.rooms}
    number = 0
    for user, offset_s in enumerate(lives["home_offset_s"].tolist()):
        known = [source for source, has in owners.has.items() if has[user]]
        if known == ["garmin"] and user % _MAPPED_EVERY and user not in rooms:
            continue
        number += 1
        same = {"user_id": f"P{number:04d}", "timezone": ZONE_AT[offset_s]}
        yield from ({"source": source, "vendor_user_id": owners.ids[source][user], **same} for source in known)
        if user in rooms:
            room = rooms[user]
            period = {"from": dates[room.first_day], "to": dates[room.last_day]}
            yield {"source": "sensor", "vendor_user_id": room.device_id, **same, **period}
