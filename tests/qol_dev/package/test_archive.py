"""A zip's bytes depend on what is in it and on nothing else."""

import os
import zipfile
from pathlib import Path

from qol_dev.package.archive import read_zip, sha256, write_zip


def test_the_same_members_are_the_same_bytes_in_any_order_at_any_time(tmp_path: Path) -> None:
    one, other = tmp_path / "one.zip", tmp_path / "deeper" / "other.zip"
    write_zip(one, {"b.py": b"2", "a.py": b"1"})
    os.utime(one, (0, 0))
    write_zip(other, {"a.py": b"1", "b.py": b"2"})
    assert one.read_bytes() == other.read_bytes()
    assert sha256(one) == sha256(other)
    assert read_zip(one) == {"a.py": b"1", "b.py": b"2"}


def test_everyone_may_read_what_is_unpacked(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", {"a.py": b"1"}, compress=False)
    (info,) = zipfile.ZipFile(tmp_path / "a.zip").infolist()
    assert (info.external_attr >> 16, info.date_time, info.compress_type) == (
        0o644,
        (1980, 1, 1, 0, 0, 0),
        zipfile.ZIP_STORED,
    )
