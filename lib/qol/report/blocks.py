"""What a page is made of; words, tables and charts without any HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Cell:
    """What a table cell says, and the exact value behind it as the lake has it (None when there is none)."""

    text: str
    value: Any = None

    @property
    def exact(self) -> str:
        """The value for machines: the shortest text that reads back as the same number."""
        if isinstance(self.value, float):
            # Adding 0.0 makes a -0.0 the 0 it is.
            return format(Decimal(repr(self.value + 0.0)).normalize(), "f")
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)

    @property
    def is_number(self) -> bool:
        """Whether the cell stands right."""
        return isinstance(self.value, int | float) and not isinstance(self.value, bool)


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
        """Which heads stand right, as the numbers below them do."""
        return (False, *(any(row.cells[place].is_number for row in self.rows) for place in range(len(self.columns))))


@dataclass(frozen=True)
class Chart:
    """A chart with what stands above it and what it says in words; the SVG holds both as title and desc.

    `sources` says whose devices its values come from, where the page does not say so elsewhere.
    """

    caption: str
    unit: str
    svg: str
    sources: str = ""


@dataclass(frozen=True)
class Charts:
    """Charts beside each other; `wide` ones get the page's width each."""

    charts: tuple[Chart, ...]
    wide: bool = False


@dataclass(frozen=True)
class Text:
    """A paragraph; `key` says how signs are to be read."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


Block = Table | Charts | Text | Heading


@dataclass(frozen=True)
class Section:
    """A part of the page with its anchor."""

    name: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A whole page."""

    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    foot: tuple[str, ...] = field(default=())
