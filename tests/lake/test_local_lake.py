"""The lake edge on a folder."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pytest

from qol.errors import LakeError, LockedError, UsageError
from qol.lake import LocalLake, open_lake


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


def test_a_place_no_edge_knows_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="found scheme 'ftp'; allowed: a folder or s3"):
        open_lake("ftp://somewhere/lake")


@pytest.mark.parametrize("key", ["/etc/hostname", "../outside", "raw/../../outside", "raw/.."])
def test_no_key_leads_out_of_the_lake(tmp_path: Path, key: str) -> None:
    (tmp_path / "outside").write_text("x")
    with pytest.raises(LakeError, match="leads out of the lake; allowed: a path below"):
        LocalLake(tmp_path / "lake").read(key)


@pytest.mark.parametrize(
    "act",
    [
        lambda lake: lake.read("link"),
        lambda lake: lake.lock("run-1").__enter__(),
        lambda lake: lake.create("link").__enter__(),
    ],
)
def test_nothing_is_read_or_written_through_a_link(tmp_path: Path, act: Callable[[LocalLake], object]) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    lake = tmp_path / "lake"
    (lake / "_locks").mkdir(parents=True)
    for link in ("link", "_locks/publish.lock"):
        (lake / link).symlink_to(secret)
    with pytest.raises((LakeError, FileExistsError)):
        act(LocalLake(lake))
    assert secret.read_text() == "x"


def test_a_small_object_is_written_by_a_name_that_nobody_can_prepare(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    (tmp_path / f".a.json.{os.getpid()}").symlink_to(secret)
    LocalLake(tmp_path).put("a.json", b"1")
    assert (secret.read_text(), (tmp_path / "a.json").read_text()) == ("x", "1")


def deny(*_: Any, **__: Any) -> NoReturn:
    raise PermissionError(errno.EACCES, "Permission denied")


def without_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system whose every answer is no; rights of files mean nothing to the user root, who may run the tests."""
    for owner, names in {
        Path: ("open", "stat", "mkdir", "unlink"),
        os: ("scandir", "replace", "open"),
        pa: ("memory_map",),
    }.items():
        for name in names:
            monkeypatch.setattr(owner, name, deny)


@pytest.mark.parametrize(
    ("act", "refused", "kind", "may"),
    [
        (lambda lake: lake.read("raw/a"), "raw/a: may not be read", "file", "read"),
        (lambda lake: lake.stat("raw/a"), "raw/a: may not be read", "file", "read"),
        (lambda lake: lake.open_table("raw/a"), "raw/a: may not be read", "file", "read"),
        (lambda lake: list(lake.walk("raw/")), "raw/: may not be read", "folder", "read"),
        (lambda lake: lake.create("_staging/a").__enter__(), "_staging/a: may not be written", "file", "write"),
        (lambda lake: lake.put("_runs/a", b""), "_runs/a: may not be written", "file", "write"),
        (lambda lake: lake.delete("_runs/a"), "_runs/a: may not be written", "file", "write"),
        (lambda lake: lake.lock("run").__enter__(), "_locks/publish.lock: may not be written", "file", "write"),
    ],
)
def test_what_a_user_may_not_do_is_said_with_the_key(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[LocalLake], object],
    refused: str,
    kind: str,
    may: str,
) -> None:
    lake = LocalLake(tmp_path)
    without_rights(monkeypatch)
    with pytest.raises(LakeError) as raised:
        act(lake)
    allowed = f"a {kind} that the user of this process can {may}"
    assert str(raised.value) == f"{refused} (permission denied); allowed: {allowed}"


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
    allowed = "a file that the user of this process can write"
    assert str(raised.value) == f"processed/a: may not be written ({why}); allowed: {allowed}"


def test_a_folder_in_place_of_a_file_is_not_read_and_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(IsADirectoryError):
            LocalLake(tmp_path).read("folder")
    assert len(list(Path("/dev/fd").iterdir())) == before


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


def test_what_a_killed_writer_left_of_a_file_goes_when_it_is_written_again(tmp_path: Path) -> None:
    left, others = tmp_path / "quarantine/objects/.a.json.0123", tmp_path / "quarantine/objects/.b.json.0123"
    left.parent.mkdir(parents=True)
    for file in (left, others):
        file.write_bytes(b"half")
    LocalLake(tmp_path).put("quarantine/objects/a.json", b"whole")
    assert sorted(file.name for file in left.parent.iterdir()) == [others.name, "a.json"]


def test_two_writers_of_a_file_do_not_take_each_others_temporary_files_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, replace = LocalLake(tmp_path), os.replace

    def beside(source: str, target: Path) -> None:
        monkeypatch.undo()
        lake.put("_runs/a", b"second")
        replace(source, target)

    monkeypatch.setattr(os, "replace", beside)
    lake.put("_runs/a", b"first")
    assert [(file.name, file.read_bytes()) for file in (tmp_path / "_runs").iterdir()] == [("a", b"first")]


def test_writers_at_once_keep_each_others_changes(tmp_path: Path) -> None:
    def add(text: str) -> None:
        def changed(data: bytes | None) -> bytes:
            time.sleep(0.01)  # the others read meanwhile
            return (data or b"") + text.encode()

        LocalLake(tmp_path).update("quarantine/a", changed)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, "abcd"))
    assert sorted(LocalLake(tmp_path).read("quarantine/a")) == list(b"abcd")
