"""A withdrawal: what arrives later is counted, never kept, and gone from raw after the run that counted it."""

import json
from pathlib import Path

from qol.errors import LakeError
from qol.identity.user_map import read_user_map
from qol.lake import LocalLake, StoredObject
from qol.run.request import RunRequest
from qol.run.summary import read_and_skipped, summarize
from qol.tables.manifest import manifest_key, read_manifest
from tests.builders import CONTRACTS, daily_record, run_lake, write_lines


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


def test_what_lies_outside_the_permissions_that_stay_is_withdrawn_and_the_rest_is_kept(tmp_path: Path) -> None:
    lake, file = tmp_path / "lake", tmp_path / "map.jsonl"
    entry = {"source": "garmin", "vendor_user_id": "u1", "user_id": "P1", "withdrawn_at": "2026-11-11T00:00:00Z"}
    workout = {"userId": "u1", "summaryId": "w1", "startTimeInSeconds": 1762900000, "durationInSeconds": 60}
    envelope = {"dailies": [daily_record("u1", 2), daily_record("u2", 2)], "moveIQActivities": [workout]}
    raw = write_lines(lake, "2026-11-12", [envelope, daily_record("u1", 3)])
    for permissions, withdrawn in ((["HEALTH_EXPORT", "ACTIVITY_EXPORT"], 0), (["ACTIVITY_EXPORT"], 2)):
        file.write_text(json.dumps({**entry, "permissions": permissions}) + "\n")
        totals = run_lake(lake, user_map=read_user_map(file), reread=True).totals
        assert (totals.get("withdrawn", 0), totals["lines"]) == (withdrawn, 4)
    rest = {**envelope, "dailies": [daily_record("u2", 2)]}
    assert raw.read_bytes() == json.dumps(rest).encode() + b"\n\n"


def test_a_withdrawal_that_the_map_says_later_makes_the_next_run_read_again_what_arrived_since(tmp_path: Path) -> None:
    lake, file = tmp_path / "lake", tmp_path / "map.jsonl"
    entry = {"source": "garmin", "vendor_user_id": "u1", "user_id": "P1"}
    file.write_text(json.dumps(entry) + "\n")
    old, before, since = (
        write_lines(lake, day, [daily_record("u1", 0), daily_record("u2", 0)], name=f"{day}.jsonl")
        for day in ("2026-10-20", "2026-11-10", "2026-11-12")
    )
    run_lake(lake, user_map=read_user_map(file))
    file.write_text(json.dumps({**entry, "withdrawn_at": "2026-11-11T00:00:00Z"}) + "\n")
    manifest = run_lake(lake, user_map=read_user_map(file))
    assert (manifest.totals["lines"], manifest.totals["withdrawn"], manifest.reread_from) == (2, 1, None)
    assert [b"u1" in raw.read_bytes() for raw in (old, before, since)] == [True, True, False]
    file.write_text(json.dumps({**entry, "withdrawn_at": "2026-10-19T00:00:00Z"}) + "\n")
    manifest = run_lake(lake, user_map=read_user_map(file))
    assert ([b"u1" in raw.read_bytes() for raw in (old, before, since)], manifest.reread_from) == (
        [True, False, False], "2026-10-19",
    )  # fmt: skip
    told = "\n".join(summarize(LocalLake(lake), CONTRACTS, RunRequest("run"), manifest))
    assert f"qol run --reread --raw-days 30 --lake {lake}" in told
    assert run_lake(lake, user_map=read_user_map(file), reread=True, raw_days=30).reread_from is None
    assert b"u1" not in old.read_bytes()


def test_every_record_type_of_garmin_needs_one_permission() -> None:
    needed = [name for names in CONTRACTS.source_rules["garmin"].permissions.values() for name in names]
    assert sorted(needed) == sorted(one.record for one in CONTRACTS.sources if one.source == "garmin")
