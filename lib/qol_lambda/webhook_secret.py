"""Who may deliver: tokens and client ids out of Secrets Manager, kept for minutes, read again when one does not fit."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from qol.errors import QolError, UsageError
from qol_lambda.clients import error_words

MIN_TOKEN_CHARACTERS = 22  # 128 bits in base64
MAX_TOKENS = 2
#: A secret is used this long, and by a function that cannot read it again, at most that long.
FRESH_SECONDS, STALE_SECONDS = 300.0, 3600.0
#: A token that does not fit makes the function look for a newer secret, but not more often than this.
LOOK_AGAIN_SECONDS = 10.0

logger = Logger()


class NoSecretError(QolError):
    """When nobody can be let in because the secret cannot be read."""


@dataclass(frozen=True)
class Credentials:
    """Hashes of what is valid now."""

    tokens: tuple[bytes, ...]
    client_ids: tuple[bytes, ...]

    def admit(self, token: str, client_id: str) -> bool:
        """Whether both are valid; takes the same time whichever is wrong, and wherever."""
        return _one_of(token, self.tokens) & _one_of(client_id, self.client_ids)


def read_credentials(text: str) -> Credentials:
    """Tokens and client ids of the secret's JSON; UsageError says what is wrong with it and holds nothing of it."""
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


class Doorkeeper:
    """Lets deliveries in; `read` gives the secret's text, `clock` the seconds of a clock that never goes back."""

    def __init__(self, read: Callable[[], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._known: Credentials | None = None
        self._read_at = self._tried_at = float("-inf")

    def admit(self, token: str, client_id: str) -> bool:
        """Whether a delivery is authentic; NoSecretError when that cannot be told."""
        if self._clock() - self._read_at >= FRESH_SECONDS:
            self._renew()
        if self._known is not None and self._known.admit(token, client_id):
            return True
        if self._clock() - self._tried_at < LOOK_AGAIN_SECONDS:
            return False
        return self._renew() and self._known is not None and self._known.admit(token, client_id)

    def _renew(self) -> bool:
        """Read the secret again; whether that was done. What was read within the last hour does when it fails."""
        now = self._clock()
        if self._known is not None and now - self._tried_at < LOOK_AGAIN_SECONDS:
            return False
        self._tried_at = now
        try:
            self._known, self._read_at = read_credentials(self._read()), now
        except (BotoCoreError, ClientError, UsageError) as err:
            logger.warning("the webhook secret was not read again", extra={"reason": error_words(err)})
            if self._known is None or now - self._read_at >= STALE_SECONDS:
                self._known = None
                raise NoSecretError(f"webhook secret: {error_words(err)}") from None
            return False
        return True


def _texts(found: object) -> list[str]:
    """Texts of a list, without the empty place of a token that is no longer there."""
    return [text for text in found if isinstance(text, str) and text] if isinstance(found, list) else []


def _hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _one_of(text: str, hashes: Iterable[bytes]) -> bool:
    found, given = False, _hashed(text)
    for known in hashes:
        found |= hmac.compare_digest(given, known)
    return found
