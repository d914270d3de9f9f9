"""Terraform on the simulated AWS: a request that a busy machine sent twice is no reason to give up."""

from pathlib import Path

import pytest

from qol.errors import QolError
from qol_dev.cloud import terraform
from qol_dev.cloud.state import Cloud, load_cloud

TWICE = "terraform apply: failed: Error: creating Glue Catalog Table (x): AlreadyExistsException: Table already exists."


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, in order; the first apply fails with `TWICE`."""
    done: list[str] = []

    def run(_: Cloud, *arguments: str) -> str:
        done.append(arguments[0])
        if done.count("apply") == 1 and arguments[0] == "apply":
            raise QolError(TWICE)
        return "{}"

    monkeypatch.setattr(terraform, "_terraform", run)
    monkeypatch.setattr(terraform, "_begin_again", lambda _: done.append("begin again"))
    return done


def test_a_first_apply_begins_again_from_nothing(answer: list[str], tmp_path: Path) -> None:
    assert terraform.apply(load_cloud(tmp_path)) == {}
    assert answer == ["init", "apply", "begin again", "apply", "output"]


def test_where_something_was_applied_before_nothing_is_thrown_away(answer: list[str], tmp_path: Path) -> None:
    (tmp_path / "terraform").mkdir()
    (tmp_path / "terraform" / "terraform.tfstate").write_text("{}", encoding="utf-8")
    with pytest.raises(QolError, match="already exists"):
        terraform.apply(load_cloud(tmp_path))
    assert answer == ["init", "apply"]
