"""The shipped job as a process on a lake of its own, and what its manifest says about the run."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.measure import Outcome, python, run_measured

KEY = "benchmark key, known to whoever compares the values"
ENGINES = ("local", "spark")


@dataclass(frozen=True)
class Run:
    """One finished run of the shipped job."""

    outcome: Outcome
    manifest: dict[str, Any]

    @property
    def stages(self) -> dict[str, float]:
        """Seconds by stage."""
        return dict(self.manifest["stages"])


@contextmanager
def fresh_lake(cache: Path, raw: Path) -> Iterator[Path]:
    """A new lake on the raw files of a folder, gone when the context ends."""
    lake = cache / "lakes" / f"lake-{os.getpid()}"
    shutil.rmtree(lake, ignore_errors=True)
    lake.mkdir(parents=True)
    (lake / "raw").symlink_to((raw / "raw").resolve())
    write_key(lake)
    try:
        yield lake
    finally:
        shutil.rmtree(lake)


def write_key(lake: Path) -> None:
    """Give a lake the benchmark's pseudonym key."""
    path = lake / "_keys/pseudonym.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(KEY, encoding="ascii")


def command(lake: Path, engine: str, now: datetime) -> list[str]:
    """The command a person would type."""
    clock = now.isoformat().replace("+00:00", "Z")
    if find_spec("qol.cli") is None:
        return python("benchmarks.drive", str(lake), engine, clock)
    main = "import sys; from qol.cli import main; sys.exit(main())"
    return [sys.executable, "-c", main, "run", "--lake", str(lake), "--engine", engine, "--now", clock]


def run_shipped(lake: Path, engine: str, now: datetime, cache: Path) -> Run:
    """Run it from start to exit; AssertionError when it published nothing."""
    before = set((lake / "_runs").glob("*.json"))
    outcome = run_measured(command(lake, engine, now), cache / f"logs/shipped-{engine}.log")
    (path,) = set((lake / "_runs").glob("*.json")) - before
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert manifest["status"] == "published", manifest["error"]
    return Run(outcome, manifest)
