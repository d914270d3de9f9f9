"""Removes from a body what is never stored: dropped fields, secrets under whatever name says so, paths of addresses."""

import json
import re
from contextlib import suppress
from functools import lru_cache
from typing import Any

from qol.contracts.spans import skip_space, value_end
from qol.webhooks.garmin_routes import DROP, PING

RECEIVED_AT = "_received_at"
_SECRETS = ("token", "secret", "authorization", "signature")
#: Longer names are not cached: few of them would fill the function's memory.
MAX_CACHED_NAME = 64
_MAX_DIGITS = 4_300  # Python converts no more digits to an integer
#: Strings, and the colon that makes one a key.
_STRING = re.compile(rb'"((?:[^"\\]++|\\.)*+)"[ \t\r\n]*+(:)?', re.DOTALL)
_SEPARATORS = re.compile(r"[\W_]+")
#: One of the names in a text, with a separator or none between its letters.
_NAME = "(?:" + "|".join("[-_ ]?".join(name) for name in (*_SECRETS, *sorted(DROP))) + ")"
#: A name and its value in a text: JSON or a form inside a string.
_NAMED_VALUE = re.compile(_NAME + r"""[\w-]{0,40}+[\\"' ]{0,9}+[:=]""", re.IGNORECASE)
#: Scheme and host, without the user in front of it.
_ADDRESS = re.compile(r"\s*([a-z][a-z0-9+.-]*://)(?:[^/?#\\]*@)?([a-z0-9.-]+)", re.IGNORECASE)


def is_dropped(name: str) -> bool:
    """Whether a member of that name is never stored; case and separators make no difference."""
    plain = _plain(name)
    return name.lower() == RECEIVED_AT or plain in _DROPPED or any(secret in plain for secret in _SECRETS)


def without_dropped(record: bytes) -> bytes:
    """A JSON text without the members that are never stored, at any depth.

    Of an address only scheme and host stay; a text with such a name and a value in it becomes empty.
    """
    out, at = bytearray(), 0
    for found in _STRING.finditer(record):
        if found.start() < at:
            continue
        if found[2] is None:
            kept = _kept_text(found[1])
            if kept is not None:
                out += record[at : found.start()] + kept
                at = found.end(1) + 1
            continue
        action = (_cached_action if len(found[1]) <= MAX_CACHED_NAME else _action)(found[1])
        if action is not None:
            out += record[at : found.start()]
            at = _end_of_part(record, found.end())
            if action == "drop":
                at = _close_gap(out, record, at)
            else:
                out += record[found.start() : found.end()] + _address_of(read_json(record[found.end() : at]))
    return bytes(out) + record[at:]


def read_json(value: bytes, **hooks: Any) -> Any:
    """The value of a JSON text; None when it is invalid or nested too deeply. `hooks` are those of `json.loads`."""
    with suppress(ValueError, RecursionError):
        text = value.decode()
        try:
            return json.loads(text, parse_constant=_refuse, **hooks)
        except ValueError:
            return json.loads(text, parse_constant=_refuse, parse_int=lambda digits: int(digits[:_MAX_DIGITS]), **hooks)
    return None


def read_envelope(line: bytes) -> dict[str, Any] | None:
    """The object of a JSON text; None for anything else, and when it has a name twice: readers would take one of the two."""
    repeats = False

    def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeats  # of the outermost object in the end
        found = dict(pairs)
        repeats = len(found) < len(pairs)
        return found

    envelope = read_json(line, object_pairs_hook=to_object)
    return envelope if isinstance(envelope, dict) and not repeats else None


def _refuse(constant: str) -> None:
    """NaN and infinities are not JSON."""
    raise ValueError(constant)


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name.lower())


_DROPPED = frozenset(map(_plain, DROP))


def _action(key: bytes) -> str | None:
    """What becomes of a member by its key's text: `drop`, `ping` for one whose value is an address, else None."""
    name = read_json(b'"' + key + b'"') or ""
    if is_dropped(name):
        return "drop"
    return "ping" if PING and _plain(name) == _plain(PING) else None


_cached_action = lru_cache(maxsize=16_384)(_action)


def _kept_text(text: bytes) -> bytes | None:
    """The JSON string to store for a text, None when it is stored as it is."""
    if b":" not in text and b"=" not in text and b"\\u" not in text:
        return None
    decoded = read_json(b'"' + text + b'"')
    if not isinstance(decoded, str):
        return None
    if "://" in decoded:
        return _address_of(decoded)
    return b'""' if _NAMED_VALUE.search(decoded) else None


def _address_of(value: object) -> bytes:
    """Scheme and host of an address as a JSON string; null for anything else."""
    found = _ADDRESS.match(value) if isinstance(value, str) else None
    return b"null" if found is None else json.dumps(found[1] + found[2]).encode()


def _end_of_part(record: bytes, at: int) -> int:
    """The position of the comma or bracket that ends a member's value."""
    at = skip_space(record, at)
    while at < len(record) and record[at] not in b",]}":
        at = skip_space(record, value_end(record, at))
    return at


def _close_gap(out: bytearray, record: bytes, end: int) -> int:
    """Remove one comma beside a removed member, and return where the rest begins.

    White space before the member goes too, so that many members do not look at the same white space again.
    """
    while out and out[-1] in b" \t\r\n":
        del out[-1:]
    if out.endswith(b","):
        del out[-1:]
        return end
    return end + 1 if record[end : end + 1] == b"," else end
