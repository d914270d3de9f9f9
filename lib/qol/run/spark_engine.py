"""Spark as the executor: Spark brings distribution, retries and its UI.

parallelize(slices).mapPartitions(MapStep | ReduceStep | AssembleStep)     collected by the driver

What steps return is small. Blocks and parts lie in the lake: Java would carry each of their bytes five times.
"""

from __future__ import annotations

import os
import pickle
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from operator import itemgetter
from typing import Any, Literal, TypeVar

from pyspark import SparkConf, SparkContext, TaskContext

from qol.errors import QolError, TaskError, safe_place
from qol.run.java import find_java

#: Settings of a Spark that is started on this machine.
_LOCAL_SETTINGS = {
    # All work on rows is Python's: compiling Java's code thoroughly would take longer than a local run lasts.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.memory": "1g",
    # The key and the user map travel through files of this machine.
    "spark.io.encryption.enabled": "true",
    "spark.log.level": "ERROR",
    "spark.python.daemon.module": "qol.run.spark_daemon",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
#: Enough that cores which are done early find another; Spark takes long to start each.
TASKS_PER_CORE = 4
T = TypeVar("T")
R = TypeVar("R")
#: Pickled: the number of an item and what was returned for it, or the error that ended it.
Answer = tuple[Literal["returned", "error"], bytes]


class SparkEngine:
    """Works in the tasks of a running Spark."""

    name = "spark"
    scratch = None  # executors share nothing but the lake

    def __init__(self, context: SparkContext) -> None:
        self._context = context

    def map(self, items: Iterable[T], function: Callable[[T], R]) -> list[R]:
        """Call the function for every item in a few tasks per core; the first error is raised as itself.

        Items travel with the function, because Spark would keep them in files of their own.
        """
        items = list(items)
        if not items:
            return []
        slices = min(len(items), TASKS_PER_CORE * self._context.defaultParallelism)
        shipped, attempts = self._context.broadcast((function, items)), _max_attempts(self._context)

        def answers(firsts: Iterable[int]) -> Iterator[Answer]:
            call, given = shipped.value
            for number in (number for first in firsts for number in range(first, len(given), slices)):
                yield answer(call, given[number], number, attempts)

        with _described(self._context, f"{_name(function)}: {len(items)} items"):
            return _returned(self._context.parallelize(range(slices), slices).mapPartitions(answers).collect())

    def close(self) -> None:
        """Stop Spark. For up to a second PySpark waits for a thread of its own, for which nobody else has to wait."""
        threading.Thread(target=self._context.stop, daemon=True).start()


def start_spark(master: str | None, app: str = "qol-weekly-etl") -> SparkContext:
    """The running Spark, or a new one; without a master the settings are those of the cluster (or spark-submit)."""
    settings = SparkConf().setAppName(app)
    if master is not None:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # everything stays on this machine
        os.environ["JAVA_HOME"] = str(find_java())
        settings = settings.setMaster(master).setAll(list(_LOCAL_SETTINGS.items()))
    context = SparkContext.getOrCreate(settings)
    context.setLogLevel("ERROR")
    return context


def begin_to_start(master: str | None) -> None:
    """Start Spark and what its workers are forked from in the background; whoever then starts Spark waits and has the same."""

    def begin() -> None:
        with suppress(Exception):  # why it does not start is said to whoever waits for it
            start_spark(master).parallelize([0], 1).foreach(_imported)

    threading.Thread(target=begin, daemon=True).start()


def _imported(_: int) -> None:
    """Nothing: the worker that is asked for it has everything imported."""


def answer(function: Callable[[T], Any], item: T, number: int, attempts: int) -> Answer:
    """What the function returns for an item, with its number; or the error that it raises.

    An error that is no QolError is raised instead while Spark has attempts left. Either way only its type and place leave
    the task: Spark logs the text of errors, and that of an unexpected one could hold a value.
    """
    try:
        return "returned", pickle.dumps((number, function(item)))
    except QolError as err:
        return "error", pickle.dumps(err)
    except Exception as err:  # noqa: BLE001 (whatever it is, its text must not reach a log)
        unexpected = TaskError(f"a task failed: {safe_place(err)}")
        if _attempt() < attempts:
            raise unexpected from None
        return "error", pickle.dumps(unexpected)


def _returned(answers: list[Answer]) -> list[Any]:
    """What was returned, in the order of the items; the first error among the answers is raised."""
    contents = [(kind, pickle.loads(content)) for kind, content in answers]  # noqa: S301 (our own tasks' bytes)
    for kind, content in contents:
        if kind == "error":
            raise content
    return [value for _, value in sorted((content for _, content in contents), key=itemgetter(0))]


def _attempt() -> int:
    """Which attempt of its task this is, from 1."""
    context = TaskContext.get()
    return 1 if context is None else context.attemptNumber() + 1


def _max_attempts(context: SparkContext) -> int:
    """How often Spark tries a task: `local[N, M]` says M, other local masters once, a cluster by its setting."""
    master = str(context.master)
    if re.match(r"local(\[|$)", master):
        return int(master.rstrip("]").partition(",")[2] or 1)
    return int(context.getConf().get("spark.task.maxFailures", "4"))


@contextmanager
def _described(context: SparkContext, text: str) -> Iterator[None]:
    """Jobs started inside carry the text in Spark's UI."""
    context.setJobDescription(text)
    try:
        yield
    finally:
        context.setJobDescription(None)  # type: ignore[arg-type]


def _name(function: Callable[..., Any]) -> str:
    """The class of a step, or the function's own name."""
    return getattr(function, "__name__", type(function).__name__)
