"""Items of the lock table: which week was kicked, which messages were sent. All writes are conditional."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from qol_lambda.clients import client, error_code
from qol_lambda.settings import setting

#: The table forgets items after this long.
KEEP = timedelta(days=90)
#: No function that takes an item runs longer; an older one that was not completed was left behind by a dead function.
ALIVE = timedelta(seconds=50)

Item = dict[str, str]


def take(name: str, now: datetime, done: str, **values: str) -> tuple[bool, Item]:
    """Whether the item `name` is now ours, and what was there before.

    It is ours when there was none, or one that never got the attribute `done` and whose taker must be dead.
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
    """Write the item whatever is there, and return what was."""
    return _put({"name": name, "taken_at": _stamp(now), **values}, now)


def complete(name: str, now: datetime, attribute: str, value: str) -> None:
    """Write the attribute that says the item's purpose was reached; `now` is when the item was taken."""
    _update(name, now, f"SET {attribute} = :value", {":value": {"S": value}})


def release(name: str, now: datetime, before: Item) -> None:
    """Give back an item taken at `now`: what was there before is there again. Nothing happens when it is no longer ours."""
    mine = {":mine": {"S": _stamp(now)}}
    where: dict[str, Any] = {"TableName": _table(), "ConditionExpression": "taken_at = :mine"}
    try:
        if before:
            again: dict[str, Any] = {attribute: {"S": value} for attribute, value in before.items()}
            again["expires_at"] = _expiry(now)
            client("dynamodb").put_item(Item=again, ExpressionAttributeValues=mine, **where)
        else:
            client("dynamodb").delete_item(Key={"name": {"S": name}}, ExpressionAttributeValues=mine, **where)
    except ClientError as err:
        if error_code(err) != "ConditionalCheckFailedException":
            raise


def find(name: str) -> Item | None:
    """The item as it is now, or None."""
    found = client("dynamodb").get_item(TableName=_table(), Key={"name": {"S": name}}, ConsistentRead=True)
    return _plain(found["Item"]) if "Item" in found else None


def note_alert(week: str, about: str, now: datetime) -> None:
    """Remember that people were told about a week, so that the watchdog need not tell them again."""
    replace(f"alert#{week}", now, about=about)


def alerted_at(week: str) -> datetime | None:
    """When people were last told about a week, or None."""
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
        ConditionExpression="taken_at = :mine",
        ExpressionAttributeValues={**values, ":mine": {"S": _stamp(now)}},
    )


def _plain(item: Mapping[str, Mapping[str, str]]) -> Item:
    return {key: value["S"] for key, value in item.items() if "S" in value}


def _expiry(now: datetime) -> dict[str, str]:
    return {"N": str(int((now + KEEP).timestamp()))}


def _stamp(now: datetime) -> str:
    """A text that sorts as the time does."""
    return now.astimezone(UTC).isoformat(timespec="microseconds")


def _table() -> str:
    return setting("QOL_LOCK_TABLE")
