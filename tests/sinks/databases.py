"""Rows of a database beside those of the lake's files, and an Oura week to load."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from qol.contracts.columns import table_schemas
from qol.contracts.frames import no_rows, with_columns_of
from qol.lake import LocalLake
from qol.sinks.database import database_url, open_database
from qol.tables.layout import find_published
from tests.builders import CONTRACTS, run_lake, write_lines

_LISTS = ("array<string>", "array<int>")
Rows = list[tuple[Any, ...]]


def ask(url: str, sql: str) -> Rows:
    """The rows of a query."""
    with open_database(database_url(url)).connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)] if _asks(sql) else _change(connection, sql)


def _asks(sql: str) -> bool:
    return sql.startswith(("SELECT", "EXPLAIN", "SHOW"))


def _change(connection: sa.Connection, sql: str) -> Rows:
    connection.exec_driver_sql(sql)
    connection.commit()
    return []


def both(url: str, lake: Path, table: str) -> tuple[Rows, Rows]:
    """All rows of a table, as the lake's files and as the database have them, in the same order."""
    columns = table_schemas(CONTRACTS)[table]
    empty = no_rows(columns)
    files = [stored.key for stored in find_published(LocalLake(lake), [table]).files.values()]
    frames = [with_columns_of(pl.read_parquet(lake / key), empty).cast(empty.schema) for key in files]
    engine = open_database(database_url(url))
    with engine.connect() as connection:
        existing = sa.Table(table.lower(), sa.MetaData(), autoload_with=connection)
        typed = _typed(existing, columns)
        found = [tuple(map(_in_utc, row)) for row in connection.execute(sa.select(*typed))]
    wanted = [row for frame in frames for row in frame.rows()]
    return sorted(wanted, key=repr), sorted(found, key=repr)


def _typed(existing: sa.Table, columns: Any) -> list[sa.ColumnElement[Any]]:
    """Columns as the types that servers without them keep as others."""
    own: dict[str, Any] = {"boolean": sa.Boolean(), "double": sa.Double(), **dict.fromkeys(_LISTS, sa.JSON())}
    return [
        sa.type_coerce(existing.c[column.name], own[column.type]) if column.type in own else existing.c[column.name]
        for column in columns
    ]


def _in_utc(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def oura_sleep(day: str, score: int, **values: object) -> dict[str, Any]:
    """A sleep score of Ann."""
    stamp = {"timestamp": f"{day}T00:00:00+00:00", "contributors": {"deep_sleep": 68}}
    return {"user_id": "ann", "id": f"document-{day}", "day": day, "score": score, **stamp, **values}


def oura_lake(folder: Path) -> Path:
    """Two nights and a day of stress of Ann, published."""
    nights = [oura_sleep("2026-11-09", 77), oura_sleep("2026-11-10", 80)]
    write_lines(folder, "2026-11-11", nights, folder="raw/oura/daily_sleep")
    stress = {"user_id": "ann", "id": "stress", "day": "2026-11-09", "stress_high": 1_800, "day_summary": "normal"}
    write_lines(folder, "2026-11-11", [stress], folder="raw/oura/daily_stress")
    run_lake(folder)
    return folder
