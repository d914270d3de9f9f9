from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qol.contracts.load import load_contracts
from qol.contracts.model import Contracts
from qol.contracts.shape import Shape
from qol.errors import Problem

PROJECT = Path(__file__).parents[2]

Edit = Callable[[str, str, str], None]


@pytest.fixture(scope="session")
def contracts() -> Contracts:
    return load_contracts(PROJECT / "schemas")


@pytest.fixture(scope="session", autouse=True)
def _shapes_are_remembered() -> Iterator[None]:
    """Of a copy's files a test changes one or two; the others are not held against their JSON Schema again."""
    compare, known = Shape.problems, dict[str, list[Problem]]()

    def problems(shape: Shape, data: Any, file: str) -> list[Problem]:
        asked = repr((file, data, shape._validator.schema))
        if asked not in known:
            known[asked] = compare(shape, data, file)
        return list(known[asked])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shape, "problems", problems)
        yield


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A copy of the contracts that a test may break."""
    return Path(shutil.copytree(PROJECT / "schemas", tmp_path / "schemas", ignore=shutil.ignore_patterns("tables")))


@pytest.fixture
def edit(schemas: Path) -> Edit:
    """Replace a text that stands in a file of the copy."""

    def replace(file: str, old: str, new: str) -> None:
        text = (schemas / file).read_text(encoding="utf-8")
        assert old in text
        (schemas / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace
