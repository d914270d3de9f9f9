"""Splits a body of Garmin into raw objects; a pure function of the body and the time of its arrival.

Every record keeps the sender's bytes, numbers to the last digit, but tokens are removed, line breaks become tabs (one
record is one line), and `_received_at` is appended. Users are those of the lines that are stored.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from qol.contracts.raw_values import PLAIN_NAME, identifier, safe_get
from qol.contracts.spans import BrokenTextError, elements, members, skip_space, value_end
from qol_lambda.dropped_fields import RECEIVED_AT, cut_unreadable, is_dropped, read_json, without_dropped
from qol_lambda.garmin_routes import FOLDERS, USER_ID_PATHS

#: The folder of messages whose key is missing or not a plain name.
UNNAMED = "raw/garmin/_odd"
#: The type of a folder's messages for logs and metrics: an envelope key of the contracts.
_RECORD_TYPES = {folder: key for key, folder in reversed(FOLDERS.items())}
#: A request stores at most this many objects of types without a contract; the rest share the unnamed folder.
MAX_UNKNOWN_FOLDERS = 16
#: Limit of a key of the user map's table, with room for a source's name before it.
_MAX_ID_BYTES = 1024
#: Limits of a body: members and elements of its lists, all objects and lists at any depth, and the bytes stored for it.
#: Honest bodies have at most a third of that many; each part of a hostile one would cost the function memory and time.
MAX_PARTS, MAX_NESTED_PARTS = 50_000, 250_000
MAX_STORED_TIMES, MIN_STORED_BYTES = 2, 64 * 2**10
DEREGISTRATIONS, PERMISSIONS = "deregistrations", "userPermissionsChange"
_BOM = b"\xef\xbb\xbf"
_ONE_LINE = bytes.maketrans(b"\r\n", b"\t\t")


@dataclass(frozen=True)
class RawObject:
    """One raw object to store: its key below the lake, its lines, the type and number of its messages."""

    key: str
    data: bytes
    record: str
    count: int


@dataclass(frozen=True)
class Control:
    """A control message about a user: its type, the vendor's id, and the message without dropped fields."""

    record_type: str
    vendor_user_id: str
    message: dict[str, Any]


@dataclass(frozen=True)
class Delivery:
    """The content of a body: objects to store, vendor ids of its users, control messages in their order."""

    objects: tuple[RawObject, ...]
    users: tuple[str, ...]
    controls: tuple[Control, ...]


class _TooMuchError(Exception):
    """When a body has more parts, or would be stored as more bytes, than one may."""


@dataclass
class _Split:
    """Lines by folder and vendor ids of users, in their order."""

    stamp: bytes
    bytes_left: int
    check_deadline: Callable[[], None]
    parts: int = 0
    lines: defaultdict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    users: dict[str, None] = field(default_factory=dict)
    controls: list[Control] = field(default_factory=list)

    def folder(self, name: str | None, opens: bytes) -> str:
        """The folder of an envelope key whose value begins with `opens`."""
        if name in FOLDERS:
            return FOLDERS[name]
        folder = f"raw/garmin/{name}"
        is_plain = name is not None and PLAIN_NAME.fullmatch(name) and opens in (b"[", b"{")
        unknown = sum(have not in _RECORD_TYPES for have in self.lines)
        return folder if is_plain and (folder in self.lines or unknown < MAX_UNKNOWN_FOLDERS) else UNNAMED

    def count_part(self) -> None:
        """Count a member or element; _TooMuchError for one too many, an error of `check_deadline` when it is too late."""
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise _TooMuchError
        self.check_deadline()

    def keep(self, folder: str, value: bytes, record_type: str | None = None) -> None:
        """Add a value to a folder as one line, and the users of that line; an object gets `_received_at` at its end."""
        line = without_dropped(value).translate(_ONE_LINE).strip()
        if line[:1] == b"{":
            inner = line[1:-1]
            line = b"{" + inner + (b"," if inner.strip() else b"") + self.stamp + b"}"
        message = read_json(line)
        if message is None:
            line = cut_unreadable(line)
        self.bytes_left -= len(line)
        if self.bytes_left < 0:
            raise _TooMuchError
        self.lines[folder].append(line)
        self._add_users(record_type, message)

    def _add_users(self, record_type: str | None, message: Any) -> None:
        for node in _objects(message):
            vendor = _vendor_user_id(node)
            if vendor is not None and record_type in (DEREGISTRATIONS, PERMISSIONS):
                self.controls.append(Control(record_type, vendor, node))
            elif vendor is not None:
                self.users[vendor] = None


def split_body(body: bytes, received: datetime, check_deadline: Callable[[], None] = lambda: None) -> Delivery | None:
    """The content of a body, with every byte accounted for.

    None when it is not a whole JSON object or array, or beyond the limits of a body. A mistake inside one record stays in
    that record's line, where the job finds and quarantines it. `check_deadline` is called for every part.
    """
    text = body.removeprefix(_BOM)
    stored = max(MAX_STORED_TIMES * len(body), MIN_STORED_BYTES)
    split = _Split(f'"{RECEIVED_AT}":"{stamp(received)}"'.encode(), stored, check_deadline)
    start = skip_space(text, 0)
    if text[start : start + 1] not in (b"{", b"[") or text.count(b"{") + text.count(b"[") > MAX_NESTED_PARTS:
        return None
    try:
        if skip_space(text, value_end(text, start)) != len(text):
            return None
        if text[start : start + 1] == b"[":
            for record in elements(text, start):
                split.count_part()
                split.keep(UNNAMED, record)
        else:
            _take_envelope(split, text, start)
    except (BrokenTextError, _TooMuchError):
        return None
    name = f"date={received.astimezone(UTC):%Y-%m-%d}/{hashlib.sha256(body).hexdigest()}.jsonl"
    objects = [
        RawObject(f"{folder}/{name}", b"\n".join([*lines, b""]), _RECORD_TYPES.get(folder, "unknown"), len(lines))
        for folder, lines in split.lines.items()
    ]
    return Delivery(tuple(objects), tuple(split.users), tuple(split.controls))


def unparsable_key(body: bytes, received: datetime) -> str:
    """The key of an unparsable body."""
    day = f"{received.astimezone(UTC):%Y-%m-%d}"
    return f"quarantine/bodies/date={day}/{hashlib.sha256(body).hexdigest()}"


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds, which sorts by time."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _take_envelope(split: _Split, text: bytes, start: int) -> None:
    for key, value in members(text, start):
        split.count_part()
        decoded = read_json(key)
        name = decoded if isinstance(decoded, str) else None
        if name is not None and is_dropped(name):
            continue
        folder, is_list = split.folder(name, value[:1]), value[:1] == b"["
        if folder == UNNAMED or not (is_list or value[:1] == b"{"):
            split.keep(UNNAMED, b"{" + key + b":" + value + b"}")
        elif is_list:
            _take_list(split, folder, key, value, name)
        else:
            split.keep(folder, value, name)


def _take_list(split: _Split, folder: str, key: bytes, value: bytes, name: str | None) -> None:
    """The records of a list; what else it holds becomes one line, whose key names the type."""
    other: list[bytes] = []
    for element in elements(value):
        split.count_part()
        if element[:1] in (b"{", b"["):
            split.keep(folder, element, name)
        else:
            other.append(element)
    if other or not value[1:-1].strip():
        split.keep(UNNAMED if other else folder, b"{" + key + b":[" + b",".join(other) + b"]}")


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in a value, itself included, because the job explodes nested arrays and envelopes too."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
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
