"""What the SDK does not repeat is repeated here, and a service that is down is asked once."""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from qol.aws.requests import BREAKER, IncompleteReadError, RetryPolicy, TransientError, read_whole, retry

POLICY = RetryPolicy(attempts=3, pause_seconds=0.0)


class Broken:
    """A body whose connection closes."""

    def read(self) -> bytes:
        raise ConnectionResetError


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    BREAKER.record_success()
    yield
    BREAKER.record_success()


def read(bodies: list[Any], policy: RetryPolicy = POLICY) -> bytes:
    return read_whole("s3://bucket/key", lambda: {"Body": bodies.pop(0)}, policy)[1]


def test_a_body_that_breaks_off_is_read_again() -> None:
    assert read([Broken(), Broken(), io.BytesIO(b"whole")]) == b"whole"
    assert not BREAKER.is_open


def test_a_body_that_breaks_off_at_every_attempt_opens_the_circuit_breaker() -> None:
    bodies = [Broken() for _ in range(4)]
    with pytest.raises(IncompleteReadError, match="s3://bucket/key: the request failed with ConnectionClosedError"):
        read(bodies)
    assert (len(bodies), BREAKER.is_open) == (1, True)


def test_attempts_of_a_policy_that_opens_no_breaker_leave_it_closed() -> None:
    with pytest.raises(IncompleteReadError):
        read([Broken()], RetryPolicy(attempts=1, opens_breaker=False))
    assert not BREAKER.is_open


def test_an_open_breaker_leaves_one_attempt() -> None:
    BREAKER.record_failure(POLICY)
    calls: list[int] = []

    def attempt() -> None:
        calls.append(1)
        raise TransientError("s3://bucket/key", "SlowDown")

    with pytest.raises(TransientError):
        retry(attempt, POLICY, TransientError)
    assert calls == [1]
