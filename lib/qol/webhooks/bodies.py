"""A body of Garmin as one raw line; a pure function of the body and the time of its arrival.

The line has the sender's bytes, numbers to the last digit, but what is never stored is removed, line breaks become tabs,
and `_received_at` is appended. Users are those of the line.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from qol.contracts.raw_values import identifier, safe_get
from qol.contracts.spans import BrokenTextError, value_end
from qol.webhooks.dropped_fields import RECEIVED_AT, read_envelope, without_dropped
from qol.webhooks.garmin_routes import RECORD_TYPES, USER_ID_PATHS

#: The folder of pushes; the type of a record is its envelope key.
FOLDER = "raw/daily"
#: The envelope key of a body that is an array: its elements have no type, so that no contract reads them.
UNNAMED = "unnamed"
#: Limit of a key of the user map's table, with room for a source's name before it.
_MAX_ID_BYTES = 1024
#: Limit of a body: objects and elements of lists, at any depth. Honest bodies have at most a third of that many; each one
#: of a hostile body would cost the function and the job memory and time.
MAX_PARTS = 250_000
DEREGISTRATIONS, PERMISSIONS = "deregistrations", "userPermissionsChange"
_CONTROLS = (DEREGISTRATIONS, PERMISSIONS)
_BOM = b"\xef\xbb\xbf"
_ONE_LINE = bytes.maketrans(b"\r\n", b"\t\t")


@dataclass(frozen=True)
class Control:
    """A control message about a user: its type, the vendor's id, and the message without dropped fields."""

    record_type: str
    vendor_user_id: str
    message: dict[str, Any]


@dataclass(frozen=True)
class Delivery:
    """The content of a body: its raw line with a line break, empty when nothing is to be stored, and the line's raw key.

    Vendor ids of its users, control messages in their order, and the number of records by type; a type without a
    contract is `unknown`.
    """

    key: str
    line: bytes
    users: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()
    records: Counter[str] = field(default_factory=Counter)


class _TooMuchError(Exception):
    """When a body has more parts than one may."""


def read_body(body: bytes, received: datetime, check_deadline: Callable[[], None] = lambda: None) -> Delivery | None:
    """The content of a body; None when it is not one JSON object or array, names a type twice, or has too many parts.

    `check_deadline` is called for every object and list in it.
    """
    key = line_key(hashlib.sha256(body).hexdigest(), received)
    if body.count(b"{") + body.count(b"[") > MAX_PARTS:
        return None
    try:
        members = _members(body.removeprefix(_BOM).strip())
    except BrokenTextError:
        return None
    if not members:
        return None if members is None else Delivery(key, b"")
    check_deadline()
    line = b'{%s,"%s":"%s"}\n' % (members, RECEIVED_AT.encode(), stamp(received).encode())
    envelope = read_envelope(line)
    try:
        return None if envelope is None else _delivery(key, line, envelope, check_deadline)
    except _TooMuchError:
        return None


def line_key(digest: str, received: datetime) -> str:
    """The raw key of the lines of a body with that SHA-256."""
    return f"{FOLDER}/date={received.astimezone(UTC):%Y-%m-%d}/{digest}.jsonl"


def unparsable_key(body: bytes, received: datetime) -> str:
    """The key of an unparsable body."""
    return quarantine_key(hashlib.sha256(body).hexdigest(), received)


def quarantine_key(digest: str, received: datetime) -> str:
    """The key of an unparsable body with that SHA-256."""
    return f"quarantine/bodies/date={received.astimezone(UTC):%Y-%m-%d}/{digest}"


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds, which sorts by time."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _members(text: bytes) -> bytes | None:
    """The members of an envelope without what is never stored, as the sender wrote them; None for a text that is not an envelope.

    Strings and brackets have to end before anything is looked for in them: a search in others would not end.
    """
    if text[:1] not in (b"{", b"[") or value_end(text, 0) != len(text):
        return None
    kept = without_dropped(text).translate(_ONE_LINE)
    members = kept[1:-1].strip()
    if kept[:1] == b"{" or not members:
        return members
    return b'"%s":%s' % (UNNAMED.encode(), kept)


def _delivery(key: str, line: bytes, envelope: dict[str, Any], check_deadline: Callable[[], None]) -> Delivery:
    users: dict[str, None] = {}
    controls: list[Control] = []
    records: Counter[str] = Counter()
    for node in _objects({name: value for name, value in envelope.items() if name not in _CONTROLS}, check_deadline):
        vendor = _vendor_user_id(node)
        if vendor is not None:
            users[vendor] = None
    for name, value in envelope.items():
        if name != RECEIVED_AT:
            records[RECORD_TYPES.get(name, "unknown")] += len(value) if isinstance(value, list) else 1
        if name in _CONTROLS:
            found = ((_vendor_user_id(node), node) for node in _objects(value, check_deadline))
            controls += [Control(name, vendor, node) for vendor, node in found if vendor is not None]
    return Delivery(key, line, tuple(users), tuple(controls), records)


def _objects(node: Any, check_deadline: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Every object in a value, itself included, because the job explodes nested arrays and envelopes too."""
    waiting, parts = [node], 0
    while waiting:
        check_deadline()
        node = waiting.pop()
        parts += len(node) if isinstance(node, list) else 1
        if parts > MAX_PARTS:
            raise _TooMuchError
        if isinstance(node, dict):
            yield node
            waiting += [value for value in node.values() if isinstance(value, dict | list)]
        elif isinstance(node, list):
            waiting += [value for value in reversed(node) if isinstance(value, dict | list)]


def _vendor_user_id(node: dict[str, Any]) -> str | None:
    """The vendor's user id in an object; None for one that cannot be a key of the map (the job hashes it)."""
    for path in USER_ID_PATHS:
        found = identifier(safe_get(node, path))
        with suppress(UnicodeEncodeError):
            if found is not None and len(found.encode()) <= _MAX_ID_BYTES:
                return found
    return None
