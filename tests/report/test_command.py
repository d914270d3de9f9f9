"""`qol report`: a file where it was asked for, or exit code 2 with place, value and what is allowed."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from qol.cli.app import app
from qol.cli.report_command import default_name
from tests.report.conftest import ADA, CLEO, WEEK

ROOT = Path(__file__).parents[2]


def qol_report(*words: object) -> Any:
    return CliRunner().invoke(app, ["report", *map(str, words)])


def test_it_writes_the_page_and_says_where(lake: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    ended = qol_report("--week", WEEK, "--lake", lake, "--out", out, "--lang", "ja")
    assert (ended.exit_code, ended.stdout) == (0, f"Report     {out}\n")
    assert out.read_text().startswith('<!DOCTYPE html>\n<html lang="ja">')
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_a_file_has_the_name_of_week_and_person(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert qol_report("--week", WEEK, "--lake", lake, "--person", CLEO).exit_code == 0
    assert (tmp_path / f"report-2026-W46-{CLEO[:16]}.html").is_file()
    assert default_name(WEEK, None) == "report-2026-W46.html"
    assert default_name(WEEK, "../a:b") == "report-2026-W46-___a_b.html"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--week", "2026-W50"), "--week 2026-W50: not published in {lake}; allowed: 2026-W42 to 2026-W46"),
        (("--week", "2026-W99"), "--week 2026-W99: 2026 has weeks W01 to W53; allowed: YYYY-Www such as 2026-W46"),
        (
            ("--week", WEEK, "--person", "nobody"),
            "--person nobody: in no week of {lake}; allowed: a user_id of weekly_metrics, in 2026-W46 such as ",
        ),
        (
            ("--week", WEEK, "--out", "no/such/folder/page.html"),
            "--out no/such/folder/page.html: not a file in an existing folder; allowed: ",
        ),
    ],
)
def test_what_is_unknown_exits_2(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Any, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = qol_report(*words, "--lake", lake)
    assert ended.exit_code == 2
    assert ended.stderr.startswith(message.format(lake=lake))
    assert list(tmp_path.iterdir()) == []


def test_the_examples_are_few_and_from_the_week(lake: Path) -> None:
    named = qol_report("--week", WEEK, "--lake", lake, "--person", "x").stderr
    assert ADA in named
    assert CLEO not in named


def test_a_lake_without_a_week_says_so(tmp_path: Path) -> None:
    ended = qol_report("--week", WEEK, "--lake", tmp_path)
    assert (ended.exit_code, "allowed: none yet" in ended.stderr) == (2, True)


def test_without_its_libraries_it_says_what_to_install(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for module in [name for name in sys.modules if name.startswith(("qol.report.", "matplotlib."))]:
        monkeypatch.delitem(sys.modules, module)
    ended = qol_report("--week", WEEK, "--lake", lake)
    assert (ended.exit_code, ended.stderr) == (
        2,
        "qol report: matplotlib is not installed; allowed: install qol-lake[report]\n",
    )


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "page.html"
    file.write_text("old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(PermissionError(errno.EACCES, "denied")))
    assert qol_report("--week", WEEK, "--lake", lake, "--out", file).exit_code == 1
    assert file.read_text() == "old"


def test_other_commands_and_the_job_do_not_load_what_draws() -> None:
    code = "import sys, qol.cli.app, qol.run.pipeline, qol.glue.arguments; print('matplotlib' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"
