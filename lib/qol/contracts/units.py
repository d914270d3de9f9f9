"""Units as vendors write them, and their values in the units that are stored: schemas/units.yaml."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from annotated_types import Gt

from qol.contracts.language import Filled, Mistake, Model, Number, Text

_Factor = Annotated[Number, Gt(0)]


class Unit(Model):
    """A way to write a unit: (value - less) * times / over is the value in the stored unit."""

    less: Number = 0
    """Subtracted first."""
    times: _Factor = 1
    """Multiplied by this."""
    over: _Factor = 1
    """Divided by this."""

    def converted(self, value: float) -> float:
        """A value in the stored unit; one that is in it already stays as it is, digit by digit."""
        if (self.less, self.times, self.over) == (0, 1, 1):
            return value
        return (value - self.less) * self.times / self.over


class StoredUnit(Model):
    """A unit in which values are stored."""

    quantity: Text
    """What is measured."""
    spellings: Filled[Text, Unit]
    """How vendors write this unit and others of the same quantity; upper and lower case differ."""


class Units(Model):
    """How vendors write units, and what they are in the unit that is stored: schemas/units.yaml."""

    units: Filled[Text, StoredUnit]
    """By the unit in which values are stored."""

    @property
    def by_spelling(self) -> Mapping[str, Unit]:
        """Every way to write a unit."""
        return {text: unit for stored in self.units.values() for text, unit in stored.spellings.items()}

    def mistakes(self) -> Iterator[Mistake]:
        """Spellings of two units, and stored units that are not among their own spellings."""
        owner: dict[str, str] = {}
        for stored, unit in self.units.items():
            for text in unit.spellings:
                if owner.setdefault(text, stored) != stored:
                    at = f"units.{stored}.spellings.{text}"
                    yield Mistake(at, text, f"a spelling that {owner[text]} does not have")
            if unit.spellings.get(stored) != Unit():
                yield Mistake(f"units.{stored}.spellings", stored, "the stored unit itself, without factors")
