"""Dotted places in raw records: `a.b` for keys, `list[key=value].b` for the element of a list that says so."""

import re
from functools import cache

_DOT = re.compile(r"\.(?![^\[]*\])")
_SELECTED = re.compile(r"(.+)(\[[^=\[\]]+=[^\[\]]+\])")


def split_path(text: str) -> tuple[str, ...]:
    """The steps of a path; a selector such as `[item=1]` is a step of its own."""
    steps: list[str] = []
    for part in _DOT.split(text):
        found = _SELECTED.fullmatch(part)
        steps.extend(found.groups() if found else (part,))
    return tuple(steps)


def path_text(path: tuple[str, ...]) -> str:
    """The steps as the contract writes them."""
    return ".".join(path).replace(".[", "[")


def is_selector(step: str) -> bool:
    """Whether a step chooses an element of a list."""
    return step.startswith("[") and step.endswith("]")


@cache
def selected_by(step: str) -> tuple[str, str]:
    """Key and value of a selector."""
    key, _, value = step[1:-1].partition("=")
    return key, value
