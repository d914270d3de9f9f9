"""Bodies: weight, height and blood pressure of everybody, whichever device measures them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qol_dev.sample.options import Floats, SampleOptions
from qol_dev.sample.people import People

STREAM = 11


@dataclass(frozen=True)
class Bodies:
    """One entry per person; pressures are those of a quiet morning."""

    weight_kg: Floats
    height_m: Floats
    fat_percent: Floats
    systolic_mmhg: Floats
    diastolic_mmhg: Floats

    def weight_on(self, person: int, day: int) -> float:
        """Weight in kg that day; it wanders by some hundred grams in the course of weeks."""
        return (
            float(self.weight_kg[person]) + 0.6 * math.sin(day / 6.0 + person) + 0.1 * ((5 * person + 3 * day) % 7 - 3)
        )


def make_bodies(people: People, options: SampleOptions) -> Bodies:
    """The bodies of these people; the same options give the same bodies."""
    rng = options.stream(STREAM)
    n = len(people)
    height = np.clip(rng.normal(1.65, 0.08, n), 1.45, 1.95)
    index = np.clip(rng.normal(23.5, 2.8, n) - 0.5 * people.fitness, 18.0, 34.0)
    systolic = np.clip(112.0 + 0.35 * (people.age_years - 40.0) + rng.normal(0.0, 8.0, n), 92.0, 160.0)
    return Bodies(
        weight_kg=index * height**2,
        height_m=height,
        fat_percent=np.clip(1.2 * index - 5.0 + rng.normal(0.0, 3.0, n), 8.0, 45.0),
        systolic_mmhg=systolic,
        diastolic_mmhg=np.clip(0.5 * systolic + 17.0 + rng.normal(0.0, 4.0, n), 52.0, 105.0),
    )
