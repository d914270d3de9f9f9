"""The program as a process: help is quick, streams are kept apart, odd terminals do no harm."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import qol
from qol.cli import show
from qol.contracts.wording import clean

_START = "from qol.cli import main; main()"
_program = show._program
_LIB = str(Path(qol.__file__).resolve().parents[1])


def process(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": _LIB, **env}
    return subprocess.run(
        [sys.executable, "-c", _START, *words], env=environment, capture_output=True, text=True, check=False
    )


def test_help_loads_nothing_heavy() -> None:
    heavy = (
        "{'polars', 'duckdb', 'pyarrow', 'great_expectations', 'pyspark', 'sqlglot', 'jsonschema', 'numpy', 'pydantic'}"
    )
    code = f"import sys, qol.cli.app; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": _LIB}, capture_output=True, text=True, check=True
    )
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


def test_no_control_character_is_printed() -> None:
    assert clean("a\x1b[31mb\x07\u009b2J\u202e") == r"a\x1b[31mb\x07\x9b2J\u202e"
    assert clean("歩数 → 7") == "歩数 → 7"


def test_commands_to_paste_name_the_program_as_the_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "venv/bin/qol"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", str(program.with_name("python")))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(show, "_program", cache(_program.__wrapped__))
    assert show.command("runs", "--lake", "a lake") == "venv/bin/qol runs --lake 'a lake'"
    monkeypatch.setenv("PATH", str(program.parent))
    show._program.cache_clear()
    assert show.command("runs") == "qol runs"


_ENDS = """
import atexit
from qol.cli import app, main
class Imported:
    def __del__(self):
        print("taken down")
imported, usual = Imported(), app.app
def with_library(**given):
    atexit.register(print, "the library ends")
    usual(**given)
app.app = with_library
main()
"""


@pytest.mark.parametrize(("word", "said", "code"), [("--version", "qol 0.2.0\n", 0), ("--nothing", "", 2)])
def test_a_command_ends_with_what_libraries_do_at_exit_and_without_taking_down_what_it_imported(
    word: str, said: str, code: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _ENDS, word], env={"PYTHONPATH": _LIB}, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.returncode) == (f"{said}the library ends\n", code)


def test_the_version_is_printed() -> None:
    assert process("--version").stdout == "qol 0.2.0\n"


def test_a_command_line_without_its_libraries_says_what_to_install() -> None:
    code = f"import sys; sys.modules['typer'] = None; {_START}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (
        2,
        "qol: typer is not installed; in the clone, run pip install '.[cli]'\n",
    )
