"""What ids, codes, days and time zones look like in raw records, and the one way to a nested value."""

import re
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from qol.contracts.raw_path import index_of, is_selector, selected_by

CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
#: A key's name as an API would have it, which may be shown; any other may be an id, a person's name, a text or a path.
PLAIN_NAME = re.compile(r"(?!(?:\D*\d){3})[a-z][A-Za-z0-9_]{0,63}")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
EPOCH = date(1970, 1, 1)
#: The raw key that `spacing` gives the elements of a list.
SPACING = "_spacing"
#: What a code field stores of a text that is of no class and in no list.
OTHER = "OTHER"


def safe_get(node: object, path: Sequence[str]) -> Any:
    """The value at a path of keys; None when a node is missing, null or not what the path says.

    A step such as `[item=1]` takes the first element of a list whose key has that value, as a text or whole number;
    `[0]` takes the first element, `[-1]` the last.
    """
    for key in path:
        if isinstance(node, dict):
            node = node.get(key)
        elif isinstance(node, list) and is_selector(key):
            node = _element(node, key)
        else:
            return None
    return node


def _element(elements: Sequence[Any], selector: str) -> Any:
    place = index_of(selector)
    if place is not None:
        return elements[place] if -len(elements) <= place < len(elements) else None
    name, value = selected_by(selector)
    return next((e for e in elements if isinstance(e, dict) and identifier(e.get(name)) == value), None)


def parse_day(text: str) -> int | None:
    """Days since 1970-01-01 of an ISO date, or None when it is no such date."""
    if not DAY.fullmatch(text):
        return None
    try:
        return (date.fromisoformat(text) - EPOCH).days
    except ValueError:
        return None


def identifier(value: object) -> str | None:
    """An id as text, digits of an integer kept; None when it is empty or no id."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = value.strip() if isinstance(value, str) else ""
    return text or None


def is_zone(name: object) -> bool:
    """Whether a time zone of that IANA name exists."""
    return isinstance(name, str) and name in _zones() and ZoneInfo(name) is not None


@cache
def _zones() -> frozenset[str]:
    """Names of all time zones; listing them reads files, which a map of many people cannot afford per entry."""
    return frozenset(available_timezones())
