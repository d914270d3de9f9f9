"""A weekly value of one user beside the week before."""

from collections.abc import Mapping
from typing import Any

from qol.report.blocks import Cell, Row
from qol.report.locales import DAY_MINUTES, Locale, signed
from qol.report.shown_columns import CHANGE, YES_NO, ShownColumn

Weekly = Mapping[str, Any]


def compare(locale: Locale, column: ShownColumn, this: Weekly, before: Weekly) -> Row:
    """A row with this week's value, that of the week before, and the change where there is one to show."""
    values = [week.get(column.column) for week in (this, before)]
    size = max((abs(value) for value in values if value is not None), default=None)
    cells = [Cell(locale.value(column, value, size), value) for value in values]
    unit = "" if column.unit == YES_NO else locale.unit_of(column)
    return Row(column.column, locale.label(column), (*cells, _change(locale, column, this, before, size)), unit)


def _change(locale: Locale, column: ShownColumn, this: Weekly, before: Weekly, size: float | None) -> Cell:
    """The published change if there is one, else this week minus the one before, by the same rule."""
    now, then = this.get(column.column), before.get(column.column)
    # Sources measure differently.
    both_valid = this.get(f"{column.group}_valid") and before.get(f"{column.group}_valid")
    is_one_source = this.get(f"{column.group}_source") == before.get(f"{column.group}_source")
    if now is None or then is None or not (both_valid and is_one_source):
        return Cell(locale.text("not_comparable"))
    if isinstance(now, bool):
        return Cell(locale.text("same" if now == then else "changed"))
    if column.clock:
        moved = column.rounded(clock_change(now, then))
        return Cell(locale.text("minutes", number=signed(round(moved))), moved)
    published = this.get(f"{column.column}{CHANGE}")
    moved = column.rounded(now - then) if published is None else published
    return Cell(signed(moved, size), moved)


def clock_change(now: float, then: float) -> float:
    """Minutes between two times of the day, the shorter way round the clock; negative is earlier."""
    half = DAY_MINUTES / 2
    return (now - then + half) % DAY_MINUTES - half
