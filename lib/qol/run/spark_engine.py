"""Spark as the executor: DataFrames of tasks and blocks; Spark brings distribution, retries, spilling and its UI.

spark.range(tasks).mapInArrow(MapStep)             rows of bucket int, kind string, block binary; kept on disk
  where kind != 'block'                            summaries and errors, collected by the driver
  where kind  = 'block', union a row per bucket    repartitioned by bucket, then mapInArrow(ReduceStep)
spark.range(slices).mapInArrow(AssembleStep)       summaries and errors
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from qol.run.engine import Compression, Mapped, Shuffled
from qol.run.java import find_java
from qol.run.spark_rows import ROWS, Row, collect_summaries, summary_row, to_batches

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

#: Settings of the engine's own session.
_SETTINGS = {
    # One block in an Arrow batch: many large ones together could pass its 2 GiB.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1",
    # Partitions are tasks and buckets: merging or splitting them has no use, and one query stays one job in the UI.
    "spark.sql.adaptive.enabled": "false",
}
#: Settings of a Spark that is started on this machine.
_LOCAL_SETTINGS: dict[str, bool | float | int | str | None] = {
    # All work on rows is Python's: compiling Java's code thoroughly would take longer than a local run lasts.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.memory": "1g",
    # The key and the user map travel through files of this machine.
    "spark.io.encryption.enabled": "true",
    "spark.log.level": "ERROR",
    "spark.shuffle.compress": "false",  # blocks are compressed
    "spark.python.daemon.module": "qol.run.spark_daemon",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
#: Enough that cores which are done early find another.
TASKS_PER_CORE = 4
#: Numbers tried for each partition when one is sought that Spark's hash sends there: missing all has a chance of e^-32.
_TRIED = 32
T = TypeVar("T")
R = TypeVar("R")
Batches = Iterable["pa.RecordBatch"]


class SparkEngine:
    """Maps and reduces as DataFrames, in a session of its own beside the given one."""

    name = "spark"
    compression: Compression = "zstd"  # each byte goes through Spark five times, encrypted

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark.newSession()
        for setting, value in _SETTINGS.items():
            self._spark.conf.set(setting, value)

    def shuffle(self, tasks: list[T], function: Callable[[T], Mapped], buckets: int) -> Shuffled:
        """Call the function once for every task, each a partition; its rows stay on disk until the reduce has read them."""
        from pyspark import StorageLevel

        rows = _map_in_arrow(self._spark, tasks, len(tasks), function).persist(StorageLevel.DISK_ONLY)
        with _described(self._spark, f"{_name(function)}: {len(tasks)} tasks"):
            summaries = collect_summaries(rows.where("kind != 'block'"))
        return SparkShuffled(self._spark, rows, buckets, summaries)

    def map(self, items: Iterable[T], function: Callable[[T], R]) -> list[R]:
        """Call the function for every item in a few partitions per core, because Spark takes long to start each."""
        items = list(items)
        slices = min(len(items), TASKS_PER_CORE * self._spark.sparkContext.defaultParallelism)
        with _described(self._spark, f"{_name(function)}: {len(items)} items"):
            return collect_summaries(_map_in_arrow(self._spark, items, slices, function))

    def close(self) -> None:
        """Stop Spark."""
        self._spark.stop()


@dataclass
class SparkShuffled:
    """Blocks as rows of a persisted DataFrame."""

    spark: SparkSession
    rows: DataFrame
    buckets: int
    summaries: list[Any]

    def reduce(self, function: Callable[[int, Iterator[bytes]], R]) -> list[R]:
        """Call the function for every bucket, each in its own partition; blocks are then given back."""
        shipped, attempts = self.spark.sparkContext.broadcast(function), _max_attempts(self.spark)

        def reduce_buckets(batches: Batches) -> Batches:
            rows = ((row["bucket"], row["block"]) for batch in batches for row in batch.to_pylist())
            for bucket, members in groupby(rows, itemgetter(0)):
                blocks = (block for _, block in members if block is not None)
                yield from to_batches(_rows_of_bucket(shipped, bucket, blocks), attempts)

        reduce_buckets.__name__ = _name(function)
        with _described(self.spark, f"{_name(function)}: {self.buckets} buckets"):
            results: list[R] = collect_summaries(self._by_bucket().mapInArrow(reduce_buckets, ROWS))
        self.rows.unpersist()
        return results

    def _by_bucket(self) -> DataFrame:
        """Every block and, so that a bucket without any is there too, one row without a block for every bucket."""
        every = self.spark.range(0, self.buckets, 1, 1).selectExpr("int(id) AS bucket", "CAST(NULL AS binary) AS block")
        blocks = self.rows.where("kind = 'block'").select("bucket", "block").unionByName(every)
        # Sorted, a partition may hold any number of buckets; the expression is for balance alone.
        return blocks.repartition(self.buckets, self._spread()).sortWithinPartitions("bucket")

    def _spread(self) -> Any:
        """An expression of the bucket whose hash puts each into its own partition: hashes of 0, 1, 2... collide."""
        from pyspark.sql import functions as f

        numbers = self.spark.range(0, self.buckets * _TRIED, 1, 1).selectExpr("int(id) AS number")
        hashed = numbers.selectExpr("number", f"pmod(hash(number), {self.buckets}) AS partition").collect()
        number_of = {row["partition"]: row["number"] for row in hashed}
        numbers_by_bucket = ", ".join(str(number_of.get(bucket, bucket)) for bucket in range(self.buckets))
        return f.expr(f"array({numbers_by_bucket})[bucket]")


def start_spark(master: str | None, app: str = "qol-weekly-etl") -> SparkSession:
    """The running Spark session, or a new one; without a master the settings are those of the cluster (or spark-submit)."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName(app)
    if master is not None:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # everything stays on this machine
        os.environ["JAVA_HOME"] = str(find_java())
        builder = builder.master(master).config(map=_LOCAL_SETTINGS)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _map_in_arrow(spark: SparkSession, items: list[T], slices: int, function: Callable[[T], Any]) -> DataFrame:
    """A row per slice of the items, one in each partition, to a summary and perhaps blocks of every item of the slice.

    Items travel with the function: as rows of `createDataFrame` they would go through a second Python process per task.
    """
    shipped, attempts = spark.sparkContext.broadcast((function, items)), _max_attempts(spark)

    def rows(number: int) -> Iterator[Row]:
        call, given = shipped.value
        answer = call(given[number])
        mapped = answer if isinstance(answer, Mapped) else Mapped(answer, [])
        for bucket, block in mapped.blocks:
            yield bucket, "block", block
        yield summary_row(number, mapped.summary)

    total = len(items)

    def run_slices(batches: Batches) -> Batches:
        for first in (first for batch in batches for first in batch.column(0).to_pylist()):
            for number in range(first, total, slices):
                yield from to_batches(rows(number), attempts)

    run_slices.__name__ = _name(function)
    return spark.range(0, slices, 1, max(slices, 1)).mapInArrow(run_slices, ROWS)


def _rows_of_bucket(shipped: Any, bucket: int, blocks: Iterator[bytes]) -> Iterator[Row]:
    yield summary_row(bucket, shipped.value(bucket, blocks))


def _max_attempts(spark: SparkSession) -> int:
    """How often Spark tries a task: `local[N, M]` says M, other local masters once, a cluster by its setting."""
    master = str(spark.sparkContext.master)
    if re.match(r"local(\[|$)", master):
        return int(master.rstrip("]").partition(",")[2] or 1)
    return int(spark.sparkContext.getConf().get("spark.task.maxFailures", "4"))


@contextmanager
def _described(spark: SparkSession, text: str) -> Iterator[None]:
    """Jobs started inside carry the text in Spark's UI."""
    spark.sparkContext.setJobDescription(text)
    try:
        yield
    finally:
        spark.sparkContext.setJobDescription(None)  # type: ignore[arg-type]


def _name(function: Callable[..., Any]) -> str:
    """The class of a step, or the function's own name."""
    return getattr(function, "__name__", type(function).__name__)
