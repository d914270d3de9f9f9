"""The parent of Spark's workers is the one that was forked off the run, where there is one; it ends with Java or with the run."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux workers come from a fork of the run")

#: Forks the parent of workers, unless it shall not, and does what Java does to it.
LIKE_JAVA = """
import os, signal, socket, struct, sys
from pathlib import Path
from subprocess import PIPE, Popen
from qol.run import fork, spark_daemon

usual, forked = fork.fork, []
fork.fork = lambda *given: forked.append(usual(*given))
if sys.argv[1] != "none":
    spark_daemon.fork_daemon()
if sys.argv[1] == "killed":
    os.kill(forked[0], signal.SIGKILL)
    os.waitpid(forked[0], 0)
started = Popen([sys.executable, "-m", "qol.run.spark_daemon"], stdin=PIPE, stdout=PIPE)
(port,) = struct.unpack("!i", started.stdout.read(4))
with socket.create_connection(("127.0.0.1", port)) as to_worker:
    (worker,) = struct.unpack("!i", to_worker.recv(4))
    parent = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
print({started.pid: "started"}.get(parent) or {tuple(forked): "forked"}.get((parent,)))
started.stdin.close()
started.wait(30)
if sys.argv[1] == "forked":
    os.waitpid(forked[0], 0)
"""
#: The command, which says whether it forked and started nothing.
RUN = """
import os
fork, os.fork = os.fork, lambda: (os.write(2, b"forked "), fork())[1]
from qol.run import spark_engine
spark_engine.begin_to_start = lambda master: None
from qol.cli import main
main()
"""
FORKED = """
from qol.run import fork, spark_daemon

usual = fork.fork
fork.fork = lambda *given: print(usual(*given))
spark_daemon.fork_daemon()
"""


def run_python(script: str, *arguments: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    # A test that starts Spark in this process leaves the variable behind.
    environment = {name: value for name, value in os.environ.items() if name != "PYSPARK_PYTHON"}
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], check=check, capture_output=True, text=True, timeout=60,
        env={**environment, **more},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fork", "parent"),
    [
        ("forked", "forked"),
        pytest.param("killed", "started", marks=pytest.mark.acceptance),
        pytest.param("none", "started", marks=pytest.mark.acceptance),
    ],
)
def test_workers_come_from_the_forked_process_where_there_is_one(tmp_path: Path, fork: str, parent: str) -> None:
    ran = run_python(LIKE_JAVA, fork, TMPDIR=str(tmp_path))
    assert ran.stdout == f"{parent}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("master", "python", "said"),
    [
        ("local[1]", {}, "forked"),
        pytest.param("none", {}, "", marks=pytest.mark.acceptance),
        pytest.param("local[1]", {"PYSPARK_PYTHON": "another"}, "", marks=pytest.mark.acceptance),
    ],
)
def test_the_command_line_forks_where_spark_is_on_this_machine_with_this_python(
    tmp_path: Path, master: str, python: dict[str, str], said: str
) -> None:
    words = ("run", "--lake", str(tmp_path / "none"), "--engine", "spark", "--master", master)
    ran = run_python(RUN, *words, check=False, QOL_PSEUDONYM_KEY="k" * 40, **python)
    assert ran.stderr.startswith(said)
    assert ("forked" in ran.stderr) == bool(said)


@pytest.mark.acceptance
def test_the_forked_process_ends_with_the_run_that_never_started_spark() -> None:
    process = Path("/proc", run_python(FORKED).stdout.strip())
    deadline = time.monotonic() + 30
    while process.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
