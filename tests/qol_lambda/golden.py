"""Whole messages as saved documents."""

from __future__ import annotations

from pathlib import Path

CASES = Path(__file__).parent / "cases"


def check_golden(name: str, mail: tuple[str, str]) -> None:
    """The mail is, character by character, the saved text: the subject, an empty line, the body."""
    expected = (CASES / "messages" / f"{name}.txt").read_text(encoding="utf-8")
    assert "\n\n".join(mail) == expected
