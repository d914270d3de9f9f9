"""Which id people have in a lake: an entry with their keyed hash keeps it, a whole new beginning gives another."""

import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from qol.errors import UsageError
from qol.identity.lake_state import read_lake_state
from qol.identity.user_map import UserMap, read_user_map
from qol.lake.local import LocalLake
from qol.quality.gate_input import GateInput
from qol.tables.manifest import CheckResult
from tests.builders import KEY, daily_record, run_lake, user_id, write_lines

pytestmark = pytest.mark.usefixtures("no_gate")
PAGE = Path(__file__).parents[2] / "docs/backfill-and-rebuild.md"
RING = {"id": "d1", "day": "2026-11-11", "score": 80, "user_id": "ring-1", "timestamp": "2026-11-11T00:00:00+09:00"}


def people(lake: Path) -> dict[str, set[str]]:
    """Sources of each person's daily rows."""
    rows = pl.read_parquet(lake / "processed/daily/date=2026-11-09/part-00000.parquet", hive_partitioning=False)
    return {str(person): set(of["source"]) for (person,), of in rows.group_by("user_id")}


def test_an_entry_with_the_keyed_hash_keeps_the_id_and_joins_a_second_device(tmp_path: Path) -> None:
    lake, old = tmp_path / "lake", user_id("u1")
    write_lines(lake, "2026-11-10", [daily_record("u1", 0)])
    run_lake(lake, user_map=UserMap(()))
    write_lines(lake, "2026-11-11", [daily_record("u1", 1)], name="b.jsonl")
    write_lines(lake, "2026-11-11", [RING], folder="raw/oura/daily_readiness")
    run_lake(lake, user_map=UserMap((("garmin", "u1", old, None), ("oura", "ring-1", old, None))))
    assert people(lake) == {old: {"garmin", "oura"}}


def test_an_entry_for_a_person_with_records_under_the_keyed_hash_is_a_warning_once_and_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[GateInput] = []

    def gate(_contracts: object, given: GateInput, _docs: object) -> list[CheckResult]:
        seen.append(given)
        return []

    monkeypatch.setattr("qol.run.pipeline.run_gate", gate)
    lake, old = tmp_path / "lake", user_id("u1")
    both = UserMap((("garmin", "u1", "P001", "Asia/Tokyo"), ("garmin", "u2", "P002", None)))
    for number, user_map in enumerate((UserMap(()), both, both)):
        write_lines(lake, "2026-11-10", [daily_record("u1", 0, steps=2_000 + number)], name=f"{number}.jsonl")
        write_lines(lake, "2026-11-10", [daily_record("u2" if number else "u1", 0)], name=f"{number}b.jsonl")
        manifest = run_lake(lake, user_map=user_map)
        assert manifest.status == "published"
    assert set(people(lake)) == {old, "P002"}
    assert [given.two_ids for given in seen] == [0, 1, 0]
    assert manifest.user_map is not None
    assert (manifest.user_map["hashes_kept"], manifest.user_map["new_hashes_kept"]) == (1, 0)
    assert read_lake_state(LocalLake(lake)).kept_hashes == [old]


def test_a_person_moves_to_another_id_when_published_files_and_the_lakes_memory_are_moved_aside(tmp_path: Path) -> None:
    wrong, right = UserMap((("garmin", "u1", "P001", None),)), UserMap((("garmin", "u1", "P002", None),))
    lake = tmp_path / "lake"
    write_lines(lake, "2026-11-10", [daily_record("u1", 0)])
    run_lake(lake, user_map=wrong)
    with pytest.raises(UsageError, match="says how a user gets another id"):
        run_lake(lake, user_map=right)
    for place in ("processed", "_locks/lake.json"):
        assert f"`{place}{'' if '.' in place else '/'}`" in PAGE.read_text(encoding="utf-8")
        (lake / place).rename(tmp_path / Path(place).name)
    run_lake(lake, user_map=right, backfill=(date(2026, 11, 10), date(2026, 11, 10)))
    assert people(lake) == {"P002": {"garmin"}}


def test_the_recipe_of_the_page_writes_such_entries(tmp_path: Path) -> None:
    (recipe,) = re.findall(r"```\n(python -c .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "vendor_ids.txt").write_text("u1\nu2\n")
    env = {
        **os.environ,
        "QOL_PSEUDONYM_KEY": KEY.decode(),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    subprocess.run(["bash", "-c", recipe], cwd=tmp_path, env=env, check=True)
    lines = (tmp_path / "user_map.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {"source": "garmin", "vendor_user_id": "u1", "user_id": user_id("u1")}
    assert [entry[2] for entry in read_user_map(tmp_path / "user_map.jsonl").entries] == [user_id("u1"), user_id("u2")]
