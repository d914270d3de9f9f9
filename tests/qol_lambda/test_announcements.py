"""Announcements of a vendor's webhook: verified, signed and fresh ones are queued, all others get 401 and leave nothing."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from qol.aws.requests import aws_client
from qol.webhooks.deadline import QUICK
from qol_lambda.announcement_receiver import answer, client_secret
from tests.qol_lambda.webhook import NOW, STAMP

SECRET = {"client_id": "c", "client_secret": "the client's secret", "verification_token": "agreed-1"}
MESSAGE = {
    "event_type": "update",
    "data_type": "vo2_max",
    "object_id": "8f9a5221-CANARY",
    "event_time": "2026-11-18T00:05:00+00:00",
    "user_id": "person-CANARY",
}


@dataclass
class Announcing:
    """The function with a queue and a secret."""

    queue: str

    def get(self, **parameters: str) -> tuple[int, str]:
        return self.answered({"requestContext": _http("GET"), "queryStringParameters": parameters})

    def post(
        self, message: Any = MESSAGE, *, at: str | None = None, key: str = "", now: datetime = NOW, **event: Any
    ) -> int:
        body = message if isinstance(message, str) else json.dumps(message)
        stamp = str(int(NOW.timestamp())) if at is None else at
        signed = hmac.new((key or SECRET["client_secret"]).encode(), (stamp + body).encode(), hashlib.sha256)
        headers = {"X-Oura-Signature": signed.hexdigest().upper(), "X-Oura-Timestamp": stamp}
        status, text = self.answered({"requestContext": _http("POST"), "headers": headers, "body": body, **event}, now)
        assert text == ""
        return status

    def answered(self, event: Any, now: datetime = NOW) -> tuple[int, str]:
        found = answer(event, now)
        return found["statusCode"], found["body"]

    def queued(self) -> list[Any]:
        """Messages that arrived since this was last asked."""
        sqs, found = aws_client("sqs", QUICK), []
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found


def _http(method: str, path: str = "/oura/webhook") -> dict[str, Any]:
    return {"http": {"method": method, "path": path}}


@pytest.fixture
def announcing(account: None, monkeypatch: pytest.MonkeyPatch) -> Announcing:
    """An account with the source's queue and secret."""
    client_secret.cache_clear()
    queue = aws_client("sqs", QUICK).create_queue(QueueName="qol-announced-oura")["QueueUrl"]
    aws_client("secretsmanager", QUICK).create_secret(Name="qol/collect/oura", SecretString=json.dumps(SECRET))
    monkeypatch.setenv("QOL_ANNOUNCEMENT_QUEUES", json.dumps({"oura": queue}))
    monkeypatch.setenv("QOL_COLLECT_SECRETS", json.dumps({"oura": "qol/collect/oura"}))
    return Announcing(queue)


def test_a_verification_gets_its_challenge_back(announcing: Announcing) -> None:
    assert announcing.get(verification_token="agreed-1", challenge='a1"b') == (200, '{"challenge": "a1\\"b"}')
    assert announcing.get(verification_token="guessed", challenge="a1") == (401, "")
    assert announcing.get(challenge="a1") == announcing.get(verification_token="agreed-1") == (401, "")


@pytest.mark.parametrize(
    ("shift_s", "unit", "status"),
    [(0, 1, 200), (-300, 1, 200), (300, 1000, 200), (-301, 1, 401), (301, 1, 401), (-86_400, 1000, 401)],
)
def test_an_announcement_is_queued_for_the_collector_unless_it_is_stale(
    announcing: Announcing, shift_s: int, unit: int, status: int
) -> None:
    now = NOW.replace(microsecond=0)
    stamp = str(int((now + timedelta(seconds=shift_s)).timestamp() * unit))
    assert announcing.post(at=stamp, now=now) == status
    asked = {"source": "oura", "user_id": "person-CANARY", "received_at": "2026-11-18T00:05:03.000000Z"}
    asked |= {"record": "vO2_max", "document_id": "8f9a5221-CANARY"}
    assert announcing.queued() == [asked] * (status == 200)


def test_a_deletion_is_passed_on_as_it_came(announcing: Announcing) -> None:
    text = json.dumps({**MESSAGE, "event_type": "delete"})
    packed: dict[str, Any] = {"body": base64.b64encode(text.encode()).decode(), "isBase64Encoded": True}
    assert announcing.post(text, **packed) == 200
    message = {"source": "oura", "user_id": "person-CANARY", "received_at": STAMP}
    assert announcing.queued() == [message | {"deletion": text, "folder": "raw/oura/deleted"}]


@pytest.mark.parametrize(
    "forged",
    [
        {"key": "another secret"}, {"at": ""}, {"at": "yesterday"}, {"at": "nan"}, {"at": "9" * 400}, {"headers": {}}, {"headers": None},
        {"body": json.dumps({**MESSAGE, "user_id": "another"})}, {"message": " " * 16_385},
    ],
)  # fmt: skip
def test_a_forged_announcement_gets_401_and_leaves_nothing(
    announcing: Announcing, log: StringIO, forged: dict[str, Any]
) -> None:
    assert announcing.post(**forged) == 401
    assert announcing.queued() == []
    assert "CANARY" not in log.getvalue()


@pytest.mark.parametrize(
    "message", ["", "[]", '{"user_id": "u"}', '{"object_id": "a"}', {**MESSAGE, "data_type": "meal"}, {**MESSAGE, "data_type": []}]
)  # fmt: skip
def test_what_cannot_be_collected_is_answered_and_not_queued(
    announcing: Announcing, log: StringIO, message: Any
) -> None:
    assert announcing.post(message) == 200
    assert announcing.queued() == []
    assert "CANARY" not in log.getvalue()


def test_a_rotated_secret_is_found_and_another_source_is_unknown(
    announcing: Announcing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qol_lambda.webhook_secret.MIN_REFRESH_SECONDS", 0.0)
    assert announcing.post() == 200
    rotated = json.dumps({**SECRET, "client_secret": "new"})
    aws_client("secretsmanager", QUICK).put_secret_value(SecretId="qol/collect/oura", SecretString=rotated)
    assert (announcing.post(key="new"), announcing.post()) == (200, 401)
    assert announcing.answered({"requestContext": _http("POST", "/another/webhook")}) == (404, "")


def test_what_cannot_be_queued_is_announced_again(
    announcing: Announcing, monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    monkeypatch.setenv("QOL_ANNOUNCEMENT_QUEUES", json.dumps({"oura": f"{announcing.queue}-gone"}))
    assert announcing.post() == 503
    monkeypatch.delenv("QOL_ANNOUNCEMENT_QUEUES")
    assert announcing.post() == 500
    assert ("announced again" in log.getvalue(), "CANARY" in log.getvalue()) == (True, False)
    client_secret.cache_clear()
    aws_client("secretsmanager", QUICK).delete_secret(SecretId="qol/collect/oura", ForceDeleteWithoutRecovery=True)
    assert announcing.post() == 503
