"""What ends a task on Spark is said in the driver as on this machine: by the error itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qol.errors import LakeError, QolError, TaskError, UsageError
from tests.builders import daily_record, run_lake, write_lines
from tests.damage import without_end
from tests.spark.tasks import fail

from .conftest import SPARK_TESTS, KeptSparkEngine

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = SPARK_TESTS

RECORDS = "processed/records/garmin_dailies/date=2026-11-09/part-00000.parquet"


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        (1, UsageError, "two lines,\nof ours"),
        (2, QolError, "s3://bucket: the request failed with SlowDown"),
        (3, TaskError, "a task failed: ValueError"),
        (4, QolError, "1 contract problem(s):\n  a.yaml: (top): found x; allowed: y"),
        (5, LakeError, "the outer"),
    ],
)
def test_an_error_of_a_task_is_raised_as_itself_without_values(
    spark: SparkSession, number: int, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind) as raised:
        KeptSparkEngine(spark.sparkContext).map([number], fail)
    assert (raised.type, str(raised.value).partition(" at qol/")[0]) == (kind, text)


@pytest.mark.usefixtures("no_gate")
def test_a_damaged_file_of_records_is_named_on_spark_as_well(spark: SparkSession, tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    run_lake(tmp_path)
    without_end(tmp_path / RECORDS)
    with pytest.raises(LakeError) as raised:
        run_lake(tmp_path, make_engine=lambda *_: KeptSparkEngine(spark.sparkContext))
    assert str(raised.value) == (
        f"{RECORDS}: damaged, cannot be read; move it aside, then qol backfill --from <first arrival day> --to <today>"
    )
