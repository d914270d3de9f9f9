"""One Spark session for all tests, and one sample lake that a plain local run has published."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# A plugin of every test session: what only these fixtures need is imported inside them.

#: Compiling and adapting plans takes longer than running them over a few hundred rows.
FOR_FEW_ROWS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from pyspark.sql import SparkSession

    from qol.run.java import find_java
    from qol.run.spark_engine import start_spark
    from tests.spark_lake import PROJECT

    if "PYTEST_XDIST_WORKER" in os.environ:
        assert "@spark" in os.environ["PYTEST_CURRENT_TEST"], "the tests are spread over workers: a session in each"
    os.environ["JAVA_HOME"] = str(find_java())
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Python workers are processes of their own: they find the project as this one does.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(PROJECT / "lib"), str(PROJECT), os.environ.get("PYTHONPATH", "")])
    session = SparkSession(start_spark("local[2, 2]", "qol-tests"))  # two cores, two attempts of a task
    for name, value in FOR_FEW_ROWS.items():
        session.conf.set(name, value)
    gateway = session.sparkContext._gateway
    assert gateway is not None
    yield session
    session.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()  # what ends Java
    gateway.proc.wait()


@pytest.fixture(scope="session")
def sample_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample lake after a run on this machine with one process."""
    from qol_dev.sample import write_sample
    from tests.spark_lake import SAMPLE, run_sample

    root = tmp_path_factory.mktemp("spark") / "lake"
    write_sample(root, SAMPLE)
    assert run_sample(root).status == "published"
    return root
