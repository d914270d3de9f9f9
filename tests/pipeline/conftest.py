from __future__ import annotations

from typing import Any

import pytest

from qol import pipeline


@pytest.fixture
def no_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let candidates pass without Great Expectations, where a test is about something else and runs often."""

    def pass_all(*_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(pipeline, "run_gate", pass_all)
