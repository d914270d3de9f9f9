"""Spark as the executor: tasks as an RDD, Arrow blocks through Spark's own shuffle, so it brings retries and spilling."""

from __future__ import annotations

import os
import pickle
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from zipimport import zipimporter

from qol import errors
from qol.errors import QolError, TaskError, safe_place
from qol.run.engine import Mapped, Shuffled
from qol.run.java import find_java

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext

#: All work on rows is Python's: compiling Java's code thoroughly would take longer than a local run lasts.
_QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
#: Enough that cores which are done early find another.
TASKS_PER_CORE = 4
T = TypeVar("T")
R = TypeVar("R")
#: The last line of a worker's traceback within Spark's own report: the error's class and its text.
_TOLD = re.compile(r"^qol\.[\w.]*?(\w+): (.+?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)


class SparkEngine:
    """Maps and reduces as Spark jobs of a given context."""

    name = "spark"

    def __init__(self, context: SparkContext) -> None:
        self._context = context

    def shuffle(self, tasks: list[T], function: Callable[[T], Mapped], buckets: int) -> Shuffled:
        """One map stage; its shuffle output is read once for the summaries and once by the reduce."""
        shipped = self._context.broadcast(pickle.dumps(function, protocol=pickle.HIGHEST_PROTOCOL))

        def map_partition(numbered: Iterable[tuple[int, T]]) -> Iterator[tuple[int, Any]]:
            call = _load(shipped.value)
            for number, task in numbered:
                mapped = call(task)
                yield from mapped.blocks
                yield buckets, (number, mapped.summary)

        numbered = self._context.parallelize(list(enumerate(tasks)), max(len(tasks), 1))
        blocks = numbered.mapPartitions(map_partition).partitionBy(buckets + 1, _bucket_itself)
        with _errors_of_tasks():
            pairs = self._context.runJob(blocks, _values, [buckets])
        summaries = [summary for _, summary in sorted(pairs, key=_number)]
        return SparkShuffled(self._context, blocks, buckets, summaries)

    def map(self, items: Iterable[T], function: Callable[[T], R]) -> list[R]:
        """One Spark job of a few tasks per core: each takes Spark some 50 ms to start, as long as many an item lasts."""
        items = list(items)
        if not items:
            return []
        shipped = self._context.broadcast(pickle.dumps(function, protocol=pickle.HIGHEST_PROTOCOL))

        def call(item: T) -> R:
            result: R = _load(shipped.value)(item)
            return result

        with _errors_of_tasks():
            tasks = min(len(items), TASKS_PER_CORE * self._context.defaultParallelism)
            return self._context.parallelize(items, tasks).map(call).collect()

    def close(self) -> None:
        """Stop Spark."""
        self._context.stop()


class SparkShuffled:
    """Blocks as the output of Spark's shuffle; the last partition held the summaries."""

    def __init__(self, context: SparkContext, blocks: RDD[tuple[int, Any]], buckets: int, summaries: list[Any]) -> None:
        self._context = context
        self._blocks = blocks
        self._buckets = buckets
        self.summaries = summaries

    def reduce(self, function: Callable[[int, Iterator[bytes]], R]) -> list[R]:
        """Call the function for every bucket; the map stage is not run again, Spark reads its shuffle files."""
        shipped = self._context.broadcast(pickle.dumps(function, protocol=pickle.HIGHEST_PROTOCOL))
        buckets = self._buckets

        def reduce_partition(index: int, pairs: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, R]]:
            if index < buckets:
                yield index, _load(shipped.value)(index, (block for _, block in pairs))

        with _errors_of_tasks():
            results = self._blocks.mapPartitionsWithIndex(reduce_partition, preservesPartitioning=True).collect()
        return [result for _, result in sorted(results, key=_number)]


def start_spark(master: str | None, app: str = "qol-weekly-etl") -> SparkContext:
    """The running Spark session's context, or a new one; a cluster's own settings are left as they are."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName(app)
    if master is not None:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # everything stays on this machine
        os.environ["JAVA_HOME"] = str(find_java())
        builder = builder.master(master).config("spark.ui.enabled", "false").config("spark.driver.memory", "1g")
        builder = (
            builder.config("spark.ui.showConsoleProgress", "false")
            .config("spark.driver.extraJavaOptions", _QUICK_JAVA)
            .config("spark.log.level", "ERROR")
            .config("spark.python.worker.reuse", "true")
        )
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session.sparkContext


def _load(pickled: bytes) -> Callable[..., Any]:
    """The shipped function; what it raises unexpectedly is named by its place, because Spark logs the text of errors."""
    function = _loaded(pickled)
    _forget_archives()

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except QolError:
            raise
        except Exception as err:  # noqa: BLE001 (whatever it is, its text must not reach a log)
            raise TaskError(f"a task failed: {safe_place(err)}") from None

    return call


@contextmanager
def _errors_of_tasks() -> Iterator[None]:
    """An error of ours that ended a task is raised here as itself; Spark tells it only in a text of its own."""
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]

    try:
        yield
    except Py4JJavaError as err:
        told = _TOLD.findall(str(err.java_exception))
        if not told:
            raise
        raise _error_of(*told[-1]) from None


def _error_of(name: str, text: str) -> QolError:
    """An error of ours by the name of its class; of one with parts of its own the text stays."""
    kind = getattr(errors, name, QolError)
    return QolError(text) if kind is errors.ContractError else kind(text)


def _values(pairs: Iterable[tuple[int, Any]]) -> list[Any]:
    return [value for _, value in pairs]


def _bucket_itself(bucket: int) -> int:
    return bucket


def _number(pair: tuple[int, Any]) -> int:
    return pair[0]


def _forget_archives() -> None:
    """Let Python forget what it knows of archives on its path; an import that needs one finds it again.

    Before each task Spark has Python look whether modules changed. For an archive, and Spark puts its own jar of some
    thousand files on the path, that means to read its whole directory: 50 ms of a task that may take less.
    """
    for path, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimporter):
            del sys.path_importer_cache[path]


_cache: dict[int, Callable[..., Any]] = {}


def _loaded(pickled: bytes) -> Callable[..., Any]:
    """The function of a broadcast, unpickled once per worker."""
    key = hash(pickled)
    if key not in _cache:
        _cache.clear()
        _cache[key] = pickle.loads(pickled)  # noqa: S301 (the driver's own bytes)
    return _cache[key]
