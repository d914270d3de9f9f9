"""The lake edge on a folder."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from qol.errors import LakeError, LockedError, UsageError
from qol.lake import LocalLake, open_lake


def test_a_lake_lists_folders_and_hidden_objects_in_order(tmp_path: Path) -> None:
    for name in ("raw/b.jsonl", "raw/.a.jsonl", "raw/x/c.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")
    lake = LocalLake(tmp_path)
    assert [o.key for o in lake.children("raw/").objects] == ["raw/.a.jsonl", "raw/b.jsonl"]
    assert lake.children("raw/").folders == ("x/",)
    assert [(o.key, o.bytes) for o in lake.walk("raw/x/")] == [("raw/x/c.jsonl", 5)]
    assert lake.children("nothing/").objects == ()


def test_reading_what_is_gone_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="raw/x.jsonl: gone"):
        LocalLake(tmp_path).read("raw/x.jsonl")
    with pytest.raises(LakeError, match=r"a\.parquet: gone"):
        LocalLake(tmp_path).open_table("a.parquet")


def test_an_object_has_another_etag_after_it_was_written_again(tmp_path: Path) -> None:
    lake = LocalLake(tmp_path)
    lake.put("_runs/a.json", b"1")
    first = lake.stat("_runs/a.json")
    lake.put("_runs/a.json", b"2")
    second = lake.stat("_runs/a.json")
    assert first is not None
    assert second is not None
    assert first.etag != second.etag
    assert [o.key for o in lake.walk("_runs/")] == ["_runs/a.json"]


def test_only_one_holds_the_lock_and_the_other_hears_who(tmp_path: Path) -> None:
    lake = LocalLake(tmp_path)
    with lake.lock("run-1"), pytest.raises(LockedError, match="held by run run-1"), lake.lock("run-2"):
        pass
    with lake.lock("run-3"):
        pass


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom qol.lake import LocalLake\n"
        f"held = LocalLake({str(tmp_path)!r}).lock('dead'); held.__enter__(); os._exit(9)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 9
    with LocalLake(tmp_path).lock("next"):
        pass


def test_a_scratch_folder_is_gone_afterwards(tmp_path: Path) -> None:
    with LocalLake(tmp_path).scratch("r") as scratch:
        (scratch / "x").write_bytes(b"1")
    assert not scratch.exists()


def test_a_lake_travels_to_other_processes(tmp_path: Path) -> None:
    assert pickle.loads(pickle.dumps(LocalLake(tmp_path))).uri == str(tmp_path)


def test_a_place_no_edge_knows_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="found scheme 'ftp'; allowed: a folder or s3"):
        open_lake("ftp://somewhere/lake")
