"""Additive migrations without revision files: new tables, columns and indexes are made, any other difference is refused."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.operations import Operations
from alembic.operations.ops import (
    AddColumnOp,
    AlterColumnOp,
    CreateIndexOp,
    CreateTableOp,
    MigrateOperation,
    OpContainer,
)
from alembic.runtime.migration import MigrationContext

from qol.errors import DatabaseError

#: New comments are not worth a statement per column.
_ADDITIVE = (CreateTableOp, AddColumnOp, CreateIndexOp)


def missing_steps(
    connection: sa.Connection, tables: Sequence[sa.Table], made: Mapping[str, frozenset[str]]
) -> list[MigrateOperation]:
    """What the database lacks of these tables, in order; other tables of it are not looked at.

    `made` has the columns that earlier loads made, by table. DatabaseError lists the statements that any difference needs
    that is not additive, and those for columns that were dropped by hand or are missing in a table that `qol load` did not make.
    """
    found = produce_migrations(_context(connection, tables), tables[0].metadata).upgrade_ops
    steps = list(_flat(found)) if found else []
    refused = [step for step in steps if not isinstance(step, _ADDITIVE) or _is_by_hand(step, made)]
    if refused:
        statements = "\n".join(f"  {line}" for step in refused for line in _statement(step, connection.dialect))
        raise DatabaseError(
            "the database has other tables than the contracts, nothing was loaded. "
            f"Run what is right, then `qol load` again:\n{statements}"
        )
    return steps


def apply(connection: sa.Connection, steps: Sequence[MigrateOperation]) -> None:
    """Make what is missing, and schemas for it."""
    for schema in {step.schema for step in steps if isinstance(step, CreateTableOp)} - {None}:
        connection.execute(sa.schema.CreateSchema(str(schema), if_not_exists=True))
    operations = Operations(MigrationContext.configure(connection))
    for step in steps:
        operations.invoke(step)


def offline_sql(tables: Sequence[sa.Table], dialect: sa.Dialect) -> str:
    """The statements that make these tables in an empty database."""
    schemas = [
        f"CREATE SCHEMA IF NOT EXISTS {name}" for name in sorted({table.schema for table in tables if table.schema})
    ]
    steps = [step for table in tables for step in _create(table)]
    statements = [*schemas, *(line for step in steps for line in _statement(step, dialect))]
    return "\n\n".join(f"{line};" for line in statements)


def _create(table: sa.Table) -> Iterator[MigrateOperation]:
    yield CreateTableOp.from_table(table)
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield CreateIndexOp.from_index(index)


def _context(connection: sa.Connection, tables: Sequence[sa.Table]) -> MigrationContext:
    ours = {(table.schema, table.name) for table in tables}
    schemas = {table.schema for table in tables}

    def is_ours(name: str | None, kind: str, parents: dict[str, str | None]) -> bool:
        if kind == "schema":
            return name in schemas
        return kind != "table" or (parents["schema_name"], name) in ours

    def is_selected(element: Any, _: object, kind: str, __: object, ___: object) -> bool:
        return kind != "table" or (element.schema, element.name) in ours

    return MigrationContext.configure(
        connection,
        opts={
            "include_name": is_ours,
            "include_object": is_selected,
            "include_schemas": any(schemas),
            "compare_type": _differs,
            "target_metadata": tables[0].metadata,
        },
    )


#: Kinds of types, the narrower first; within a kind servers spell the same type in their own ways.
_KINDS = (
    ("boolean", sa.Boolean),
    ("bigint", sa.BigInteger),
    ("integer", sa.Integer),
    ("double", sa.Float),
    ("decimal", sa.Numeric),
    ("json", sa.JSON),
    ("text", sa.String),
    ("uuid", sa.Uuid),
    ("timestamp", sa.DateTime),
    ("date", sa.Date),
)
#: What MySQL and MariaDB keep as another kind.
_KEPT_AS = {"mysql": {"boolean": "integer", "json": "text"}}


def _differs(
    context: MigrationContext, _: object, __: object, found: sa.types.TypeEngine[Any], ours: sa.types.TypeEngine[Any]
) -> bool:
    """Whether the type of a column in the database is of another kind than ours."""
    kept_as = _KEPT_AS.get(context.dialect.name, {})
    existing, wanted = _kind(found), _kind(ours.dialect_impl(context.dialect))
    return kept_as.get(existing, existing) != kept_as.get(wanted, wanted)


def _kind(found: sa.types.TypeEngine[Any]) -> str:
    return next((name for name, kind in _KINDS if isinstance(found, kind)), type(found).__name__)


def _flat(container: OpContainer) -> Iterator[MigrateOperation]:
    for step in container.ops:
        if isinstance(step, OpContainer):
            yield from _flat(step)
        elif not _is_comment(step):
            yield step


def _is_comment(step: MigrateOperation) -> bool:
    """Whether only a comment differs, which no load changes."""
    if isinstance(step, AlterColumnOp):
        return step.modify_type is None and step.modify_nullable is None and step.modify_server_default is False
    return type(step).__name__ in ("CreateTableCommentOp", "DropTableCommentOp")


def _is_by_hand(step: MigrateOperation, made: Mapping[str, frozenset[str]]) -> bool:
    """Whether a column is missing that a load made, or the table is not one that a load made."""
    if not isinstance(step, AddColumnOp):
        return False
    columns = made.get(full_name(step))
    return columns is None or step.column.name in columns


def full_name(step: AddColumnOp | CreateTableOp) -> str:
    """The table that is made or gets a column, with its schema, as the table of partitions has it."""
    return f"{step.schema}.{step.table_name}" if step.schema else step.table_name


def _statement(step: MigrateOperation, dialect: sa.Dialect) -> list[str]:
    """The statements of a step, without executing it."""
    buffer = io.StringIO()
    context = MigrationContext.configure(dialect=dialect, opts={"as_sql": True, "output_buffer": buffer})
    try:
        Operations(context).invoke(step)
    except NotImplementedError:  # SQLite alters no column
        return [str(step.to_diff_tuple())]
    return [text.strip() for text in buffer.getvalue().split(";\n") if text.strip()]
