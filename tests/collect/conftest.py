"""A vendor of a few lines, and a run that collects from it."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from qol.collect.collector import Collector, CollectOutcome, CollectRequest
from qol.collect.tokens import TokenFile
from qol.lake import LocalLake
from tests.builders import CONTRACTS

NOW = datetime(2026, 11, 18, 0, 5, tzinfo=UTC)
Handler = Callable[[httpx2.Request], httpx2.Response]
Collect = Callable[..., CollectOutcome]
Answer = httpx2.Response | Exception


def page(*documents: dict[str, Any], next_token: str | None = None) -> httpx2.Response:
    """A page as the vendor sends it."""
    return httpx2.Response(200, json={"data": list(documents), "next_token": next_token})


def sleep(day: str = "2026-11-16", score: int = 77) -> dict[str, Any]:
    """A document of daily_sleep."""
    return {"id": f"id-{day}", "day": day, "score": score, "timestamp": f"{day}T00:00:00+00:00"}


def in_turn(*answers: Answer) -> Callable[[httpx2.Request], httpx2.Response]:
    """A vendor that gives these answers one after the other, the last one for ever."""
    left = list(answers)

    def answer(_: httpx2.Request) -> httpx2.Response:
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, Exception):
            raise given
        return given

    return answer


def text(body: str, status: int = 200, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, text=body, headers=headers)


def write_tokens(file: Path, *users: str, **more: object) -> Path:
    """A file with tokens of these users."""
    lines = [json.dumps({"user_id": user, "access_token": f"token-of-{user}", **more}) + "\n" for user in users]
    file.touch(mode=0o600)
    file.write_text("".join(lines))
    return file


def owner(request: httpx2.Request) -> str:
    """Whose token a request shows."""
    return request.headers["Authorization"].removeprefix("Bearer token-of-")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAUSE", "JITTER", "MAX_PAUSE"):
        monkeypatch.setattr(f"qol.collect.vendor.{name}", 0.0)


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    return write_tokens(tmp_path / "tokens.jsonl", "u1")


@pytest.fixture
def logged() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def collect(tmp_path: Path, tokens: Path, logged: list[dict[str, Any]]) -> Collect:
    """Collect daily_sleep of all users in `tokens` from a handler; other options are those of the request."""

    def go(handler: Handler, **options: Any) -> CollectOutcome:
        request = CollectRequest(
            "oura", **{"records": ("daily_sleep",), "now": NOW, "first": date(2026, 11, 10), **options}
        )
        log: Callable[[Any], None] = lambda line: logged.append(dict(line))  # noqa: E731
        collector = Collector(LocalLake(tmp_path / "lake"), CONTRACTS, request, TokenFile(tokens), log)
        return collector.run(transport=httpx2.MockTransport(handler))

    return go


def raw_lines(lake: Path, record: str = "daily_sleep") -> list[bytes]:
    """All raw lines of a record type, object after object."""
    files = sorted((lake / "raw" / "oura" / record).rglob("*.jsonl"))
    return [line for file in files for line in file.read_bytes().splitlines()]
