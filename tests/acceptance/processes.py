"""Whole processes of the command line, as a person or a scheduler starts them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]
NOW = "2026-11-18T00:05:00Z"


def missing(reason: object) -> NoReturn:
    """Skip on a laptop, fail where everything has to be there."""
    if os.environ.get("QOL_REQUIRE_ALL") == "1":
        pytest.fail(str(reason))
    pytest.skip(str(reason))


def qol(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start `qol` in a process group of its own."""
    code = "from qol.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment, start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def start_run(lake: Path, *more: str, now: str = NOW) -> subprocess.Popen[str]:
    """Start the weekly job on a lake."""
    return qol("run", "--lake", lake, "--now", now, "--no-docs", *more)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and everything printed."""
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def kill(process: subprocess.Popen[str]) -> None:
    """`kill -9` of the process and all it started; nothing gets a chance to clean up."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
