"""The shipped job as a command, for the time until `qol run` exists: lake, engine, clock."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

from qol.contracts.load import load_contracts
from qol.engine.base import Engine
from qol.engine.local import LocalEngine
from qol.ingest.people import Identities
from qol.lake.local import LocalLake
from qol.pipeline import RunOptions, run
from qol.transform.weeks import last_closed_week


def main(folder: str, engine: str, now: str) -> None:
    """One run with everything it does in real life."""

    def make_engine(scratch: Path, _: int) -> Engine:
        if engine == "spark":
            from qol.engine.spark import SparkEngine, start_spark

            return SparkEngine(start_spark("local[*]"))
        return LocalEngine(scratch, os.cpu_count() or 1)

    root, clock = Path(folder), datetime.fromisoformat(now)
    key = (root / "_keys/pseudonym.key").read_text(encoding="ascii").strip().encode()
    options = RunOptions(clock, Identities(key, {}), last_closed_week(clock), docs=root / "_docs")
    manifest = run(LocalLake(root), load_contracts(), options, make_engine, print)
    print(manifest.status)


if __name__ == "__main__":
    main(*sys.argv[1:])
