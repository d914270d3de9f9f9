"""More from Garmin: when records beyond the five core types arrive; few people have all that their watch could tell."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from qol_dev.sample.days import FULL_DAY_S
from qol_dev.sample.kinds import Kind
from qol_dev.sample.motion import SLOT_S, SLOTS, training_minute
from qol_dev.sample.options import Bools, Ints
from qol_dev.sample.syncs import Deliveries, Syncs, running_days
from qol_dev.sample.world import World

STREAM = 12
#: A delivered slot in one number: 1,000 x (2 x slot + part) + duration in seconds.
SLOT_UNIT = 1_000
#: A watch keeps this much unsent.
_KEPT_S = 3 * FULL_DAY_S


def more_deliveries(world: World, syncs: Syncs) -> list[Deliveries]:
    """Deliveries of all types but the five core ones."""
    rng = world.options.stream(STREAM)
    return [
        *_slots(world, syncs),
        *_growing(rng, world, syncs),
        *_nightly(rng, world, syncs),
        *_measured(rng, world, syncs),
        *_trained(rng, world, syncs),
    ]


def _slots(world: World, syncs: Syncs) -> list[Deliveries]:
    """Quarters of an hour of the few who send them: whole ones once, the running one as far as it has come."""
    chosen = np.flatnonzero(world.devices.epochs & world.devices.garmin)
    # In a small lake, too, somebody has them.
    people = chosen if len(chosen) else np.flatnonzero(world.devices.garmin)[:1]
    parts = []
    for person in people.tolist():
        mine = np.flatnonzero(syncs.person == person)
        for before, now in pairwise(mine.tolist()):
            since = max(int(syncs.second[before]), int(syncs.second[now]) - _KEPT_S)
            starts = np.arange(since // SLOT_S * SLOT_S, int(syncs.second[now]), SLOT_S, dtype=np.int64)
            parts += _of_slots(world, syncs, now, starts)
    return parts


def _of_slots(world: World, syncs: Syncs, sync: int, starts: Ints) -> list[Deliveries]:
    """Epochs (at rest, and on foot where there were steps) and breathing of the slots that begin at those moments."""
    person = int(syncs.person[sync])
    midnight = world.days.midnight_s[person]
    day = np.searchsorted(midnight, starts, side="right") - 1
    slot = (starts - midnight[np.maximum(day, 0)]) // SLOT_S
    duration = np.minimum(SLOT_S, (int(syncs.second[sync]) - starts) // 60 * 60)
    known = (day >= 0) & (day < world.options.days) & (slot < SLOTS) & (duration > 0)
    day, slot, duration = day[known], slot[known], duration[known]
    present = ~world.days.missing[person, day]
    day, slot, duration = day[present], slot[present], duration[present]
    steps = np.array(
        [world.walks(d)[person, s] for d, s in zip(day.tolist(), slot.tolist(), strict=True)], dtype=np.int64
    )
    walked = steps > 0
    version = SLOT_UNIT * 2 * slot + duration

    def sent(kind: Kind, these: Bools | slice, part: int) -> Deliveries:
        index = np.full(len(day[these]), sync, dtype=np.int64)
        return syncs.deliver(index, kind, day[these], version[these] + SLOT_UNIT * part)

    return [
        sent(Kind.EPOCHS, slice(None), 0),
        sent(Kind.EPOCHS, walked, 1),
        sent(Kind.RESPIRATION, slice(None), 0),
    ]


def _growing(rng: np.random.Generator, world: World, syncs: Syncs) -> list[Deliveries]:
    """Blood oxygen of a day: sometimes while it runs, and once after its end; now and then a reading on demand."""
    index, day, duration = running_days(world, syncs)
    has = world.devices.pulse_ox[syncs.person[index]] & (rng.random(len(index)) < 0.2)
    whole = ~world.days.missing[:, : world.options.days] & world.devices.pulse_ox[:, None]
    end = world.days.midnight_s[:, : world.options.days] + FULL_DAY_S
    on_demand = whole & (rng.random(whole.shape) < 0.05)
    return [
        syncs.deliver(index[has], Kind.PULSE_OX, day[has], duration[has]),
        syncs.after(whole, end, Kind.PULSE_OX, FULL_DAY_S),
        syncs.after(on_demand, end - FULL_DAY_S // 2, Kind.PULSE_OX, 0),
    ]


def _nightly(rng: np.random.Generator, world: World, syncs: Syncs) -> list[Deliveries]:
    """Skin temperature of the nights of a third of the people."""
    days = world.days
    worn = days.night & (np.arange(len(world.people)) % 3 == 1)[:, None] & (rng.random(days.night.shape) < 0.9)
    worn[:, world.options.days :] = False
    return [syncs.after(worn, days.midnight_s + 60 * days.wake_minute + 900, Kind.SKIN_TEMP)]


def _measured(rng: np.random.Generator, world: World, syncs: Syncs) -> list[Deliveries]:
    """What people do of their own accord: scale, cuff, two quiet minutes; and days told by a watch of another make."""
    shape = (len(world.people), world.options.days)
    noon = world.days.midnight_s[:, : shape[1]] + FULL_DAY_S // 2
    has, chance = world.devices, rng.random((4, *shape))
    missing = world.days.missing[:, : shape[1]] & has.second_watch[:, None]
    return [
        syncs.after((chance[0] < 0.3) & has.scale[:, None], noon, Kind.BODY_COMPS),
        syncs.after((chance[1] < 0.4) & has.cuff[:, None], noon, Kind.BLOOD_PRESSURES),
        syncs.after(chance[2] < 0.02, noon, Kind.HEALTH_SNAPSHOT),
        syncs.after(missing, noon + FULL_DAY_S // 2, Kind.OTHER_MAKERS),
    ]


def _trained(rng: np.random.Generator, world: World, syncs: Syncs) -> list[Deliveries]:
    """Activities on days with vigorous minutes, their samples for some, a few changed by hand later; walks noticed."""
    days, width = world.days, world.options.days
    person = np.arange(len(world.people))
    begins = np.stack([training_minute(person, day) for day in range(width)], axis=1)
    ends = days.midnight_s[:, :width] + 60 * begins + days.vigorous_s[:, :width] + 120
    trained = (days.vigorous_s[:, :width] > 0) & ~days.missing[:, :width]
    chance = rng.random((2, *trained.shape))
    noticed = (days.steps[:, :width] > 7_000) & ~days.missing[:, :width] & (chance[1] < 0.3)
    return [
        syncs.after(trained, ends, Kind.ACTIVITIES),
        syncs.after(trained & (chance[0] < 0.3), ends, Kind.ACTIVITY_DETAILS),
        syncs.after(trained & (chance[0] > 0.96), ends + FULL_DAY_S, Kind.CHANGED_ACTIVITIES),
        syncs.after(noticed, ends, Kind.MOVE_IQ),
    ]
