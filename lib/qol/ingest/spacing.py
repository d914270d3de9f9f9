"""How far apart the records of one list are, which tells how long each of them lasts."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from qol.contracts.fields import Field
from qol.contracts.raw_values import safe_get
from qol.contracts.source import SourceContract
from qol.ingest.convert import IssueError, convert
from qol.ingest.local_day import DAY_SECONDS


def spacings(contract: SourceContract, elements: Sequence[Any]) -> dict[int, int]:
    """Seconds by an element's place in the list, as the contract's `spacing` says; elements that are alone have none."""
    rule = contract.spacing
    if rule is None or len(elements) < 2:
        return {}
    moments = {place: _moment(contract.by_name[rule.of], element) for place, element in enumerate(elements)}
    of_source: dict[str, dict[int, list[int]]] = {}
    for place, moment in moments.items():
        if moment is not None:
            source = str(safe_get(elements[place], rule.by))
            of_source.setdefault(source, {}).setdefault(moment, []).append(place)
    return {
        place: spacing
        for places in of_source.values()
        for moment, spacing in _to_the_next(sorted(places)).items()
        for place in places[moment]
    }


def _to_the_next(moments: list[int]) -> dict[int, int]:
    """The gap after each moment, but no more than the median gap, which is also that of the last one.

    Two records may be of any two days, so that a gap of their own tells no width beyond a day.
    """
    gaps = [after - before for before, after in pairwise(moments)]
    if not gaps:
        return {}
    gaps = [min(gaps[0], DAY_SECONDS)] if len(gaps) == 1 else gaps
    median = sorted(gaps)[(len(gaps) - 1) // 2]
    return {moment: min(gap, median) for moment, gap in zip(moments, [*gaps, median], strict=True)}


def _moment(field: Field, element: Any) -> int | None:
    value = next((found for path in field.paths if (found := safe_get(element, path)) is not None), None)
    try:
        seconds = None if value is None else convert(field, value, str)
    except IssueError:
        return None
    return seconds if isinstance(seconds, int) else None
