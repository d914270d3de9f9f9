"""`SHOW` and `DESCRIBE` as Athena answers them, from the contracts alone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qol.contracts.columns import fixed, table_schemas
from qol.contracts.model import Column, Contracts
from qol.contracts.wording import nearest
from qol.errors import UsageError

DATABASE = "db_qol"
#: The view, whose text is generated from the contracts.
VIEW = "adherence"
STATEMENTS = f"SHOW DATABASES, SHOW TABLES [IN {DATABASE}] ['records_*'], SHOW COLUMNS IN TABLE or DESCRIBE TABLE"
#: A view, and tables of JSON lines, have no partitions.
UNPARTITIONED = ("job_runs", "raw_objects", "collect_runs", VIEW)
_TABLE = r"(?P<table>[\w.`\"]+)"
_DATABASES = re.compile(r"SHOW\s+(?:DATABASES|SCHEMAS)", re.IGNORECASE)
_TABLES = re.compile(
    rf"SHOW\s+TABLES(?:\s+(?:IN|FROM)\s+[`\"]?{DATABASE}[`\"]?)?(?:\s+'(?P<like>[^']*)')?", re.IGNORECASE
)
_COLUMNS = re.compile(rf"SHOW\s+COLUMNS\s+(?:IN|FROM)\s+{_TABLE}(?:\s+(?:IN|FROM)\s+{DATABASE})?", re.IGNORECASE)
_DESCRIBE = re.compile(rf"DESC(?:RIBE)?\s+{_TABLE}", re.IGNORECASE)

Answer = tuple[tuple[str, ...], list[tuple[Any, ...]]]


def show(contracts: Contracts, sql: str) -> Answer | None:
    """Column names and rows of SHOW DATABASES, SHOW TABLES, SHOW COLUMNS or DESCRIBE; None for another statement.

    UsageError for an unknown table, with the nearest names.
    """
    text = sql.strip().rstrip(";").rstrip()
    if _DATABASES.fullmatch(text):
        return ("database_name",), [(DATABASE,)]
    if found := _TABLES.fullmatch(text):
        return ("tab_name",), [(name,) for name in _matching(sorted(_schemas(contracts)), found["like"])]
    if found := _COLUMNS.fullmatch(text):
        columns, partitions = _columns(contracts, found["table"])
        return ("field",), [(name,) for name, _, _ in [*columns, *partitions]]
    if found := _DESCRIBE.fullmatch(text):
        return ("col_name", "data_type", "comment"), list(_described(*_columns(contracts, found["table"])))
    return None


def _schemas(contracts: Contracts) -> dict[str, tuple[Column, ...]]:
    """Columns of every table and of the view."""
    return table_schemas(contracts) | {VIEW: fixed(VIEW)}


def unknown_table(name: str, tables: Sequence[str]) -> UsageError:
    """The error for a table that the lake does not have."""
    close = ", ".join(nearest(name.rpartition(".")[2], tables))
    return UsageError(
        f"SQL: no table {name}; nearest: {close}; allowed: a table of SHOW TABLES (also as {DATABASE}.TABLE)"
    )


def _matching(tables: list[str], like: str | None) -> list[str]:
    """Tables that an expression of Athena matches: `*` stands for any characters, `|` separates alternatives."""
    if like is None:
        return tables
    parts = [re.escape(part).replace(r"\*", ".*").replace(r"\.\.*", ".*") for part in like.split("|")]
    return [name for name in tables if re.fullmatch("|".join(parts), name, re.IGNORECASE)]


def _columns(contracts: Contracts, named: str) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """Name, type and comment of a table's columns, and of its partition's."""
    schemas = _schemas(contracts)
    known: Mapping[str, str] = {name.lower(): name for name in schemas}
    name = re.sub(r'[`"]', "", named).lower().removeprefix("awsdatacatalog.").removeprefix(f"{DATABASE}.")
    if name not in known:
        raise unknown_table(named, list(known.values()))
    columns = [(c.name, c.type, c.comment) for c in schemas[known[name]]]
    return columns, [] if name in UNPARTITIONED else [("date", "string", "")]


def _described(
    columns: list[tuple[str, str, str]], partitions: list[tuple[str, str, str]]
) -> Iterator[tuple[str, str, str]]:
    yield from [*columns, *partitions]
    if partitions:
        yield from [("", "", ""), ("# Partition Information", "", ""), ("# col_name", "data_type", "comment")]
        yield from [("", "", ""), *partitions]
