"""Pieces of Markdown for the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def number(value: float | None) -> str:
    """A number as people write it; nothing for none."""
    return "" if value is None else f"{value:.10g}"


def code(text: str | None) -> str:
    """A name as code."""
    return f"`{text}`"


def codes(names: Iterable[str]) -> str:
    """Names as code, in a row."""
    return ", ".join(code(name) for name in names)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a head."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
