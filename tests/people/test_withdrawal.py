"""A withdrawal: what arrives later is counted, never kept, and gone from raw after the run that counted it."""

import json
from pathlib import Path

from qol.identity.user_map import read_user_map
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
