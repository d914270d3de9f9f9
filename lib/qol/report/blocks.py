"""What the templates show of data: cells and rows of tables, and charts, without any HTML."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Cell:
    """The text of a table cell, the exact value behind it as the lake has it (None for an empty cell), and a small picture."""

    text: str
    value: Any = None
    svg: str = ""

    @property
    def exact(self) -> str:
        """The value for machines: the shortest text that reads back as the same number."""
        if isinstance(self.value, float):
            # Adding 0.0 turns -0.0 into 0.
            return format(Decimal(repr(self.value + 0.0)).normalize(), "f")
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)

    @property
    def is_number(self) -> bool:
        """Whether the column of the cell is right-aligned."""
        return isinstance(self.value, int | float) and not isinstance(self.value, bool)


def count_cell(number: int) -> Cell:
    """A cell with a count."""
    return Cell(f"{number:,}", number)


@dataclass(frozen=True)
class Row:
    """A table row: a name for tests and scripts, its head, its cells, the unit of its numbers, the file its head links to."""

    name: str
    head: str
    cells: tuple[Cell, ...]
    unit: str = ""
    file: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart with its caption and unit, and the sources of its values where the page does not name them elsewhere."""

    caption: str
    unit: str
    svg: str
    sources: str = ""
