"""Writes to the user map's table: updates that read nothing and know no `user_id`, which the job assigns.

The function's role may name no attribute but those written here, so that a leaked one learns and changes no id.
"""

import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from qol.webhooks.bodies import DEREGISTRATIONS, Control, stamp
from qol_lambda.clients import CONDITION_FAILED, client, ignore_error
from qol_lambda.deadline import QUICK, Deadline, run_concurrently
from qol_lambda.settings import setting

CACHE_SECONDS = 600.0
MAX_CACHED_USERS = 100_000
PERMISSION = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_SOURCE = "garmin"
#: Attributes whose names are reserved words of DynamoDB.
_RESERVED = ("status", "permissions")
#: What makes an item whole where an update finds none.
_NEW = "registered_at = if_not_exists(registered_at, :now)"


def item_key(vendor_user_id: str) -> str:
    """The table's key of a Garmin user: the id, with its source in front when it contains a colon."""
    return f"{_SOURCE}:{vendor_user_id}" if ":" in vendor_user_id else vendor_user_id


@dataclass
class Registered:
    """Users that this function wrote lately, so that it need not write them with every delivery.

    They expire after ten minutes, so that a user whose entry was removed gets a new one.
    """

    written: dict[str, float] = field(default_factory=dict)

    def unknown(self, users: Iterable[str]) -> list[str]:
        """The users that have to be written."""
        now = time.monotonic()
        return [vendor for vendor in users if now - self.written.get(vendor, -CACHE_SECONDS) >= CACHE_SECONDS]

    def add(self, vendor_user_id: str) -> None:
        """Cache a written user."""
        if len(self.written) >= MAX_CACHED_USERS:
            self.written.clear()
        self.written[vendor_user_id] = time.monotonic()


def register(users: Iterable[str], now: datetime, registered: Registered, deadline: Deadline) -> None:
    """Create the missing entries of users; ClientError and other errors of the SDK when the table does not answer."""

    def enter(vendor_user_id: str) -> None:
        change = "SET #status = :status, registered_at = :now, last_change_at = :now"
        _update(
            vendor_user_id, change, {":status": "active", ":now": stamp(now)}, "attribute_not_exists(registered_at)"
        )
        registered.add(vendor_user_id)

    run_concurrently(enter, registered.unknown(users), deadline)


def apply_controls(controls: Iterable[Control], now: datetime, deadline: Deadline) -> None:
    """Write deregistrations and permission changes to the table, in the order they were sent."""
    for control in controls:
        deadline.check()
        (_deregister if control.record_type == DEREGISTRATIONS else _permit)(control, now)


def _deregister(control: Control, now: datetime) -> None:
    change = f"SET #status = :status, deregistered_at = :now, last_change_at = :now, {_NEW}"
    _update(control.vendor_user_id, change, {":status": "deregistered", ":now": stamp(now)})


def _permit(control: Control, now: datetime) -> None:
    """Write the permissions unless the table has newer ones; a user who permits something after leaving is active again."""
    changed: dict[str, Any] = {
        ":now": stamp(now), ":at": stamp(_changed_at(control.message, now)), ":status": "active"
    }  # fmt: skip
    permissions = _permissions(control.message.get("permissions"))
    values = {**changed, **({":permissions": permissions} if permissions else {})}
    change = (
        f"SET last_change_at = :now, permissions_changed_at = :at, #status = if_not_exists(#status, :status), {_NEW}"
    )
    change += ", #permissions = :permissions" if permissions else " REMOVE #permissions"
    _update(
        control.vendor_user_id,
        change,
        values,
        "attribute_not_exists(permissions_changed_at) OR permissions_changed_at <= :at",
    )
    if permissions:
        condition = "#status = :left AND deregistered_at < :at"
        back = {**changed, ":left": "deregistered"}
        _update(control.vendor_user_id, "SET #status = :status, last_change_at = :now", back, condition)


def _update(vendor_user_id: str, change: str, values: Mapping[str, Any], condition: str | None = None) -> None:
    """Change or create an entry; when the condition fails, the table has what is to stay."""
    expressions = f"{change} {condition or ''}"
    with ignore_error(CONDITION_FAILED):
        client("dynamodb", QUICK).update_item(
            TableName=setting("QOL_USER_MAP_TABLE"),
            Key=_typed({"garmin_user_id": item_key(vendor_user_id)}),
            UpdateExpression=change,
            ExpressionAttributeValues=_typed(values),
            ExpressionAttributeNames={f"#{name}": name for name in _RESERVED if f"#{name}" in expressions},
            **({"ConditionExpression": condition} if condition else {}),
        )


def _typed(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Strings, and lists of them, as DynamoDB takes them."""
    return {name: {"S" if isinstance(value, str) else "SS": value} for name, value in values.items()}


def _changed_at(message: Mapping[str, Any], now: datetime) -> datetime:
    """When the user changed it: Garmin's time, at most now; now when it has none."""
    seconds = message.get("changeTimeInSeconds")
    with suppress(TypeError, ValueError, OverflowError, OSError):
        return min(datetime.fromtimestamp(float(seconds), UTC), now)  # type: ignore[arg-type]
    return now


def _permissions(found: object) -> list[str]:
    """Names of permissions from a list or the text `[A, B]`, without anything that is not such a name."""
    names = found.strip("[] ").split(",") if isinstance(found, str) else found if isinstance(found, list) else []
    texts = {name.strip() for name in names if isinstance(name, str)}
    return sorted(name for name in texts if PERMISSION.fullmatch(name))
