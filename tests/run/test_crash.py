"""I2 and I4: at every moment a published partition is the old one or the new one, and a plain re-run is the repair."""

import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qol.lake import LocalLake
from qol.tables.manifest import RawObjects
from tests.builders import daily_record, night_record, published_files, run_lake, without_gate, write_lines
from tests.run.faulty_lake import DyingLake, Killed

pytestmark = pytest.mark.usefixtures("no_gate")
MUTATIONS = 34


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published lake to which late data and a bad line have arrived."""
    lake = tmp_path_factory.mktemp("before")
    write_lines(lake, "2026-11-10", [daily_record("u1", 0), daily_record("u2", 0), daily_record("u1", -7)])
    with without_gate():
        run_lake(lake)
    write_lines(lake, "2026-11-17", [daily_record("u1", 1, steps=5), daily_record("u2", -7), b"{"], name="late.jsonl")
    write_lines(lake, "2026-11-17", [night_record("u1", 1)], folder="raw/garmin/sleeps")
    return lake


@pytest.fixture(scope="module")
def after(before: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run that nothing disturbs publishes."""
    lake = _copy(before, tmp_path_factory.mktemp("after"))
    with without_gate():
        run_lake(lake)
    return published_files(lake)


def _copy(lake: Path, target: Path) -> Path:
    """The lake with links to its files: a copy of a raw object would be another object, which is read again."""
    shutil.copytree(lake, target, copy_function=os.link, dirs_exist_ok=True)
    return target


def _run_until(lake: Path, dies_at: int, *, applied: bool, old: dict[str, bytes], new: dict[str, bytes]) -> int:
    """Run until the lake dies; after every mutation each published file is the old or the new one, whole."""

    def whole() -> None:
        for key, data in published_files(lake).items():
            assert data in (old.get(key), new.get(key)), f"{key} is neither the old nor the new file"
        assert old.keys() <= published_files(lake).keys()

    dying = DyingLake(lake, dies_at, applied=applied, watch=whole)
    try:
        run_lake(dying)
    except Killed:
        whole()
    return dying.mutations


def test_a_run_makes_the_mutations_that_the_crash_test_visits(
    before: Path, tmp_path: Path, after: dict[str, bytes]
) -> None:
    mutations = _run_until(_copy(before, tmp_path), 0, applied=True, old=published_files(before), new=after)
    assert mutations == MUTATIONS


#: Deaths of each kind: before anything, after the first and the last staged file, among published files, at the end.
FIRST_TESTED = {(1, False), (2, True), (17, True), (20, True), (24, True), (31, True), (32, False), (MUTATIONS, True)}
DEATHS = [
    pytest.param(*death, id=f"{death[0]}-{moment}", marks=() if death in FIRST_TESTED else pytest.mark.acceptance)
    for dies_at in range(1, MUTATIONS + 1)
    for death, moment in (((dies_at, False), "before"), ((dies_at, True), "unacknowledged"))
]


@pytest.mark.parametrize(("dies_at", "applied"), DEATHS)
def test_a_run_killed_at_any_mutation_is_repaired_by_a_plain_run(
    before: Path, after: dict[str, bytes], tmp_path: Path, dies_at: int, *, applied: bool
) -> None:
    lake = _copy(before, tmp_path / "lake")
    _run_until(lake, dies_at, applied=applied, old=published_files(before), new=after)
    run_lake(lake)
    assert published_files(lake) == after
    assert list(LocalLake(lake).walk("_staging/")) == []
    done = run_lake(lake)
    assert (done.status, done.raw_objects) == ("nothing_to_do", RawObjects("objects_read", 0, 0, passed_over=3))


@pytest.mark.parametrize("publishes", [False, True])
def test_a_rebuild_of_other_weeks_leaves_a_week_whose_run_died_to_the_next_plain_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, publishes: bool
) -> None:
    lake = tmp_path / "lake"
    write_lines(lake, "2026-11-10", [daily_record("u1", 0)])
    write_lines(lake, "2026-09-08", [daily_record("u1", -63)])
    run_lake(lake)
    write_lines(lake, "2026-09-09", [daily_record("u2", -63)])  # read by no plain run any more
    backfill: dict[str, Any] = {"backfill": (date(2026, 9, 9), date(2026, 9, 9))}
    whole = _copy(lake, tmp_path / "whole")
    run_lake(whole, **backfill)

    with monkeypatch.context() as dying:
        dying.setattr(LocalLake, "publish", _records_only(LocalLake.publish))
        with pytest.raises(Killed):
            run_lake(lake, **backfill)
    assert published_files(lake) != published_files(whole)
    if publishes:
        (lake / "processed/weekly/date=2026-11-09/part-00000.parquet").unlink()
    rebuilt = run_lake(lake, rebuild=(date(2026, 11, 9), date(2026, 11, 9)))
    assert rebuilt.weeks == (["2026-W46"] if publishes else [])
    run_lake(lake)
    assert published_files(lake) == published_files(whole)


def _records_only(publish: Any) -> Any:
    def publish_or_die(lake: LocalLake, staged: str, key: str, expected_etag: str | None) -> Any:
        if not key.startswith("processed/records/"):
            raise Killed
        return publish(lake, staged, key, expected_etag)

    return publish_or_die
