"""Rows of a mapped table: inserted or updated by key, and those that left their partition deleted."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from qol.sinks.bulk import of_partition
from qol.sinks.mapped_tables import MappedSink, as_uuid

#: Set again by every update of a row.
_UPDATED = "updated_at"
Row = dict[str, Any]


def upsert_partition(connection: sa.Connection, sink: MappedSink, monday: date, frames: Iterable[pl.DataFrame]) -> int:
    """Bring a partition to these rows within the transaction of the caller; how many there are."""
    rows: list[Row] = []
    users: set[str] = set()
    for frame in frames:
        rows += sink.rows(frame)
        users |= set(frame["user_id"])
    _delete_left(connection, sink, monday, rows)
    upsert(connection, sink.table, rows)
    if sink.users is not None and users:
        found = [{"user_id": as_uuid(user), "lake_user_id": user} for user in sorted(users)]
        upsert(connection, sink.users, found)
    return len(rows)


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """`INSERT … ON CONFLICT` or `ON DUPLICATE KEY`, many rows at a time; what the database fills in stays."""
    if rows:
        connection.execute(upsert_statement(table, list(rows[0]), connection.dialect.name), list(rows))


def upsert_statement(table: sa.Table, names: Sequence[str], server: str) -> sa.Insert:
    """The statement that inserts columns of a row, or updates them where its key exists."""
    keys = [column.name for column in table.primary_key]
    if server == "mysql":
        on_mysql = mysql.insert(table)
        values = {name: on_mysql.inserted[name] for name in names if name not in keys}
        return on_mysql.on_duplicate_key_update(**_with_stamp(table, values, keys))
    insert: Any = postgresql.insert(table) if server == "postgresql" else sqlite.insert(table)
    values = {name: insert.excluded[name] for name in names if name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=_with_stamp(table, values, keys))  # type: ignore[no-any-return]


def _with_stamp(table: sa.Table, values: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    stamped = {**values, _UPDATED: sa.func.now()} if _UPDATED in table.c else values
    return stamped or {keys[0]: table.c[keys[0]]}


def _delete_left(connection: sa.Connection, sink: MappedSink, monday: date, rows: Sequence[Row]) -> None:
    """Delete rows of the partition whose keys are not among these, and rows elsewhere that have a unique value of theirs."""
    keys = list(sink.table.primary_key)
    existing = connection.execute(sa.select(*keys).where(of_partition(sink.table, sink.partition, monday))).all()
    stay = {tuple(row[key.name] for key in keys) for row in rows}
    left = [tuple(row) for row in existing if tuple(row) not in stay]
    _delete(connection, keys, [dict(zip([key.name for key in keys], row, strict=True)) for row in left])
    unique = [sink.table.c[name] for name in sink.spec.unique]
    if unique and rows:
        others = sa.not_(of_partition(sink.table, sink.partition, monday))
        _delete(connection, unique, [{c.name: row[c.name] for c in unique} for row in rows], others)


def _delete(
    connection: sa.Connection, columns: Sequence[sa.Column[Any]], values: Sequence[Row], also: Any = None
) -> None:
    if values:
        matches = [column == sa.bindparam(f"b_{column.name}") for column in columns]
        statement = sa.delete(columns[0].table).where(*matches, *(() if also is None else (also,)))
        connection.execute(statement, [{f"b_{name}": value for name, value in row.items()} for row in values])


def delete_idle_users(connection: sa.Connection, users: sa.Table, tables: Iterable[sa.Table]) -> None:
    """Delete users without a row in any of the tables."""
    active = [sa.exists().where(table.c.user_id == users.c.user_id) for table in tables]
    connection.execute(sa.delete(users).where(sa.not_(sa.or_(sa.false(), *active))))
