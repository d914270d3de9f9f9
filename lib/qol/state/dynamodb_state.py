"""State in DynamoDB: a table per kind, `<prefix>-<kind>`, with keys `owner` and `name` and the TTL attribute `expires_at`."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from qol.aws.requests import RetryPolicy, aws_client
from qol.state.store import Item, Kind, StateError

POLICY = RetryPolicy(attempts=3, connect_seconds=2.0, read_seconds=5.0)
#: Parts of a table that are scanned at once.
SEGMENTS = 8
_CONDITION_FAILED = "ConditionalCheckFailedException"
_NAMES = {"#owner": "owner", "#name": "name"}


class DynamoDBState:
    """Documents as items; every write has a condition, every read is consistent."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def get(self, kind: Kind, owner: str, name: str) -> Item | None:
        """A document that has not expired, or None."""
        with _state_errors():
            answer = self._client.get_item(TableName=self._table(kind), Key=_at(owner, name), ConsistentRead=True)
        found = answer.get("Item")
        return None if found is None or _is_over(found) else _item(found)

    def items(self, kind: Kind, owner: str, after: str = "", limit: int = 100) -> list[Item]:
        """An owner's documents by name."""
        found: list[Item] = []
        condition, values = "#owner = :owner", {":owner": {"S": owner}}
        names = {"#owner": "owner"}
        if after:
            condition, names = f"{condition} AND #name > :after", _NAMES
            values[":after"] = {"S": after}
        with _state_errors():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table(kind), KeyConditionExpression=condition, ExpressionAttributeNames=names,
                ExpressionAttributeValues=values, ConsistentRead=True, PaginationConfig={"PageSize": limit},
            )  # fmt: skip
            for page in pages:
                found += [_item(one) for one in page["Items"] if not _is_over(one)]
                if len(found) >= limit:
                    break
        return found[:limit]

    def owners(self, kind: Kind) -> set[str]:
        """Every owner of documents of a kind."""

        def of_segment(segment: int) -> set[str]:
            pages = client.get_paginator("scan").paginate(
                TableName=self._table(kind), ProjectionExpression="#owner", ExpressionAttributeNames={"#owner": "owner"},
                ConsistentRead=True, Segment=segment, TotalSegments=SEGMENTS,
            )  # fmt: skip
            return {item["owner"]["S"] for page in pages for item in page["Items"]}

        client = self._client
        with _state_errors(), ThreadPoolExecutor(SEGMENTS) as pool:
            return set().union(*pool.map(of_segment, range(SEGMENTS)))

    def create(self, kind: Kind, owner: str, name: str, body: dict[str, Any], *, expires: int | None = None) -> bool:
        """Store a new document; False when there is one."""
        condition = "attribute_not_exists(#name) OR expires_at <= :now"
        return self._put(kind, _row(owner, name, body, 1, expires), condition, {":now": {"N": str(int(time.time()))}})

    def replace(
        self, kind: Kind, owner: str, name: str, body: dict[str, Any], version: int, *, expires: int | None = None
    ) -> bool:
        """Store a document over the one of that version."""
        row = _row(owner, name, body, version + 1, expires)
        return self._put(kind, row, "#name = :name AND version = :version", _of_version(version, name))

    def delete(self, kind: Kind, owner: str, name: str, version: int | None = None) -> bool:
        """Remove a document."""
        condition, values = "#name = :name", {":name": {"S": name}}
        if version is not None:
            condition, values = f"{condition} AND version = :version", _of_version(version, name)
        return self._is_done(
            "delete_item", TableName=self._table(kind), Key=_at(owner, name), ConditionExpression=condition,
            ExpressionAttributeNames={"#name": "name"}, ExpressionAttributeValues=values,
        )  # fmt: skip

    def purge(self, kind: Kind, owner: str) -> int:
        """Remove every document of an owner."""
        removed = 0
        while found := self.items(kind, owner):
            removed += sum(self.delete(kind, owner, item.name) for item in found)
        return removed

    def remove_expired(self) -> None:
        """The tables' TTL does that."""

    def close(self) -> None:
        """Clients are shared and stay."""

    @property
    def _client(self) -> Any:
        return aws_client("dynamodb", POLICY)

    def _table(self, kind: Kind) -> str:
        return f"{self.prefix}-{kind}"

    def _put(self, kind: Kind, row: dict[str, Any], condition: str, values: dict[str, Any]) -> bool:
        return self._is_done(
            "put_item", TableName=self._table(kind), Item=row, ConditionExpression=condition,
            ExpressionAttributeNames={"#name": "name"}, ExpressionAttributeValues=values,
        )  # fmt: skip

    def _is_done(self, operation: str, **options: Any) -> bool:
        """Whether the condition of a write held."""
        try:
            with _state_errors():
                getattr(self._client, operation)(**options)
        except _ConditionError:
            return False
        return True


class _ConditionError(Exception):
    """When the condition of a write does not hold."""


@contextmanager
def _state_errors() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as err:
        code = err.response["Error"]["Code"] if isinstance(err, ClientError) else type(err).__name__
        if code == _CONDITION_FAILED:
            raise _ConditionError from None
        raise StateError(f"the state's tables do not answer ({code})") from None


def _at(owner: str, name: str) -> dict[str, Any]:
    return {"owner": {"S": owner}, "name": {"S": name}}


def _of_version(version: int, name: str) -> dict[str, Any]:
    return {":version": {"N": str(version)}, ":name": {"S": name}}


def _row(owner: str, name: str, body: dict[str, Any], version: int, expires: int | None) -> dict[str, Any]:
    row = {**_at(owner, name), "version": {"N": str(version)}, "body": {"S": json.dumps(body, separators=(",", ":"))}}
    return row if expires is None else {**row, "expires_at": {"N": str(expires)}}


def _is_over(found: dict[str, Any]) -> bool:
    return "expires_at" in found and int(found["expires_at"]["N"]) <= time.time()


def _item(found: dict[str, Any]) -> Item:
    return Item(found["name"]["S"], json.loads(found["body"]["S"]), int(found["version"]["N"]))
