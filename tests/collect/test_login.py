"""Connecting a person: the page they open, the code that comes back, the tokens that are stored."""

import json
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from qol.collect.collector import CollectRequest, endpoints
from qol.collect.login import Login, begin_login, loopback
from qol.errors import QolError, UsageError
from tests.builders import CONTRACTS
from tests.command_line import Qol

OURA = next(iter(endpoints(CONTRACTS, CollectRequest("oura")).values()))
BACK = "http://127.0.0.1:8917/callback"


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> Login:
    monkeypatch.setenv("QOL_OURA_CLIENT_ID", "app")
    monkeypatch.setenv("QOL_OURA_CLIENT_SECRET", "app-secret")
    return begin_login("oura", OURA, BACK)


def vendor(asked: httpx2.Request) -> httpx2.Response:
    """Gives tokens for the code `good` once it is asked as OAuth says, and tells whose they are."""
    if asked.url.path == "/v2/usercollection/personal_info":
        return httpx2.Response(200, json={"id": "person-1"} if asked.headers["Authorization"] == "Bearer new" else {})
    form = dict(httpx2.QueryParams(asked.content.decode()))
    wanted = {"grant_type": "authorization_code", "code": "good", "redirect_uri": BACK, "client_id": "app", "client_secret": "app-secret"}  # fmt: skip
    if (str(asked.url), form) != ("https://api.ouraring.com/oauth/token", wanted):
        return httpx2.Response(400, json={"error": "invalid_grant"})
    answer = {"access_token": "new", "refresh_token": "next", "expires_in": 86400, "scope": "personal daily"}
    return httpx2.Response(200, json=answer)


def test_the_page_asks_for_all_scopes_and_a_code_becomes_tokens_of_the_person_who_agreed(login: Login) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(login.page).query).items()}
    assert login.page.startswith("https://cloud.ouraring.com/oauth/authorize?")
    assert (asked["client_id"], asked["redirect_uri"], asked["state"]) == ("app", BACK, login.state)
    assert asked["scope"].split() == list(OURA.auth.scopes)

    code = login.code(f"{BACK}?code=good&state={login.state}")
    token, missing = login.connect(code, lambda _: None, httpx2.MockTransport(vendor))
    assert (token.user_id, token.access_token, token.refresh_token) == ("person-1", "new", "next")
    assert "spo2" in missing
    assert "daily" not in missing


@pytest.mark.parametrize(
    "answer", ["?code=good&state=of-another-login", "?code=good", "?error=access_denied&state={state}"]
)
def test_an_answer_that_is_not_to_this_login_is_refused(login: Login, answer: str) -> None:
    with pytest.raises(QolError, match="begin again"):
        login.code(BACK + answer.format(state=login.state))


def test_a_code_that_is_no_good_is_told_without_the_code(login: Login) -> None:
    with pytest.raises(QolError, match="the vendor gave no tokens") as told:
        login.connect("secret-code", lambda _: None, httpx2.MockTransport(vendor))
    assert "secret" not in str(told.value)


def test_the_person_comes_back_to_this_machine() -> None:
    def browse(back: str) -> None:
        for path in ("/favicon.ico", "/callback?code=good&state=s"):
            assert urllib.request.urlopen(back.replace("/callback", path)).read() == b"You can close this page.\n"

    with loopback(0) as (back, wait):
        browser = threading.Thread(target=browse, args=(back,))
        browser.start()
        assert wait() == "/callback?code=good&state=s"
        browser.join()


def test_a_pasted_address_connects_too_and_only_the_owner_can_read_the_file(
    qol: Qol, login: Login, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qol.collect.login.secrets.token_urlsafe", lambda _: "state")
    monkeypatch.setattr("typer.prompt", lambda *_, **__: f"{BACK}?code=good&state=state")
    monkeypatch.setattr(httpx2.Client, "__init__", with_transport(httpx2.Client.__init__))
    file = tmp_path / "tokens.jsonl"
    ended = qol("collect", "login", "oura", "--paste", "--redirect", BACK, "--tokens", file)
    assert ended.code == 0, ended.err
    assert "Connected the user person-1." in ended.out
    assert "Not granted: the scope spo2; what needs it is not collected." in ended.err
    assert json.loads(file.read_text())["refresh_token"] == "next"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "next" not in ended.out + ended.err


def with_transport(init: Callable[..., None]) -> Callable[..., None]:
    """A client's constructor that goes to `vendor` instead of the network."""
    return lambda self, **options: init(self, **{**options, "transport": httpx2.MockTransport(vendor)})


def test_without_the_applications_id_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="QOL_OURA_CLIENT_ID and QOL_OURA_CLIENT_SECRET are not set"):
        begin_login("oura", OURA, BACK)
