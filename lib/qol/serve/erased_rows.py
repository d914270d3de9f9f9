"""The state's rows of people whom `qol erase` or the job of erasures erased: neither of the two reaches the state."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from qol.identity.erasures import ERASURES, read_erased
from qol.identity.periods import Period
from qol.identity.pseudonyms import ALL_TIME, Identities, User, UserIndex
from qol.ingest.local_day import DAY_SECONDS, zone_offset
from qol.serve.door import ERASED, USERS
from qol.serve.goal_events import DEAD, OUTBOX
from qol.serve.participants import SOURCE
from qol.serve.service import Service
from qol.state import all_items

#: Where the state has a digest of the tombstones whose people have no rows any more.
TOMBSTONES = ":tombstones"
#: How often a process looks. What a request stored while its process did not know the tombstone yet goes a round later.
ROUND_SECONDS = 60.0
SENSOR = "sensor"

Owners = Sequence[tuple[Period, User]]


def purge_erased(service: Service) -> int:
    """Remove expired rows, and those of erased people where the lake has new tombstones; how many people and devices had some.

    LakeError when the tombstones cannot be read. Nothing is listed in the state while they are the same.
    """
    if time.monotonic() < service.erasures_due:
        return 0
    service.erasures_due = time.monotonic() + ROUND_SECONDS
    service.state.remove_expired()
    if not (tombstones := service.lake.children(ERASURES).objects):
        return 0
    state, digest = service.state, hashlib.sha256(repr(tombstones).encode()).hexdigest()
    found = state.get("users", TOMBSTONES, TOMBSTONES)
    is_new = found is None or found.body["digest"] != digest
    again_at = time.time() + ROUND_SECONDS if is_new or found is None else found.body["again_at"]
    if not is_new and (again_at is None or time.time() < again_at):
        return 0
    purged = _purge(service, replace(service.participants.identities, erased=read_erased(service.lake)))
    body = {"digest": digest, "again_at": again_at if is_new else None}
    if found is None:
        state.create("users", TOMBSTONES, TOMBSTONES, body)
    else:
        state.replace("users", TOMBSTONES, TOMBSTONES, body, found.version)
    return purged


def device_owners(identities: Identities, device_id: str) -> Owners:
    """Who has or had a device, with their periods, as the job looks them up."""
    return UserIndex(identities, SENSOR, ()).owners(device_id)


def devices_of(identities: Identities, user_id: str) -> set[str]:
    """Devices that a person has or had."""
    has = {device for (source, device), (owner, _) in identities.known.items() if source == SENSOR and owner == user_id}
    owners = {device: found for (source, device), found in identities.owners.items() if source == SENSOR}
    return has | {device for device, found in owners.items() if any(owner.user_id == user_id for owner in found)}


def is_of(is_who: Callable[[User], bool], owners: Owners, zone: str, timestamp: int) -> bool:
    """Whether a reading is of a time at which such a person had the device."""
    for period, user in owners:
        if period.contains((timestamp + zone_offset(user.timezone or zone, timestamp)) // DAY_SECONDS):
            return is_who(user)
    return False


def is_erased(user: User) -> bool:
    """Whether nothing of a person is kept."""
    return user.left == ALL_TIME


def purge_readings(service: Service, identities: Identities, device_id: str, is_who: Callable[[User], bool]) -> int:
    """Remove the readings of a device from times at which such a person had it; how many."""
    state, owners = service.state, device_owners(identities, device_id)
    if not any(is_who(user) for _, user in owners):
        return 0
    readings = all_items(state, "readings", device_id)
    gone = [one.name for one in readings if is_of(is_who, owners, service.options.zone, one.body["timestamp"])]
    return sum(state.delete("readings", device_id, name) for name in gone)


def _purge(service: Service, identities: Identities) -> int:
    if not identities.erased:
        return 0
    state, left = service.state, _users_who_left(service, identities)
    owners = {owner for kind in ("goals", "events") for owner in state.owners(kind) if not owner.startswith(":")}
    people = {*left.values(), *filter(identities.is_erased_user, owners)}
    for owner in (OUTBOX, DEAD):
        for event in all_items(state, "events", owner):
            if event.body["user_id"] in people or identities.is_erased_user(event.body["user_id"]):
                state.delete("events", owner, event.name)
    for user_id in people:
        state.purge("goals", user_id)
        state.purge("events", user_id)
    for name in left:
        state.delete("users", USERS, name)
    devices = state.owners("readings")
    return len(people) + sum(purge_readings(service, identities, device, is_erased) > 0 for device in devices)


def _users_who_left(service: Service, identities: Identities) -> dict[str, str]:
    """Name in the state -> user id of erased people. Of whom only the vendor id is erased, the state may still know both."""
    erased, users = identities.erased, all_items(service.state, "users", USERS)
    return {
        user.name: user.body["user_id"]
        for user in users
        if user.body["status"] != ERASED
        and (user.name in erased.users or identities.erasure_hash(SOURCE, user.body["vendor_id"]) in erased.ids)
    }
