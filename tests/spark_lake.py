"""Runs over sample lakes, on Spark or on this machine's processes."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qol.identity.pseudonym_key import read_key
from qol.identity.user_map import read_user_map
from qol.run.engine import Engine
from qol.run.local_engine import LocalEngine
from qol.run.spark_engine import SparkEngine
from qol.tables.manifest import Manifest
from qol_dev.sample import CORE, SampleOptions
from tests.builders import run_lake, split, without_gate

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Marks of every module here: py4j leaves closing its sockets to the garbage collector.
SPARK_TESTS = [
    pytest.mark.spark,
    pytest.mark.xdist_group("spark"),
    pytest.mark.filterwarnings("ignore:unclosed.*socket:ResourceWarning"),
]
PROJECT = Path(__file__).parents[1]
#: Wednesday 09:05 in Tokyo, when the weekly job runs.
NOW = datetime(2026, 11, 18, 0, 5, tzinfo=UTC)
SAMPLE = SampleOptions(users=15, weeks=3, end="2026-W46", seed=7, sources=CORE)


class KeptSparkEngine(SparkEngine):
    """The Spark engine of a session that goes on after the run."""

    def close(self) -> None:
        """Leave the session to the other tests."""


def run_sample(
    lake: Path, spark: SparkSession | None = None, workers: int = 1, *, now: datetime = NOW, **pieces: int
) -> Manifest:
    """One run over a lake: on Spark when a session is given, else on this machine's processes; `pieces` as in `split`."""

    def engine(scratch: Path, _: int) -> Engine:
        return KeptSparkEngine(spark.sparkContext) if spark else LocalEngine(scratch, workers)

    users = lake / "user_map.jsonl"
    known = read_user_map(users if users.exists() else None)
    key = read_key((lake / "_keys" / "pseudonym.key").read_text(encoding="ascii"))
    name = "spark" if spark else "local"
    with (
        without_gate(),
        split(**pieces) if pieces else nullcontext(),
    ):  # the gate looks at staged files, on whatever engine
        return run_lake(lake, key=key, user_map=known, make_engine=engine, engine=name, now=now)
