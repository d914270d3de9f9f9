"""Clients of AWS for the functions: made when they are first needed, with bounded patience."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from qol.errors import QolError

CONNECT_SECONDS = 3
READ_SECONDS = 10
ATTEMPTS = 3
CONNECTIONS = 10


@cache
def client(
    service: str,
    attempts: int = ATTEMPTS,
    connect_seconds: float = CONNECT_SECONDS,
    read_seconds: float = READ_SECONDS,
    connections: int = CONNECTIONS,
) -> Any:
    """The client of a service; `attempts` is 1 where a repeated request could do something twice."""
    config = Config(
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=connections,
    )
    return boto3.client(service, config=config)


def error_code(err: BaseException) -> str:
    """The service's name for an error, or `""`."""
    return str(err.response.get("Error", {}).get("Code", "unknown")) if isinstance(err, ClientError) else ""


def error_words(err: BaseException) -> str:
    """What went wrong, for people: an error of ours in full, of any other only its name, its text could hold anything."""
    if isinstance(err, ClientError):
        return f"{err.operation_name} answered {error_code(err)}"
    return str(err) if isinstance(err, QolError) else type(err).__name__
