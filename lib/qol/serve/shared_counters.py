"""Counters of requests in DynamoDB, `<prefix>-limits` with key `name` and TTL attribute `expires_at`: one read, one write."""

import math
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from qol.aws.requests import RetryPolicy, aws_client
from qol.state import StateError

#: A request must not wait long for its own counting.
POLICY = RetryPolicy(attempts=1, connect_seconds=0.5, read_seconds=1.0)


class SharedCounters:
    """What a sliding window of `limits` needs of a storage: the count of this window, and that of the one before."""

    def __init__(self, prefix: str) -> None:
        self._table = f"{prefix}-limits"

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request unless it is one too many; whether it was counted. StateError when the table does not answer."""
        previous, weight, _, _ = self.get_sliding_window(key, expiry)
        room = math.floor(limit - previous * weight / expiry - amount)
        if room < 0:
            return False
        window = int(time.time() // expiry)
        try:
            self._client.update_item(
                TableName=self._table, Key=_at(key, window),
                UpdateExpression="ADD hits :amount SET expires_at = :end",
                ConditionExpression="attribute_not_exists(hits) OR hits <= :room",
                ExpressionAttributeValues=_numbers({":amount": amount, ":room": room, ":end": (window + 3) * expiry}),
            )  # fmt: skip
        except ClientError as err:
            if err.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise StateError("the counters do not answer") from None
        except BotoCoreError:
            raise StateError("the counters do not answer") from None
        return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Requests of the window before and for how long they count on, and of this window; the last is how long it has."""
        now = time.time()
        window = int(now // expiry)
        left = (window + 1) * expiry - now
        try:
            answer = self._client.get_item(TableName=self._table, Key=_at(key, window - 1))
        except (ClientError, BotoCoreError):
            raise StateError("the counters do not answer") from None
        previous = int(answer.get("Item", {}).get("hits", {}).get("N", 0))
        return previous, left, 0, left + expiry

    @property
    def _client(self) -> Any:
        return aws_client("dynamodb", POLICY)


def _at(key: str, window: int) -> dict[str, Any]:
    return {"name": {"S": f"{key}/{window}"}}


def _numbers(values: dict[str, int]) -> dict[str, Any]:
    return {name: {"N": str(value)} for name, value in values.items()}
