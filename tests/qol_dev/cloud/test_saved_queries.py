"""Athena's saved queries ask for tables and columns that the contracts have."""

from functools import cache
from pathlib import Path

import pytest
from sqlglot import parse
from sqlglot.optimizer.qualify import qualify

from qol.contracts.yaml_file import read_yaml

ROOT = Path(__file__).parents[3]
QUERIES = sorted((ROOT / "terraform" / "queries").glob("*.sql"))


@cache
def columns_of_tables() -> dict[str, dict[str, str]]:
    """Types of the columns by table, partition keys included."""
    tables = [read_yaml(file, file.name)[0] for file in (ROOT / "schemas" / "tables").glob("*.yaml")]
    return {
        table["table"]: {column["name"]: column["type"] for column in table["columns"] + table["partition_keys"]}
        for table in tables
    }


def test_there_are_six() -> None:
    assert [file.stem for file in QUERIES] == [
        "coverage_per_week", "group_validity", "latest_weekly_metrics", "one_persons_weeks", "rejects_by_reason",
        "run_history",
    ]  # fmt: skip


@pytest.mark.parametrize("file", QUERIES, ids=lambda file: file.stem)
def test_a_saved_query_is_one_statement_with_known_columns_and_a_description(file: Path) -> None:
    text = file.read_text()
    assert text.startswith("-- "), "the first line is the description that Athena shows"
    (statement,) = parse(text.replace("${database}", "db_qol"), dialect="athena")
    assert statement is not None
    qualify(statement, schema={"db_qol": columns_of_tables()}, dialect="athena", validate_qualify_columns=True)
