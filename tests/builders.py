"""Tiny lakes for tests: a few Garmin records written where a receiver would write them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from qol.contracts.load import load_contracts
from qol.contracts.model import Contracts
from qol.identity.pseudonyms import Identities
from qol.lake import Lake, LocalLake
from qol.run.local_engine import LocalEngine
from qol.run.pipeline import RunOptions, run
from qol.tables.manifest import Manifest
from qol.tables.weeks import last_closed_week

KEY = b"a key of the tests, 32 bytes long!"
#: Wednesday 09:05 in Tokyo; week 2026-W46 (9 to 15 November) closed on Monday.
NOW = datetime(2026, 11, 18, 0, 5, tzinfo=UTC)
#: 2026-11-09T00:00 in Tokyo.
MONDAY_START = 1_794_150_000
CONTRACTS = load_contracts()


def contracts_with(folder: Path, *texts: str) -> Contracts:
    """The shipped contracts and some written in a test, loaded from a copy of the schemas in a new folder."""
    schemas = folder / "schemas"
    shutil.copytree(CONTRACTS.root, schemas)
    for text in texts:
        said = yaml.safe_load(text)
        file = schemas / "sources" / said["source"] / f"{said['record']}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return load_contracts(schemas)


def daily_record(user: str = "u1", day: int = 0, **values: object) -> dict[str, Any]:
    """A full Garmin day, `day` days after Monday 2026-11-09 in Tokyo."""
    return {
        "userId": user,
        "summaryId": f"s-{user}-{day}",
        "calendarDate": f"2026-11-{9 + day:02d}",
        "startTimeInSeconds": MONDAY_START + day * 86_400,
        "startTimeOffsetInSeconds": 32_400,
        "durationInSeconds": 86_400,
        "steps": 1_000,
        **values,
    }


def night_record(user: str = "u1", day: int = 1, **values: object) -> dict[str, Any]:
    """A night from 23:00 to 06:30 in Tokyo that ends `day` days after Monday 2026-11-09: 7 h asleep, 30 min awake."""
    return {
        "userId": user,
        "calendarDate": f"2026-11-{9 + day:02d}",
        "startTimeInSeconds": MONDAY_START + day * 86_400 - 3_600,
        "startTimeOffsetInSeconds": 32_400,
        "durationInSeconds": 25_200,
        "deepSleepDurationInSeconds": 5_400,
        "lightSleepDurationInSeconds": 14_400,
        "remSleepInSeconds": 5_400,
        "awakeDurationInSeconds": 1_800,
        "validation": "ENHANCED_FINAL",
        **values,
    }


def write_lines(lake: Path, arrival: str, records: Iterable[Mapping[str, Any] | bytes], **where: str) -> Path:
    """Write records (or raw lines) as one object that arrived on a day; `folder` and `name` say where."""
    folder = lake / where.get("folder", "raw/daily") / f"date={arrival}"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / where.get("name", "a.jsonl")
    lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return file


def options(**changes: Any) -> RunOptions:
    """Options of a plain run at NOW."""
    plain = RunOptions(now=NOW, identities=Identities(KEY, {}), week=last_closed_week(NOW))
    return replace(plain, **changes)


def run_lake(lake: Lake | Path, contracts: Contracts = CONTRACTS, **changes: Any) -> Manifest:
    """One run in this process."""
    with open_edge(lake) if isinstance(lake, Path) else nullcontext(lake) as opened:
        return run(opened, contracts, options(**changes), lambda scratch, _: LocalEngine(scratch, 1))


@contextmanager
def without_gate() -> Iterator[None]:
    """Candidates pass without Great Expectations, where a test is about something else and runs often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qol.run.pipeline.run_gate", lambda *_: [])
        yield


def open_edge(folder: Path) -> AbstractContextManager[Lake]:
    """A folder as a lake; tests that hold on both edges exchange this for one that goes through a bucket."""
    return nullcontext(LocalLake(folder))


def user_id(vendor_user_id: str, source: str = "garmin") -> str:
    """The pseudonym of a vendor's user under the tests' key."""
    return Identities(KEY, {}).user_hash(source, vendor_user_id)


def published_files(lake: Path, *folders: str) -> dict[str, bytes]:
    """Bytes of every published file by key."""
    roots = [lake / folder for folder in folders or ("processed", "quarantine")]
    return {str(p.relative_to(lake)): p.read_bytes() for root in roots for p in sorted(root.rglob("*")) if p.is_file()}
