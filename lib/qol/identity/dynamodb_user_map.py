"""The user map in DynamoDB, which the webhook's receiver fills while jobs run: read whole, and only its settled part is pinned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from qol.contracts.raw_values import CODE, identifier, is_zone
from qol.errors import QolError, UsageError
from qol.identity.periods import ALWAYS, Period, read_period
from qol.identity.periods import PROBLEM as PERIOD_PROBLEM
from qol.identity.user_map import Entry, UserMap, find_overlap
from qol.lake.s3_client import NO_CREDENTIALS, NOBODY, Patience, aws_client

SCHEME = "dynamodb:"
GARMIN = "garmin"
#: An entry this old stays where it is in the order: writers stamp entries in the seconds before they write them.
SETTLED_AFTER = timedelta(minutes=15)
STATUSES = ("active", "deregistered")
PATIENCE = Patience(attempts=4, connect_seconds=5.0, read_seconds=20.0)
#: What an operator has to mend; anything else may pass by itself.
_CONFIGURATION_ERRORS = {
    "ResourceNotFoundException": "there is no such table in this region",
    "AccessDeniedException": "this role may not read it",
    "ValidationException": "not a name of a table",
}

#: Moment of registration, key of the item, the map's entry and its days.
_Row = tuple[datetime, str, Entry, Period]


def _now() -> datetime:
    return datetime.now(UTC)


def read_user_table(table: str, clock: Callable[[], datetime] = _now) -> UserMap:
    """Every entry of the table, in the order of registration.

    Entries that are younger than 15 minutes count as all others do, but a lake does not remember them yet: one that is
    being written may still come before them. UsageError names the table and what is wrong, never an id; QolError when
    the table does not answer. Time zones may change; ids may not. Items of one device that have a `from` are told apart by
    what follows `#` in their keys.
    """
    settled_until = clock() - SETTLED_AFTER
    rows = sorted(_row(table, item) for item in _scan(table))
    periods = tuple(row[3] for row in rows)
    user_map = UserMap(
        tuple(row[2] for row in rows),
        settled=sum(row[0] < settled_until for row in rows),
        registered=tuple(row[0].isoformat(timespec="seconds") for row in rows),
        pins_zones=False,
        periods=periods if any(period != ALWAYS for period in periods) else (),
    )
    twice = find_overlap(user_map)
    if twice is not None and ALWAYS in (periods[twice[0]], periods[twice[1]]):
        raise _usage_error(table, "two items name the same vendor id", "one item each")
    if twice is not None:
        raise _usage_error(
            table, f"{user_map.place(twice[1])} has days that another has", "one person for a device and day"
        )
    return user_map


def _scan(table: str) -> Iterator[Mapping[str, Any]]:
    """All items, page by page, as they are now and not as they may have been."""
    if not table:
        raise UsageError(f"--user-map {SCHEME}: names no table; allowed: {SCHEME}<table>")
    try:
        pages = aws_client("dynamodb", PATIENCE).get_paginator("scan")
        for page in pages.paginate(TableName=table, ConsistentRead=True):
            yield from page["Items"]
    except ClientError as err:
        code = err.response.get("Error", {}).get("Code", "unknown")
        if code in _CONFIGURATION_ERRORS:
            raise _usage_error(table, _CONFIGURATION_ERRORS[code], "a table this role may read") from None
        raise QolError(f"--user-map {SCHEME}{table}: {code}; allowed: a table that answers") from None
    except BotoCoreError as err:
        if type(err).__name__ in NOBODY:
            raise UsageError(f"--user-map {SCHEME}{table}: {NO_CREDENTIALS}") from None
        raise QolError(f"--user-map {SCHEME}{table}: {type(err).__name__}; allowed: a table that answers") from None


def _row(table: str, item: Mapping[str, Any]) -> _Row:
    values = {name: value.get("S") for name, value in item.items()}
    key = values.get("garmin_user_id") or ""
    period = read_period({name: values[name] or "" for name in ("from", "to") if name in item})
    source, vendor = _person(key.partition("#")[0] if "from" in item else key)
    user_id, zone, moment = values.get("user_id"), values.get("timezone"), _moment(values.get("registered_at"))
    if moment is None:
        raise _usage_error(table, "an item without a usable registered_at", "ISO 8601 with its zone")
    problem = None
    if not CODE.fullmatch(source) or vendor is None:
        problem = "garmin_user_id must be a Garmin id or <source>:<id>"
    elif user_id is None or not CODE.fullmatch(user_id):
        problem = f"user_id must match {CODE.pattern}"
    elif period is None:
        problem = PERIOD_PROBLEM
    elif "timezone" in item and not is_zone(zone):
        problem = "timezone must be an IANA time zone such as Asia/Tokyo"
    elif "status" in item and values["status"] not in STATUSES:
        problem = f"status must be {' or '.join(STATUSES)}"
    if problem is not None:
        raise _usage_error(table, f"item registered at {moment.isoformat(timespec='microseconds')}", problem)
    return moment, key, (source, str(vendor), str(user_id), zone), period or ALWAYS


def _person(key: str) -> tuple[str, str | None]:
    """Source and vendor id of an item's key."""
    source, colon, rest = key.partition(":")
    return (source, identifier(rest)) if colon else (GARMIN, identifier(key))


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def _usage_error(table: str, found: str, allowed: str) -> UsageError:
    return UsageError(f"--user-map {SCHEME}{table}: {found}; allowed: {allowed}")
