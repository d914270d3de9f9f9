"""The sample's user map: which of the vendors' ids are one person, where they live, and whose a room was when."""

from __future__ import annotations

from collections.abc import Iterator

from qol_dev.sample.world import World

#: Every fifth person with nothing but a watch has an id of the study's own; the others of them stay pseudonyms.
_MAPPED_EVERY = 5

Entry = dict[str, str]


def entries(world: World) -> Iterator[Entry]:
    """Lines of the map: people by their number; everybody who comes through more than Garmin is in it."""
    devices, zones = world.devices, world.people.zones
    tenants = {room.person for room in devices.rooms}
    number = 0
    for person, zone in enumerate(zones):
        known = list(devices.sources_of(person))
        if known == ["garmin"] and person % _MAPPED_EVERY and person not in tenants:
            continue
        number += 1
        same = {"user_id": f"P{number:04d}", "timezone": zone}
        for source in known:
            yield {"source": source, "vendor_user_id": devices.ids[source][person], **same}
        for room in devices.rooms:
            if room.person == person:
                period = {"from": world.dates[room.first_day], "to": world.dates[room.last_day]}
                yield {"source": "sensor", "vendor_user_id": room.device_id, **same, **period}
