from __future__ import annotations

import functools
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from hypothesis import HealthCheck, settings

from qol.contracts import load

pytest_plugins = ["tests.command_line", "tests.spark_fixtures"]

# The same examples on every machine, and no folder of remembered ones.
settings.register_profile(
    "project", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("project")


@pytest.fixture
def no_gate() -> Iterator[None]:
    """`without_gate` for a whole test."""
    from tests.builders import without_gate  # not before the contracts are read once

    with without_gate():
        yield


def pytest_configure() -> None:
    _read_contract_files_once()
    _read_descriptions_of_aws_once()


def _read_contract_files_once() -> None:
    """A contract file that is as it was is not read and checked again: hundreds of tests load all fifty."""
    read = load._Reader.file
    known: dict[tuple[str, bytes, bytes], bytes] = {}

    def file(reader: load._Reader, name: str, shape: str, folder: Path | None = None) -> Any:
        path = (folder or reader.root) / name
        if not path.is_file():
            return read(reader, name, shape, folder)
        key = (name, path.read_bytes(), load.json_schema(reader.root, shape).read_bytes())
        before = len(reader.problems)
        if key not in known:
            known[key] = pickle.dumps((read(reader, name, shape, folder), reader.problems[before:]))
        data, reader.problems[before:] = pickle.loads(known[key])
        return data

    pytest.MonkeyPatch().setattr(load._Reader, "file", file)


def _read_descriptions_of_aws_once() -> None:
    """Sessions of botocore share what they read of services; each parsed megabytes of JSON for its first client."""
    shared = functools.cache(botocore.session.create_loader)
    pytest.MonkeyPatch().setattr(botocore.session, "create_loader", shared)
