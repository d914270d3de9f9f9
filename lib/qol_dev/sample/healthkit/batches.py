"""Batches: what the app posts at a sync: all it came to know since a while before the last one, some of it again."""

from __future__ import annotations

from qol_dev.sample.clock import document_id, utc_text
from qol_dev.sample.healthkit.phone import Phone
from qol_dev.sample.healthkit.samples import items_of_day
from qol_dev.sample.payloads import Record
from qol_dev.sample.world import World

#: A window in one number: its end, Unix time, and its length in seconds in the low bits.
_WINDOW_BITS = 20
#: Longer ago than this, an app does not look for what it may have missed.
LONGEST_WINDOW_S = (1 << _WINDOW_BITS) - 1
_LISTS = ("measurements", "workouts", "deleted")
#: A night is known in the morning, but belongs to samples of the day before as well.
_DAY_S = 86_400


def window(end_s: int, length_s: int) -> int:
    """The version of a batch."""
    return end_s << _WINDOW_BITS | min(length_s, LONGEST_WINDOW_S)


def batch(world: World, person: int, day: int, version: int) -> Record:
    """The body of one POST, at a sync on that day."""
    end, length = version >> _WINDOW_BITS, version & LONGEST_WINDOW_S
    known = [
        item
        for d in range(max(0, day - length // _DAY_S - 1), min(day + 1, world.options.days))
        for item in items_of_day(world, person, d)
        if end - length < item.known_s <= end and (item.gone_s is None or item.gone_s > end)
    ]
    return {
        "user_id": world.devices.ids["healthkit"][person],
        "batch_id": document_id(world, "batch", person, version),
        "sent_at": utc_text(end),
        "device_tz": Phone(world, person, min(day, world.options.days - 1)).zone,
        **{name: [item.record for item in known if item.listed == name] for name in _LISTS},
    }
