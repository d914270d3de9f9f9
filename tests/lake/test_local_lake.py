"""The lake edge on a folder."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
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


def deny(*_: Any, **__: Any) -> NoReturn:
    raise PermissionError(errno.EACCES, "Permission denied")


def without_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system whose every answer is no; rights of files mean nothing to the user root, who may run the tests."""
    for owner, names in {
        Path: ("open", "stat", "mkdir", "unlink"),
        os: ("scandir", "replace"),
        pa: ("memory_map",),
    }.items():
        for name in names:
            monkeypatch.setattr(owner, name, deny)


A_FILE = "a file that the user of this process can"
A_FOLDER = "a folder that the user of this process can"


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda lake: lake.read("raw/a"), f"raw/a: may not be read (permission denied); allowed: {A_FILE} read"),
        (lambda lake: lake.stat("raw/a"), f"raw/a: may not be read (permission denied); allowed: {A_FILE} read"),
        (lambda lake: lake.open_table("raw/a"), f"raw/a: may not be read (permission denied); allowed: {A_FILE} read"),
        (
            lambda lake: list(lake.walk("raw/")),
            f"raw/: may not be read (permission denied); allowed: {A_FOLDER} read",
        ),
        (
            lambda lake: lake.create("_staging/a").__enter__(),
            f"_staging/a: may not be written (permission denied); allowed: {A_FILE} write",
        ),
        (
            lambda lake: lake.put("_runs/a", b""),
            f"_runs/a: may not be written (permission denied); allowed: {A_FILE} write",
        ),
        (
            lambda lake: lake.delete("_runs/a"),
            f"_runs/a: may not be written (permission denied); allowed: {A_FILE} write",
        ),
        (
            lambda lake: lake.lock("run").__enter__(),
            f"_locks/publish.lock: may not be written (permission denied); allowed: {A_FILE} write",
        ),
        (
            lambda lake: lake.scratch("r").__enter__(),
            f"_staging/r/scratch/: may not be written (permission denied); allowed: {A_FOLDER} write",
        ),
    ],
)
def test_what_a_user_may_not_do_is_said_with_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[LocalLake], object], message: str
) -> None:
    lake = LocalLake(tmp_path)
    without_rights(monkeypatch)
    with pytest.raises(LakeError) as raised:
        act(lake)
    assert str(raised.value) == message


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_file_that_may_not_be_published_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    lake = LocalLake(tmp_path)
    with lake.create("_staging/a") as file:
        file.write(b"1")

    def refuse(*_: Any) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(LakeError) as raised:
        lake.publish("_staging/a", "processed/a", None)
    why = {errno.EACCES: "permission denied", errno.EROFS: "read-only file system"}[number]
    assert str(raised.value) == f"processed/a: may not be written ({why}); allowed: {A_FILE} write"


def test_other_trouble_of_the_machine_stays_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left on device"):
        LocalLake(tmp_path).put("_runs/a", b"")


def test_a_lake_in_a_folder_that_may_not_be_read_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = str(tmp_path)
    monkeypatch.setattr(Path, "is_dir", deny)
    with pytest.raises(UsageError, match=": may not be read .permission denied.; allowed: a folder that the user of"):
        open_lake(lake)
