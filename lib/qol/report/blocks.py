"""The parts of a page: texts, tables and charts without any HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Cell:
    """The text of a table cell, and the exact value behind it as the lake has it (None if there is none)."""

    text: str
    value: Any = None

    @property
    def exact(self) -> str:
        """The value for machines: the shortest text that reads back as the same number."""
        if isinstance(self.value, float):
            # Adding 0.0 turns -0.0 into 0.
            return format(Decimal(repr(self.value + 0.0)).normalize(), "f")
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)

    @property
    def is_number(self) -> bool:
        """Whether the cell is right-aligned."""
        return isinstance(self.value, int | float) and not isinstance(self.value, bool)


def count_cell(number: int) -> Cell:
    """A cell with a count."""
    return Cell(f"{number:,}", number)


@dataclass(frozen=True)
class Row:
    """A table row: a name for tests and scripts, its head, its cells, the unit of its numbers."""

    name: str
    head: str
    cells: tuple[Cell, ...]
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """A table; `columns` names the cells of every row as `Row.name` names the row."""

    name: str
    caption: str
    heads: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def right(self) -> tuple[bool, ...]:
        """Which columns, the head's included, are right-aligned: those with numbers."""
        return (False, *(any(row.cells[place].is_number for row in self.rows) for place in range(len(self.columns))))


@dataclass(frozen=True)
class Chart:
    """A chart with its caption and unit; its SVG has a title and a description.

    `sources` names the sources of its values, where the page does not name them elsewhere.
    """

    caption: str
    unit: str
    svg: str
    sources: str = ""


@dataclass(frozen=True)
class Charts:
    """Charts beside each other; `wide` ones have the width of the page."""

    charts: tuple[Chart, ...]
    wide: bool = False


@dataclass(frozen=True)
class Text:
    """A paragraph; of kind `key` if it explains the signs of a chart."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


Block = Table | Charts | Text | Heading


@dataclass(frozen=True)
class Section:
    """A part of the page; its name is its anchor."""

    name: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A whole page."""

    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
