"""Runs over sample lakes, on Spark or on this machine's processes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from qol.identity.key import read_key
from qol.identity.pseudonyms import Identities
from qol.identity.user_map import read_user_map
from qol.lake import LocalLake
from qol.run import pipeline
from qol.run.engine import Engine
from qol.run.local_engine import LocalEngine
from qol.run.pipeline import RunOptions
from qol.run.spark_engine import SparkEngine
from qol.tables.manifest import Manifest
from qol.tables.weeks import last_closed_week
from qol_dev.sample import CORE, SampleOptions
from tests.builders import CONTRACTS, without_gate

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


def run_sample(lake: Path, spark: SparkSession | None = None, workers: int = 1, **changes: Any) -> Manifest:
    """One run over a lake: on Spark when a session is given, else on this machine's processes."""

    def engine(scratch: Path, _: int) -> Engine:
        return KeptSparkEngine(spark) if spark else LocalEngine(scratch, workers)

    users = lake / "user_map.jsonl"
    known = read_user_map(users if users.exists() else None)
    key = read_key((lake / "_keys" / "pseudonym.key").read_text(encoding="ascii"))
    changes = {"now": NOW} | changes
    week = last_closed_week(changes["now"])
    identities = Identities(key, dict(known.known), dict(known.owners))
    options = RunOptions(identities=identities, user_map=known, week=week, **changes)
    with without_gate():  # it looks at staged files, on whatever engine
        return pipeline.run(LocalLake(lake), CONTRACTS, options, engine)
