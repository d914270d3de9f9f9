"""Authentication of deliveries: tokens and client ids from Secrets Manager, cached for minutes, read again on a mismatch."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from qol.errors import QolError, UsageError
from qol.webhooks.webhook_credentials import read_credentials
from qol_lambda.clients import error_summary

#: A secret is cached this long; when it cannot be read again, at most that long.
FRESH_SECONDS, STALE_SECONDS = 300.0, 3600.0
#: An unknown token makes the function read the secret again, but not more often than this.
MIN_REFRESH_SECONDS = 10.0

T = TypeVar("T")

logger = Logger()


class NoSecretError(QolError):
    """When no delivery can be verified because the secret cannot be read."""


class CachedSecret(Generic[T]):
    """A secret's value, cached for minutes; `read` returns its text, `parse` its value, `clock` monotonic seconds."""

    def __init__(
        self, read: Callable[[], str], parse: Callable[[str], T], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._parse, self._clock = read, parse, clock
        self._known: T | None = None
        self._read_at = self._tried_at = float("-inf")

    def accepts(self, check: Callable[[T], bool]) -> bool:
        """Whether a check of the cached value holds, or of the one read now, in case it was rotated; NoSecretError without one."""
        return any(check(self._at_most(max_age)) for max_age in (FRESH_SECONDS, 0.0))

    def _at_most(self, max_age: float) -> T:
        """The value, read again when it is older and no attempt was made in the last seconds."""
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
        return self._secret.accepts(lambda known: known.verify(token, client_id))
