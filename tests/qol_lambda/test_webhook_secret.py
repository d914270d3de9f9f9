"""The authenticator: a rotated secret is seen in seconds, a flood of wrong tokens asks rarely, an outage locks nobody out."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from qol.errors import UsageError
from qol.webhooks.webhook_credentials import read_credentials
from qol_lambda.webhook_secret import NoSecretError, WebhookAuthenticator

A, B, C = "a" * 22, "b" * 22, "c" * 22


def secret(*tokens: object, clients: object = ("client",)) -> str:
    return json.dumps({"tokens": list(tokens), "client_ids": clients})


@dataclass
class Door:
    """An authenticator with a clock and a secret that tests move."""

    text: str | None = field(default_factory=lambda: secret(A, B))
    seconds: float = 1_000.0
    reads: int = 0

    def __post_init__(self) -> None:
        self._authenticator = WebhookAuthenticator(self._read, lambda: self.seconds)

    def _read(self) -> str:
        self.reads += 1
        if self.text is None:
            raise EndpointConnectionError(endpoint_url="https://secrets")
        return self.text

    def admits(self, token: str, client: str = "client") -> bool:
        return self._authenticator.verify(token, client)


def test_the_secret_is_read_once_in_five_minutes() -> None:
    door = Door()
    assert [door.admits(A), door.admits(B), door.admits(A)] == [True, True, True]
    door.seconds += 299
    assert (door.admits(A), door.reads) == (True, 1)
    door.seconds += 1
    assert (door.admits(A), door.reads) == (True, 2)


def test_a_revoked_token_is_refused_within_five_minutes() -> None:
    door = Door()
    door.admits(A)
    door.text = secret(B)
    door.seconds += 300
    assert (door.admits(A), door.admits(B)) == (False, True)


def test_a_new_token_is_looked_up_at_most_every_ten_seconds() -> None:
    door = Door()
    door.admits(A)
    door.text = secret(C, A)
    assert [door.admits(C) for _ in range(100)] == [False] * 100
    assert door.reads == 1
    door.seconds += 10
    assert (door.admits(C), door.reads) == (True, 2)


def test_an_outage_locks_nobody_out_for_an_hour_and_then_everybody() -> None:
    door = Door()
    door.admits(A)
    door.text = None
    door.seconds += 3_000
    assert (door.admits(A), door.admits(C)) == (True, False)
    door.seconds += 600
    for _ in range(2):
        with pytest.raises(NoSecretError):
            door.admits(A)
    door.text = secret(A)
    assert door.admits(A)


def test_in_an_outage_the_secret_is_asked_for_at_most_every_ten_seconds() -> None:
    door = Door()
    door.admits(A)
    door.text = None
    door.seconds += 301
    assert [door.admits(A) for _ in range(100)] == [True] * 100
    assert door.reads == 2
    door.seconds += 10
    assert (door.admits(A), door.reads) == (True, 3)


def test_a_secret_that_was_broken_by_hand_keeps_the_old_one_for_an_hour() -> None:
    door = Door()
    door.admits(A)
    door.text = "not json"
    door.seconds += 301
    assert door.admits(A)


def test_without_any_secret_nobody_can_be_judged() -> None:
    with pytest.raises(NoSecretError):
        Door(text=None).admits(A)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("CANARY", "not JSON"),
        ("[]", "found 0 tokens; allowed: one or two"),
        (secret(), "found 0 tokens; allowed: one or two"),
        (secret("", None), "found 0 tokens; allowed: one or two"),
        (secret(A, B, C), "found 3 tokens; allowed: one or two"),
        (secret("CANARY"), "a token is too short; allowed: at least 22 characters"),
        (secret(A, clients=[]), "found no client_ids"),
        (secret(A, clients=[""]), "found no client_ids"),
        (secret(A, clients="CANARY"), "found no client_ids"),
    ],
)
def test_a_secret_that_would_let_anybody_in_is_refused_without_being_shown(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        read_credentials(text)
    assert "CANARY" not in str(caught.value)
    with pytest.raises(NoSecretError, match=problem):
        Door(text=text).admits("", "")


@pytest.mark.parametrize("previous", [[], [None], [""]])
def test_there_may_be_one_token_only(previous: list[Any]) -> None:
    door = Door(text=secret(A, *previous))
    assert (door.admits(A), door.admits(""), door.admits("None")) == (True, False, False)


def test_tokens_and_clients_are_compared_all_of_them_whatever_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(len(one) == len(other) == 32)
        return one == other

    known = read_credentials(secret(A, B, clients=["x", "y"]))
    monkeypatch.setattr("qol.webhooks.webhook_credentials.hmac.compare_digest", compare)
    for token, client in ((A, "x"), (C, "z"), ("", ""), (B, "z")):
        known.verify(token, client)
    assert compared == [True] * 16
