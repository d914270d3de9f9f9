"""Manifests as they are read again: newest clock first, and no foreign file keeps anybody from the others."""

from datetime import UTC, datetime
from pathlib import Path

from qol.lake import LocalLake
from qol.tables.manifest import manifest_key, new_manifest, read_heads, read_manifests, started_at


def test_manifests_come_newest_clock_first_without_files_that_are_none(tmp_path: Path) -> None:
    lake = LocalLake(tmp_path)
    old = new_manifest(datetime(2026, 11, 11, 0, 5, tzinfo=UTC), "schedule", "2026-W45")
    new = new_manifest(datetime(2026, 11, 18, 0, 5, tzinfo=UTC), "manual", "2026-W46")
    for manifest in (old, new):
        lake.put(manifest_key(manifest.run_id), manifest.to_line())
    lake.put("_runs/20261112T000000Z-broken.json", b"{\xff")
    lake.put("_runs/notes.txt", b"of an operator")
    assert list(read_manifests(lake)) == [new, old]
    assert [(head.run_id, head.now) for head in read_heads(lake)] == [
        (new.run_id, "2026-11-18T00:05:00Z"),
        (old.run_id, "2026-11-11T00:05:00Z"),
    ]


def test_a_run_id_tells_when_the_run_began_by_the_real_clock() -> None:
    began = started_at("20261118T000500Z-18e8fae3ab8ff000-manual-3f2a")
    assert began.isoformat(timespec="milliseconds") == "2026-11-18T00:05:07.250+00:00"
