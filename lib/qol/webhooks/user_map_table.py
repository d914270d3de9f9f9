"""Writes of Garmin's receivers to the user map's table: updates that read nothing and know no `user_id`, which the job assigns.

Their roles may name no attribute but those written here, so that a leaked receiver changes no id.
"""

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from qol.aws.requests import aws_client
from qol.webhooks.bodies import DEREGISTRATIONS, Control, stamp
from qol.webhooks.deadline import QUICK, Deadline, run_concurrently

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
    """Users that this process wrote lately, so that it need not write them with every delivery.

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


@dataclass(frozen=True)
class UserMapTable:
    """The table by its name, which of some accounts are erased, and the users that were written lately."""

    name: str
    erased_among: Callable[[Iterable[str]], Collection[str]]
    registered: Registered

    def update(self, users: Collection[str], controls: Collection[Control], now: datetime, deadline: Deadline) -> None:
        """Write what the controls say, in their order, and create the missing entries of users; none of erased accounts.

        To be called before a delivery is stored: a job lists raw objects before it reads the map, so every user of a listed
        object is in it. ClientError and other errors of the SDK when the table does not answer.
        """
        erased = self.erased_among({*users, *(control.vendor_user_id for control in controls)})
        aws_client("dynamodb", QUICK)  # created here once, not by every thread
        for control in controls:
            deadline.check()
            if control.vendor_user_id not in erased:
                (_deregister if control.record_type == DEREGISTRATIONS else _permit)(self.name, control, now)
        new = self.registered.unknown(vendor for vendor in users if vendor not in erased)
        run_concurrently(partial(self._register, now=now), new, deadline)

    def _register(self, vendor_user_id: str, now: datetime) -> None:
        change = "SET #status = :status, registered_at = :now, last_change_at = :now"
        values = {":status": "active", ":now": stamp(now)}
        _update(self.name, vendor_user_id, change, values, "attribute_not_exists(registered_at)")
        self.registered.add(vendor_user_id)


def _deregister(table: str, control: Control, now: datetime) -> None:
    change = f"SET #status = :status, deregistered_at = :now, last_change_at = :now, {_NEW}"
    _update(table, control.vendor_user_id, change, {":status": "deregistered", ":now": stamp(now)})


def _permit(table: str, control: Control, now: datetime) -> None:
    """Write the permissions unless the table has newer ones; a user who permits something after leaving is active again."""
    changed: dict[str, Any] = {":now": stamp(now), ":at": stamp(changed_at(control, now)), ":status": "active"}
    permissions = permissions_of(control)
    values = {**changed, **({":permissions": permissions} if permissions else {})}
    change = (
        f"SET last_change_at = :now, permissions_changed_at = :at, #status = if_not_exists(#status, :status), {_NEW}"
    )
    change += ", #permissions = :permissions" if permissions else " REMOVE #permissions"
    is_newest = "attribute_not_exists(permissions_changed_at) OR permissions_changed_at <= :at"
    _update(table, control.vendor_user_id, change, values, is_newest)
    if permissions:
        condition = "#status = :left AND deregistered_at < :at"
        back = {**changed, ":left": "deregistered"}
        _update(table, control.vendor_user_id, "SET #status = :status, last_change_at = :now", back, condition)


def _update(
    table: str, vendor_user_id: str, change: str, values: Mapping[str, Any], condition: str | None = None
) -> None:
    """Change or create an entry; when the condition fails, the table has what is to stay."""
    expressions, client = f"{change} {condition or ''}", aws_client("dynamodb", QUICK)
    with suppress(client.exceptions.ConditionalCheckFailedException):
        client.update_item(
            TableName=table,
            Key=_typed({"garmin_user_id": item_key(vendor_user_id)}),
            UpdateExpression=change,
            ExpressionAttributeValues=_typed(values),
            ExpressionAttributeNames={f"#{name}": name for name in _RESERVED if f"#{name}" in expressions},
            **({"ConditionExpression": condition} if condition else {}),
        )


def _typed(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Strings, and lists of them, as DynamoDB takes them."""
    return {name: {"S" if isinstance(value, str) else "SS": value} for name, value in values.items()}


def changed_at(control: Control, now: datetime) -> datetime:
    """When the user changed permissions: Garmin's time, at most now; now when the message has none."""
    seconds = control.message.get("changeTimeInSeconds")
    with suppress(TypeError, ValueError, OverflowError, OSError):
        return min(datetime.fromtimestamp(float(seconds), UTC), now)  # type: ignore[arg-type]
    return now


def permissions_of(control: Control) -> list[str]:
    """Names of permissions, from a list or the text `[A, B]`, without anything that is not such a name."""
    found = control.message.get("permissions")
    names = found.strip("[] ").split(",") if isinstance(found, str) else found if isinstance(found, list) else []
    texts = {name.strip() for name in names if isinstance(name, str)}
    return sorted(name for name in texts if PERMISSION.fullmatch(name))
