"""The key comes out of Secrets Manager or the run ends with the secret's name and what is wrong, never its value."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from qol.aws.requests import BREAKER, aws_client
from qol.errors import QolError, UsageError
from qol.identity.key_lookup import find_key
from qol.identity.pseudonym_key import read_secret_key
from qol.identity.secret_text import RETRY_POLICY
from qol.lake import LocalLake

KEY = "k" * 32


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-1")
    with mock_aws():
        yield boto3.client("secretsmanager")


@pytest.mark.parametrize("text", [KEY, f"{KEY}\n"])
def test_a_secret_is_the_key_without_white_space_around_it(secrets: Any, text: str) -> None:
    secrets.create_secret(Name="qol/pseudonym-key", SecretString=text)
    assert read_secret_key("qol/pseudonym-key") == KEY.encode()


def test_the_named_secret_goes_before_the_environment(
    secrets: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("QOL_PSEUDONYM_KEY", "e" * 32)
    secrets.create_secret(Name="s", SecretString=KEY)
    assert find_key(LocalLake(tmp_path), "s") == KEY.encode()
    assert find_key(LocalLake(tmp_path)) == b"e" * 32


def test_a_secret_that_is_not_there_is_named(secrets: Any) -> None:
    with pytest.raises(
        UsageError, match="--key-secret qol/nothing: there is no such secret in this region; allowed: a"
    ):
        read_secret_key("qol/nothing")


def test_a_short_or_binary_secret_is_refused_without_its_value(secrets: Any) -> None:
    secrets.create_secret(Name="short", SecretString="hunter2")
    secrets.create_secret(Name="binary", SecretBinary=KEY.encode())
    with pytest.raises(UsageError, match="--key-secret short: found 7 bytes; allowed: .* at least 32 bytes") as short:
        read_secret_key("short")
    with pytest.raises(UsageError, match="--key-secret binary: it holds binary data"):
        read_secret_key("binary")
    assert "hunter2" not in str(short.value)


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("AccessDeniedException", UsageError, "this role may not read it"),
        ("InternalServiceError", QolError, "Secrets Manager answered InternalServiceError; run again"),
    ],
)
def test_what_the_service_refuses_is_told_apart_from_what_may_pass(
    secrets: Any, monkeypatch: pytest.MonkeyPatch, code: str, kind: type[QolError], said: str
) -> None:
    answering(monkeypatch, ClientError({"Error": {"Code": code, "Message": "arn:…"}}, "GetSecretValue"))
    with pytest.raises(kind, match=f"--key-secret s: {said}") as err:
        read_secret_key("s")
    assert err.value.exit_code == (2 if kind is UsageError else 1)
    assert "arn:" not in str(err.value)


def test_a_service_that_does_not_answer_ends_the_run_within_a_minute(
    secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, ReadTimeoutError(endpoint_url="https://secret.example"))
    with pytest.raises(QolError, match=r"--key-secret s: Secrets Manager not reached \(ReadTimeoutError\)"):
        read_secret_key("s")
    BREAKER.record_success()
    config = aws_client("secretsmanager", RETRY_POLICY).meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (5, 10, 4)


def answering(monkeypatch: pytest.MonkeyPatch, err: Exception) -> None:
    class Client:
        def get_secret_value(self, **_: object) -> None:
            raise err

    asked = {("secretsmanager", RETRY_POLICY): Client()}
    monkeypatch.setattr("qol.identity.secret_text.aws_client", lambda *of: asked[of])
