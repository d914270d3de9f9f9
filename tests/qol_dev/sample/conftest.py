"""One small lake for all tests of the sample, and its readable lines."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from qol_dev.sample import CORE, SampleOptions, SampleSummary, write_sample

EVERYTHING = SampleOptions(users=20, weeks=4, end="2026-W46", seed=7)
OPTIONS = SampleOptions(users=20, weeks=3, end="2026-W46", seed=7, sources=CORE)


@dataclass(frozen=True)
class Lake:
    """A written lake and what its writer said about it."""

    root: Path
    summary: SampleSummary

    def objects(self) -> list[Path]:
        """Raw objects that can be read to their end."""
        return sorted(p for p in self.root.glob("raw/**/*.jsonl*") if "-again" not in p.name)

    @cached_property
    def lines(self) -> list[tuple[Path, dict[str, Any]]]:
        """Every line that is a JSON object, with the object it stands in."""
        return [
            (path, parsed)
            for path in self.objects()
            for line in content(path).removeprefix(b"\xef\xbb\xbf").split(b"\n")
            if isinstance(parsed := _parsed(line), dict)
        ]

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Bare records of one folder in order of arrival, without those a fault may have touched."""
        folder = "daily" if kind == "dailies" else f"garmin/{kind}"
        found = [line for line in self._below(folder) if {"userId", "summaryId"} <= set(line)]
        assert found, kind  # a loop over nothing would prove nothing
        return sorted((r for r in found if kind != "dailies" or _looks_sound(r)), key=lambda r: str(r["_received_at"]))

    def bodies(self, folder: str) -> list[dict[str, Any]]:
        """Lines of a folder below raw/ in order of arrival."""
        return sorted(self._below(folder), key=lambda line: str(line.get("_received_at")))

    def _below(self, folder: str) -> list[dict[str, Any]]:
        """Lines of all `date=` folders of a folder below raw/ and of those in it."""
        inside = [lines for name, lines in self._by_folder.items() if f"{name}/".startswith(f"{folder}/")]
        return [line for lines in inside for line in lines]

    @cached_property
    def _by_folder(self) -> dict[str, list[dict[str, Any]]]:
        below = {path: path.relative_to(self.root / "raw").parents[1].as_posix() for path in self.objects()}
        folders: dict[str, list[dict[str, Any]]] = {}
        for path, line in self.lines:
            folders.setdefault(below[path], []).append(line)
        return folders

    def documents(self, endpoint: str) -> list[dict[str, Any]]:
        """Oura's documents of an endpoint, those of pages with the page's owner and arrival."""
        return [
            {**document, "user_id": line.get("user_id"), "_received_at": line["_received_at"]}
            for line in self.bodies(f"oura/{endpoint}")
            for document in line.get("data", [line])
            if "wellnessMoments" not in line
        ]

    def samples(self, kind: str) -> list[dict[str, Any]]:
        """HealthKit samples whose type ends so, each with its person and its batch's arrival."""
        return [
            {**sample, "user_id": batch.get("user_id"), "_received_at": batch["_received_at"]}
            for batch in self.bodies("healthkit/measurements")
            for sample in batch.get("measurements", [])
            if str(sample["type"]).endswith(kind)
        ]

    @cached_property
    def user_map(self) -> list[dict[str, str]]:
        """Entries of the sample's user map."""
        return [json.loads(line) for line in (self.root / "user_map.jsonl").read_bytes().splitlines()]


def content(path: Path) -> bytes:
    """What stands in an object, unpacked."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _looks_sound(record: dict[str, Any]) -> bool:
    """Whether a daily is none of the faulty ones: its summaryId fits and its plain numbers are numbers in range."""
    numbers = [record.get(n) for n in ("startTimeInSeconds", "steps", "restingHeartRateInBeatsPerMinute")]
    if not isinstance(numbers[0], int) or not isinstance(numbers[1], int) or isinstance(numbers[2], float):
        return False
    fits = f"-{numbers[0]:x}-" in str(record.get("summaryId"))
    return fits and numbers[1] < 100_000 and numbers[2] != 0 and str(record.get("calendarDate")) != "2026-02-30"


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    root = tmp_path_factory.mktemp("sample") / "lake"
    return Lake(root, write_sample(root, OPTIONS))


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake of all sources."""
    root = tmp_path_factory.mktemp("sample") / "everything"
    return Lake(root, write_sample(root, EVERYTHING))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has them all, so that the lakes are written and read once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("sample"))
