"""One sample lake of every source and one run over it, for all tests of the sample."""

import gzip
import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qol.identity.user_map import read_user_map
from qol.tables.manifest import Manifest
from qol_dev.sample import SampleOptions, SampleSummary, write_sample
from tests.builders import run_lake

OPTIONS = SampleOptions(users=20, weeks=3, end="2026-W46", seed=7)


@dataclass(frozen=True)
class SampleLake:
    """A written lake, what its writer said about it, and what one run made of it."""

    root: Path
    summary: SampleSummary
    manifest: Manifest

    def objects(self) -> list[Path]:
        """Raw objects that can be read to their end."""
        return sorted(p for p in self.root.glob("raw/**/*.jsonl*") if "-again" not in p.name)

    @cached_property
    def lines(self) -> list[tuple[str, dict[str, Any]]]:
        """Every line that is a JSON object, with its folder below raw/."""
        found = []
        for path in self.objects():
            folder = path.relative_to(self.root / "raw").parents[1].as_posix()
            for line in content(path).removeprefix(b"\xef\xbb\xbf").split(b"\n"):
                with suppress(ValueError):
                    if isinstance(parsed := json.loads(line), dict):
                        found.append((folder, parsed))
        return found

    def of(self, folder: str) -> list[dict[str, Any]]:
        """Lines of a folder below raw/."""
        found = [line for name, line in self.lines if name == folder]
        assert found, folder  # a loop over nothing would prove nothing
        return found

    def table(self, name: str) -> pl.DataFrame:
        """Every row that the run published of a table below processed/."""
        files = sorted((self.root / "processed" / name).rglob("*.parquet"))
        return pl.concat([pl.read_parquet(file) for file in files], how="diagonal_relaxed")


def content(path: Path) -> bytes:
    """What stands in an object, unpacked."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleLake:
    root = tmp_path_factory.mktemp("sample") / "lake"
    summary = write_sample(root, OPTIONS)
    people = read_user_map(root / "user_map.jsonl")
    return SampleLake(root, summary, run_lake(root, user_map=people))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has them all, so that the lake is written and read once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("sample"))
