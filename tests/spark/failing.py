"""A task that fails; workers of Spark import it from here."""

from __future__ import annotations

from qol.errors import UsageError
from qol.lake.s3_client import RequestError


def fail(number: int) -> None:
    """Fail with an error of ours, with one that has parts of its own, or with one nobody foresaw."""
    if number == 1:
        raise UsageError("two lines,\nof ours")
    if number == 2:
        raise RequestError("s3://bucket", "SlowDown")
    raise ValueError("secret-vendor-id")
