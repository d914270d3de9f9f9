"""The shipped job as a process on a lake of its own, and what its manifest says about the run."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import Outcome, run_measured
from qol.identity.key_lookup import KEY_VARIABLE

KEY = "benchmark key, known to whoever compares the values"
ENVIRONMENT = {KEY_VARIABLE: KEY}
ENGINES = ("local", "spark")
USER_MAP = "user_map.jsonl"
CHECKOUT = Path(__file__).parents[1]


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
    """A new lake on the raw files (and the user map) of a folder, gone when the context ends."""
    lake = cache / "lakes" / f"lake-{os.getpid()}"
    shutil.rmtree(lake, ignore_errors=True)
    lake.mkdir(parents=True)
    (lake / "raw").symlink_to((raw / "raw").resolve())
    if (raw / USER_MAP).exists():
        (lake / USER_MAP).symlink_to((raw / USER_MAP).resolve())
    try:
        yield lake
    finally:
        shutil.rmtree(lake)


def command(lake: Path, engine: str, now: datetime) -> list[str]:
    """The command a person would type; with the lake's user map where it has one."""
    main = "from qol.cli import main; main()"
    clock = now.isoformat().replace("+00:00", "Z")
    users = ["--user-map", str(lake / USER_MAP)] if (lake / USER_MAP).exists() else []
    return [sys.executable, "-c", main, "run", "--lake", str(lake), "--engine", engine, "--now", clock, *users]


def run_shipped(
    lake: Path, engine: str, now: datetime, cache: Path, checkout: Path = CHECKOUT, *, with_memory: bool = False
) -> Run:
    """Run it (or the job of another checkout) from start to exit; AssertionError when it published nothing."""
    before = set((lake / "_runs").glob("*.json"))
    environment = {**ENVIRONMENT, "PYTHONPATH": str(checkout / "lib")}
    outcome = run_measured(
        command(lake, engine, now), cache / f"logs/shipped-{engine}.log", environment, with_memory=with_memory
    )
    (path,) = set((lake / "_runs").glob("*.json")) - before
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert manifest["status"] == "published", manifest["error"]
    return Run(outcome, manifest)
