"""The rows that tasks on Spark answer with: blocks for buckets, summaries for the driver, and the errors that ended a task."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from qol.errors import QolError, TaskError, safe_place

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: A block has its bucket; a summary is the pickled number of its task and what the task returned, an error is pickled.
ROWS = "bucket int, kind string, block binary"
Row = tuple[int | None, str, bytes]
_ARROW = pa.schema({"bucket": pa.int32(), "kind": pa.string(), "block": pa.binary()})


def summary_row(number: int, summary: Any) -> Row:
    """What task (or bucket) `number` tells the driver."""
    return None, "summary", pickle.dumps((number, summary))


def to_batches(rows: Iterator[Row], attempts: int) -> Iterator[pa.RecordBatch]:
    """Each row as an Arrow batch, since a batch of many blocks could pass Arrow's 2 GiB; an error becomes the last row.

    An error that is no QolError is raised instead while Spark has attempts left. Either way only its type and place leave
    the task: Spark logs the text of errors, and that of an unexpected one could hold a value.
    """
    try:
        for row in rows:
            yield _to_batch(row)
    except QolError as err:
        yield _to_batch((None, "error", pickle.dumps(err)))
    except Exception as err:  # noqa: BLE001 (whatever it is, its text must not reach a log)
        unexpected = TaskError(f"a task failed: {safe_place(err)}")
        if _attempt() < attempts:
            raise unexpected from None
        yield _to_batch((None, "error", pickle.dumps(unexpected)))


def collect_summaries(rows: DataFrame) -> list[Any]:
    """Summaries in the order of their numbers; the first error among the rows is raised as itself."""
    answers = [(row["kind"], pickle.loads(row["block"])) for row in rows.collect()]  # noqa: S301 (our own tasks' bytes)
    for kind, content in answers:
        if kind == "error":
            raise content
    return [summary for _, summary in sorted((content for _, content in answers), key=itemgetter(0))]


def _to_batch(row: Row) -> pa.RecordBatch:
    # By way of Polars: pyarrow imports pandas to look at a list, a second in every worker.
    columns = pl.DataFrame([row], schema={"bucket": pl.Int32, "kind": pl.String, "block": pl.Binary}, orient="row")
    return columns.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(_ARROW).to_batches()[0]


def _attempt() -> int:
    """Which attempt of its task this is, from 1."""
    from pyspark import TaskContext

    context = TaskContext.get()
    return 1 if context is None else context.attemptNumber() + 1
