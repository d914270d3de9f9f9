import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

Edit = Callable[[str, str, str], None]


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
