"""Items of the lock table: which weeks were started, which notifications were sent. Writes are conditional."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from qol_lambda.clients import client, error_code
from qol_lambda.settings import setting

#: Items expire after this time.
KEEP = timedelta(days=90)
#: No function runs longer; an older item that was not completed is of a function that died.
ALIVE = timedelta(seconds=50)

Item = dict[str, str]


def take(name: str, now: datetime, done: str, **values: str) -> tuple[bool, Item]:
    """Whether the item `name` was taken, and the item before.

    It is taken when there was none, or one without the attribute `done` whose function must have died.
    """
    item = {"name": name, "taken_at": _stamp(now), **values}
    condition = "attribute_not_exists(#name) OR (attribute_not_exists(#done) AND taken_at < :stale)"
    try:
        before = _put(
            item,
            now,
            ConditionExpression=condition,
            ExpressionAttributeNames={"#name": "name", "#done": done},
            ExpressionAttributeValues={":stale": {"S": _stamp(now - ALIVE)}},
        )
    except ClientError as err:
        if error_code(err) != "ConditionalCheckFailedException":
            raise
        return False, find(name) or {}
    return True, before


def replace(name: str, now: datetime, **values: str) -> Item:
    """Write the item over an existing one, and return that."""
    return _put({"name": name, "taken_at": _stamp(now), **values}, now)


def complete(name: str, now: datetime, attribute: str, value: str) -> None:
    """Write the attribute that marks the item as done; `now` is when the item was taken."""
    _update(name, now, f"SET {attribute} = :value", {":value": {"S": value}})


def release(name: str, now: datetime, before: Item) -> None:
    """Restore the item before, if the item is still the one taken at `now`."""
    own = {":taken": {"S": _stamp(now)}}
    where: dict[str, Any] = {"TableName": _table(), "ConditionExpression": "taken_at = :taken"}
    try:
        if before:
            again: dict[str, Any] = {attribute: {"S": value} for attribute, value in before.items()}
            again["expires_at"] = _expiry(now)
            client("dynamodb").put_item(Item=again, ExpressionAttributeValues=own, **where)
        else:
            client("dynamodb").delete_item(Key={"name": {"S": name}}, ExpressionAttributeValues=own, **where)
    except ClientError as err:
        if error_code(err) != "ConditionalCheckFailedException":
            raise


def find(name: str) -> Item | None:
    """The item as it is now, or None."""
    found = client("dynamodb").get_item(TableName=_table(), Key={"name": {"S": name}}, ConsistentRead=True)
    return _plain(found["Item"]) if "Item" in found else None


def note_alert(week: str, about: str, now: datetime) -> None:
    """Record that a notification about a week was sent, so that the watchdog sends no other."""
    replace(f"alert#{week}", now, about=about)


def alerted_at(week: str) -> datetime | None:
    """When the last notification about a week was sent, or None."""
    item = find(f"alert#{week}")
    return datetime.fromisoformat(item["taken_at"]) if item else None


def _put(item: Item, now: datetime, **condition: Any) -> Item:
    typed: dict[str, Any] = {key: {"S": value} for key, value in item.items()}
    typed["expires_at"] = _expiry(now)
    answer = client("dynamodb").put_item(TableName=_table(), Item=typed, ReturnValues="ALL_OLD", **condition)
    return _plain(answer.get("Attributes", {}))


def _update(name: str, now: datetime, expression: str, values: dict[str, Any]) -> None:
    client("dynamodb").update_item(
        TableName=_table(),
        Key={"name": {"S": name}},
        UpdateExpression=expression,
        ConditionExpression="taken_at = :taken",
        ExpressionAttributeValues={**values, ":taken": {"S": _stamp(now)}},
    )


def _plain(item: Mapping[str, Mapping[str, str]]) -> Item:
    return {key: value["S"] for key, value in item.items() if "S" in value}


def _expiry(now: datetime) -> dict[str, str]:
    return {"N": str(int((now + KEEP).timestamp()))}


def _stamp(now: datetime) -> str:
    """ISO 8601 in UTC, which sorts by time."""
    return now.astimezone(UTC).isoformat(timespec="microseconds")


def _table() -> str:
    return setting("QOL_LOCK_TABLE")
