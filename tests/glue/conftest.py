"""A small lake, and the Glue job as a function on it."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from awsglue.utils import getResolvedOptions

from qol.glue.glue_job import run_glue_job
from tests.builders import CONTRACTS, KEY, daily_record, write_lines

CLOCK = "2026-11-18T00:05:00Z"
NOW = datetime(2026, 11, 18, 0, 20, tzinfo=UTC)
Job = Callable[..., None]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    write_lines(folder, "2026-11-10", [daily_record(day=0), daily_record(day=1, steps=123_456), b"{"])
    write_lines(folder, "2026-11-14", [daily_record("u2", day=0)], name="late.jsonl")
    return folder


@pytest.fixture
def job(lake: Path, no_gate: None, monkeypatch: pytest.MonkeyPatch) -> Job:
    """Start the job as Glue does: everything in argv, Glue's own function to read it."""
    monkeypatch.setenv("QOL_PSEUDONYM_KEY", KEY.decode())
    monkeypatch.setattr("qol.glue.glue_job.load_contracts", lambda: CONTRACTS)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def start(
        *words: object, glue: tuple[str, ...] = ("--JOB_NAME", "qol-weekly-etl-dev", "--JOB_RUN_ID", "jr_1")
    ) -> None:
        own = ("--lake", lake, "--engine", "local", "--now", CLOCK, "--no-docs", "true")
        run_glue_job(["/tmp/weekly_etl.py", *glue, *map(str, (*own, *words))], getResolvedOptions, lambda: NOW)

    return start
