"""Motion: when in a day steps were taken and when somebody trained, so that all devices tell of the same walk."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from qol_dev.sample.days import DAY_MINUTES, Days
from qol_dev.sample.options import Ints, SampleOptions

STREAM = 10
SLOT_MINUTES = 15
SLOTS = DAY_MINUTES // SLOT_MINUTES
SLOT_S = 60 * SLOT_MINUTES

_Person = TypeVar("_Person", int, Ints)


def make_walks(days: Days, options: SampleOptions, day: int) -> NDArray[np.int64]:
    """Steps taken in each quarter of an hour of that local day, people x 96; a row sums up to the day's `walked`."""
    rng = options.stream(STREAM, day)
    n = len(days.walked)
    minute = np.arange(SLOTS) * SLOT_MINUTES
    evening = DAY_MINUTES + np.minimum(days.bed_minute[:, day + 1, None], 0)
    awake = (minute >= days.wake_minute[:, day, None]) & (minute < evening)
    weight = rng.gamma(0.6, 1.0, (n, SLOTS)) * awake
    trains = days.vigorous_s[:, day] > 0
    start = training_minute(np.arange(n), day)[:, None]
    weight += 4.0 * (trains[:, None] & (minute >= start) & (minute < start + days.vigorous_s[:, day, None] // 60))
    reached = np.cumsum(weight, axis=1) / np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    counted = np.rint(reached * days.walked[:, day, None]).astype(np.int64)
    return np.diff(counted, axis=1, prepend=0)


def training_minute(person: _Person, day: int) -> _Person:
    """The minute after local midnight at which one or many people train when they do, 16:00 to 19:59."""
    return 960 + (37 * person + 53 * day) % 240
