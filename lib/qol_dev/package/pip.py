"""What is asked of pip: to resolve, to download, to build; always wheels, never a compiler."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from qol.errors import QolError


class Target(NamedTuple):
    """A Python on another machine: its version such as `311`, and platform tags it takes."""

    python: str
    platforms: str

    @property
    def options(self) -> list[str]:
        """The target in pip's words."""
        platforms = [word for tag in self.platforms.split() for word in ("--platform", tag)]
        return ["--only-binary=:all:", "--implementation", "cp", "--python-version", self.python, *platforms]


def resolve(requirements: Sequence[str], constraints: Sequence[str], target: Target) -> Iterator[tuple[str, str, str]]:
    """Name, version and hash of every wheel that the requirements need."""
    with tempfile.TemporaryDirectory() as folder:
        report, limits, nowhere = (Path(folder) / name for name in ("report.json", "constraints.txt", "nowhere"))
        limits.write_text("\n".join(constraints) + "\n", encoding="utf-8")
        _pip(
            "install", "--dry-run", "--ignore-installed", "--target", str(nowhere), "--report", str(report),
            "--constraint", str(limits), *target.options, *requirements,
        )  # fmt: skip
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    for item in found:
        named = item["metadata"]
        yield named["name"], named["version"], item["download_info"]["archive_info"]["hashes"]["sha256"]


def download(lock: Path, folder: Path, target: Target) -> None:
    """The wheels of a lock; pip refuses one whose hash is another."""
    _pip(
        "download", "--no-deps", "--require-hashes", "--dest", str(folder), *target.options, "--requirement", str(lock)
    )


def build_wheel(source: Path, folder: Path) -> Path:
    """The wheel of a project; its build backend is pinned in its pyproject.toml."""
    _pip("wheel", "--no-deps", "--use-pep517", "--wheel-dir", str(folder), str(source))
    (wheel,) = folder.glob("*.whl")
    return wheel


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own words)
    if ended.returncode:
        last = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")][-1:]
        raise QolError(f"pip {words[0]} ended with {ended.returncode}: {' '.join(last) or 'no reason given'}")
