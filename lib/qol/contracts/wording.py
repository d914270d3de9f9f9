"""Words of messages: found values and allowed names short enough to read, counts, text that is safe to print."""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

_SHOWN = 60
_ALL_UP_TO = 12
_CLOSEST = 3


def shown(value: Any) -> str:
    """A found value, short enough for one line of an error."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def choices(names: Iterable[str], found: str = "") -> str:
    """The allowed names: all of a few, of many those that look most like what was found."""
    known = list(names)
    if len(known) <= _ALL_UP_TO:
        return ", ".join(known) or "none is declared"
    close = get_close_matches(found, known, _CLOSEST) or known[:_CLOSEST]
    return f"{', '.join(close)}, … ({len(known)} names)"


def nearest(found: str, names: Iterable[str]) -> list[str]:
    """The three names that look most like what was found, the most similar first."""
    by_lower = {name.lower(): name for name in names}
    return [by_lower[name] for name in get_close_matches(found.lower(), by_lower, _CLOSEST, cutoff=0)]


def count(number: int, one: str) -> str:
    """`1 item`, `2 items`."""
    return f"{number} {one if number == 1 else one + 's'}"


def clean(text: str) -> str:
    """Text that cannot steer a terminal: what is not printable is written as an escape."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def cut(text: str, length: int) -> str:
    """The first characters of a text, and how much was left out."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length} more characters)"
