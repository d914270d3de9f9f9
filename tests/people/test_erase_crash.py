"""An erasure that dies at any mutating request: the same command again ends as if nothing had happened."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qol.identity.user_map import read_user_map
from qol.lake import LocalLake
from tests.builders import run_lake
from tests.people.erasing import erase, files, lake_of_three, rows, traces
from tests.run.faulty_lake import DyingLake, Killed

pytestmark = pytest.mark.usefixtures("no_gate")
MUTATIONS = 34
#: Deaths of each kind: before anything, among published files, among raw objects, while the map changes, at the end.
FIRST_TESTED = (1, 15, 20, 29, 30, 31, MUTATIONS)
DEATHS = [
    pytest.param(number, marks=() if number in FIRST_TESTED else pytest.mark.acceptance)
    for number in range(MUTATIONS + 1)
]


class DyingOnDelete(DyingLake):
    """A lake whose deletions count as mutations too."""

    def delete(self, key: str) -> None:
        self._mutate(lambda: LocalLake.delete(self, key))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    lake_of_three(folder)
    return folder


def erase_until(folder: Path, dies_at: int, *, applied: bool, monkeypatch: pytest.MonkeyPatch) -> int:
    """Erase until the lake dies; the change of the user map counts too."""
    dying = DyingOnDelete(folder / "lake", dies_at, applied=applied, watch=lambda: None)
    replace: Callable[..., Any] = os.replace

    def replace_or_die(source: Path, target: Path) -> None:
        if Path(target).name == "map.jsonl":
            dying._mutate(lambda: replace(source, target))
        else:
            replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("qol.people.erase_map.os.replace", replace_or_die)
        try:
            erase(dying, folder / "map.jsonl")
        except Killed:
            assert dies_at
    return dying.mutations


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("dies_at", DEATHS)
def test_an_erasure_killed_at_any_mutation_is_finished_by_the_same_command(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int, applied: bool
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "copy"))
    assert erase_until(folder, dies_at, applied=applied, monkeypatch=monkeypatch) == (dies_at or MUTATIONS)
    run_lake(folder / "lake", user_map=read_user_map(folder / "map.jsonl"))  # a run between the two holds as well
    assert erase(LocalLake(folder / "lake"), folder / "map.jsonl").is_clean
    assert traces(files(folder)) == []
    assert rows(folder / "lake") == rows(whole / "lake")
