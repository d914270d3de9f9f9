"""Units as vendors write them, and their values in the units that are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qol.errors import Problem

UNITS = "units.yaml"


@dataclass(frozen=True)
class Unit:
    """A way to write a unit: (value - less) * times / over is the value in the stored unit."""

    stored: str
    less: float = 0
    times: float = 1
    over: float = 1

    def converted(self, value: float) -> float:
        """A value in the stored unit; one that is in it already stays as it is, digit by digit."""
        if (self.less, self.times, self.over) == (0, 1, 1):
            return value
        return (value - self.less) * self.times / self.over


def units(data: Mapping[str, Any]) -> dict[str, Unit]:
    """Units by their spelling, of the file's data."""
    return {text: Unit(stored, **factors) for stored, text, factors in _spellings(data)}


def unit_problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Spellings of two units, and stored units that are not among their own spellings."""
    owner: dict[str, str] = {}
    for stored, text, _ in _spellings(data):
        if owner.setdefault(text, stored) != stored:
            yield Problem(
                UNITS, f"units.{stored}.spellings.{text}", text, f"a spelling that {owner[text]} does not have"
            )
    for stored, unit in data["units"].items():
        if unit["spellings"].get(stored) != {}:
            yield Problem(UNITS, f"units.{stored}.spellings", stored, "the stored unit itself, without factors")


def _spellings(data: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, float]]]:
    for stored, unit in data["units"].items():
        for text, factors in unit["spellings"].items():
            yield str(stored), str(text), factors
