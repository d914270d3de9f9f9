"""Requests to AWS: bounded patience, errors in words of ours, and no patience left for a service that is down."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar

from qol.errors import LakeError

T = TypeVar("T")

#: After a request that used up all its attempts, others get one attempt each for this long: a service that is down
#: must not cost its whole patience once more for every step of a run's orderly end.
DOWN_SECONDS = 60.0
CONNECTIONS = 16
_SERVICES = ("S3", "GLUE", "DYNAMODB", "SECRETS_MANAGER")
_ENDPOINTS = (
    "AWS_ENDPOINT_URL", *(f"AWS_ENDPOINT_URL_{service}" for service in _SERVICES), "AWS_DEFAULT_REGION", "AWS_REGION",
)  # fmt: skip
#: What a service answers when the condition of a write does not hold.
CONDITION_FAILED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
#: What it answers for a bucket of a wrong name, or of somebody else; anything else may be over at the next try.
NOT_OURS = frozenset({"404", "403", "400", "NoSuchBucket", "AccessDenied", "ParamValidationError", "InvalidBucketName"})
#: What the SDK raises before any request when nobody told it who is asking.
NOBODY = frozenset({"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"})
NO_CREDENTIALS = "no AWS credentials were found; give them by aws configure, AWS_PROFILE or a role"
MISSING = frozenset({"NoSuchKey", "NotFound", "404", "EntityNotFoundException"})
_THROTTLED = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestLimitExceeded"})


@dataclass(frozen=True)
class Patience:
    """How often a request is made, and how many seconds one may take."""

    attempts: int = 7
    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    pause_seconds: float = 0.5
    #: Whether a request that used up its attempts says something about the service; one of a few hasty tries does not.
    gives_up: bool = True


class _Down:
    """Until when services count as down."""

    until = 0.0


def aws_client(service: str, patience: Patience) -> Any:
    """A client of this process; kept, because making one takes longer than most requests."""
    attempts = 1 if time.monotonic() < _Down.until else patience.attempts
    settings = tuple(os.environ.get(name) for name in _ENDPOINTS)
    return _client(service, patience, attempts, os.getpid(), settings)


@lru_cache(maxsize=16)
def _client(service: str, patience: Patience, attempts: int, _process: int, _settings: tuple[str | None, ...]) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=patience.connect_seconds,
        read_timeout=patience.read_seconds,
        max_pool_connections=CONNECTIONS,
    )
    # A session of its own: the default one is shared by all threads and not safe to make clients from.
    return boto3.session.Session(region_name=aws_region()).client(service, config=config)


def aws_region() -> str | None:
    """The region of the environment; the SDK itself reads only the second of these names, other tools the first."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


class RequestError(LakeError):
    """When a service answered with an error, or not at all; `code` is its name, `may_pass` whether time may help."""

    def __init__(self, place: str, code: str, *, may_pass: bool = False) -> None:
        self.place = place
        self.code = code
        self.may_pass = may_pass
        super().__init__(f"{place}: the request failed with {code}{_hint(code)}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Made again from its parts in another process."""
        return partial(RequestError, may_pass=self.may_pass), (self.place, self.code)


def _hint(code: str) -> str:
    if code in {"AccessDenied", "403", "AccessDeniedException"}:
        return "; allowed: a role that may do this (docs/deploy.md lists what each role may do)"
    return ""


@contextmanager
def asking(place: str, patience: Patience) -> Iterator[None]:
    """Errors of a request become RequestError; their texts stay out, they can hold what was sent."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnectionError

    try:
        yield
        _Down.until = 0.0
    except ClientError as err:
        code = str(err.response.get("Error", {}).get("Code") or "unknown")
        status = err.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise _failed(place, code, patience, may_pass=status >= 500 or code in _THROTTLED) from None
    except (HTTPClientError, NoConnectionError) as err:
        raise _failed(place, type(err).__name__, patience, may_pass=True) from None
    except BotoCoreError as err:
        raise _failed(place, type(err).__name__, patience, may_pass=False) from None


def give_up() -> None:
    """What was tried often enough failed: others get one attempt each for a while."""
    _Down.until = time.monotonic() + DOWN_SECONDS


def _failed(place: str, code: str, patience: Patience, *, may_pass: bool) -> RequestError:
    """The error of a request; one that used up its attempts leaves no patience for others."""
    if may_pass and patience.gives_up:
        give_up()
    return RequestError(place, code, may_pass=may_pass)


def read_whole(get: Callable[[], Any], patience: Patience) -> tuple[Any, bytes]:
    """A response and its whole body; a body that breaks off is asked for again, which the SDK does not do."""
    from botocore.exceptions import BotoCoreError, ConnectionClosedError
    from urllib3.exceptions import HTTPError

    for attempt in range(1, patience.attempts + 1):
        response = get()
        try:
            return response, response["Body"].read()
        except (BotoCoreError, HTTPError, OSError):
            if attempt == patience.attempts or time.monotonic() < _Down.until:
                raise ConnectionClosedError(endpoint_url="") from None
            time.sleep(patience.pause_seconds * attempt)
    raise AssertionError(patience)
