"""Clients of AWS for the functions, and what their errors say."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from qol.aws.requests import RetryPolicy, aws_client
from qol.errors import QolError

POLICY = RetryPolicy(attempts=3, connect_seconds=3.0, read_seconds=10.0)
#: For a request that must not be sent twice.
ONE_ATTEMPT = RetryPolicy(attempts=1, connect_seconds=3.0, read_seconds=10.0)
#: DynamoDB's code of a conditional write whose condition does not hold.
CONDITION_FAILED = "ConditionalCheckFailedException"

logger = Logger()


def client(service: str, policy: RetryPolicy = POLICY) -> Any:
    """The client of a service."""
    return aws_client(service, policy)


def error_code(err: BaseException) -> str:
    """The service's code of an error, or `""`."""
    return str(err.response.get("Error", {}).get("Code", "unknown")) if isinstance(err, ClientError) else ""


def error_summary(err: BaseException) -> str:
    """An error for messages and logs: the text of a QolError, else only its name, because its text could hold anything."""
    if isinstance(err, ClientError):
        return f"{err.operation_name} answered {error_code(err)}"
    return str(err) if isinstance(err, QolError) else type(err).__name__


@contextmanager
def ignore_error(code: str) -> Iterator[None]:
    """End the block without an error when a service answers with that code."""
    try:
        yield
    except ClientError as err:
        if error_code(err) != code:
            raise


@contextmanager
def log_errors(what: str, **facts: str) -> Iterator[None]:
    """End the block without an error, whatever happens, and log `what` failed and why."""
    try:
        yield
    except Exception as err:  # noqa: BLE001 (the caller goes on without the block's result)
        logger.warning(what, extra={**facts, "reason": error_summary(err)})
