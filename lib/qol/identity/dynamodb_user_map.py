"""The user map in DynamoDB: the webhook's receiver enters vendor ids while jobs run, and a job assigns their user ids.

It is read whole, and digested as far as it is settled. The order of the entries is that of `assigned_at`, which only jobs
write: whoever takes over the receiver can change neither an id nor the order.
"""

import base64
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from qol.aws.requests import RetryPolicy, aws_client
from qol.contracts.raw_values import CODE, identifier
from qol.errors import UsageError
from qol.identity.aws_errors import aws_errors
from qol.identity.periods import ALWAYS, Period, read_period
from qol.identity.user_map import Entry, Permitted, UserMap, entry_problem, find_overlap, microseconds, moment

SCHEME = "dynamodb:"
GARMIN = "garmin"
ID_BYTES = 10
#: Updates at once.
THREADS = 16
#: No later entry comes before one of this age: writers stamp entries in the seconds before they write them.
SETTLED_AFTER = timedelta(minutes=15)
STATUSES = ("active", "deregistered")
RETRY_POLICY = RetryPolicy(attempts=4, connect_seconds=5.0, read_seconds=20.0)
_CONFIGURATION_ERRORS = {
    "ResourceNotFoundException": "there is no such table in this region",
    "AccessDeniedException": "this role may not read or update it",
    "ValidationException": "not a name of a table",
}

_now = partial(datetime.now, UTC)
_Item = Mapping[str, Any]
#: Moment of assignment, key of the item, moment of registration, the map's entry, its period, when the user withdrew, and
#: the permissions that the user gives.
_Row = tuple[datetime, str, datetime, Entry, Period, int | None, Permitted | None]


def read_user_table(table: str, clock: Callable[[], datetime] = _now, *, assigns: bool = True) -> UserMap:
    """Every entry of the table, in the order of assignment; those without a user id get one, stored where `assigns`.

    Only the holder of the lake's lock may call this. Entries younger than 15 minutes are used, but a lake does not remember
    them yet: one that is being written may still come before them. UsageError names the table and what is wrong, never an
    id; QolError when the table does not answer. Time zones may change; ids may not. Items of one device that have a `from`
    differ by what follows `#` in their keys.
    """
    now = clock()
    return map_of_items(table, _assigned(table, list(scan_items(table)), now, stores=assigns), now)


def map_of_items(table: str, items: Iterable[_Item], now: datetime) -> UserMap:
    """The map that a table with these items is; UsageError as `read_user_table`."""
    rows = sorted((_row(table, item) for item in items), key=lambda row: row[:2])
    periods, left, given = tuple(r[4] for r in rows), tuple(r[5] for r in rows), tuple(r[6] for r in rows)
    user_map = UserMap(
        tuple(row[3] for row in rows),
        settled=sum(row[0] < now - SETTLED_AFTER for row in rows),
        registered=tuple(row[2].isoformat(timespec="seconds") for row in rows),
        pins_zones=False,
        periods=periods if any(period != ALWAYS for period in periods) else (),
        withdrawals=left if any(left) else (),
        permissions=given if any(given) else (),
    )
    overlap = find_overlap(user_map)
    if overlap is None:
        return user_map
    if ALWAYS in (periods[place] for place in overlap):
        raise _usage_error(table, "two items name the same vendor id", "one item each")
    found = f"{user_map.location(overlap[1])} has days that another has"
    raise _usage_error(table, found, "one person for a device and day")


def table_errors(table: str) -> AbstractContextManager[None]:
    """Requests to the table: UsageError for what is set up wrong, QolError when it does not answer."""
    allowed = "a table this role may read and update"
    return aws_errors(f"--user-map {SCHEME}{table}", "DynamoDB", _CONFIGURATION_ERRORS, allowed)


def scan_items(table: str) -> Iterator[_Item]:
    """All items, page by page, with consistent reads."""
    if not table:
        raise UsageError(f"--user-map {SCHEME}: names no table; allowed: {SCHEME}<table>")
    with table_errors(table):
        pages = aws_client("dynamodb", RETRY_POLICY).get_paginator("scan")
        for page in pages.paginate(TableName=table, ConsistentRead=True):
            yield from page["Items"]


def _assigned(table: str, items: list[_Item], now: datetime, *, stores: bool) -> list[_Item]:
    """The items, each with user id and moment of assignment, except those without a usable registration.

    The moment of an item that brought its id is its registration, so entries made by hand, or by earlier versions, keep
    their place. One update per item, which fails where it would replace a value.
    """

    def assign(item: _Item) -> _Item:
        if "user_id" in item:
            new = {"assigned_at": item["registered_at"]}
        else:
            new = {"user_id": {"S": _new_user_id()}, "assigned_at": {"S": now.isoformat(timespec="microseconds")}}
        if stores:
            missing = "".join(f" AND attribute_not_exists({name})" for name in new)
            aws_client("dynamodb", RETRY_POLICY).update_item(
                TableName=table,
                Key={"garmin_user_id": item["garmin_user_id"]},
                UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in new),
                ConditionExpression=f"attribute_exists(garmin_user_id){missing}",
                ExpressionAttributeValues={f":{name}": value for name, value in new.items()},
            )
        return {**item, **new}

    def is_new(item: _Item) -> bool:
        return "assigned_at" not in item and moment(item.get("registered_at", {}).get("S", "")) is not None

    with table_errors(table), ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda item: assign(item) if is_new(item) else item, items))


def _new_user_id() -> str:
    """A random internal id: `u_` and 16 letters or digits."""
    return "u_" + base64.b32encode(secrets.token_bytes(ID_BYTES)).decode().lower()


def _row(table: str, item: _Item) -> _Row:
    values = {name: value.get("S") or "" for name, value in item.items()}
    key, assigned = values.get("garmin_user_id", ""), moment(values.get("assigned_at"))
    registered = moment(values.get("registered_at")) or assigned
    if registered is None:
        raise _usage_error(table, "an item without a usable registered_at", "ISO 8601 with its zone")
    period = read_period(values)
    source, vendor = entry_of_item(item)
    user_id, timezone = values.get("user_id"), values.get("timezone")
    if not CODE.fullmatch(source) or vendor is None:
        problem: str | None = "garmin_user_id must be a Garmin id or <source>:<id>"
    elif values.get("status", STATUSES[0]) not in STATUSES:
        problem = f"status must be {' or '.join(STATUSES)}"
    else:
        problem = entry_problem(user_id, timezone, period)
    if problem is not None:
        raise _usage_error(table, f"item registered at {registered.isoformat(timespec='microseconds')}", problem)
    entry = (source, str(vendor), str(user_id), timezone)
    left, given = microseconds(_withdrawn(item, values)), _permitted(item, values)
    return assigned or registered, key, registered, entry, period or ALWAYS, left, given


def _withdrawn(item: _Item, values: Mapping[str, str]) -> datetime | None:
    """Since when nothing that arrives is kept: the user left, or permits nothing any more; None while data may come."""
    if values.get("status") == STATUSES[1]:
        return moment(values.get("deregistered_at")) or moment(values.get("last_change_at"))
    permits_nothing = "permissions_changed_at" in item and "permissions" not in item
    return moment(values.get("permissions_changed_at")) if permits_nothing else None


def _permitted(item: _Item, values: Mapping[str, str]) -> Permitted | None:
    """Since when a user gives which permissions; None where the table does not say."""
    since = microseconds(moment(values.get("permissions_changed_at")))
    names = item.get("permissions", {}).get("SS")
    return (since, frozenset(names)) if since is not None and names else None


def entry_of_item(item: _Item) -> tuple[str, str | None]:
    """Source and vendor id of an item."""
    key = item.get("garmin_user_id", {}).get("S", "")
    return source_and_id(key.partition("#")[0] if "from" in item else key)


def source_and_id(key: str) -> tuple[str, str | None]:
    """Source and vendor id of an item's key."""
    source, colon, rest = key.partition(":")
    return (source, identifier(rest)) if colon else (GARMIN, identifier(key))


def _usage_error(table: str, found: str, allowed: str) -> UsageError:
    return UsageError(f"--user-map {SCHEME}{table}: {found}; allowed: {allowed}")
