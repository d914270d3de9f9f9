"""One Spark session, and one sample lake that a plain local run has published."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from qol.contracts.model import Contracts
from qol.identity.pseudonym_key import read_key
from qol.identity.user_map import read_user_map
from qol.run.engine import Engine
from qol.run.java import find_java
from qol.run.local_engine import LocalEngine
from qol.run.spark_engine import SparkEngine, start_spark
from qol.tables.manifest import Manifest
from qol_dev.sample import CORE, SampleOptions, write_sample
from tests import builders
from tests.builders import CONTRACTS, without_gate

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Marks of every module here: py4j leaves closing its sockets to the garbage collector.
SPARK_TESTS = [
    pytest.mark.spark,
    pytest.mark.xdist_group("spark"),
    pytest.mark.filterwarnings("ignore:unclosed.*socket:ResourceWarning"),
]
#: Compiling and adapting plans takes longer than running them over a few hundred rows.
FOR_FEW_ROWS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
PROJECT = Path(__file__).parents[2]
SAMPLE = SampleOptions(users=15, weeks=3, end="2026-W46", seed=7, sources=CORE)


class KeptSparkEngine(SparkEngine):
    """The Spark engine of a session that goes on after the run."""

    def close(self) -> None:
        """Leave the session to the other tests."""


def run_lake(lake: Path, spark: SparkSession | None = None, workers: int = 1, **changes: Any) -> Manifest:
    """One run over a lake: on Spark when a session is given, else on this machine's processes."""

    def engine(scratch: Path, _: int) -> Engine:
        return KeptSparkEngine(spark.sparkContext) if spark else LocalEngine(scratch, workers)

    users = lake / "user_map.jsonl"
    known = read_user_map(users if users.exists() else None)
    key = read_key((lake / "_keys" / "pseudonym.key").read_text(encoding="ascii"))
    with without_gate():  # it looks at staged files, on whatever engine
        name = "spark" if spark else "local"
        return builders.run_lake(lake, key=key, user_map=known, make_engine=engine, engine=name, **changes)


@pytest.fixture(scope="session")
def contracts() -> Contracts:
    return CONTRACTS


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from pyspark.sql import SparkSession

    if "PYTEST_XDIST_WORKER" in os.environ:
        assert "@spark" in os.environ["PYTEST_CURRENT_TEST"], "the tests are spread over workers: a session in each"
    os.environ["JAVA_HOME"] = str(find_java())
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Python workers are processes of their own: they find the project as this one does.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(PROJECT / "lib"), str(PROJECT), os.environ.get("PYTHONPATH", "")])
    context = start_spark("local[2]", "qol-tests")
    session = SparkSession.builder.getOrCreate()
    for name, value in FOR_FEW_ROWS.items():
        session.conf.set(name, value)
    gateway = context._gateway
    assert gateway is not None
    yield session
    context.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()  # what ends Java
    gateway.proc.wait()


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample lake after a run on this machine with one process."""
    root = tmp_path_factory.mktemp("spark") / "lake"
    write_sample(root, SAMPLE)
    assert run_lake(root).status == "published"
    return root
