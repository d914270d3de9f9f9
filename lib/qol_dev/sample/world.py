"""The sampled world: options, people and days, and each day's curves when somebody asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np

from qol_dev.sample.bodies import Bodies, make_bodies
from qol_dev.sample.curves import Curves, make_curves
from qol_dev.sample.days import Days, make_days
from qol_dev.sample.devices import Devices, make_devices
from qol_dev.sample.motion import make_walks
from qol_dev.sample.options import Ints, SampleOptions
from qol_dev.sample.people import People, make_people

#: Lines come in order of arrival, so a few days are in use at a time; late ones are drawn again, to the same values.
_DAYS_KEPT = 14


class _CurvesOfDay(Protocol):
    def __call__(self, day: int, /) -> Curves: ...


class _WalksOfDay(Protocol):
    def __call__(self, day: int, /) -> Ints: ...


@dataclass(frozen=True, eq=False)
class World:
    """What happened; payloads report it, deliveries say when. A world equals only itself: caches go by it."""

    options: SampleOptions
    people: People
    days: Days

    @classmethod
    def of(cls, options: SampleOptions) -> World:
        """The world that these options always give."""
        people = make_people(options)
        return cls(options, people, make_days(people, options))

    @cached_property
    def curves(self) -> _CurvesOfDay:
        """Curves of everybody by day index."""
        return lru_cache(_DAYS_KEPT)(lambda day: make_curves(self.days, self.options, day))

    @cached_property
    def walks(self) -> _WalksOfDay:
        """Steps of everybody per quarter of an hour by day index."""
        return lru_cache(_DAYS_KEPT)(lambda day: make_walks(self.days, self.options, day))

    @cached_property
    def devices(self) -> Devices:
        """Who has which device."""
        return make_devices(self.people, self.options)

    @cached_property
    def bodies(self) -> Bodies:
        """What scales and cuffs would say of everybody."""
        return make_bodies(self.people, self.options)

    @cached_property
    def dates(self) -> list[str]:
        """Calendar dates by day index, `YYYY-MM-DD`."""
        first = np.datetime64(self.options.first_day)
        return [str(first + n) for n in range(self.days.steps.shape[1])]
