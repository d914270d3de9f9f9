"""Tiny lakes for tests: a few Garmin records written where a receiver would write them."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from qol.contracts.load import load_contracts
from qol.contracts.model import Contracts
from qol.identity.pseudonyms import Identities
from qol.identity.user_map import UserMap
from qol.ingest.listing import RANGE_BYTES, ingest_tasks
from qol.lake import Lake, LocalLake
from qol.run.context import RunContext, begin_manifest
from qol.run.engine import Engine
from qol.run.local_engine import LocalEngine
from qol.run.pipeline import run_pipeline
from qol.run.request import RunRequest
from qol.tables.manifest import Manifest

KEY = b"a key of the tests, 32 bytes long!"
#: Wednesday 09:05 in Tokyo; week 2026-W46 (9 to 15 November) closed on Monday.
NOW = datetime(2026, 11, 18, 0, 5, tzinfo=UTC)
#: 2026-11-09T00:00 in Tokyo.
MONDAY_START = 1_794_150_000
CONTRACTS = load_contracts()
NO_USER_MAP = UserMap(())


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


def request(**changes: Any) -> RunRequest:
    """A plain run at NOW with some options; `backfill` is arrival days, `rebuild` is weeks, first and last of each."""
    backfill, rebuild = changes.pop("backfill", None), changes.pop("rebuild", None)
    plain: dict[str, Any] = {"now": NOW, "command": "backfill" if backfill else "rebuild" if rebuild else "run"}
    if backfill:
        plain |= {"first_day": backfill[0], "last_day": backfill[1]}
    if rebuild:
        plain |= {"first_week": rebuild[0], "last_week": rebuild[1]}
    return RunRequest(**(plain | changes))


def run_lake(
    lake: Lake | Path,
    contracts: Contracts = CONTRACTS,
    *,
    key: bytes = KEY,
    user_map: UserMap | Callable[[], UserMap] = NO_USER_MAP,
    make_engine: Callable[[Path, int], Engine] = lambda scratch, _: LocalEngine(scratch, 1),
    docs: Path | None = None,
    **changes: Any,
) -> Manifest:
    """One run in this process; `changes` are options of the request."""
    asked = request(**changes)
    manifest = begin_manifest(contracts, asked)
    read = user_map if callable(user_map) else lambda: user_map
    with open_edge(lake) if isinstance(lake, Path) else nullcontext(lake) as opened:
        run_pipeline(RunContext(opened, contracts, asked, key, read, make_engine, manifest, docs))
    return manifest


@contextmanager
def split(*, range_bytes: int = RANGE_BYTES, buckets: int = 1) -> Iterator[None]:
    """Runs read objects in ranges of so many bytes and reduce users in so many buckets, as big ones do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qol.run.pipeline.ingest_tasks", partial(ingest_tasks, target_bytes=range_bytes))
        patch.setattr("qol.run.pipeline.bucket_count", lambda _: buckets)
        yield


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


def copy_contracts(to: Path, sources: str = "garmin/[_h]r*.yaml") -> Path:
    """Copy the vocabulary and those contracts whose files fit a pattern, to break them: few are read in an instant."""
    shutil.copytree(CONTRACTS.root, to, ignore=shutil.ignore_patterns("tables", "sources"))
    copy_sources(to, sources)
    return to


def copy_sources(schemas: Path, pattern: str) -> None:
    """Copy those contracts whose files fit a pattern."""
    for file in (CONTRACTS.root / "sources").glob(pattern):
        copy = schemas / "sources" / file.relative_to(CONTRACTS.root / "sources")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
