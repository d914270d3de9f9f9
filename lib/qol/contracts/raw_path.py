"""Dotted places in raw records: `a.b` for keys, `list[key=value].b` and `list[0].b` for an element of a list."""

import re
from functools import cache

_DOT = re.compile(r"\.(?![^\[]*\])")
_SELECTED = re.compile(r"([^\[\]]+)(\[(?:-?[0-9]+|[^=\[\]]+=[^\[\]]+)\])")


def split_path(text: str) -> tuple[str, ...]:
    """The steps of a path; a selector such as `[item=1]` or `[0]` is a step of its own. ValueError for other brackets."""
    steps: list[str] = []
    for part in _DOT.split(text):
        found = _SELECTED.fullmatch(part)
        if found is None and ("[" in part or "]" in part):
            raise ValueError(part)
        steps.extend(found.groups() if found else (part,))
    return tuple(steps)


def path_text(path: tuple[str, ...]) -> str:
    """The steps as the contract writes them."""
    return ".".join(path).replace(".[", "[")


def is_selector(step: str) -> bool:
    """Whether a step chooses an element of a list."""
    return step.startswith("[") and step.endswith("]")


@cache
def index_of(step: str) -> int | None:
    """The place in the list that a selector such as `[0]` or `[-1]` names; None for one by key and value."""
    return None if "=" in step else int(step[1:-1])


@cache
def selected_by(step: str) -> tuple[str, str]:
    """Key and value of a selector such as `[item=1]`."""
    key, _, value = step[1:-1].partition("=")
    return key, value
