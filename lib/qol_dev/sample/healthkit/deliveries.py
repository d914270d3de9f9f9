"""Deliveries: at which syncs phones post their batches."""

from __future__ import annotations

import numpy as np

from qol_dev.sample.days import FULL_DAY_S
from qol_dev.sample.healthkit.batches import LONGEST_WINDOW_S, window
from qol_dev.sample.healthkit.channels import Post
from qol_dev.sample.syncs import Deliveries, Syncs, arranged, days_of, make_syncs, retries
from qol_dev.sample.world import World

STREAM = 16
#: Each batch begins this long before the one before it ended, so that nothing falls between them.
_OVERLAP_S = 2_700


def make_deliveries(world: World) -> Deliveries:
    """Everything of HealthKit's that arrives before the end moment, sorted by arrival day, kind and arrival."""
    rng = world.options.stream(STREAM)
    syncs = make_syncs(rng, world.people, world.days)
    ended = world.days.midnight_s[:, : world.options.days] + FULL_DAY_S + 1_800
    exports = np.repeat(world.devices.export[:, None], world.options.days, axis=1)
    sent = Deliveries.of([_batches(world, syncs), syncs.after(exports, ended, Post.EXPORT)])
    return arranged(Deliveries.of([sent, retries(rng, sent)]), world.options)


def _batches(world: World, syncs: Syncs) -> Deliveries:
    """One batch per sync of a phone, from a while before the last sync on."""
    day = days_of(world, syncs)
    index = np.flatnonzero(world.devices.apple[syncs.person] & (day >= 0))
    before = np.maximum(index - 1, 0)
    first = (index == 0) | (syncs.person[before] != syncs.person[index])
    since = np.where(first, world.days.midnight_s[syncs.person[index], 0], syncs.second[before]) - _OVERLAP_S
    length = np.minimum(syncs.second[index] - since, LONGEST_WINDOW_S)
    versions = [window(end, size) for end, size in zip(syncs.second[index].tolist(), length.tolist(), strict=True)]
    return syncs.deliver(index, Post.BATCH, day[index], np.array(versions, dtype=np.int64))
