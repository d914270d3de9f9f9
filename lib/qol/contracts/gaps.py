"""Gaps of a contract that `qol contracts new` has begun: texts that ask for what only its author knows."""

from collections.abc import Iterator
from typing import Any

from qol.contracts.language import Mistake

#: How the text of a gap begins; no word of a contract may begin like this.
GAP = "fill in: "


def gap_mistakes(data: Any, at: tuple[str, ...] = ()) -> Iterator[Mistake]:
    """Gaps that are left in the data of a file."""
    if isinstance(data, str) and data.startswith(GAP):
        yield Mistake(".".join(at), data, "the value itself, in place of this text")
    elif isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from gap_mistakes(value, (*at, str(key)))
