"""`qol contracts check` warns of classes of words that lose texts without a word."""

from pathlib import Path

import pytest

from qol.contracts.load import load_contracts
from qol.contracts.word_warnings import word_warnings

from .conftest import Edit

READINGS = "sources/sensor/readings.yaml"


def warnings(schemas: Path) -> list[str]:
    return [f"{w.file}: {w.path}: {w.value}; {w.allowed}" for w in word_warnings(load_contracts(schemas))]


def test_the_products_contracts_have_no_such_classes(schemas: Path) -> None:
    assert warnings(schemas) == []


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        (
            "    closed: true\n",
            "",
            "classes that derived.is_ok asks for, where any other text is OTHER and is counted nowhere; closed: true, which makes such a text an issue",
        ),
        (
            "ERROR: [error, errors, err,",
            "ERROR: [err,",
            "err, which is no word of error; error as a word of its own",
        ),
    ],
)
def test_a_text_that_is_lost_is_warned_of(schemas: Path, edit: Edit, old: str, new: str, warning: str) -> None:
    edit(READINGS, old, new)
    assert warnings(schemas) == [f"{READINGS}: fields.status.classes: {warning}"]
