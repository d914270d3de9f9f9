"""Tokens in a DynamoDB table, encrypted under the identified key: hash key `source`, range key `user_id`."""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from botocore.exceptions import ClientError

from qol.aws.requests import RetryPolicy, aws_client
from qol.collect.refusals import RefusedError
from qol.collect.tokens import DYNAMODB, Token
from qol.identity.aws_errors import aws_errors

_POLICY = RetryPolicy(attempts=4, connect_seconds=5.0, read_seconds=20.0)
_ERRORS = {
    "ResourceNotFoundException": "there is no such table in this region",
    "AccessDeniedException": "this role may not read or update it",
    "ValidationException": "not a table with the keys source and user_id",
}
#: How long a process may take to refresh, and how often another one looks whether it has finished.
_LEASE_SECONDS, _LOOK_SECONDS = 60.0, 0.2


class TokenTable:
    """The items of one source."""

    def __init__(self, table: str, source: str) -> None:
        self._table, self._source = table, source

    def users(self) -> Sequence[str]:
        """Vendor ids, sorted."""
        with self._errors():
            pages = aws_client("dynamodb", _POLICY).get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="#source = :source",
                Select="SPECIFIC_ATTRIBUTES",  # the job of erasures may not read tokens
                ProjectionExpression="user_id",
                ExpressionAttributeNames={"#source": "source"},
                ExpressionAttributeValues={":source": {"S": self._source}},
            )  # fmt: skip
            return [item["user_id"]["S"] for page in pages for item in page["Items"]]

    def get(self, user_id: str) -> Token | None:
        """The tokens of an item, read consistently."""
        with self._errors():
            answer = aws_client("dynamodb", _POLICY).get_item(**self._place(user_id), ConsistentRead=True)
        item = answer.get("Item", {})
        if "access_token" not in item:
            return None
        given = {name: item[name]["S"] for name in ("access_token", "refresh_token") if name in item}
        ends = float(item["expires_at"]["N"]) if "expires_at" in item else None
        return Token(user_id, given["access_token"], given.get("refresh_token"), ends)

    def put(self, token: Token) -> None:
        """Replace the tokens of an item; its lease stays."""
        given: dict[str, dict[str, str]] = {":access": {"S": token.access_token}}
        sets, removes = ["access_token = :access"], []
        for name, value in (("refresh_token", token.refresh_token), ("expires_at", token.expires_at)):
            if value is None:
                removes.append(name)
            else:
                sets.append(f"{name} = :{name}")
                given[f":{name}"] = {"S" if isinstance(value, str) else "N": str(value)}
        update = f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else "")
        self._update(token.user_id, UpdateExpression=update, ExpressionAttributeValues=given)

    def remove(self, user_id: str) -> bool:
        """Remove an item."""
        return self._write("delete_item", user_id, ConditionExpression="attribute_exists(user_id)")

    @contextmanager
    def locked(self, user_id: str) -> Iterator[None]:
        """Hold the item's lease; it ends by itself when its holder dies. RefusedError when another keeps it for long."""
        owner, until = secrets.token_hex(8), time.monotonic() + 2 * _LEASE_SECONDS
        while not self._lease(user_id, owner) and self.get(user_id) is not None:
            if time.monotonic() > until:
                raise RefusedError("unreachable", "another process keeps the right to refresh")
            time.sleep(_LOOK_SECONDS)
        try:
            yield
        finally:
            self._update(
                user_id,
                UpdateExpression="REMOVE lease_owner, lease_until",
                ConditionExpression="lease_owner = :owner",
                ExpressionAttributeValues={":owner": {"S": owner}},
            )

    def _lease(self, user_id: str, owner: str) -> bool:
        now = time.time()
        return self._update(
            user_id,
            UpdateExpression="SET lease_owner = :owner, lease_until = :until",
            ConditionExpression="attribute_exists(access_token) AND (attribute_not_exists(lease_until) OR lease_until < :now)",
            ExpressionAttributeValues={
                ":owner": {"S": owner}, ":until": {"N": str(now + _LEASE_SECONDS)}, ":now": {"N": str(now)},
            },
        )  # fmt: skip

    def _update(self, user_id: str, **update: Any) -> bool:
        """Update an item; whether its condition held."""
        return self._write("update_item", user_id, **update)

    def _write(self, act: Literal["update_item", "delete_item"], user_id: str, **asked: Any) -> bool:
        with self._errors():
            try:
                getattr(aws_client("dynamodb", _POLICY), act)(**self._place(user_id), **asked)
            except ClientError as err:
                if err.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def _place(self, user_id: str) -> Mapping[str, Any]:
        return {"TableName": self._table, "Key": {"source": {"S": self._source}, "user_id": {"S": user_id}}}

    def _errors(self) -> Any:
        return aws_errors(
            f"--tokens {DYNAMODB}{self._table}", "DynamoDB", _ERRORS, "a table this role may read and update"
        )
