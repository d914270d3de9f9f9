"""Spark starts beside the contracts and stops beside the gate; Ctrl-C ends both, and tasks that run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qol.errors import UsageError
from qol.run import spark_engine

PROJECT = Path(__file__).parents[2]


def run_python(script: str, folder: Path) -> str:
    path = os.pathsep.join([str(PROJECT / "lib"), str(PROJECT), os.environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=folder, timeout=120,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    return ran.stdout


def test_a_start_that_failed_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str | None] = []

    def start(master: str | None, _: str) -> None:
        tried.append(master)
        raise UsageError("no Java")

    monkeypatch.setattr(spark_engine, "_start", start)
    spark_engine.begin_to_start("local[1]")
    with pytest.raises(UsageError, match="no Java"):
        spark_engine.start_spark("local[1]")
    assert tried == ["local[1]"]


BEGUN_AND_STOPPED = """
from qol.run.spark_engine import SparkEngine, begin_to_start, start_spark

begin_to_start("local[1]")
engine = SparkEngine(start_spark("local[3]"))
print(engine._context.master, engine.map([1, 2], str))
engine.close()
print(SparkEngine(start_spark("local[2]")).map([3], str))
"""


@pytest.mark.acceptance
def test_who_starts_spark_gets_the_one_that_was_begun_and_a_new_one_after_its_end(tmp_path: Path) -> None:
    assert run_python(BEGUN_AND_STOPPED, tmp_path) == "local[1] ['1', '2']\n['3']\n"


INTERRUPTED = """
import os, signal, threading, time
from pathlib import Path
from qol.run.spark_engine import SparkEngine, begin_to_start, start_spark
from tests.run.spark_tasks import write_for_a_minute
import polars  # has the system go on waiting after a signal

def interrupt():
    while not list(Path.cwd().glob("*.written")):
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

begin_to_start("local[1]")
engine = SparkEngine(start_spark("local[1]"))
threading.Thread(target=interrupt, daemon=True).start()
began = time.monotonic()
try:
    engine.map([os.getcwd()], write_for_a_minute)
except KeyboardInterrupt:
    engine.close()
written = len(list(Path.cwd().glob("*.written")))
time.sleep(1)
print(time.monotonic() - began < 50, len(list(Path.cwd().glob("*.written"))) - written)
"""


@pytest.mark.acceptance
def test_ctrl_c_ends_a_stage_and_its_tasks_before_what_they_staged_is_removed(tmp_path: Path) -> None:
    assert run_python(INTERRUPTED, tmp_path) == "True 0\n"
