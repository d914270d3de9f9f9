"""What stops a run, and what it says and leaves when it does: others' files, a lock, an error, counts that do not add up, another key or map."""

import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qol.errors import ConservationError, LakeError, LockedError, UsageError
from qol.identity.user_map import UserMap
from qol.lake import LocalLake
from qol.lake.s3 import S3Lake
from qol.run import known_users, pipeline
from qol.tables.manifest import RUN_COUNTS, read_manifests, with_totals
from tests.builders import CONTRACTS, daily_record, published_files, run_lake, write_lines

SOURCES = ", ".join(sorted({contract.source for contract in CONTRACTS.sources}))

pytestmark = pytest.mark.usefixtures("no_gate", "edge")


def test_a_file_of_others_in_a_published_partition_stops_the_run_by_name(tmp_path: Path) -> None:
    stranger = tmp_path / "processed/weekly/date=2026-11-09/part-1234.snappy.parquet"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"")
    with pytest.raises(LakeError, match="part-1234.snappy.parquet"):
        run_lake(tmp_path)


@pytest.mark.folder_only
def test_a_second_run_at_the_same_time_is_turned_away_and_says_so_in_its_manifest(tmp_path: Path) -> None:
    with LocalLake(tmp_path).lock("the-first-run"), pytest.raises(LockedError, match="the-first-run"):
        run_lake(tmp_path)
    assert [manifest.status for manifest in read_manifests(LocalLake(tmp_path))] == ["locked"]


def test_an_unexpected_error_ends_in_a_failed_manifest_without_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: Any) -> None:
        raise ValueError("secret-vendor-id")

    monkeypatch.setattr(pipeline, "publish", explode)
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    with pytest.raises(ValueError, match="secret"):
        run_lake(tmp_path)
    manifest = next(read_manifests(LocalLake(tmp_path)))
    assert (manifest.status, manifest.failed_stage) == ("failed", "publish")
    assert (manifest.error or "").startswith("ValueError at qol/run/pipeline.py:")
    assert "secret" not in (manifest.error or "")
    assert list(published_files(tmp_path)) == ["quarantine/objects/2026-11-10.json"]


@pytest.mark.parametrize(
    ("stage", "step", "reached"),
    [
        ("list", "list_raw", ["list"]),
        ("ingest", "ingest_tasks", ["list", "ingest"]),
        ("reduce", "plan_run", ["list", "ingest", "reduce"]),
        ("assemble", "assemble_tasks", ["list", "ingest", "reduce", "assemble"]),
        ("gate", "run_gate", ["list", "ingest", "reduce", "assemble", "gate"]),
        ("publish", "publish", ["list", "ingest", "reduce", "assemble", "gate", "publish"]),
    ],
)
def test_a_stage_that_raises_is_in_the_manifest_with_its_seconds_and_named_as_the_failed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, step: str, reached: list[str]
) -> None:
    def explode(*_: Any) -> None:
        time.sleep(0.01)
        raise LakeError("the store is down")

    monkeypatch.setattr(pipeline, step, explode)
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    with pytest.raises(LakeError):
        run_lake(tmp_path)
    manifest = next(read_manifests(LocalLake(tmp_path)))
    assert (manifest.failed_stage, manifest.error) == (stage, "the store is down")
    assert list(manifest.stages) == reached
    assert manifest.stages[stage] >= 0.01


def test_a_run_that_fails_after_reading_tells_what_it_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: Any) -> None:
        raise ValueError

    monkeypatch.setattr("qol.run.steps.ReduceStep.__call__", explode)
    write_lines(tmp_path, "2026-11-10", [daily_record(), b"{"])
    with pytest.raises(ValueError, match="^$"):
        run_lake(tmp_path)
    manifest = next(read_manifests(LocalLake(tmp_path)))
    assert (manifest.status, manifest.rejects_by_reason) == ("failed", {"not_json": 1})
    assert (manifest.totals["lines"], manifest.totals["rejected"], manifest.totals["kept"]) == (2, 1, 0)


@pytest.mark.parametrize(
    "counts",
    [{"lines": 3, "kept": 1, "superseded": 1}, {"lines": 1, "kept": 2, "superseded": -1}, {"lines": 1, "rejected": 1}],
)
def test_counts_that_do_not_add_up_fail_the_run(tmp_path: Path, counts: dict[str, int]) -> None:
    manifest = run_lake(tmp_path)
    with pytest.raises(ConservationError, match="do not add up"):
        with_totals(manifest, {name: np.array([counts.get(name, 0)]) for name in RUN_COUNTS}, str)


def test_a_block_lost_between_map_and_reduce_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record()])
    monkeypatch.setattr("qol.run.steps.read_blocks", lambda _: {})
    with pytest.raises(ConservationError, match="1 lines, 0 blank"):
        run_lake(tmp_path)


def test_a_run_without_the_map_of_earlier_runs_is_refused(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    entries = (("garmin", "u1", "P0001", None),)
    run_lake(tmp_path, user_map=UserMap(entries))
    with pytest.raises(UsageError) as raised:
        run_lake(tmp_path)
    assert str(raised.value) == (
        "--user-map: not given or empty, and earlier runs of this lake used one with 1 entry;"
        " give the same file, or the same table"
    )
    changed = (("garmin", "u1", "P0002", None),)
    with pytest.raises(UsageError) as raised:
        run_lake(tmp_path, user_map=UserMap(changed))
    assert str(raised.value) == (
        "--user-map: its first 1 entries are not those that earlier runs of this lake used;"
        " allowed: that map, with new lines only at its end. Put the old lines back;"
        " docs/backfill-and-rebuild.md says how a user gets another id"
    )


def test_a_map_with_a_source_that_no_contract_has_stops_a_run_before_it_publishes(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    people = UserMap((("garmin", "u1", "P0001", None), ("senser", "room-7", "P0001", None)))
    with pytest.raises(UsageError) as raised:
        run_lake(tmp_path, user_map=people)
    assert str(raised.value) == (f"user map line 2: source senser: no contract has it; allowed: {SOURCES}")
    assert published_files(tmp_path) == {}


def test_a_source_that_no_contract_has_stops_no_run_when_earlier_ones_used_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    old = (("garmin", "u1", "P0001", None), ("senser", "room-7", "P0001", None))
    with monkeypatch.context() as before:
        before.setattr(known_users, "require_known_sources", lambda *_: None)  # as runs were when they took such lines
        run_lake(tmp_path, user_map=UserMap(old))
    write_lines(tmp_path, "2026-11-11", [daily_record("u1", 1)])
    mended = UserMap((*old, ("sensor", "room-7", "P0001", None)))
    assert run_lake(tmp_path, user_map=mended).status == "published"
    again = UserMap((*mended.entries, ("sensorr", "room-8", "P0001", None)))
    with pytest.raises(UsageError, match=f"user map line 4: source sensorr: no contract has it; allowed: {SOURCES}"):
        run_lake(tmp_path, user_map=again)


def test_a_source_that_may_be_an_id_is_not_repeated(tmp_path: Path) -> None:
    swapped = UserMap((("vendor-77", "garmin", "P0001", None),))
    with pytest.raises(UsageError, match=f"user map line 1: source: no contract has it; allowed: {SOURCES}"):
        run_lake(tmp_path, user_map=swapped)


@pytest.mark.folder_only
@pytest.mark.parametrize("damaged", [b"", b'{"key_check": "ab', b"[]", b'{"map_entries": "\xff"}'])
def test_a_damaged_memory_of_the_lake_ends_the_run_with_its_key_and_what_to_be_sure_of(
    tmp_path: Path, damaged: bytes
) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    run_lake(tmp_path)
    (tmp_path / "_locks/lake.json").write_bytes(damaged)
    with pytest.raises(LakeError) as raised:
        run_lake(tmp_path)
    assert str(raised.value) == (
        "_locks/lake.json: damaged; restore it from a backup. Without it the next run cannot tell whether key and user map"
        " are still the same: be sure of both, then remove it"
    )
    (tmp_path / "_locks/lake.json").unlink()
    assert run_lake(tmp_path).status == "nothing_to_do"


def test_a_rebuild_of_days_whose_records_are_gone_is_refused_by_week(tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    run_lake(tmp_path)
    (tmp_path / "processed/records/garmin_dailies/date=2026-11-09/part-00000.parquet").unlink()
    with pytest.raises(UsageError, match="no records for 2026-W46"):
        run_lake(tmp_path, rebuild=(date(2026, 11, 9), date(2026, 11, 9)))


def test_an_object_that_became_shorter_while_it_was_read_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1"), daily_record("u2")])
    monkeypatch.setattr(LocalLake, "read", lambda *_: b"")
    monkeypatch.setattr(S3Lake, "read", lambda *_: b"")
    with pytest.raises(LakeError, match="ends after 0 bytes, listed with"):
        run_lake(tmp_path)
