"""Spark as the executor: Spark brings distribution, retries and its UI.

parallelize(slices).mapPartitions(MapStep | ReduceStep | AssembleStep)     collected by the driver

What steps return is small. Blocks and parts lie in the lake: Java would carry each of their bytes five times.
"""

from __future__ import annotations

import os
import pickle
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
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
    "spark.python.worker.reuse": "false",  # a worker is forked in milliseconds, and gives back all its memory: 1 GiB less
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
#: On this machine: enough that cores which are done early find another; Spark takes long to start each.
TASKS_PER_CORE = 4
#: On a cluster, where executors may register after the tasks are made.
MAX_TASKS = 1_000
T = TypeVar("T")
R = TypeVar("R")
#: Pickled: the number of an item and what was returned for it, or the error that ended it.
Answer = tuple[Literal["returned", "error"], bytes]
#: A start in the background that start_spark has not yet waited for, and threads that stop Spark.
_begun: list[Future[SparkContext]] = []
_stopping: list[threading.Thread] = []


class SparkEngine:
    """Works in the tasks of a running Spark."""

    name = "spark"
    scratch = None  # executors share nothing but the lake

    def __init__(self, context: SparkContext) -> None:
        self._context = context
        self._is_running = False

    def map(self, items: Iterable[T], function: Callable[[T], R]) -> list[R]:
        """Call the function for every item, on this machine in a few tasks per core; the first error is raised as itself.

        Items travel with the function, because Spark would keep them in files of their own.
        """
        items = list(items)
        if not items:
            return []
        context, self._is_running = self._context, True
        slices = _slices(context, len(items))
        shipped, attempts = context.broadcast((function, items)), _max_attempts(context)

        def answers(firsts: Iterable[int]) -> Iterator[Answer]:
            call, given = shipped.value
            for number in (number for first in firsts for number in range(first, len(given), slices)):
                yield answer(call, given[number], number, attempts)

        with _described(context, f"{_name(function)}: {len(items)} items"):
            found = context.parallelize(range(slices), slices).mapPartitions(answers).collect()
        self._is_running = False
        return _returned(found)

    def close(self) -> None:
        """Stop Spark. Wait until running tasks have ended, because they write to `_staging/`.

        If no task runs, Spark stops in the background: PySpark waits up to a second for one of its threads.
        """
        stop = threading.Thread(target=self._context.stop, daemon=True)
        _stopping.append(stop)
        stop.start()
        if self._is_running:
            stop.join()


def start_spark(master: str | None, app: str = "qol-weekly-etl") -> SparkContext:
    """The running Spark, or a new one; without a master the settings are those of the cluster (or spark-submit)."""
    # Polars sets SA_RESTART for SIGINT when it is imported: Ctrl-C would wait for the end of a stage.
    signal.siginterrupt(signal.SIGINT, True)  # noqa: FBT003 (it has no name)
    return _begun.pop().result() if _begun else _start(master, app)


def begin_to_start(master: str | None) -> None:
    """Start Spark, and the process that its workers are forked from, in the background; `start_spark` then waits for it."""
    begun: Future[SparkContext] = Future()

    def begin() -> None:
        try:
            context = _start(master, "qol-weekly-etl")
        except BaseException as err:  # noqa: BLE001 (start_spark raises it)
            begun.set_exception(err)
            return
        begun.set_result(context)
        with suppress(Exception), _described(context, "start of workers"):
            context.parallelize([0], 1).foreach(_imported)

    _begun.append(begun)
    threading.Thread(target=begin, daemon=True).start()


def _start(master: str | None, app: str) -> SparkContext:
    while _stopping:  # getOrCreate would return the Spark that is being stopped
        _stopping.pop().join()
    settings = SparkConf().setAppName(app)
    if master is not None:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # everything stays on this machine
        os.environ["JAVA_HOME"] = str(find_java())
        settings = settings.setMaster(master).setAll(list(_LOCAL_SETTINGS.items()))
    context = SparkContext.getOrCreate(settings)
    context.setLogLevel("ERROR")
    return context


def _imported(_: int) -> None:
    """Do nothing: the worker has imported everything when it is called."""


def answer(function: Callable[[T], Any], item: T, number: int, attempts: int) -> Answer:
    """What the function returns for an item, with its number; or the error that it raises.

    An error that is no QolError is raised instead while Spark has attempts left. Either way only its type and place leave
    the task: Spark logs the text of errors, and that of an unexpected one could hold a value.
    """
    # Not above: the driver starts Spark before it imports Polars.
    from polars.exceptions import PanicException

    try:
        return "returned", pickle.dumps((number, function(item)))
    except QolError as err:
        return "error", pickle.dumps(err)
    except (Exception, PanicException) as err:  # noqa: BLE001 (whatever it is, its text must not reach a log)
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
    if _is_local(context):
        return int(str(context.master).rstrip("]").partition(",")[2] or 1)
    return int(context.getConf().get("spark.task.maxFailures", "4"))


def _slices(context: SparkContext, items: int) -> int:
    """In how many tasks of Spark items are done."""
    return min(items, TASKS_PER_CORE * context.defaultParallelism if _is_local(context) else MAX_TASKS)


def _is_local(context: SparkContext) -> bool:
    """Whether all its tasks run on this machine, in the process of Java that it is in."""
    return re.match(r"local(\[|$)", str(context.master)) is not None


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
