"""Zip files whose bytes depend only on their content."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

#: The oldest time a zip can hold.
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE = 0o644


def write_zip(path: Path, members: Mapping[str, bytes], *, compress: bool = True) -> None:
    """Write members sorted by name, with one fixed time, readable by everyone (Lambda needs that)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _TIME)
            info.create_system, info.external_attr, info.compress_type = _UNIX, _READABLE << 16, kind
            archive.writestr(info, members[name])


def read_zip(path: Path) -> dict[str, bytes]:
    """Files of a zip by name."""
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}


def sha256(path: Path) -> str:
    """The hash of a file as hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
