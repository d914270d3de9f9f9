"""Who may push: tokens in the address and client ids in a header, kept as hashes."""

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from qol.errors import UsageError

MIN_TOKEN_CHARACTERS = 22  # 128 bits in base64
MAX_TOKENS = 2
#: The header with Garmin's client id.
CLIENT_HEADER = "garmin-client-id"


@dataclass(frozen=True)
class Credentials:
    """Hashes of the valid tokens and client ids."""

    tokens: tuple[bytes, ...]
    client_ids: tuple[bytes, ...]

    def verify(self, token: str, client_id: str) -> bool:
        """Whether both are valid, in constant time."""
        return _one_of(token, self.tokens) & _one_of(client_id, self.client_ids)


def read_credentials(text: str) -> Credentials:
    """Tokens and client ids of the secret's JSON; UsageError says what is wrong without quoting it."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        raise UsageError(
            'webhook secret: not JSON; allowed: {"tokens": ["...", "..."], "client_ids": ["..."]}'
        ) from None
    found = found if isinstance(found, dict) else {}
    tokens, clients = _texts(found.get("tokens")), _texts(found.get("client_ids"))
    if not 1 <= len(tokens) <= MAX_TOKENS:
        raise UsageError(f"webhook secret: found {len(tokens)} tokens; allowed: one or two")
    if min(map(len, tokens)) < MIN_TOKEN_CHARACTERS:
        raise UsageError(f"webhook secret: a token is too short; allowed: at least {MIN_TOKEN_CHARACTERS} characters")
    if not clients:
        raise UsageError("webhook secret: found no client_ids; allowed: at least one")
    return Credentials(tuple(map(_hashed, tokens)), tuple(map(_hashed, clients)))


def _texts(found: object) -> list[str]:
    """The non-empty texts of a list."""
    return [text for text in found if isinstance(text, str) and text] if isinstance(found, list) else []


def _hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _one_of(text: str, hashes: Iterable[bytes]) -> bool:
    given = _hashed(text)
    return sum(hmac.compare_digest(given, known) for known in hashes) > 0
