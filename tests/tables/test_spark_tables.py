"""Tables as Spark DataFrames: columns, types, comments, whole files only."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
import yaml

from qol.contracts.columns import table_schemas
from qol.errors import UsageError
from qol.tables.spark import create_views, read_all, table
from tests.builders import CONTRACTS, contracts_with
from tests.spark_lake import SPARK_TESTS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [*SPARK_TESTS, pytest.mark.acceptance]

TABLES = sorted(table_schemas(CONTRACTS))


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_the_contracts_columns_types_and_comments(
    spark: SparkSession, sample_lake: Path, name: str
) -> None:
    fields = table(spark, sample_lake, name, CONTRACTS).schema.fields
    columns = [(c.name, c.type, c.comment) for c in table_schemas(CONTRACTS)[name]]
    if name not in ("job_runs", "raw_objects", "collect_runs"):
        day = "UTC day of arrival" if name in ("rejects", "objects_read") else "Monday of the ISO week"
        columns.append(("date", "string", f"{day}, YYYY-MM-DD."))
    assert [(f.name, f.dataType.simpleString(), f.metadata["comment"]) for f in fields] == columns


def test_a_comment_keeps_its_quotes_and_backslashes(spark: SparkSession, tmp_path: Path) -> None:
    said = {
        "source": "zeta", "record": "weights", "description": "One weighing.", "person": ["user"], "key": ["at"],
        "day": {"start": "at"},
        "fields": {"at": {"path": "at", "type": "epoch_seconds", "description": "A person's \\ hour."}},
        "examples": [{"name": "one", "arrival": "2026-11-10", "raw": {"user": "u1", "at": 1794231000}, "expect": {"day": "2026-11-09"}}],
    }  # fmt: skip
    contracts = contracts_with(tmp_path, yaml.safe_dump(said))
    rows = table(spark, tmp_path / "lake", "records_zeta_weights", contracts)
    assert rows.schema["at"].metadata == {"comment": "A person's \\ hour."}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_not_published_yet_is_empty_and_has_its_columns(
    spark: SparkSession, sample_lake: Path, tmp_path: Path, name: str
) -> None:
    empty = table(spark, tmp_path, name)
    assert empty.collect() == []
    assert empty.schema == table(spark, sample_lake, name).schema


def test_a_table_holds_every_row_of_every_partition_and_says_which(spark: SparkSession, sample_lake: Path) -> None:
    files = {
        path.parent.name: path for path in sorted((sample_lake / "processed" / "weekly").rglob("part-00000.parquet"))
    }
    rows = table(spark, sample_lake, "weekly_metrics").groupBy("date").count().collect()
    found = {f"date={row['date']}": row["count"] for row in rows}
    assert found == {name: pq.read_metadata(path).num_rows for name, path in files.items()}
    assert sorted(found) == ["date=2026-10-26", "date=2026-11-02", "date=2026-11-09"]


def test_what_was_left_beside_a_partitions_file_is_not_read(
    spark: SparkSession, sample_lake: Path, tmp_path: Path
) -> None:
    shutil.copytree(sample_lake / "processed" / "weekly", tmp_path / "processed" / "weekly")
    partition = tmp_path / "processed" / "weekly" / "date=2026-11-09"
    shutil.copy(partition / "part-00000.parquet", partition / "part-00001.parquet")
    rows = table(spark, tmp_path, "weekly_metrics").count()
    assert rows == table(spark, sample_lake, "weekly_metrics").count()


def test_a_column_that_older_files_lack_is_null_there(spark: SparkSession, sample_lake: Path, tmp_path: Path) -> None:
    for partition in sorted((sample_lake / "processed" / "weekly").iterdir()):
        target = tmp_path / "processed" / "weekly" / partition.name
        target.mkdir(parents=True)
        rows = pq.read_table(partition / "part-00000.parquet", partitioning=None)
        old = partition.name < "date=2026-11-09"
        pq.write_table(rows.drop_columns(["steps_mean"]) if old else rows, target / "part-00000.parquet")
    weeks = table(spark, tmp_path, "weekly_metrics").where("steps_mean IS NOT NULL").select("date").distinct()
    assert [row["date"] for row in weeks.collect()] == ["2026-11-09"]


def test_days_are_dates_and_times_are_utc(spark: SparkSession, sample_lake: Path) -> None:
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    rows = table(spark, sample_lake, "records_garmin_dailies")
    shown = rows.selectExpr("day", "string(received_at) AS shown", "unix_micros(received_at) AS micros")
    row = shown.where("received_at IS NOT NULL").orderBy("received_at").first()
    assert row is not None
    assert isinstance(row["day"], date)
    received = datetime.fromtimestamp(row["micros"] // 1_000_000, UTC)
    assert row["shown"].startswith(received.strftime("%Y-%m-%d %H:%M:%S"))


def test_a_run_is_a_row_of_job_runs(spark: SparkSession, sample_lake: Path) -> None:
    (run,) = (
        table(spark, sample_lake, "job_runs")
        .selectExpr("status", "week", "totals.rejected > 0 AS some_rejected")
        .collect()
    )
    assert tuple(run) == ("published", "2026-W46", True)


def test_tables_answer_to_athenas_spelling_and_to_a_uri(spark: SparkSession, sample_lake: Path) -> None:
    ours = table(spark, sample_lake, "records_garmin_stressDetails")
    theirs = table(spark, f"file://{sample_lake}/", "records_garmin_stressdetails")
    assert theirs.schema == ours.schema
    assert theirs.count() == ours.count() > 0


def test_a_table_that_no_contract_makes_is_refused_with_those_there_are(spark: SparkSession, sample_lake: Path) -> None:
    with pytest.raises(
        UsageError, match="table 'steps': not made by any contract; allowed: collect_runs, daily_metrics, "
    ):
        table(spark, sample_lake, "steps")


def test_all_tables_can_be_had_at_once_also_as_views(spark: SparkSession, sample_lake: Path) -> None:
    assert sorted(read_all(spark, sample_lake)) == TABLES
    assert sorted(create_views(spark, sample_lake)) == TABLES
    weeks = spark.sql("SELECT DISTINCT iso_week FROM weekly_metrics ORDER BY iso_week").collect()
    assert [row["iso_week"] for row in weeks] == ["2026-W44", "2026-W45", "2026-W46"]
