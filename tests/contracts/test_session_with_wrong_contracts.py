"""A contract that does not fit ends `make test` with its mistakes on one screen, before any test runs."""

import os
import subprocess
import sys
from pathlib import Path

from tests.contracts.conftest import PROJECT, Edit


def test_the_session_ends_with_what_contracts_check_prints(schemas: Path, edit: Edit) -> None:
    edit("sources/garmin/hrv.yaml", "last_night_avg: 38.0", "last_night_avg: 99.0")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    words = [sys.executable, "-m", "pytest", "-q", "tests/contracts/test_contracts_load.py"]
    env["QOL_SCHEMAS"] = str(schemas)
    ended = subprocess.run(words, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    lines = (ended.stderr + ended.stdout).splitlines()
    assert lines[:2] == ["No test was run: `qol contracts check` found mistakes.", "1 contract problem(s):"]
    assert lines[2].startswith("  sources/garmin/hrv.yaml: examples.1.expect.last_night_avg: ")
    assert len(lines) == 3
