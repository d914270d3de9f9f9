"""A withdrawal: what arrives later is counted, never kept, and gone from raw after the run that counted it."""

import json
from pathlib import Path

from qol.errors import LakeError
from qol.identity.user_map import read_user_map
from qol.lake import LocalLake, StoredObject
from qol.run.summary import read_and_skipped
from qol.tables.manifest import manifest_key, read_manifest
from tests.builders import daily_record, run_lake, write_lines


def test_what_arrives_after_a_withdrawal_is_counted_never_kept_and_removed_from_raw(tmp_path: Path) -> None:
    lake, file = tmp_path / "lake", tmp_path / "map.jsonl"
    entry = {"source": "garmin", "vendor_user_id": "u1", "user_id": "P1"}
    file.write_text(json.dumps(entry) + "\n")
    write_lines(lake, "2026-11-10", [daily_record("u1", 0)], name="early.jsonl")
    run_lake(lake, user_map=read_user_map(file))
    file.write_text(json.dumps({**entry, "withdrawn_at": "2026-11-11T00:00:00Z"}) + "\n")
    late = {"dailies": [daily_record("u1", 2), daily_record("u2", 2)], "deregistrations": [{"userId": "u1"}]}
    raw = write_lines(lake, "2026-11-12", [late, daily_record("u1", 3), b'{"userId": "u1", broken'])
    dry = run_lake(lake, user_map=read_user_map(file), dry_run=True)
    assert b"u1" in raw.read_bytes()
    manifest = run_lake(lake, user_map=read_user_map(file))
    counts = {"physical_lines": 3, "lines": 5, "blank": 0, "control": 0, "rejected": 0, "kept": 1, "superseded": 0}
    assert manifest.totals == dry.totals == {**counts, "withdrawn": 4}
    rest = json.dumps({"dailies": [daily_record("u2", 2)], "deregistrations": []}).encode()
    assert raw.read_bytes() == rest + b"\n\n\n"
    again = run_lake(lake, user_map=read_user_map(file))
    assert (again.status, again.totals["lines"], again.totals["kept"], again.totals["blank"]) == (
        "nothing_to_do", 3, 1, 2,
    )  # fmt: skip
    assert run_lake(lake, user_map=read_user_map(file)).totals["lines"] == 0


class LakeOfTheJob(LocalLake):
    """A lake of which the run may not change raw, as in an account."""

    def publish(self, staged: str, key: str, expected_etag: str | None) -> StoredObject:
        if key.startswith("raw/"):
            raise LakeError(f"{key}: AccessDenied")
        return super().publish(staged, key, expected_etag)


def test_a_run_that_may_not_change_raw_says_so_and_the_next_one_that_may_removes_the_items(tmp_path: Path) -> None:
    lake, file = tmp_path / "lake", tmp_path / "map.jsonl"
    entry = {"source": "garmin", "vendor_user_id": "u1", "user_id": "P1", "withdrawn_at": "2026-11-11T00:00:00Z"}
    file.write_text(json.dumps(entry) + "\n")
    raw = write_lines(lake, "2026-11-12", [daily_record("u1", 2), daily_record("u2", 2)])
    for _ in range(2):
        manifest = run_lake(LakeOfTheJob(lake), user_map=read_user_map(file))
        assert (manifest.totals["withdrawn"], manifest.not_removed) == (1, 1)
        assert read_manifest(LocalLake(lake), manifest_key(manifest.run_id)) == manifest
        assert "1 raw object could not be changed" in "\n".join(read_and_skipped(manifest))
    manifest = run_lake(lake, user_map=read_user_map(file))
    assert (manifest.totals["withdrawn"], manifest.not_removed, b"u1" in raw.read_bytes()) == (1, 0, False)
