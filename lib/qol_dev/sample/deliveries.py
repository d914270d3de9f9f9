"""Deliveries: which of Garmin's records of which day arrives when, and in which version; decided for everybody at once."""

from __future__ import annotations

import numpy as np

from qol_dev.sample.days import FULL_DAY_S
from qol_dev.sample.garmin_more import more_deliveries
from qol_dev.sample.kinds import Kind, Night
from qol_dev.sample.syncs import Deliveries, Syncs, arranged, make_syncs, retries, running_days
from qol_dev.sample.world import World

STREAM = 4


def make_deliveries(world: World) -> Deliveries:
    """Everything of Garmin's that arrives before the end moment, sorted by arrival day, kind and arrival."""
    rng = world.options.stream(STREAM)
    syncs = make_syncs(rng, world.people, world.days)
    parts = [*_dailies_and_stress(rng, world, syncs), *_nights(rng, world, syncs), *_user_metrics(rng, world, syncs)]
    if "garmin" in world.options.sources:
        parts += more_deliveries(world, syncs)
    all_sends = Deliveries.of(parts)
    sends = all_sends.take(world.devices.garmin[all_sends.person])
    again = retries(rng, sends)
    # A slot of 15 minutes is replaced whole: half of it is never sent again.
    again = again.take(again.kind != Kind.EPOCHS)
    return arranged(Deliveries.of([sends, again]), world.options)


def _dailies_and_stress(rng: np.random.Generator, world: World, syncs: Syncs) -> list[Deliveries]:
    """Dailies at every sync of the running day and once after its end; stressDetails with some of them."""
    index, day, duration = running_days(world, syncs)
    with_stress = rng.random(len(index)) < 0.4
    person, whole_day = np.nonzero(~world.days.missing[:, : world.options.days])
    day_end = world.days.midnight_s[person, whole_day] + FULL_DAY_S
    last, synced = syncs.first_at_or_after(person, day_end)
    last, person, whole_day = last[synced], person[synced], whole_day[synced]
    final = world.days.last_duration_s[person, whole_day]
    return [
        syncs.deliver(index, Kind.DAILIES, day, duration),
        syncs.deliver(index[with_stress], Kind.STRESS_DETAILS, day[with_stress], duration[with_stress]),
        syncs.deliver(last, Kind.DAILIES, whole_day, final),
        syncs.deliver(last, Kind.STRESS_DETAILS, whole_day, final),
    ]


def _nights(rng: np.random.Generator, world: World, syncs: Syncs) -> list[Deliveries]:
    """A tentative night at the first sync after waking, the final one and its hrv at the next; naps and edits later."""
    days = world.days
    person, day = np.nonzero(days.night[:, : world.options.days])
    woke = days.midnight_s[person, day] + 60 * days.wake_minute[person, day]
    first, synced = syncs.first_at_or_after(person, woke + 120)
    first, person, day = first[synced], person[synced], day[synced]
    tentative = rng.random(len(first)) < 0.7
    final = first + tentative
    settled = syncs.belongs(final, person)
    finals = syncs.deliver(final[settled], Kind.SLEEPS, day[settled], Night.FINAL)
    return [
        syncs.deliver(first[tentative], Kind.SLEEPS, day[tentative], Night.TENTATIVE),
        finals,
        syncs.deliver(final[settled], Kind.HRV, day[settled], 0),
        *_after_the_night(rng, world, syncs, finals),
    ]


def _after_the_night(rng: np.random.Generator, world: World, syncs: Syncs, nights: Deliveries) -> list[Deliveries]:
    """Naps (inside the night's record, or a record of their own from older watches) and edits by hand."""
    person, day = nights.person, nights.day
    naps = world.days.nap_minutes[person, day] > 0
    listed = world.people.enhanced_sleep[person]
    evening = world.days.midnight_s[person, day] + 64_800
    parts = []
    for chosen, version, due in (
        (naps & listed, Night.FINAL_WITH_NAP, evening),
        (naps & ~listed, Night.NAP, evening),
        (rng.random(len(nights)) < 0.015, Night.EDITED, evening + rng.integers(0, 3 * FULL_DAY_S, len(nights))),
    ):
        # Never with the night itself, but at a later sync.
        index, synced = syncs.first_at_or_after(person, np.maximum(due, nights.arrival_ms // 1_000 + 1))
        sent = chosen & synced
        parts.append(syncs.deliver(index[sent], Kind.SLEEPS, day[sent], version))
    return parts


def _user_metrics(rng: np.random.Generator, world: World, syncs: Syncs) -> list[Deliveries]:
    """On Tuesdays and on half of the Fridays, at the first sync after that day."""
    shape = (len(world.people), world.options.days)
    weekday = np.arange(world.options.days)[None, :] % 7
    measured = (weekday == 1) | ((weekday == 4) & (rng.random(shape) < 0.5))
    person, day = np.nonzero(measured & ~world.days.missing[:, : shape[1]])
    index, synced = syncs.first_at_or_after(person, world.days.midnight_s[person, day] + FULL_DAY_S)
    return [syncs.deliver(index[synced], Kind.USER_METRICS, day[synced], 0)]
