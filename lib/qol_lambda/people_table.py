"""Writes to the user map's table: conditional and never with a look at what is there."""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from qol_lambda.bodies import DEREGISTRATIONS, Control, stamp
from qol_lambda.clients import error_code
from qol_lambda.settings import setting
from qol_lambda.within import Deadline, all_of, quick_client

ID_BYTES = 10
KEPT_SECONDS = 600.0
MOST_KEPT = 100_000
PERMISSION = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_SOURCE = "garmin"
#: Attributes whose names are words of DynamoDB's own language.
_RESERVED = ("status", "permissions")
#: What makes an item whole where an update finds none.
_NEW = "user_id = if_not_exists(user_id, :user), registered_at = if_not_exists(registered_at, :now)"


def new_user_id() -> str:
    """A random internal id, `u_` and 16 letters or digits; tells nothing about the person."""
    return "u_" + base64.b32encode(secrets.token_bytes(ID_BYTES)).decode().lower()


def item_key(vendor_user_id: str) -> str:
    """The table's key of a Garmin user: the id itself; with its source in front where it could be taken for another's."""
    return f"{_SOURCE}:{vendor_user_id}" if ":" in vendor_user_id else vendor_user_id


@dataclass
class Registered:
    """People this function knows to be in the table, so that it need not write them with every delivery.

    Forgotten after ten minutes: a person whose entry was removed gets a new one.
    """

    seen: dict[str, float] = field(default_factory=dict)

    def unknown(self, people: Iterable[str]) -> list[str]:
        """Those of the people that have to be written."""
        now = time.monotonic()
        return [vendor for vendor in people if now - self.seen.get(vendor, -KEPT_SECONDS) >= KEPT_SECONDS]

    def add(self, vendor_user_id: str) -> None:
        """Remember a person."""
        if len(self.seen) >= MOST_KEPT:
            self.seen.clear()
        self.seen[vendor_user_id] = time.monotonic()


def register(people: Iterable[str], now: datetime, registered: Registered, deadline: Deadline) -> None:
    """Give people an entry who have none; ClientError and other errors of the SDK when the table does not answer."""

    def put(vendor_user_id: str) -> None:
        item = {
            "garmin_user_id": item_key(vendor_user_id),
            "user_id": new_user_id(),
            "status": "active",
            "registered_at": stamp(now),
            "last_change_at": stamp(now),
        }
        with _unless_not_met():
            quick_client("dynamodb").put_item(
                TableName=setting("QOL_USER_MAP_TABLE"),
                Item={name: {"S": value} for name, value in item.items()},
                ConditionExpression="attribute_not_exists(garmin_user_id)",
            )
        registered.add(vendor_user_id)

    all_of(put, registered.unknown(people), deadline)


def apply_controls(controls: Iterable[Control], now: datetime, deadline: Deadline) -> None:
    """Bring deregistrations and permission changes into the table, one after the other as they were sent."""
    for control in controls:
        deadline.check()
        if control.kind == DEREGISTRATIONS:
            _deregister(control, now)
        else:
            _permit(control, now)


def _deregister(control: Control, now: datetime) -> None:
    _update(
        control,
        f"SET #status = :status, deregistered_at = :now, last_change_at = :now, {_NEW}",
        {":status": {"S": "deregistered"}, ":now": {"S": stamp(now)}, ":user": {"S": new_user_id()}},
    )


def _permit(control: Control, now: datetime) -> None:
    """Write the permissions unless newer ones are there; people who permit something after they left are back."""
    changed = {":now": {"S": stamp(now)}, ":at": {"S": stamp(_changed_at(control.message, now))}}
    permissions = _permissions(control.message.get("permissions"))
    values: dict[str, Any] = {**changed, ":user": {"S": new_user_id()}, ":status": {"S": "active"}}
    change = "SET #permissions = :permissions" if permissions else "REMOVE #permissions SET last_change_at = :now"
    if permissions:
        values[":permissions"] = {"SS": permissions}
        change += ", last_change_at = :now"
    change += f", permissions_changed_at = :at, #status = if_not_exists(#status, :status), {_NEW}"
    condition = "attribute_not_exists(permissions_changed_at) OR permissions_changed_at <= :at"
    _update(control, change, values, condition)
    if permissions:
        back = {**changed, ":status": {"S": "active"}, ":left": {"S": "deregistered"}}
        condition = "#status = :left AND deregistered_at < :at"
        _update(control, "SET #status = :status, last_change_at = :now", back, condition)


def _update(control: Control, change: str, values: Mapping[str, Any], condition: str | None = None) -> None:
    said = f"{change} {condition or ''}"
    with _unless_not_met():
        quick_client("dynamodb").update_item(
            TableName=setting("QOL_USER_MAP_TABLE"),
            Key={"garmin_user_id": {"S": item_key(control.vendor_user_id)}},
            UpdateExpression=change,
            ExpressionAttributeValues=values,
            ExpressionAttributeNames={f"#{name}": name for name in _RESERVED if f"#{name}" in said},
            **({"ConditionExpression": condition} if condition else {}),
        )


@contextmanager
def _unless_not_met() -> Iterator[None]:
    """Passes over a condition that was not met: what it asked for is there already, or something newer is."""
    try:
        yield
    except ClientError as err:
        if error_code(err) != "ConditionalCheckFailedException":
            raise


def _changed_at(message: Mapping[str, Any], now: datetime) -> datetime:
    """When the person changed it: as Garmin says, at most now; now where it says nothing of use."""
    seconds = message.get("changeTimeInSeconds")
    with suppress(TypeError, ValueError, OverflowError, OSError):
        return min(datetime.fromtimestamp(float(seconds), UTC), now)  # type: ignore[arg-type]
    return now


def _permissions(found: object) -> list[str]:
    """Names of permissions: a list, or the text `[A, B]`; anything that is no such name is left out."""
    names = found.strip("[] ").split(",") if isinstance(found, str) else found if isinstance(found, list) else []
    texts = {name.strip() for name in names if isinstance(name, str)}
    return sorted(name for name in texts if PERMISSION.fullmatch(name))
