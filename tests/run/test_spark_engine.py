"""The Spark engine: the same bytes as in one process, errors as themselves, retries, balance, and few jobs that have names."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from qol.aws.requests import RequestError
from qol.errors import ContractError, LakeError, TaskError, UsageError
from qol.run.spark_engine import _max_attempts, _slices, answer
from qol_dev.sample import SampleOptions, write_sample
from tests.builders import contracts_with, daily_record, published_files, run_lake, split, write_lines
from tests.damage import without_end
from tests.run.spark_tasks import (
    FailsFirst,
    attempt_after_death,
    fail,
    jars_on_path,
    numbered_with_task,
)
from tests.run.test_deletions import DELETED, MEASUREMENTS, deliver, gone, steps, walked
from tests.spark_lake import SAMPLE, SPARK_TESTS, KeptSparkEngine, run_sample

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = SPARK_TESTS

T = TypeVar("T")
R = TypeVar("R")
RECORDS = "processed/records/garmin_dailies/date=2026-11-09/part-00000.parquet"


def test_what_travels_to_tasks_is_in_no_file_that_can_be_read(spark: SparkSession) -> None:
    sent = spark.sparkContext.broadcast(b"canary of the key")
    folder = Path(str(spark.sparkContext._temp_dir))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert (sent.value, len(files) > 0) == (b"canary of the key", True)
    assert [path for path in files if b"canary of the key" in path.read_bytes()] == []


# Same bytes.


@pytest.mark.usefixtures("no_gate")
def test_a_small_run_on_spark_publishes_the_same_bytes_as_in_one_process(spark: SparkSession, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for lake in (one, other):
        write_lines(lake, "2026-11-10", [daily_record("u1"), daily_record("u2"), b"no JSON"])
        write_lines(lake, "2026-11-11", [daily_record("u1", day=1), daily_record("u3", day=1)], name="b.jsonl")
    run_lake(one)
    with split(range_bytes=400, buckets=3):
        run = run_lake(other, make_engine=lambda *_: KeptSparkEngine(spark.sparkContext), engine="spark")
    assert (run.engine, run.totals["rejected"]) == ("spark", 1)
    assert published_files(other) == published_files(one)
    assert len(published_files(one)) > 3


@pytest.mark.acceptance
def test_a_sample_lake_is_the_same_bytes_and_a_second_run_has_nothing_to_do(
    spark: SparkSession, sample_lake: Path, tmp_path: Path
) -> None:
    write_sample(tmp_path, SAMPLE)
    assert run_sample(tmp_path, spark, range_bytes=400_000, buckets=3).engine == "spark"
    assert published_files(tmp_path) == published_files(sample_lake)
    assert run_sample(tmp_path, spark, buckets=2).status == "nothing_to_do"
    assert published_files(tmp_path) == published_files(sample_lake)


@pytest.mark.acceptance
def test_every_source_at_once_is_the_same_bytes_in_three_spark_jobs_however_many_tables(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Ingest, reduce and assemble: the number of jobs does not grow with record types."""
    lakes = [tmp_path / "one", tmp_path / "spark"]
    for lake in lakes:
        write_sample(lake, SampleOptions(users=20, weeks=1))
    spark.sparkContext.setJobGroup("all sources", "counted")
    manifest = run_sample(lakes[1], spark)
    jobs = spark.sparkContext.statusTracker().getJobIdsForGroup("all sources")
    spark.sparkContext.setJobGroup("others", "not counted")
    assert len({table.name for table in manifest.tables}) > 30
    assert len(jobs) == 3
    run_sample(lakes[0])
    assert published_files(lakes[1]) == published_files(lakes[0])


@pytest.mark.acceptance
@pytest.mark.usefixtures("no_gate")
def test_what_was_deleted_weeks_later_is_left_out_with_the_same_bytes(spark: SparkSession, tmp_path: Path) -> None:
    contracts = contracts_with(tmp_path, MEASUREMENTS, DELETED)
    one, other = tmp_path / "one", tmp_path / "other"
    for lake in (one, other):
        deliver(lake, "2026-10-13", [walked("a", day=-28, steps=9), walked("b", day=-28, hour=9, steps=4)])
        run_lake(lake, contracts)
        deliver(lake, "2026-11-10", [walked("c"), walked("d", device="WATCH", steps=7), gone("b")])
    run_lake(one, contracts)
    with split(buckets=2):
        run_lake(other, contracts, make_engine=lambda *_: KeptSparkEngine(spark.sparkContext), engine="spark")
    assert [sorted(steps(other, week).values()) for week in ("2026-10-12", "2026-11-09")] == [[9], [7]]
    assert published_files(one, "processed") == published_files(other, "processed")


# Tasks.


def test_a_hundred_items_are_few_tasks_whose_results_keep_their_order(spark: SparkSession) -> None:
    done = KeptSparkEngine(spark.sparkContext).map(range(100), numbered_with_task)
    assert [item for item, _ in done] == list(range(100))
    assert {task for _, task in done} == set(range(8))
    assert [task for _, task in done[:8]] == list(range(8))  # the first items are the largest ones


def test_nothing_to_do_gives_nothing(spark: SparkSession) -> None:
    assert KeptSparkEngine(spark.sparkContext).map([], fail) == []


@pytest.mark.parametrize(
    ("master", "items", "slices"), [("local[2]", 65, 8), ("local[2]", 3, 3), ("yarn", 65, 65), ("yarn", 5_000, 1_000)]
)
def test_a_cluster_gets_a_task_for_each_item_as_its_executors_may_join_later(
    master: str, items: int, slices: int
) -> None:
    assert _slices(SimpleNamespace(master=master, defaultParallelism=2), items) == slices  # type: ignore[arg-type]


def test_workers_do_not_look_into_sparks_jar(spark: SparkSession) -> None:
    assert KeptSparkEngine(spark.sparkContext).map(range(4), jars_on_path) == [[], [], [], []]


def test_jobs_are_named_by_what_they_call(spark: SparkSession) -> None:
    KeptSparkEngine(spark.sparkContext).map(range(3), numbered_with_task)
    jobs = spark.sparkContext._jsc.sc().statusStore().jobsList(None)
    assert jobs.head().description().get() == "numbered_with_task: 3 items"
    assert spark.sparkContext.getLocalProperty("spark.job.description") is None


# Errors.


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        (1, UsageError, "two lines,\nof ours"),
        (2, RequestError, "s3://bucket: the request failed with SlowDown"),
        (3, TaskError, "a task failed: ValueError"),
        (4, ContractError, "1 contract problem(s):\n  a.yaml: (top): found x; allowed: y"),
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
        run_lake(tmp_path, reread=True, make_engine=lambda *_: KeptSparkEngine(spark.sparkContext), engine="spark")
    assert str(raised.value) == (
        f"{RECORDS}: damaged, cannot be read; move it aside, then qol backfill --from <first arrival day> --to <today>"
    )


@pytest.mark.parametrize(("number", "kind"), [(3, "ValueError"), (6, "PanicException")])
def test_what_spark_logs_of_an_unexpected_error_holds_no_value(number: int, kind: str) -> None:
    with pytest.raises(TaskError) as raised:
        answer(fail, number, 0, attempts=2)
    logged = "".join(traceback.format_exception(raised.value))
    assert f"a task failed: {kind}" in logged
    assert "secret-vendor-id" not in logged


# Attempts.


class FailingEngine(KeptSparkEngine):
    """The first attempt at every task of every stage fails, after its work is done."""

    def map(self, items: Any, function: Callable[[T], R]) -> list[R]:
        """As the engine does it, with steps that fail."""
        return super().map(items, FailsFirst(function))


@pytest.mark.usefixtures("no_gate")
def test_tasks_that_spark_has_to_try_again_leave_the_same_bytes(spark: SparkSession, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for lake in (one, other):
        write_lines(lake, "2026-11-10", [daily_record("u1"), daily_record("u2"), b"no JSON"])
    run_lake(one)
    with split(buckets=2):
        run = run_lake(other, make_engine=lambda *_: FailingEngine(spark.sparkContext), engine="spark")
    assert run.status == "published"
    assert published_files(other) == published_files(one)


@pytest.mark.parametrize(
    ("master", "attempts"),
    [("local", 1), ("local[*]", 1), ("local[4, 3]", 3), ("local-cluster[2,1,1024]", 5), ("yarn", 5)],
)
def test_how_often_a_task_is_tried_is_what_spark_goes_by(master: str, attempts: int) -> None:
    conf = SimpleNamespace(get=lambda name, _: {"spark.task.maxFailures": "5"}[name])
    context = SimpleNamespace(master=master, getConf=lambda: conf)
    assert _max_attempts(context) == attempts  # type: ignore[arg-type]


def test_a_task_whose_process_dies_is_done_by_another(spark: SparkSession) -> None:
    assert KeptSparkEngine(spark.sparkContext).map([0, 1], attempt_after_death) == [(0, 0), (1, 1)]
