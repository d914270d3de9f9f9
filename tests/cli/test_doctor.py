"""`qol doctor` looks at everything a run needs and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from qol.cli import doctor
from qol.lake import LocalLake
from tests.cli.conftest import Qol

#: As it is before `healthy_machine` replaces it.
_requirements = doctor._requirements


@pytest.fixture(autouse=True)
def healthy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions and Java of the machine that runs the tests are not what these tests are about."""
    monkeypatch.setattr(doctor, "_requirements", lambda: ["pytest>=1", 'moto==1; extra == "dev"'])
    monkeypatch.setattr(doctor, "_java", lambda: doctor.Finding("Java", "17"))


def findings(out: str) -> dict[str, str]:
    """Mark of every line by what was looked at."""
    lines = [line.split() for line in out.splitlines()]
    return {words[1]: words[0] for words in lines if len(words) > 1 and words[0] in "✓✗"}


def test_a_healthy_lake_exits_0(qol: Qol, own_week: Path) -> None:
    ended = qol("doctor", "--lake", own_week)
    assert ended.code == 0, ended.out
    assert findings(ended.out) == dict.fromkeys(
        ["Python", "packages", "Java", "contracts", "pseudonym", "lake", "lock", "last"], "✓"
    )
    assert "34 bytes in QOL_PSEUDONYM_KEY" in ended.out
    assert "a key of the tests" not in ended.out


def test_a_short_key_a_held_lock_and_a_failed_run_are_found(qol: Qol, own_week: Path) -> None:
    stray = own_week / "processed/weekly/date=2026-11-09/x.parquet"
    stray.touch()
    assert qol("run", "--lake", own_week, "--now", "2026-11-19T00:00:00Z").code == 1
    with LocalLake(own_week).lock("another-run"):
        ended = qol("doctor", "--lake", own_week, QOL_PSEUDONYM_KEY="short")
    assert ended.code == 1
    assert [what for what, mark in findings(ended.out).items() if mark == "✗"] == ["pseudonym", "lock", "last"]
    assert "5 bytes in QOL_PSEUDONYM_KEY" in ended.out
    assert "held by run another-run" in ended.out


def test_a_package_of_another_version_is_named_with_its_pin(
    qol: Qol, monkeypatch: pytest.MonkeyPatch, own_week: Path
) -> None:
    monkeypatch.setattr(doctor, "_requirements", lambda: ["pytest==0.1", "no-such-package==2"])
    ended = qol("doctor", "--lake", own_week)
    assert ended.code == 1
    assert f"pytest {pytest.__version__}, pinned 0.1; no-such-package missing, pinned 2" in ended.out


def test_no_lake_and_no_contracts_are_found(qol: Qol, tmp_path: Path) -> None:
    ended = qol("doctor", QOL_SCHEMAS=str(tmp_path))
    assert ended.code == 1
    assert (findings(ended.out)["lake"], findings(ended.out)["contracts"]) == ("✗", "✗")


def test_the_pins_of_a_checkout_are_those_of_its_project_file() -> None:
    assert "typer==0.29.2" in _requirements()
