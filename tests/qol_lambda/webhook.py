"""A small account for the webhook, saved events with bodies of Garmin's shape, and stores that fail when told to."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qol.aws.requests import aws_client
from qol.webhooks.deadline import QUICK
from qol_lambda.receiver import receive
from tests.edges import contents

CASES = Path(__file__).parent / "cases" / "webhook"
TOKEN, OLD_TOKEN, CLIENT = "current-token-of-43-characters", "previous-token-of-43-characters", "client-1"
SECRET = {"tokens": [TOKEN, OLD_TOKEN], "client_ids": [CLIENT]}
#: Wednesday 09:05 in Tokyo, still Tuesday's UTC night in no zone that matters: the UTC day is the 18th.
NOW = datetime(2026, 11, 18, 0, 5, 3, 250, tzinfo=UTC)
STAMP = "2026-11-18T00:05:03.000250Z"
#: People of the saved bodies.
ONE, TWO = "9f3c0d1e-person-one", "71ab22c9-person-two"


def body(name: str) -> bytes:
    """A saved body."""
    return (CASES / name).read_bytes()


def event(data: bytes, token: str = TOKEN, client: str | None = CLIENT, *, as_base64: bool = False) -> dict[str, Any]:
    """The saved event with a body, a token and a client id."""
    found: dict[str, Any] = json.loads((CASES / "event.json").read_text(encoding="utf-8").replace("PATH-TOKEN", token))
    del found["headers"]["garmin-client-id"]
    if client is not None:
        found["headers"]["garmin-client-id"] = client
    found["body"] = base64.b64encode(data).decode() if as_base64 else data.decode("utf-8", "surrogatepass")
    found["isBase64Encoded"] = as_base64
    return found


@dataclass
class Webhook:
    """The receiver with its bucket, table and secret."""

    def post(self, data: bytes | str, now: datetime = NOW, **how: Any) -> int:
        """The status of a posted body; its answer never has one of its own."""
        data = body(data) if isinstance(data, str) else data
        answer = receive(event(data, **how), now)
        assert answer["body"] == ""
        return int(answer["statusCode"])

    def stored(self) -> dict[str, bytes]:
        """Every object of the bucket by its key below the lake's prefix."""
        return contents(aws_client("s3", QUICK), "lake", "p/")

    def lines(self) -> list[Any]:
        """The raw lines, parsed."""
        found = [data for key, data in self.stored().items() if key.startswith("raw/daily/date=")]
        return [json.loads(line) for data in found for line in data.splitlines()]

    def people(self) -> dict[str, dict[str, Any]]:
        """The map's items by their key."""
        items = aws_client("dynamodb", QUICK).scan(TableName="user_id_map")["Items"]
        plain = [{name: next(iter(value.values())) for name, value in item.items()} for item in items]
        return {item["garmin_user_id"]: item for item in plain}

    def set_secret(self, value: Mapping[str, Any] | str) -> None:
        """Put another value into the secret."""
        text = value if isinstance(value, str) else json.dumps(value)
        aws_client("secretsmanager", QUICK).put_secret_value(SecretId="qol/garmin-webhook", SecretString=text)


def failing(monkeypatch: pytest.MonkeyPatch, operation: str, *calls: int, code: str = "InternalError") -> None:
    """Make an operation of the functions' client fail at some of its calls, counted from 1."""
    client, numbers = aws_client("s3" if operation.endswith("_object") else "dynamodb", QUICK), count(1)
    real = getattr(client, operation)

    def call(**values: Any) -> Any:
        if next(numbers) in calls:
            raise ClientError({"Error": {"Code": code, "Message": "person-one CANARY"}}, operation)
        return real(**values)

    monkeypatch.setattr(client, operation, call)
