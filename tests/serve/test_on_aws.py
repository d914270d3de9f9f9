"""The API where AWS starts it: Lambda's requests, its secret, its state's tables, and erasures that another role carries out."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from qol.errors import UsageError
from qol.lake import LocalLake
from qol.people.erasure_requests import pending_requests
from qol.serve import asgi
from qol.serve.erasing import erase_pending
from qol.serve.serve_options import from_environment
from qol.state import KINDS
from tests.builders import KEY
from tests.edges import ENVIRONMENT
from tests.serve.phones import Api, steps

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield


def asked(path: str) -> dict[str, Any]:
    """What an HTTP API hands to the function for a GET."""
    http = {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"}
    context = {"http": http, "stage": "$default", "requestId": "r"}
    return {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": {"host": "api"},
            "requestContext": context, "isBase64Encoded": False}  # fmt: skip


def test_the_function_answers_requests_and_works_when_its_schedule_calls(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asgi, "_handlers", [])
    worked: list[object] = []
    monkeypatch.setattr(asgi, "work_once", worked.append)
    for name, value in {"QOL_LAKE": str(published), "QOL_PSEUDONYM_KEY": KEY.decode(), "QOL_OIDC_ISSUER": "https://issuer.example.org",
                        "QOL_OIDC_AUDIENCE": "qol"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    context = SimpleNamespace(aws_request_id="r")
    assert asgi.handler(asked("/health"), context)["statusCode"] == 200
    assert asgi.handler(asked("/v1/goals"), context)["statusCode"] == 401
    assert worked == []
    assert asgi.handler({"work": True}, context) is None
    assert len(worked) == 1


def test_a_secret_has_further_settings_and_is_never_quoted(aws: None) -> None:
    client = boto3.client("secretsmanager")
    client.create_secret(Name="good", SecretString=json.dumps({"QOL_GOAL_WEBHOOK_SECRET": "whsec_AAAA"}))
    client.create_secret(Name="bad", SecretString='["whsec_AAAA"]')
    assert from_environment({"QOL_API_SECRET": "good"})["webhook_secret"] == "whsec_AAAA"
    with pytest.raises(UsageError, match="QOL_API_SECRET=bad: not an object of texts") as found:
        from_environment({"QOL_API_SECRET": "bad"})
    assert "whsec_AAAA" not in str(found.value)


def test_terraform_makes_a_table_for_every_kind_of_document() -> None:
    text = (ROOT / "terraform" / "serve.tf").read_text()
    [listed] = re.findall(r"state_kinds += \[(.*)\]", text)
    assert tuple(json.loads(f"[{listed}]")) == KINDS


def test_on_aws_an_erasure_is_a_request_to_the_job_and_done_when_the_job_has_removed_it(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QOL_PSEUDONYM_KEY", KEY.decode())
    api = Api.over(published, tmp_path / "lake", requests_erasures=True)
    api.post("v-anna", steps(500, 7))
    mine, admin = api.token("v-anna"), api.key("users:admin")
    place = api.client.delete("/v1/users/me", headers=mine).headers["Location"]
    [(stored, asked_for)] = pending_requests(LocalLake(api.lake))
    assert asked_for is not None
    assert (asked_for.ids, asked_for.asked_by) == (["P-anna"], "api")
    assert "P-anna" not in stored.key
    assert erase_pending(api.service) == 0
    assert api.client.get(place, headers=admin).json()["status"] == "pending"
    LocalLake(api.lake).delete(stored.key)
    assert erase_pending(api.service) == 1
    assert api.client.get(place, headers=admin).json()["status"] == "done"
