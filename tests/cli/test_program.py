"""The program as a process: help is quick, streams are kept apart, odd terminals do no harm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import qol
from qol.cli.show import clean

_START = "from qol.cli import main; main()"
_LIB = str(Path(qol.__file__).resolve().parents[1])


def process(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": _LIB, **env}
    return subprocess.run([sys.executable, "-c", _START, *words], env=environment, capture_output=True, text=True, check=False)


def test_help_loads_nothing_heavy() -> None:
    heavy = "{'polars', 'duckdb', 'pyarrow', 'great_expectations', 'pyspark', 'sqlglot', 'jsonschema', 'numpy'}"
    code = f"import sys, qol.cli.app; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": _LIB}, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_help_names_every_command_and_the_exit_codes() -> None:
    ended = process("--help")
    assert ended.returncode == 0
    for command in ("sample", "run", "backfill", "rebuild", "query", "runs", "rejects", "why", "contracts", "doctor"):
        assert f" {command} " in ended.stdout
    assert "3 refused by the gate" in ended.stdout


def test_a_stream_that_is_not_utf8_gets_question_marks_not_a_crash(tmp_path: Path) -> None:
    ended = process("doctor", "--lake", str(tmp_path), PYTHONIOENCODING="ascii", QOL_PSEUDONYM_KEY="")
    assert ended.returncode == 1
    assert "? " in ended.stdout
    assert ended.stderr == ""


def test_nothing_that_steers_a_terminal_is_printed() -> None:
    assert clean("a\x1b[31mb\x07\u009b2J\u202e") == r"a\x1b[31mb\x07\x9b2J\u202e"
    assert clean("歩数 → 7") == "歩数 → 7"


def test_the_version_is_told() -> None:
    assert process("--version").stdout == "qol 0.1.0\n"
