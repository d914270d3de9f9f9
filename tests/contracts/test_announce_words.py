"""`announce:` of a source: what a wrong word is told, and what the function on AWS gets of it."""

from pathlib import Path

import pytest

from qol.contracts.load import load_contracts
from qol.contracts.routes import announced_sources
from tests.contracts.conftest import Edit, problems

pytestmark = pytest.mark.usefixtures("all_sources")
RULES = "sources/oura/_rules.yaml"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("deletions: deleted", "deletions: gone", "announce.deletions: found gone; allowed: a record type of the source: "),
        ("{vo2_max: vO2_max}", "{vo2_max: vo2}", "announce.types.vo2_max: found vo2; allowed: a record type of the source: "),
        ("  document: object_id\n", "", "announce.document: found nothing; allowed: required: Key with the document's id"),
        ("timestamp: x-oura-timestamp}", "timestamp: t, fresh_seconds: 0}", "announce.signature.fresh_seconds: found 0; allowed: "),
    ],
)  # fmt: skip
def test_a_wrong_word_is_told(schemas: Path, edit: Edit, old: str, new: str, problem: str) -> None:
    edit(RULES, old, new)
    (told,) = problems(schemas)
    assert told.startswith(f"{RULES}: {problem}")


def test_the_function_knows_types_that_are_collected_by_the_names_of_their_vendor(schemas: Path) -> None:
    text = announced_sources(load_contracts(schemas))
    assert '"vo2_max": "vO2_max",' in text
    assert '"sleep": "sleep",' in text
    assert "meal" not in text
