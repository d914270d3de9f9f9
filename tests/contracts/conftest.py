import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qol.contracts.load import load_contracts
from qol.errors import ContractError

PROJECT = Path(__file__).parents[2]

Edit = Callable[[str, str, str], None]


def problems(root: Path) -> list[str]:
    """What is wrong with contracts."""
    with pytest.raises(ContractError) as error:
        load_contracts(root)
    return [str(problem) for problem in error.value.problems]


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
