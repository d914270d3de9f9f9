"""Every raw object is read once: again when it, its contract or the way it is read changed, or what it gave is gone."""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from qol.errors import RefusedError
from qol.run import pipeline
from qol.tables.manifest import RUN_COUNTS, Manifest
from tests.builders import (
    contracts_with,
    daily_record,
    night_record,
    published_files,
    run_lake,
    without_gate,
    write_lines,
)
from tests.effort import examples
from tests.run.faulty_lake import DyingLake, Killed

pytestmark = pytest.mark.usefixtures("no_gate")
DAY = "2026-11-16"
DAILY = "processed/daily/date=2026-11-09/part-00000.parquet"
RECORDS = "processed/records/garmin_dailies/date=2026-11-09/part-00000.parquet"
REJECTS = f"quarantine/rows/date={DAY}/part-00000.parquet"


def numbers(manifest: Manifest) -> tuple[int, int]:
    """How many objects a run read, and how many it passed over."""
    assert manifest.raw_objects is not None
    return manifest.raw_objects.read, manifest.raw_objects.passed_over


def rows(lake: Path) -> pl.DataFrame:
    return pl.read_parquet(lake / "_objects/*/part-00000.parquet", hive_partitioning=False)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake that has read a day of `u1` with a bad line, and a night."""
    write_lines(tmp_path, DAY, [daily_record(), b"{"], name="b.jsonl")
    write_lines(tmp_path, DAY, [night_record()], folder="raw/garmin/sleeps")
    assert numbers(run_lake(tmp_path)) == (2, 0)
    return tmp_path


def test_what_was_read_is_a_row_per_object_whose_counts_add_up(lake: Path) -> None:
    found = rows(lake).select("folder", "partitions", *RUN_COUNTS).rows()
    assert found == [
        ("raw/daily", ["garmin_dailies/2026-11-09"], 2, 2, 0, 0, 1, 1, 0, 0, 0),
        ("raw/garmin/sleeps", ["garmin_sleeps/2026-11-09"], 1, 1, 0, 0, 0, 1, 0, 0, 0),
    ]


@pytest.mark.parametrize(
    ("change", "read"),
    [
        (lambda lake: None, 0),
        (lambda lake: write_lines(lake, DAY, [daily_record("u2")], name="c.jsonl"), 1),
        (lambda lake: write_lines(lake, DAY, [daily_record(steps=5), b"{"], name="b.jsonl"), 1),
        (lambda lake: (lake / RECORDS).unlink(), 1),
        (lambda lake: (lake / REJECTS).unlink(), 1),
        (lambda lake: (lake / DAILY).unlink(), 0),
        (lambda lake: (lake / f"_objects/date={DAY}/part-00000.parquet").write_bytes(b"damaged"), 2),
        (lambda lake: shutil.rmtree(lake / "processed"), 2),
    ],
    ids=[
        "nothing",
        "new",
        "changed",
        "records gone",
        "rejects gone",
        "days gone",
        "table damaged",
        "no week published",
    ],
)
def test_a_run_reads_what_is_new_or_changed_or_was_lost(lake: Path, change: Callable[[Path], Any], read: int) -> None:
    good = published_files(lake)
    change(lake)
    objects = sum(path.is_file() for path in (lake / "raw").rglob("*"))
    assert numbers(run_lake(lake)) == (read, objects - read)
    assert published_files(lake).keys() == good.keys()
    assert numbers(run_lake(lake)) == (0, objects)


def test_reread_a_backfill_another_zone_and_another_contract_read_again(lake: Path, tmp_path_factory: Any) -> None:
    arrived = date.fromisoformat(DAY)
    for options in ({"reread": True}, {"backfill": (arrived, arrived)}, {"zone": "Asia/Seoul"}):
        assert numbers(run_lake(lake, **options)) == (2, 0)
    contracts = contracts_with(tmp_path_factory.mktemp("contracts"))
    run_lake(lake)
    assert numbers(run_lake(lake, contracts)) == (0, 2)
    with (contracts.root / "sources/garmin/sleeps.yaml").open("a") as file:
        file.write("# other words\n")
    assert numbers(run_lake(lake, contracts)) == (2, 0)  # an envelope holds records of every type of the source


def test_rejects_of_objects_that_are_passed_over_stay_and_those_of_objects_that_are_gone_go(lake: Path) -> None:
    write_lines(lake, DAY, [b"{a"], name="a.jsonl")
    write_lines(lake, DAY, [b"{c"], name="c.jsonl")
    assert run_lake(lake).rejects_by_reason == {"not_json": 2}
    assert pl.read_parquet(lake / REJECTS)["raw"].to_list() == [b"{a", b"{", b"{c"]
    (lake / f"raw/daily/date={DAY}/b.jsonl").unlink()
    assert numbers(run_lake(lake)) == (0, 3)
    assert pl.read_parquet(lake / REJECTS)["raw"].to_list() == [b"{a", b"{c"]
    assert rows(lake).height == 3


def test_a_dry_a_failed_and_a_refused_run_leave_the_objects_to_the_next(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines(lake, DAY, [daily_record("u2")], name="c.jsonl")
    before = published_files(lake, "_objects")
    assert numbers(run_lake(lake, dry_run=True)) == (1, 2)
    for error in (RefusedError("no"), ValueError()):
        monkeypatch.setattr(pipeline, "require_passed", Mock(side_effect=error))
        with pytest.raises(type(error)):
            run_lake(lake)
    monkeypatch.undo()
    assert published_files(lake, "_objects") == before
    assert numbers(run_lake(lake)) == (1, 2)


DELIVERIES = st.one_of(
    st.builds(
        lambda user, day, steps, hour: daily_record(user, day, steps=steps, _received_at=f"2026-11-16T0{hour}:00:00Z"),
        st.sampled_from(["u1", "u2"]), st.integers(-8, 6), st.sampled_from([0, 10, 100_001, None]), st.integers(1, 3),
    ),
    st.builds(
        lambda user, day, kind: night_record(user, 1, startTimeInSeconds=1_794_150_000 + day * 86_400, calendarDate=None,
        validation=kind, _received_at="2026-11-16T01:00:00Z"),
        st.sampled_from(["u1", "u2"]), st.integers(-2, 6), st.sampled_from(["ENHANCED_TENTATIVE", "ENHANCED_FINAL"]),
    ),
    st.sampled_from([b"", b"{", b"[1]", b'{"dailies":[]}']),
)  # fmt: skip


@settings(
    max_examples=examples(2, 25),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.tuples(st.lists(DELIVERIES, min_size=1, max_size=4), st.integers(0, 2)), min_size=2, max_size=6),
    st.lists(st.tuples(st.integers(1, 45), st.booleans()), max_size=4),
)
def test_any_split_over_runs_with_crashes_between_gives_the_files_of_one_run(
    arrived: list[tuple[list[Any], int]], deaths: list[tuple[int, bool]]
) -> None:
    """Objects arrive one by one; after each a run, which may die; `deaths` are the mutations at which runs die."""
    with tempfile.TemporaryDirectory() as folder, without_gate():
        split, whole = Path(folder) / "split", Path(folder) / "whole"
        dying = iter(deaths)
        for number, (lines, day) in enumerate(arrived):
            where = {
                "name": f"{number}.jsonl",
                "folder": ("raw/daily", "raw/garmin/sleeps", "raw/garmin/dailies")[number % 3],
            }
            write_lines(split, f"2026-11-{15 + day}", lines, **where)
            _run_or_die(split, next(dying, None))
        run_lake(split)
        shutil.copytree(split / "raw", whole / "raw", copy_function=os.link)
        run_lake(whole)
        assert published_files(split) == published_files(whole)
        found = rows(split)
        assert numbers(run_lake(split)) == (0, len(arrived))
    parts = pl.sum_horizontal("blank", "control", "rejected", "kept", "superseded")
    assert found.filter(pl.col("lines") != parts).is_empty()
    assert found["physical_lines"].sum() == sum(len(lines) for lines, _ in arrived)


def _run_or_die(lake: Path, death: tuple[int, bool] | None) -> None:
    dies_at, applied = death or (0, True)
    with suppress(Killed):
        run_lake(DyingLake(lake, dies_at, applied=applied, watch=lambda: None))
