"""What tests let Spark do; its workers import it from here."""

from __future__ import annotations

import sys
from zipimport import zipimporter

from pyspark import TaskContext

from qol.aws.requests import RequestError
from qol.errors import ContractError, LakeError, Problem, UsageError


def fail(number: int) -> None:
    """Fail with an error of ours, with ones that have parts of their own, with one after another, or with one nobody foresaw."""
    if number == 1:
        raise UsageError("two lines,\nof ours")
    if number == 2:
        raise RequestError("s3://bucket", "SlowDown")
    if number == 4:
        raise ContractError([Problem("a.yaml", "", "x", "y")])
    if number == 5:
        try:
            fail(1)
        except UsageError as err:
            raise LakeError("the outer") from err
    raise ValueError("secret-vendor-id")


def known_archives(_: int) -> list[str]:
    """Archives whose directories Python would read again before the next task."""
    return [path for path, finder in sys.path_importer_cache.items() if isinstance(finder, zipimporter)]


def numbered_with_task(item: int) -> tuple[int, int]:
    """The item and the number of the task that it is done by."""
    context = TaskContext.get()
    assert context is not None
    return item, context.partitionId()
