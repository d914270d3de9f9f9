"""What tests let Spark do; its workers import it from here."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polars.exceptions import PanicException
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
    if number == 6:
        raise PanicException("secret-vendor-id")
    raise ValueError("secret-vendor-id")


def attempt() -> int:
    """Which attempt of its task this is, from 0."""
    context = TaskContext.get()
    assert context is not None
    return context.attemptNumber()


@dataclass(frozen=True)
class FailsFirst:
    """A step whose tasks do their work and then fail, until Spark tries them again; that what it returns says."""

    step: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        done = self.step(*arguments)
        if attempt() == 0:
            raise ValueError("secret-vendor-id")
        return done


def attempt_after_death(item: int) -> tuple[int, int]:
    """The item and the attempt it was done in; the process of every first attempt at item 1 dies."""
    if item == 1 and attempt() == 0:
        os._exit(1)
    return item, attempt()


def jars_on_path(_: int) -> list[str]:
    """Archives of Java whose directories Python would read again before the next task."""
    return [entry for entry in (*sys.path, *sys.path_importer_cache) if entry.endswith(".jar")]


def numbered_with_task(item: int) -> tuple[int, int]:
    """The item and the number of the partition that it is in."""
    context = TaskContext.get()
    assert context is not None
    return item, context.partitionId()


def write_for_a_minute(folder: str) -> None:
    """Write a file every five milliseconds."""
    for number in range(12_000):
        Path(folder, f"{number}.written").touch()
        time.sleep(0.005)
