"""Authentication of deliveries: tokens and client ids from Secrets Manager, cached for minutes, read again on a mismatch."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from qol.errors import QolError, UsageError
from qol_lambda.clients import error_summary

MIN_TOKEN_CHARACTERS = 22  # 128 bits in base64
MAX_TOKENS = 2
#: A secret is cached this long; when it cannot be read again, at most that long.
FRESH_SECONDS, STALE_SECONDS = 300.0, 3600.0
#: An unknown token makes the function read the secret again, but not more often than this.
MIN_REFRESH_SECONDS = 10.0

T = TypeVar("T")

logger = Logger()


class NoSecretError(QolError):
    """When no delivery can be verified because the secret cannot be read."""


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


class CachedSecret(Generic[T]):
    """A secret's value, cached for minutes; `read` returns its text, `parse` its value, `clock` monotonic seconds."""

    def __init__(
        self, read: Callable[[], str], parse: Callable[[str], T], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._parse, self._clock = read, parse, clock
        self._known: T | None = None
        self._read_at = self._tried_at = float("-inf")

    def at_most(self, max_age: float) -> T:
        """The value, read again when it is older and no attempt was made in the last seconds; NoSecretError without one."""
        now = self._clock()
        if self._known is None or (now - self._read_at >= max_age and now - self._tried_at >= MIN_REFRESH_SECONDS):
            return self._read_again(now)
        return self._known

    def _read_again(self, now: float) -> T:
        """The value as it is now; when it cannot be read, the one read within the last hour stays valid."""
        self._tried_at = now
        try:
            self._known, self._read_at = self._parse(self._read()), now
        except (BotoCoreError, ClientError, UsageError) as err:
            logger.warning("the webhook secret was not read again", extra={"reason": error_summary(err)})
            if self._known is None or now - self._read_at >= STALE_SECONDS:
                self._known = None
                raise NoSecretError(f"webhook secret: {error_summary(err)}") from None
        return self._known


class WebhookAuthenticator:
    """Verifies deliveries; `read` returns the secret's text, `clock` monotonic seconds."""

    def __init__(self, read: Callable[[], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._secret = CachedSecret(read, read_credentials, clock)

    def verify(self, token: str, client_id: str) -> bool:
        """Whether a delivery is authentic; NoSecretError when the secret cannot be read."""
        return any(self._secret.at_most(max_age).verify(token, client_id) for max_age in (FRESH_SECONDS, 0.0))


def _texts(found: object) -> list[str]:
    """The non-empty texts of a list."""
    return [text for text in found if isinstance(text, str) and text] if isinstance(found, list) else []


def _hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _one_of(text: str, hashes: Iterable[bytes]) -> bool:
    given = _hashed(text)
    return sum(hmac.compare_digest(given, known) for known in hashes) > 0
