"""Authentication of deliveries: tokens and client ids from Secrets Manager, cached for minutes, read again on a mismatch."""

import time
from collections.abc import Callable

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from qol.errors import QolError, UsageError
from qol.webhooks.credentials import Credentials, read_credentials
from qol_lambda.clients import error_summary

#: A secret is cached this long; when it cannot be read again, at most that long.
FRESH_SECONDS, STALE_SECONDS = 300.0, 3600.0
#: An unknown token makes the function read the secret again, but not more often than this.
MIN_REFRESH_SECONDS = 10.0

logger = Logger()


class NoSecretError(QolError):
    """When no delivery can be verified because the secret cannot be read."""


class WebhookAuthenticator:
    """Verifies deliveries; `read` returns the secret's text, `clock` monotonic seconds."""

    def __init__(self, read: Callable[[], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._known: Credentials | None = None
        self._read_at = self._tried_at = float("-inf")

    def verify(self, token: str, client_id: str) -> bool:
        """Whether a delivery is authentic; NoSecretError when the secret cannot be read."""
        return any(self._credentials(max_age).verify(token, client_id) for max_age in (FRESH_SECONDS, 0.0))

    def _credentials(self, max_age: float) -> Credentials:
        """Those of the secret, read again when they are older and no attempt was made in the last seconds."""
        now = self._clock()
        if self._known is None or (now - self._read_at >= max_age and now - self._tried_at >= MIN_REFRESH_SECONDS):
            return self._read_again(now)
        return self._known

    def _read_again(self, now: float) -> Credentials:
        """The secret as it is now; when it cannot be read, the one read within the last hour stays valid."""
        self._tried_at = now
        try:
            self._known, self._read_at = read_credentials(self._read()), now
        except (BotoCoreError, ClientError, UsageError) as err:
            logger.warning("the webhook secret was not read again", extra={"reason": error_summary(err)})
            if self._known is None or now - self._read_at >= STALE_SECONDS:
                self._known = None
                raise NoSecretError(f"webhook secret: {error_summary(err)}") from None
        return self._known
