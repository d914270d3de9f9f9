from collections.abc import Callable
from pathlib import Path

import pytest

from qol.contracts.load import load_contracts
from qol.errors import ContractError
from tests.builders import copy_contracts, copy_sources

PROJECT = Path(__file__).parents[2]

Edit = Callable[[str, str, str], None]


def problems(root: Path) -> list[str]:
    """What is wrong with contracts."""
    with pytest.raises(ContractError) as error:
        load_contracts(root)
    return [str(problem) for problem in error.value.problems]


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A copy of the vocabulary and of one contract that a test may break: few are read in an instant."""
    return copy_contracts(tmp_path / "schemas")


@pytest.fixture
def all_sources(schemas: Path) -> None:
    """The copy has every contract."""
    copy_sources(schemas, "*/*.yaml")


@pytest.fixture
def edit(schemas: Path) -> Edit:
    """Replace a text that stands in a file of the copy; a contract that is not there yet is copied first."""

    def replace(file: str, old: str, new: str) -> None:
        if not (schemas / file).exists():
            copy_sources(schemas, file.removeprefix("sources/"))
        text = (schemas / file).read_text(encoding="utf-8")
        assert old in text
        (schemas / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace
