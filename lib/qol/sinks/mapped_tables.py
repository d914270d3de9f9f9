"""Tables of a mapping: made with its types and constraints, and rows of the lake turned into its columns."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from qol.contracts.columns import table_schemas
from qol.contracts.model import Column, Contracts
from qol.contracts.sink_mapping import NO_SOURCE, NOW, USERS, MappedColumn, MappedTable, MonthView, SinkMapping
from qol.sinks.sink_tables import KEY_WIDTH, KEY_WIDTHS, ON_MYSQL, RUNS, SinkTable, json_type, key_text, time_type

#: Ids that are no 128 bits get a UUID of their own, always the same one.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://schemas.invalid/qol-lake")
_TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "uuid": sa.CHAR(36).with_variant(sa.Uuid(as_uuid=False), "postgresql"),
    "date": sa.Date(),
    "text": sa.Text(),
    "smallint": sa.SmallInteger(),
    "integer": sa.Integer(),
    "bigint": sa.BigInteger(),
    "double": sa.Double(),
    "boolean": sa.Boolean(),
    "timestamptz": time_type(),
    "json": json_type(),
    # A default of now() has whole seconds on MySQL.
    NOW: sa.DateTime(timezone=True).with_variant(mysql.DATETIME(), "mysql"),
}


@dataclass(frozen=True)
class MappedSink(SinkTable):
    """A table of a mapping: rows are upserted, as what the database fills in has to stay."""

    mapping: SinkMapping
    spec: MappedTable
    #: The mapping's table of users, where it has one.
    users: sa.Table | None

    def rows(self, frame: pl.DataFrame) -> list[dict[str, Any]]:
        """Rows of the lake as rows of the table, one of each key."""
        exprs = [
            _value(spec, spec.of or name, frame).alias(name)
            for name, spec in self.spec.columns.items()
            if spec.is_filled
        ]
        found = frame.select(exprs)
        for name in (*self.spec.key, *self.spec.required):
            if self.spec.columns[name].type == "uuid" and found[name].null_count():
                found = found.with_columns(pl.coalesce(name, _ids_of_places(frame)))
        found = found.unique([*self.spec.key], keep="last", maintain_order=True)
        if self.spec.unique:
            found = found.unique([*self.spec.unique], keep="last", maintain_order=True)
        return found.to_dicts()


def _ids_of_places(frame: pl.DataFrame) -> pl.Series:
    """UUIDs made of user and key, for documents without an id."""
    places = zip(frame["user_id"], frame["record_key"], strict=True)
    return pl.Series([as_uuid(f"{user}|{key}") for user, key in places], dtype=pl.String)


def mapped_sinks(
    contracts: Contracts, mapping: SinkMapping, metadata: sa.MetaData, server: str
) -> dict[str, MappedSink]:
    """The tables of a mapping whose sources the contracts have, by `<mapping>.<table>`; `server` is one such as `postgresql`."""
    schemas = {USERS: (), NO_SOURCE: (), **table_schemas(contracts)}
    tables = {
        name: _table(mapping, name, spec, schemas[spec.source], metadata, server)
        for name, spec in mapping.tables.items()
        if spec.source in schemas
    }
    users = next((tables[name] for name in tables if mapping.tables[name].source == USERS), None)
    return {
        f"{mapping.sink}.{name}": MappedSink(
            spec.source,
            tables[name],
            _source_columns(spec, schemas[spec.source]),
            _partition(spec),
            mapping,
            spec,
            users,
        )
        for name, spec in mapping.tables.items()
        if name in tables
    }


def _partition(spec: MappedTable) -> str:
    return "day" if "day" in spec.columns else "week_start" if "week_start" in spec.columns else ""


def _source_columns(spec: MappedTable, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns of the lake's table that are read."""
    wanted = {(c.of or name) for name, c in spec.columns.items() if c.never is None} | {"record_key", "user_id"}
    return tuple(column for column in columns if column.name in wanted)


def _table(
    mapping: SinkMapping, name: str, spec: MappedTable, columns: tuple[Column, ...], metadata: sa.MetaData, server: str
) -> sa.Table:
    schema = mapping.db_schema if server == "postgresql" else None
    full = f"{mapping.db_schema}_{name}" if mapping.db_schema and not schema else name
    comments = {column.name: column.comment for column in columns}
    make = partial(_column, spec, comments)
    indexes = {tuple(spec.index), (_partition(spec),)} - {(), ("",)} if spec.source not in (USERS, RUNS) else set()
    return sa.Table(
        full,
        metadata,
        *(make(column, kind) for column, kind in spec.columns.items()),
        sa.PrimaryKeyConstraint(*spec.key),
        *((sa.UniqueConstraint(*spec.unique, name=f"uq_{full}_{'_'.join(spec.unique)}"),) if spec.unique else ()),
        *(sa.Index(f"ix_{full}_{'_'.join(names)}", *names) for names in sorted(indexes)),
        schema=schema,
        comment=spec.description,
        **ON_MYSQL,
    )


def _column(spec: MappedTable, comments: Mapping[str, str], name: str, column: MappedColumn) -> sa.Column[Any]:
    kind = _type(column.type)
    of = column.of or name
    if column.type == "text" and name in {*spec.key, *spec.unique, *spec.index}:
        kind = key_text(KEY_WIDTHS.get(of, KEY_WIDTH))
    never_null = name in {*spec.key, *spec.required} or column.type == NOW
    default = sa.func.now() if column.type == NOW else sa.true() if column.default else None
    comment = f"Always null. {column.never}" if column.never else comments.get(of)
    return sa.Column(name, kind, nullable=not never_null, server_default=default, comment=comment)


def _type(name: str) -> sa.types.TypeEngine[Any]:
    if name.startswith("numeric"):
        precision, scale = name.removeprefix("numeric(").removesuffix(")").split(",")
        return sa.Numeric(int(precision), int(scale), asdecimal=False)
    return _TYPES[name]


def _value(spec: MappedColumn, of: str, frame: pl.DataFrame) -> pl.Expr:
    """A column of the lake in the type of the mapping: UUIDs of ids, instants of Unix seconds, decimals rounded once."""
    value = pl.col(of)
    if spec.type == "uuid":
        ids = frame[of].drop_nulls().unique()
        return value.replace_strict(ids, [as_uuid(one) for one in ids], default=None, return_dtype=pl.String)
    if spec.type == "timestamptz" and frame.schema[of].is_integer():
        return pl.from_epoch(value, "s").dt.replace_time_zone("UTC")
    if spec.type.startswith("numeric"):
        return value.cast(pl.Float64).round(int(spec.type.rstrip(")").rpartition(",")[2]))
    return value


def as_uuid(text: str) -> str:
    """The UUID of an id: its own 128 bits where it is 32 hexadecimal digits, else one made of it."""
    try:
        return str(uuid.UUID(text)) if len(text) == 32 else str(uuid.uuid5(_NAMESPACE, text))
    except ValueError:
        return str(uuid.uuid5(_NAMESPACE, text))


def create_views(connection: sa.Connection, sinks: Iterable[MappedSink]) -> None:
    """Make the views of these tables that the database does not have."""
    existing = set(sa.inspect(connection).get_view_names())
    for sink in sinks:
        for name, view in sink.mapping.views.items():
            if sink.spec is sink.mapping.tables.get(view.of) and name not in existing:
                query = _months(view, sink.table).compile(connection, compile_kwargs={"literal_binds": True})
                quoted = connection.dialect.identifier_preparer.quote(name)
                connection.exec_driver_sql(f"CREATE VIEW {quoted} AS {query}")


def _months(view: MonthView, table: sa.Table) -> sa.Select[Any]:
    groups: list[sa.ColumnElement[Any]] = [table.c[name] for name in view.group]
    groups += [sa.extract(part, table.c.day).label(part) for part in ("year", "month")]
    values = [
        getattr(sa.func, aggregate)(table.c[of]).label(name)
        for name, given in view.columns.items()
        for aggregate, of in given.items()
    ]
    return sa.select(*groups, *values).group_by(*groups)
