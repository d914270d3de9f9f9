"""`qol sample` makes a lake that `qol run` can read; the demo minds its own folder."""

from pathlib import Path

import pytest

from qol.errors import LakeError
from qol_dev import demo
from tests.command_line import Qol


def test_a_sample_lake_runs_with_the_command_it_names(qol: Qol, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    ended = qol("sample", "--lake", lake, "--users", "3", "--weeks", "2", "--end", "2026-W46", "--seed", "3")
    assert ended.code == 0
    command = ended.out.splitlines()[-1].strip()
    assert command == f"qol run --lake {lake} --user-map {lake}/user_map.jsonl --now 2026-11-18T00:05:00Z"
    ran = qol(*command.split()[1:], "--no-docs", QOL_PSEUDONYM_KEY="")
    assert (ran.code, "published" in ran.out) == (0, True)


def test_a_sample_never_overwrites_a_lake(qol: Qol, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    ended = qol("sample", "--lake", tmp_path)
    assert (ended.code, "allowed: a new or empty folder" in ended.err) == (2, True)


@pytest.mark.parametrize("words", [[], ["--lake", "x", "--end", "2026-W60"], ["--lake", "x", "--users", "0"]])
def test_a_sample_of_nothing_exits_2(
    qol: Qol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert qol("sample", *words).code == 2
    assert not (tmp_path / "x").exists()


def test_the_demo_replaces_its_own_folder_and_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    demo._make_fresh(ours)
    (ours / "old").touch()
    demo._make_fresh(ours)
    assert [path.name for path in ours.iterdir()] == [".qol-demo"]
    theirs.mkdir()
    (theirs / "thesis.txt").touch()
    assert demo.main([str(theirs)]) == 2
    assert (theirs / "thesis.txt").exists()
    assert "holds files of others; allowed: a new, empty or former demo folder" in capsys.readouterr().err


def test_the_demo_fails_when_the_engines_differ(tmp_path: Path) -> None:
    for lake, content in (("one", "a"), ("other", "b")):
        (tmp_path / lake / "processed").mkdir(parents=True)
        (tmp_path / lake / "processed/same").write_text("same")
        (tmp_path / lake / "processed/file").write_text(content)
    assert demo._compare(tmp_path / "one", tmp_path / "one") == 2
    with pytest.raises(LakeError, match="the engines differ in 1 file, such as processed/file"):
        demo._compare(tmp_path / "one", tmp_path / "other")


def test_the_demo_asks_a_database_for_its_week(own_week: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.show_database(own_week) == own_week.parent / "qol.db"
    assert " ".join(capsys.readouterr().out.split()).endswith("2026-11-02 1 1000 2026-11-09 4 1850")


def test_the_demo_writes_the_report_of_its_week(own_week: Path) -> None:
    file = demo._write_report(own_week)
    assert file == own_week.parent / "report-2026-W46.html"
    assert "Week 2026-W46: all participants" in file.read_text()
