"""Athena's SQL on a lake: checked, translated to DuckDB, and run where it can read nothing but the tables."""

import logging
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from qol.contracts.adherence_sql import adherence_sql
from qol.contracts.columns import table_columns, table_folder, table_schemas
from qol.contracts.model import Column, Contracts
from qol.contracts.wording import nearest
from qol.errors import UsageError
from qol.lake import Lake, LocalLake
from qol.tables.corruption import require_readable
from qol.tables.layout import find_published
from qol.tables.show_statements import DATABASE, STATEMENTS, VIEW, show, unknown_table

_CATALOGS = ("", "awsdatacatalog")
#: Folders of the tables that are files of JSON lines.
_JSON_FOLDERS = {table: table_folder(table) for table in ("job_runs", "raw_objects", "collect_runs")}
_MANIFEST_BYTES = 512 * 2**20
_BATCH_ROWS = 1_000
_UNKNOWN_COLUMN = re.compile(r'(?:Referenced column|does not have a column named) "([^"]+)"')
#: Errors that DuckDB raises before it reads rows of any file.
_SQL_ERRORS = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)


@dataclass(frozen=True)
class QueryResult:
    """Column names and rows of a query; rows are fetched as they are used."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


def run_query(lake: Lake, contracts: Contracts, sql: str) -> QueryResult:
    """The result of one SELECT, SHOW or DESCRIBE in Athena's dialect; UsageError for anything else, and for errors of DuckDB."""
    if answer := show(contracts, sql):
        return QueryResult(answer[0], iter(answer[1]))
    tables = {name.lower(): name for name in table_schemas(contracts)}
    statement = _checked(_with_view(_parsed(sql), contracts), tables)
    used = {tables[table.name.lower()] for table in statement.find_all(exp.Table) if table.name.lower() in tables}
    keys = {table: _keys(lake, table) for table in used}
    with ExitStack() as copies:
        folder = _local_copy(lake, keys, copies)
        columns = [column.name for table in used for column in table_columns(contracts, table)]
        with _translating_errors(folder, keys, columns):
            cursor = _database(folder, contracts, keys).execute(statement.sql(dialect="duckdb"))
        names = tuple(column[0] for column in cursor.description or ())
        return QueryResult(names, _rows(cursor, _translating_errors(folder, keys), copies.pop_all()))


def _keys(lake: Lake, table: str) -> list[str]:
    """Keys of a table's objects."""
    if table in _JSON_FOLDERS:
        return [stored.key for stored in lake.children(_JSON_FOLDERS[table]).objects if stored.key.endswith(".json")]
    return sorted(stored.key for stored in find_published(lake, [table]).files.values())


def _local_copy(lake: Lake, keys: Mapping[str, list[str]], copies: ExitStack) -> LocalLake:
    """The lake itself when it is a folder, else a copy of the objects that is removed when `copies` closes."""
    if isinstance(lake, LocalLake):
        return lake
    folder = Path(copies.enter_context(tempfile.TemporaryDirectory(prefix="qol-query-")))
    for key in (key for of_table in keys.values() for key in of_table):
        place = folder / key
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(lake.read(key))
    return LocalLake(folder)


def _rows(
    cursor: duckdb.DuckDBPyConnection, errors: AbstractContextManager[None], copies: ExitStack
) -> Iterator[tuple[Any, ...]]:
    with copies, errors:
        while rows := cursor.fetchmany(_BATCH_ROWS):
            yield from rows


@contextmanager
def _translating_errors(lake: LocalLake, keys: Mapping[str, list[str]], columns: Sequence[str] = ()) -> Iterator[None]:
    """Errors of DuckDB as UsageError with its text, for an unknown column with the nearest of `columns`.

    CorruptFileError when a file of the tables is corrupt.
    """
    try:
        yield
    except duckdb.Error as err:
        if not isinstance(err, _SQL_ERRORS):  # its text names no file, and the folder may be a copy
            for key in (key for table in sorted(keys) if table not in _JSON_FOLDERS for key in keys[table]):
                require_readable(lake, key)
        unknown = _UNKNOWN_COLUMN.search(str(err))
        if unknown and columns:
            raise UsageError(
                f"SQL: no column {unknown[1]}; nearest: {', '.join(nearest(unknown[1], columns))}"
            ) from None
        raise UsageError(f"SQL: {err}") from None


def _parsed(sql: str) -> exp.Query:
    """The one SELECT of a text; UsageError when it is anything else."""
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it logs warnings about statements that are refused below
    try:
        statements = [statement for statement in sqlglot.parse(sql, read="athena") if statement is not None]
    except sqlglot.errors.SqlglotError as err:
        first = err.errors[0] if isinstance(err, sqlglot.errors.ParseError) and err.errors else {}
        place = f", line {first['line']}, column {first['col']}, near {first['highlight']!r}" if first else ""
        raise UsageError(f"SQL{place}: not readable; allowed: one SELECT in Athena's dialect") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        found = ", ".join(statement.sql(dialect="athena").split()[0] for statement in statements) or "nothing"
        found, allowed = (sql.strip(), STATEMENTS) if found in ("SHOW", "DESCRIBE") else (found, "SHOW or DESCRIBE")
        raise UsageError(f"SQL: found {found}; allowed: one SELECT, {allowed}")
    return statements[0]


def _with_view(statement: exp.Query, contracts: Contracts) -> exp.Query:
    """The statement with the view's SELECT in the place of its name."""
    names = {alias.alias.lower() for alias in statement.find_all(exp.CTE)}
    for table in list(statement.find_all(exp.Table)):
        is_view = table.name.lower() == VIEW and table.db.lower() in ("", DATABASE)
        if is_view and (table.db or VIEW not in names):
            view = sqlglot.parse_one(adherence_sql(contracts), read="athena", into=exp.Select)
            table.replace(view.subquery(table.alias or VIEW))
    return statement


def _checked(statement: exp.Query, tables: Mapping[str, str]) -> exp.Query:
    """A statement that reads nothing but tables of the lake; UsageError otherwise."""
    if any(statement.find(node) for node in (exp.DML, exp.DDL, exp.Command, exp.Into)):
        raise UsageError("SQL: found a statement that writes; allowed: one SELECT, SHOW or DESCRIBE")
    names = {alias.alias.lower() for alias in statement.find_all(exp.CTE)}
    for table in list(statement.find_all(exp.Table)):
        _check_table(table, names, tables)
    return statement


def _check_table(table: exp.Table, names: set[str], tables: Mapping[str, str]) -> None:
    """UsageError unless it names a table of the lake or a CTE of the query; table functions could read files."""
    if not isinstance(table.this, exp.Identifier):
        found = table.this.sql(dialect="athena")
        raise UsageError(f"SQL: found {found} as a table; allowed: a table of SHOW TABLES (also as {DATABASE}.TABLE)")
    known = table.name.lower() in (tables if table.db else {**tables, **dict.fromkeys(names, "")})
    if not known or table.db.lower() not in ("", DATABASE) or table.catalog.lower() not in _CATALOGS:
        raise unknown_table(table.sql(dialect="athena"), list(tables.values()))
    table.set("catalog", None)


def _database(lake: LocalLake, contracts: Contracts, keys: Mapping[str, list[str]]) -> duckdb.DuckDBPyConnection:
    """A database in memory with the used tables as views; then it is locked to their files, as the name of a CTE may be a path."""
    connection = duckdb.connect(":memory:")
    connection.execute(f"CREATE SCHEMA {DATABASE}")
    connection.execute("SET TimeZone = 'UTC'")
    paths = {table: [lake.location(key) for key in keys[table]] for table in sorted(keys)}
    for table, files in paths.items():
        connection.execute(_view(table, table_columns(contracts, table), files))
    connection.execute(f"SET allowed_paths = [{', '.join(map(_text, chain.from_iterable(paths.values())))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    connection.execute(f"USE {DATABASE}")
    return connection


def _view(table: str, columns: Sequence[Column], files: list[str]) -> str:
    """SQL of a view with the contract's columns, null where files lack them, and `date` as text."""
    types = {column.name: _duckdb_type(column.type) for column in columns}
    if table not in _JSON_FOLDERS:
        types["date"] = "VARCHAR"
    no_rows = ", ".join(f"CAST(NULL AS {dtype}) AS {_name(name)}" for name, dtype in types.items())
    chosen = ", ".join(f"CAST({_name(name)} AS {dtype}) AS {_name(name)}" for name, dtype in types.items())
    parts = [f"SELECT {no_rows} WHERE false"]
    if files:
        source = _json_lines(types, files) if table in _JSON_FOLDERS else _partitions(files)
        parts.append(f"SELECT * FROM {source}")  # noqa: S608 (names of files, quoted)
    rows = " UNION ALL BY NAME ".join(parts)
    return f"CREATE VIEW {DATABASE}.{table} AS SELECT {chosen} FROM ({rows})"  # noqa: S608 (names of contracts)


@cache
def _duckdb_type(athena_type: str) -> str:
    return exp.DataType.build(athena_type, dialect="athena").sql(dialect="duckdb")


def _partitions(files: list[str]) -> str:
    options = "union_by_name = true, hive_partitioning = true, hive_types = {'date': VARCHAR}"
    return f"read_parquet([{', '.join(map(_text, files))}], {options})"


def _json_lines(types: Mapping[str, str], files: list[str]) -> str:
    columns = ", ".join(f"{_text(name)}: {_text(dtype)}" for name, dtype in types.items())
    options = f"format = 'newline_delimited', columns = {{{columns}}}, maximum_object_size = {_MANIFEST_BYTES}"
    return f"read_json([{', '.join(map(_text, files))}], {options})"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
