"""I2 and I4 on whole processes: kill -9 at any moment while readers watch, and two runs at once."""

import json
import random
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qol_dev.sample import CORE, SampleOptions, write_sample
from tests.acceptance.processes import finish, kill, start_run
from tests.builders import published_files

pytestmark = pytest.mark.acceptance
KILLS = 30


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published lake of 30 people to which two more arrival days have come."""
    lake = tmp_path_factory.mktemp("before") / "lake"
    write_sample(lake, SampleOptions(users=30, weeks=3, seed=11, sources=CORE))
    aside = lake.parent / "aside"
    late = [p for p in sorted((lake / "raw").rglob("date=*")) if p.name >= "date=2026-11-13"]
    for folder in late:
        target = aside / folder.relative_to(lake)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, target)
    assert finish(start_run(lake))[0] == 0
    shutil.copytree(aside, lake, dirs_exist_ok=True)
    return lake


@pytest.fixture(scope="module")
def undisturbed(before: Path) -> tuple[dict[str, bytes], float]:
    """What a run that nothing disturbs publishes, and how long it takes."""
    lake = before.parent / "undisturbed"
    shutil.copytree(before, lake)
    started = time.monotonic()
    assert finish(start_run(lake))[0] == 0
    return published_files(lake), time.monotonic() - started


@contextmanager
def _readers(lake: Path, old: dict[str, bytes], new: dict[str, bytes]) -> Iterator[list[str]]:
    """A thread that opens published files all the time and notes every one that is neither old nor new."""
    torn: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            for key, data in published_files(lake, "processed").items():
                if data not in (old.get(key), new.get(key)):
                    torn.append(key)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield torn
    finally:
        stop.set()
        reader.join()


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_run_killed_at_a_random_moment_tears_nothing_and_a_plain_run_repairs_it(
    before: Path, undisturbed: tuple[dict[str, bytes], float], tmp_path: Path, seed: int
) -> None:
    new, seconds = undisturbed
    lake = tmp_path / "lake"
    shutil.copytree(before, lake)
    old = published_files(before)
    # Publishing is the short last part of a run, so half of the kills aim there.
    moment = random.Random(seed).uniform(0.75 if seed % 2 else 0.0, 1.0) * seconds
    with _readers(lake, old, new) as torn:
        run = start_run(lake, "--workers", "2")
        time.sleep(moment)
        kill(run)
        code, output = finish(start_run(lake))
    assert code == 0, output
    assert torn == []
    assert published_files(lake) == new
    assert not (lake / "_staging").exists()


def test_of_two_runs_at_once_one_publishes_and_the_other_exits_4(before: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(before, lake)
    ends = [finish(run) for run in [start_run(lake), start_run(lake)]]
    assert sorted(code for code, _ in ends) == [0, 4], ends
    assert any("held by run" in output for code, output in ends if code)
    statuses = [json.loads(file.read_text())["status"] for file in (lake / "_runs").iterdir()]
    assert sorted(statuses) == ["locked", "published", "published"]


def test_a_year_of_weeks_ends_the_same_however_it_was_run(tmp_path: Path) -> None:
    """The longer property: one run over everything, and runs along the year, publish the same bytes."""
    whole, weekly = tmp_path / "whole", tmp_path / "weekly"
    write_sample(whole, SampleOptions(users=4, weeks=54, end="2026-W46", seed=3, sources=CORE))
    shutil.copytree(whole, weekly)
    assert finish(start_run(whole))[0] == 0
    for now in ("2025-12-31", "2026-02-25", "2026-06-03", "2026-06-10", "2026-10-28", "2026-11-18"):
        assert finish(start_run(weekly, now=f"{now}T00:05:00Z"))[0] == 0, now
    assert published_files(whole, "processed/daily", "processed/weekly") == published_files(
        weekly, "processed/daily", "processed/weekly"
    )
