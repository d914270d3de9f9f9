"""Announcements of documents by a vendor's webhook: how they are signed, and what they say; pure functions."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qol.contracts.raw_values import identifier
from qol.errors import UsageError

#: Unix times from here on are milliseconds: the moment in seconds is in the year 5138.
_MILLISECONDS = 1e11


@dataclass(frozen=True)
class AnnouncedSource:
    """How the announcements of a source look: names of parameters, headers and keys; record types by the vendor's names.

    `deletions` is the raw folder of messages that say `deleted`.
    """

    verification: str
    challenge: str
    signature: str
    timestamp: str
    fresh_seconds: int
    person: str
    type: str
    document: str
    event: str
    deleted: str
    deletions: str
    records: Mapping[str, str]


@dataclass(frozen=True)
class ClientSecret:
    """What a vendor and its client share: the key of signatures, and the token of the verification."""

    client_secret: str
    verification_token: str


@dataclass(frozen=True)
class Announcement:
    """A message: the vendor's ids of the person and the document, the record type, whether the document was deleted.

    `record` is None for a type that is not collected.
    """

    person: str
    document: str
    record: str | None
    deleted: bool


def read_client_secret(text: str) -> ClientSecret:
    """The two values in a secret's JSON; UsageError says what is wrong without quoting it."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    found = found if isinstance(found, dict) else {}
    values = [found.get(name) for name in ("client_secret", "verification_token")]
    if not all(isinstance(value, str) and value for value in values):
        raise UsageError(
            'announcements secret: incomplete; allowed: {"client_id": "...", "client_secret": "...", "verification_token": "..."}'
        )
    return ClientSecret(*map(str, values))


def is_verified(source: AnnouncedSource, parameters: Mapping[str, str], secret: ClientSecret) -> bool:
    """Whether a verification has the token that was agreed on, and a challenge."""
    given = parameters.get(source.verification, "")
    return _equal(given, secret.verification_token) and source.challenge in parameters


def is_signed(
    source: AnnouncedSource, headers: Mapping[str, str], body: bytes, secret: ClientSecret, now: datetime
) -> bool:
    """Whether the body is signed with the secret, and the signed time is near `now`; headers by their lower-case name."""
    stamp = headers.get(source.timestamp, "")
    made = _moment(stamp)
    if made is None or abs((now - made).total_seconds()) > source.fresh_seconds:
        return False
    signed = hmac.new(secret.client_secret.encode(), stamp.encode() + body, hashlib.sha256).hexdigest()
    return _equal(headers.get(source.signature, "").lower(), signed)


def read_announcement(source: AnnouncedSource, body: bytes) -> Announcement | None:
    """What a message says; None for one that names no person or no document."""
    try:
        message: Any = json.loads(body)
    except ValueError:
        return None
    message = message if isinstance(message, dict) else {}
    person, document = identifier(message.get(source.person)), identifier(message.get(source.document))
    if person is None or document is None:
        return None
    record = source.records.get(str(message.get(source.type)))
    return Announcement(person, document, record, message.get(source.event) == source.deleted)


def _equal(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), known.encode())


def _moment(text: str) -> datetime | None:
    """The time of a text: Unix time in seconds or milliseconds, or ISO 8601 with an offset; None for any other."""
    try:
        number = float(text)
    except ValueError:
        number = None
    try:
        if number is not None:
            return datetime.fromtimestamp(number / 1_000 if number > _MILLISECONDS else number, UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else None
