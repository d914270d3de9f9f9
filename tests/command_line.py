"""A lake of one week whose people each show one thing, run once; and `qol` as a function."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from qol.cli.app import app
from qol.contracts.load import load_contracts
from qol.contracts.model import Contracts
from qol.identity.pseudonyms import Identities
from tests.builders import CONTRACTS, KEY, daily_record, night_record, write_lines

CLOCK = "2026-11-18T00:05:00Z"
WEEK = "2026-W46"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Qol = Callable[..., Ended]


@pytest.fixture(scope="session")
def qol_session() -> Iterator[Qol]:
    """Run a command; standard output and error apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QOL_PSEUDONYM_KEY", KEY.decode())
        patch.setattr("qol.cli.show._program", lambda: "qol")
        patch.setattr("qol.contracts.load.load_contracts", _load)
        for name in ("QOL_LAKE", "QOL_SCHEMAS", "QOL_DEBUG", "FORCE_COLOR", "COLUMNS"):
            patch.delenv(name, raising=False)

        def run(*words: object, **env: str) -> Ended:
            result = CliRunner().invoke(app, [str(word) for word in words], env=env)
            return Ended(result.exit_code, result.stdout, result.stderr)

        yield run


@pytest.fixture
def qol(qol_session: Qol) -> Qol:
    return qol_session


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    write_lines(folder, "2026-11-10", [daily_record(day=0), daily_record(day=1, steps=123_456)])
    return folder


@pytest.fixture
def run(qol: Qol, lake: Path) -> Qol:
    def go(*words: object, **env: str) -> Ended:
        return qol("run", "--lake", lake, "--now", CLOCK, "--no-docs", *words, **env)

    return go


def files(lake: Path) -> list[str]:
    return sorted(str(path.relative_to(lake)) for path in lake.rglob("*") if path.is_file())


def manifests(lake: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted((lake / "_runs").glob("*.json"))]


def _load(root: Path | None = None, *, skip_unfinished: bool = False) -> Contracts:
    """The shipped contracts are read once, those of a test each time."""
    return load_contracts(root, skip_unfinished=skip_unfinished) if root or os.environ.get("QOL_SCHEMAS") else CONTRACTS


def vendor(name: str) -> str:
    """A vendor's id of a person, easy to find where it must not be."""
    return f"vendor-{name}"


def pseudonym(name: str) -> str:
    return Identities(KEY, {}).user_hash("garmin", vendor(name))


def hashed(key: str) -> str:
    """What stands for the name of a raw object."""
    return Identities(KEY, {}).object_hash(key)


def day_of(name: str, day: int = 0, **values: object) -> dict[str, Any]:
    return daily_record(vendor(name), day, userAccessToken="token-of-nobody", **values)


@pytest.fixture(scope="session")
def week_lake(tmp_path_factory: pytest.TempPathFactory, qol_session: Qol) -> Path:
    """Week 2026-W46, published; do not change it."""
    lake = tmp_path_factory.mktemp("week") / "lake"
    _write_week(lake)
    ended = qol_session("run", "--lake", lake, "--now", CLOCK, "--no-docs")
    assert ended.code == 0, ended.err
    return lake


@pytest.fixture
def own_week(week_lake: Path, tmp_path: Path) -> Path:
    """A copy of the published week, to change."""
    return Path(shutil.copytree(week_lake, tmp_path / "lake"))


def _write_week(lake: Path) -> None:
    # Alice: steps on five days, a day not worn, a day with an impossible number; Wednesday's first sync was shorter.
    alice = [day_of("alice", day, steps=1_000 * (day + 1)) for day in range(5)]
    alice[1]["averageStressLevel"] = -1
    short = day_of("alice", 5, steps=50, durationInSeconds=18_000)
    impossible = day_of("alice", 6, steps=250_000)
    early = day_of("alice", 2, steps=10, durationInSeconds=40_000)
    # Bob: one day, in an envelope that also holds a record of Alice.
    bob = day_of("bob", 0, steps=700, moderateIntensityDurationInSeconds=600)
    envelope = json.dumps({"dailies": [bob, alice[0]], "_received_at": "2026-11-10T01:00:00Z"}).encode()
    carol = [day_of("carol", day, durationInSeconds=18_000) for day in range(2)]
    frank = [day_of("frank", 0, source="FITBIT")]
    dave = [{**day_of("dave"), "calendarDate": "2026-11-04"}]
    broken: list[Any] = [
        b'{"userId": "vendor-alice", "steps":',
        b'{"calendarDate":"2026-11-10","durationInSeconds":86400}',
    ]
    write_lines(lake, "2026-11-10", [envelope, *carol, *frank, *dave])
    write_lines(lake, "2026-11-11", [early], name="early.jsonl")
    write_lines(lake, "2026-11-15", [*alice[1:], short, impossible, *broken], name="late.jsonl")
    nights = [night_record(vendor("alice"), 1, validation="ENHANCED_TENTATIVE", durationInSeconds=24_000)]
    nights += [night_record(vendor("alice"), 1)]
    write_lines(lake, "2026-11-11", nights, folder="raw/garmin/sleeps")
    erin = [{**day_of("erin"), "calendarDate": "2026-11-16", "startTimeInSeconds": 1_794_754_800}]
    write_lines(lake, "2026-11-17", erin, name="erin.jsonl")
    write_lines(lake, "2026-11-17", [b"{}"], folder="raw/garmin/unheardof")
