"""What a run's requests carry, and how often they are sent: tokens and their refresh, limits, cookies."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from qol.collect.asking import Asking
from qol.collect.refusals import RefusedError
from qol.collect.tokens import TokenFile
from qol.collect.vendor import Asked, Deadline, Vendor, retry_after
from qol.contracts.collect import Rate
from tests.collect.conftest import NOW, Collect, owner, page, sleep, text, write_tokens


class Refreshing:
    """A vendor whose access tokens end, and whose refresh tokens are good for one use."""

    def __init__(self) -> None:
        self.access, self.refresh, self.refreshed, self.lock = "access-1", "refresh-1", 0, threading.Lock()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        with self.lock:
            if request.url.path == "/oauth/token":
                form = httpx2.QueryParams(request.content.decode())
                if form["refresh_token"] != self.refresh or form["grant_type"] != "refresh_token":
                    return text('{"error":"invalid_grant"}', 400)
                self.refreshed += 1
                self.access, self.refresh = f"access-{self.refreshed + 1}", f"refresh-{self.refreshed + 1}"
                answer = {"access_token": self.access, "refresh_token": self.refresh, "expires_in": 86400}
                return httpx2.Response(200, json=answer)
            return page(sleep()) if request.headers["Authorization"] == f"Bearer {self.access}" else text("", 401)


def test_a_token_that_ended_is_refreshed_once_for_all_requests_and_stored(collect: Collect, tokens: Path) -> None:
    vendor = Refreshing()
    write_tokens(tokens, "u1", refresh_token="refresh-1")
    outcome = collect(vendor, records=())
    assert (outcome.failures, vendor.refreshed) == ([], 1)
    stored = TokenFile(tokens).get("u1")
    assert stored is not None
    assert (stored.access_token, stored.refresh_token) == ("access-2", "refresh-2")


def test_a_token_that_is_about_to_end_is_refreshed_before_it_is_used(collect: Collect, tokens: Path) -> None:
    vendor = Refreshing()
    write_tokens(tokens, "u1", refresh_token="refresh-1", expires_at=time.time() + 30)
    assert (collect(vendor).manifest.records[0].requests, vendor.refreshed) == (1, 1)


def test_the_stored_token_is_read_again_before_a_401_is_believed(collect: Collect, tokens: Path) -> None:
    vendor = Refreshing()
    write_tokens(tokens, "u1", refresh_token="refresh-1")

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.headers["Authorization"] == "Bearer token-of-u1":  # meanwhile another process has refreshed it
            tokens.write_text('{"user_id":"u1","access_token":"access-1","refresh_token":"refresh-1"}\n')
        return vendor(request)

    assert (collect(answer).failures, vendor.refreshed) == ([], 0)


def test_a_refresh_token_that_is_spent_is_final_and_tried_once(collect: Collect, tokens: Path) -> None:
    vendor = Refreshing()
    asked: list[str] = []
    write_tokens(tokens, "u1", refresh_token="spent")

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        return vendor(request)

    outcome = collect(answer, records=("daily_sleep", "sleep", "workout"))
    assert {f.reason for f in outcome.failures} == {"connect_again"}
    assert asked.count("/oauth/token") == 1
    asked.clear()
    collect(answer)
    assert asked.count("/oauth/token") == 1


@pytest.mark.parametrize("given", [{"access_token": "a b\n"}, {"access_token": "a", "refresh_token": 7}, {}])
def test_new_tokens_that_no_header_could_carry_are_not_stored(
    collect: Collect, tokens: Path, given: dict[str, object]
) -> None:
    write_tokens(tokens, "u1", refresh_token="refresh-1")
    stored = tokens.read_text()
    outcome = collect(lambda request: httpx2.Response(200, json=given) if request.method == "POST" else text("", 401))
    assert ([f.reason for f in outcome.failures], tokens.read_text()) == (["connect_again"], stored)


def test_a_next_page_on_another_server_gets_no_token() -> None:
    with pytest.raises(RefusedError, match="refused"):
        Asking._next_url("https://api.vendor.example/v2/sleep", "https://evil.example/v2/sleep?page=2")
    assert Asking._next_url("https://a.example/v2/sleep", "/v2/sleep?page=2") == "https://a.example/v2/sleep?page=2"


def test_a_limit_that_the_contract_names_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[float] = []

    def answer(_: httpx2.Request) -> httpx2.Response:
        times.append(time.monotonic())
        return text("{}")

    rate = Rate(requests=2, seconds=1)
    vendor = Vendor("https://x", Deadline(10), lambda _: None, httpx2.MockTransport(answer), rate)
    for _ in range(3):
        vendor.ask(Asked("https://x/a"), lambda found: found.body)
    assert times[2] - times[0] > 0.9


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(None, None), ("soon", None), ("0", 0.0), ("120", 120.0), ("Wed, 18 Nov 2026 00:06:00 GMT", 60.0), ("Wed, 18 Nov 2020 00:06:00 GMT", 0.0)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(given: str | None, seconds: float | None) -> None:
    assert retry_after(given, NOW) == seconds


def test_what_a_vendor_remembers_of_one_person_does_not_come_with_another(collect: Collect, tokens: Path) -> None:
    write_tokens(tokens, "u1", "u2")
    cookies: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        cookies.append(request.headers.get("Cookie"))
        return httpx2.Response(200, json={"data": []}, headers={"Set-Cookie": f"session={owner(request)}; Path=/"})

    assert collect(answer, records=("daily_sleep", "sleep")).failures == []
    assert cookies == [None] * 4


def test_two_runs_at_once_refresh_once(collect: Collect, tokens: Path) -> None:
    vendor = Refreshing()
    write_tokens(tokens, "u1", refresh_token="refresh-1")
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda _: collect(vendor, records=()), range(2)))
    assert [outcome.failures for outcome in outcomes] == [[], []]
    assert vendor.refreshed == 1
