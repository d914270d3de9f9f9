"""Requests to AWS: clients that retry, errors that name place and code, and a circuit breaker for a service that is down."""

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from qol.errors import LakeError

T = TypeVar("T")

CONNECTIONS = 16
MAX_PAUSE_SECONDS = 20.0
_SERVICES = ("S3", "GLUE", "DYNAMODB", "SECRETS_MANAGER")
_ENVIRONMENT = (
    "AWS_ENDPOINT_URL", *(f"AWS_ENDPOINT_URL_{service}" for service in _SERVICES), "AWS_DEFAULT_REGION", "AWS_REGION",
)  # fmt: skip
#: Codes of a conditional write whose condition does not hold.
CONDITION_FAILED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
#: Codes for a bucket with a wrong name or of another account; other errors may be over at the next attempt.
WRONG_BUCKET = frozenset(
    {"404", "403", "400", "NoSuchBucket", "AccessDenied", "ParamValidationError", "InvalidBucketName"}
)
MISSING = frozenset({"NoSuchKey", "NotFound", "404", "EntityNotFoundException"})
#: What the SDK raises before any request when it finds no credentials.
NO_CREDENTIAL_ERRORS = frozenset({"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"})
NO_CREDENTIALS = "no AWS credentials were found; give them by aws configure, AWS_PROFILE or a role"
_ACCESS_DENIED = frozenset({"AccessDenied", "403", "AccessDeniedException"})
_THROTTLED = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestLimitExceeded"})


@dataclass(frozen=True)
class RetryPolicy:
    """Attempts of a request, the seconds that each may take, and the first pause between two of them."""

    attempts: int = 7
    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    pause_seconds: float = 0.5
    #: Whether a request that used up its attempts opens the circuit breaker; one with few attempts does not.
    opens_breaker: bool = True


class CircuitBreaker:
    """While it is open, requests get one attempt: a service that is down must not delay every step of a run's end."""

    OPEN_SECONDS = 60.0

    def __init__(self) -> None:
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a request used up its attempts less than `OPEN_SECONDS` ago and none succeeded since."""
        return time.monotonic() < self._open_until

    def record_failure(self, policy: RetryPolicy) -> None:
        """Open, unless the request had few attempts by its policy."""
        if policy.opens_breaker:
            self._open_until = time.monotonic() + self.OPEN_SECONDS

    def record_success(self) -> None:
        """Close."""
        self._open_until = 0.0


BREAKER = CircuitBreaker()


class RequestError(LakeError):
    """When a service answered with an error; `code` is its name."""

    def __init__(self, place: str, code: str) -> None:
        self.place = place
        self.code = code
        hint = "; allowed: a role that may do this (docs/deploy.md lists what each role may do)"
        super().__init__(f"{place}: the request failed with {code}{hint if code in _ACCESS_DENIED else ''}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Made again from its parts in another process."""
        return type(self), (self.place, self.code)


class TransientError(RequestError):
    """When a request used up its attempts; a later one may succeed."""


class IncompleteReadError(TransientError):
    """When the connection closed before the whole body of an answer arrived."""


def aws_client(service: str, policy: RetryPolicy) -> Any:
    """A client of this process, kept while environment and policy stay the same; it retries by itself."""
    attempts = 1 if BREAKER.is_open else policy.attempts
    return _client(service, policy, attempts, os.getpid(), tuple(os.environ.get(name) for name in _ENVIRONMENT))


@lru_cache(maxsize=16)
def _client(
    service: str, policy: RetryPolicy, attempts: int, _process: int, _environment: tuple[str | None, ...]
) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=policy.connect_seconds,
        read_timeout=policy.read_seconds,
        max_pool_connections=CONNECTIONS,
    )
    # The SDK itself reads only the second of these names, other tools the first.
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    # A session of its own: the default one is shared by all threads and not safe to make clients from.
    return boto3.session.Session(region_name=region).client(service, config=config)


@contextmanager
def translate_errors(place: str, policy: RetryPolicy) -> Iterator[None]:
    """Errors of the SDK become RequestError or TransientError, without their texts, which can hold what was sent."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as err:
        error = _error_of(place, err)
        if isinstance(error, TransientError):
            BREAKER.record_failure(policy)
        raise error from None
    BREAKER.record_success()


@contextmanager
def ignore_errors(codes: Collection[str]) -> Iterator[None]:
    """End the block without an error when a service answers with one of the codes."""
    try:
        yield
    except RequestError as err:
        if err.code not in codes:
            raise


def _error_of(place: str, err: Exception) -> RequestError:
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 (the SDK's name)

    if not isinstance(err, ClientError):
        is_transient = isinstance(err, (HTTPClientError, ConnectionError))
        return (TransientError if is_transient else RequestError)(place, type(err).__name__)
    code = str(err.response.get("Error", {}).get("Code") or "unknown")
    status = err.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return (TransientError if status >= 500 or code in _THROTTLED else RequestError)(place, code)


def retry(attempt: Callable[[], T], policy: RetryPolicy, on: type[RequestError]) -> T:
    """The result of `attempt`, called again after a pause while it raises `on`: for what the SDK does not retry.

    The last error is raised and opens the circuit breaker; while that is open, there is one attempt.
    """
    number = 1
    while True:
        try:
            return attempt()
        except on:
            if number >= policy.attempts:
                BREAKER.record_failure(policy)
            if number >= policy.attempts or BREAKER.is_open:
                raise
        time.sleep(min(MAX_PAUSE_SECONDS, policy.pause_seconds * 2**number))
        number += 1


def read_whole(place: str, get: Callable[[], Any], policy: RetryPolicy) -> tuple[Any, bytes]:
    """A response and its whole body; TransientError when the service or the connection fails."""
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

    def attempt() -> tuple[Any, bytes]:
        with translate_errors(place, policy):
            response = get()
        try:
            return response, response["Body"].read()
        except (BotoCoreError, HTTPError, OSError):
            raise IncompleteReadError(place, "ConnectionClosedError") from None

    return retry(attempt, policy, IncompleteReadError)
