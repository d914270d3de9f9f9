"""Splits a body of Garmin into raw objects; a pure function of the body and the time of its arrival.

Every record keeps the sender's bytes, numbers to the last digit, but tokens are removed, line breaks become tabs (one
record is one line), and `_received_at` is appended.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from qol.contracts.raw_values import PLAIN_NAME, identifier, safe_get
from qol_lambda.garmin_routes import DROP, FOLDERS, PING, USER_ID_PATHS
from qol_lambda.spans import BrokenTextError, elements, members, skip_space, value_end

RECEIVED_AT = "_received_at"
#: The folder of messages whose key is missing or not a plain name.
UNNAMED = "raw/garmin/_odd"
#: The type of a folder's messages for logs and metrics: an envelope key of the contracts.
_RECORD_TYPES = {folder: key for key, folder in reversed(FOLDERS.items())}
#: A request stores at most this many objects of types without a contract; the rest share the unnamed folder.
MAX_UNKNOWN_FOLDERS = 16
#: Limit of a key of the user map's table, with room for a source's name before it.
_MAX_ID_BYTES = 1024
DEREGISTRATIONS, PERMISSIONS = "deregistrations", "userPermissionsChange"
_BOM = b"\xef\xbb\xbf"
#: Strings, and the colon that makes one a key.
_KEY = re.compile(rb'"((?:[^"\\]++|\\.)*+)"[ \t\r\n]*+(:)?', re.DOTALL)
_ONE_LINE = bytes.maketrans(b"\r\n", b"\t\t")
_DROPPED = frozenset(name.lower() for name in DROP) | {RECEIVED_AT}
_PING = PING.lower() if PING else None
#: Keys of those names alone: in valid JSON no such text is anything but a key, unless letters are written as escapes.
_NAMED = re.compile(
    rb'(?<!\\)"(' + b"|".join(re.escape(name.encode()) for name in {*_DROPPED, _PING} if name) + rb')"[ \t\r\n]*+(:)',
    re.IGNORECASE,
)
_URL_TOKEN = re.compile(r"([?&;][^=&;#]*token=)[^&;#]*", re.IGNORECASE)


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


@dataclass
class _Split:
    """Lines by folder and vendor ids of users, in their order."""

    stamp: bytes
    lines: defaultdict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    users: dict[str, None] = field(default_factory=dict)
    controls: list[Control] = field(default_factory=list)

    def folder(self, key: bytes, opens: bytes) -> str:
        """The folder of an envelope key whose value begins with `opens`."""
        name = _decoded(key)
        if name in FOLDERS:
            return FOLDERS[name]
        folder = f"raw/garmin/{name}"
        is_plain = name is not None and PLAIN_NAME.fullmatch(name) and opens in (b"[", b"{")
        unknown = sum(have not in _RECORD_TYPES for have in self.lines)
        return folder if is_plain and (folder in self.lines or unknown < MAX_UNKNOWN_FOLDERS) else UNNAMED

    def keep(self, folder: str, value: bytes) -> None:
        """Add a value to a folder as one line; an object gets `_received_at` at its end."""
        line = value.translate(_ONE_LINE).strip()
        if line[:1] == b"{":
            inner = line[1:-1]
            line = b"{" + inner + (b"," if inner.strip() else b"") + self.stamp + b"}"
        self.lines[folder].append(line)

    def add_users(self, record_type: str | None, record: bytes) -> None:
        """Add the users and control messages of a record; one that cannot be parsed has none."""
        message = _read(record) if record[:1] in (b"{", b"[") else None
        for node in _objects(message):
            vendor = _vendor_user_id(node)
            if vendor is not None and record_type in (DEREGISTRATIONS, PERMISSIONS):
                self.controls.append(Control(record_type, vendor, node))
            elif vendor is not None:
                self.users[vendor] = None


def split_body(body: bytes, received: datetime) -> Delivery | None:
    """The content of a body, with every byte accounted for; None when it is not a whole JSON object or array.

    A mistake inside one record stays in that record's line, where the job finds and quarantines it.
    """
    split = _Split(f'"{RECEIVED_AT}":"{stamp(received)}"'.encode())
    text = body.removeprefix(_BOM)
    start = skip_space(text, 0)
    try:
        if text[start : start + 1] not in (b"{", b"[") or skip_space(text, value_end(text, start)) != len(text):
            return None
        if text[start : start + 1] == b"[":
            for record in elements(text, start):
                split.add_users(None, record)
                split.keep(UNNAMED, _cleaned(record))
        else:
            _take_envelope(split, text, start)
    except BrokenTextError:
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
        name = _decoded(key)
        if name is not None and name.lower() in _DROPPED:
            continue
        folder = split.folder(key, value[:1])
        records = list(elements(value)) if value[:1] == b"[" else [value]
        for record in records:
            split.add_users(name, record)
        if folder == UNNAMED or not records:
            split.keep(folder, b"{" + key + b":" + _cleaned(value) + b"}")
            continue
        for record in records:
            split.keep(folder, _cleaned(record))


def _cleaned(record: bytes) -> bytes:
    """A value without the members that are never stored, at any depth, and without tokens in a ping's URL."""
    out, at = bytearray(), 0
    keys = _KEY if b"\\u" in record else _NAMED
    for found in keys.finditer(record):
        if found[2] is None or found.start() < at:
            continue
        name = (_decoded(b'"' + found[1] + b'"') or "").lower()
        if name != _PING and name not in _DROPPED:
            continue
        out += record[at : found.start()]
        end = _end_of_part(record, found.end())
        if name == _PING:
            out += record[found.start() : found.end()] + _without_token(record[found.end() : end])
            at = end
        else:
            at = _close_gap(out, record, end)
    return bytes(out) + record[at:]


def _end_of_part(record: bytes, at: int) -> int:
    """The position of the comma or bracket that ends a member's value."""
    at = skip_space(record, at)
    while at < len(record) and record[at] not in b",]}":
        at = skip_space(record, value_end(record, at))
    return at


def _close_gap(out: bytearray, record: bytes, end: int) -> int:
    """Remove one comma beside a removed member, and return where the rest begins."""
    kept = out.rstrip()
    if kept.endswith(b","):
        del out[len(kept) - 1 :]
        return end
    return end + 1 if record[end : end + 1] == b"," else end


def _without_token(value: bytes) -> bytes:
    """A ping's URL with its token blanked; null when it is not a JSON string."""
    text = _read(value)
    if not isinstance(text, str):
        return b"null"
    blanked = _URL_TOKEN.sub(r"\1", text)
    return value if blanked == text else json.dumps(blanked).encode()


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


def _decoded(key: bytes) -> str | None:
    found = _read(key)
    return found if isinstance(found, str) else None


def _read(value: bytes) -> Any:
    """The value of a JSON text; None when it is invalid or nested too deeply."""
    with suppress(ValueError, RecursionError):
        try:
            return json.loads(value)
        except ValueError:
            return json.loads(value, parse_int=str)  # an integer of thousands of digits, which Python does not convert
    return None
