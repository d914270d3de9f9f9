"""A value with its unit beside it, as a value in the unit that is stored."""

from __future__ import annotations

from collections.abc import Mapping

from qol.contracts.source_model import Field
from qol.contracts.units import Unit
from qol.ingest.convert import IssueError, shown, to_number

#: No larger number is converted, so that none becomes infinite.
LARGEST = 10.0**300


def in_stored_unit(field: Field, value: object, unit: object, units: Mapping[str, Unit]) -> int | float:
    """The number in the stored unit; the vendor's numbers for 'no value' are told before they are converted.

    IssueError: wrong_type, sentinel, too_large, unknown_unit (a missing one too).
    """
    number = to_number(value)
    if number is None:
        raise IssueError(f"{shown(value)} wrong_type")
    if number in field.sentinels:
        raise IssueError(f"{shown(value)} sentinel")
    if abs(number) >= LARGEST:
        raise IssueError(f"{shown(value)} too_large")
    known = units.get(unit.strip()) if isinstance(unit, str) else None
    if known is None:
        raise IssueError(f"{shown(value)} unknown_unit")
    return known.converted(number)
