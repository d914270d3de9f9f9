"""Items of the lock table: which weeks were started, which notifications were sent. Writes are conditional."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from qol_lambda.clients import CONDITION_FAILED, client, ignore_error
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
    condition = {
        "ConditionExpression": "attribute_not_exists(#name) OR (attribute_not_exists(#done) AND taken_at < :stale)",
        "ExpressionAttributeNames": {"#name": "name", "#done": done},
        "ExpressionAttributeValues": {":stale": {"S": _stamp(now - ALIVE)}},
    }
    with ignore_error(CONDITION_FAILED):
        return True, replace(name, now, condition, **values)
    return False, find(name) or {}


def replace(name: str, now: datetime, condition: Mapping[str, Any] | None = None, **values: str) -> Item:
    """Write the item over an existing one, and return that."""
    return _put({"name": name, "taken_at": _stamp(now), **values}, now, condition or {})


def complete(name: str, now: datetime, attribute: str, value: str) -> None:
    """Write the attribute that marks the item as done; `now` is when the item was taken."""
    condition = _still_taken(now)
    condition["ExpressionAttributeValues"][":value"] = {"S": value}
    client("dynamodb").update_item(**_at(name), UpdateExpression=f"SET {attribute} = :value", **condition)


def release(name: str, now: datetime, before: Item) -> None:
    """Restore the item before, if the item is still the one taken at `now`."""
    with ignore_error(CONDITION_FAILED):
        if before:
            _put(before, now, _still_taken(now))
        else:
            client("dynamodb").delete_item(**_at(name), **_still_taken(now))


def find(name: str) -> Item | None:
    """The item as it is now, or None."""
    found = client("dynamodb").get_item(**_at(name), ConsistentRead=True)
    return _plain(found["Item"]) if "Item" in found else None


def note_alert(week: str, about: str, now: datetime) -> None:
    """Record that a notification about a week was sent, so that the watchdog sends no other."""
    replace(f"alert#{week}", now, about=about)


def alerted_at(week: str) -> datetime | None:
    """When the last notification about a week was sent, or None."""
    item = find(f"alert#{week}")
    return datetime.fromisoformat(item["taken_at"]) if item else None


def _put(item: Item, now: datetime, condition: Mapping[str, Any]) -> Item:
    typed: dict[str, Any] = {key: {"S": value} for key, value in item.items()}
    typed["expires_at"] = {"N": str(int((now + KEEP).timestamp()))}
    table = setting("QOL_LOCK_TABLE")
    answer = client("dynamodb").put_item(TableName=table, Item=typed, ReturnValues="ALL_OLD", **condition)
    return _plain(answer.get("Attributes", {}))


def _at(name: str) -> dict[str, Any]:
    return {"TableName": setting("QOL_LOCK_TABLE"), "Key": {"name": {"S": name}}}


def _still_taken(now: datetime) -> dict[str, Any]:
    """The condition that the item is the one taken at `now`."""
    return {"ConditionExpression": "taken_at = :taken", "ExpressionAttributeValues": {":taken": {"S": _stamp(now)}}}


def _plain(item: Mapping[str, Mapping[str, str]]) -> Item:
    return {key: value["S"] for key, value in item.items() if "S" in value}


def _stamp(now: datetime) -> str:
    """ISO 8601 in UTC, which sorts by time."""
    return now.astimezone(UTC).isoformat(timespec="microseconds")
