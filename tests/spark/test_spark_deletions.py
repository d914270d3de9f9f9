"""Deletions, overlapping devices and sums over a day on Spark: the same bytes as in one process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.builders import contracts_with, published_files, run_lake, split
from tests.run.test_deletions import DELETED, MEASUREMENTS, deliver, gone, steps, walked

from .conftest import SPARK_TESTS, KeptSparkEngine

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [*SPARK_TESTS, pytest.mark.acceptance]


@pytest.mark.usefixtures("no_gate")
def test_spark_leaves_out_what_was_deleted_weeks_later_with_the_same_bytes(spark: SparkSession, tmp_path: Path) -> None:
    contracts = contracts_with(tmp_path, MEASUREMENTS, DELETED)
    one, other = tmp_path / "one", tmp_path / "other"
    for lake in (one, other):
        deliver(lake, "2026-10-13", [walked("a", day=-28, steps=9), walked("b", day=-28, hour=9, steps=4)])
        run_lake(lake, contracts)
        deliver(lake, "2026-11-10", [walked("c"), walked("d", device="WATCH", steps=7), gone("b")])
    run_lake(one, contracts)
    with split(buckets=2):
        run = run_lake(other, contracts, engine="spark", make_engine=lambda *_: KeptSparkEngine(spark.sparkContext))
    assert run.engine == "spark"
    assert [sorted(steps(other, week).values()) for week in ("2026-10-12", "2026-11-09")] == [[9], [7]]
    assert published_files(one, "processed") == published_files(other, "processed")
