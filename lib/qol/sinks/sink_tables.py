"""Database tables made from the contracts: types, comments, primary keys, and indexes by how the tables are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from qol.contracts.columns import WINDOWS, fixed, table_schemas
from qol.contracts.model import Column, Contracts
from qol.contracts.places import table_places
from qol.tables.layout import OF_ARRIVAL_DAYS

#: Operators only: they hold rejected bytes, names of raw objects and runs of collectors, which stay in the lake.
NEVER_LOADED = frozenset({*OF_ARRIVAL_DAYS, "raw_objects", "collect_runs"})
RUNS = "job_runs"
#: Widths of texts in keys: a primary key of MySQL holds 3,072 bytes, four for each character.
KEY_WIDTHS = {"record_key": 512}
KEY_WIDTH = 64
#: The Monday of a record's partition, which its file does not have as a column.
RECORD_WEEK = Column("week_start", "date", "Monday of the ISO week of the day; the partition of the lake.")


@dataclass(frozen=True)
class SinkTable:
    """One table of the database, the lake's table it is made of, its columns, and the date column of its partitions."""

    source: str
    table: sa.Table
    columns: tuple[Column, ...]
    partition: str

    @property
    def name(self) -> str:
        """The table as the database names it."""
        return str(self.table.fullname)


@dataclass(frozen=True)
class _Keys:
    primary: tuple[str, ...]
    index: tuple[str, ...]
    partition: str


_OF_A_DAY = _Keys(("user_id", "day", "source"), ("day",), "day")
_KEYS = {
    "weekly_metrics": _Keys(("user_id", "week_start"), ("week_start",), "week_start"),
    "daily_metrics": _OF_A_DAY,
    WINDOWS: _OF_A_DAY,
    RUNS: _Keys(("run_id",), ("now",), ""),
}
_RECORDS = _Keys(("week_start", "user_id", "record_key"), ("user_id", "day"), "week_start")


def json_type() -> sa.types.TypeEngine[Any]:
    """Lists and mappings."""
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def time_type() -> sa.types.TypeEngine[Any]:
    """Instants to the microsecond; in UTC where a server keeps no zone."""
    return sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql")


_TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "bigint": sa.BigInteger(),
    "int": sa.Integer(),
    "double": sa.Double(),
    "string": sa.Text(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "timestamp": time_type(),
    "decimal(38,18)": sa.Numeric(38, 18).with_variant(sa.Text(), "sqlite"),
}


#: How MySQL keeps tables: all of Unicode, and transactions.
ON_MYSQL: Mapping[str, Any] = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}


def key_text(width: int) -> sa.types.TypeEngine[Any]:
    """The type of a text in a key; upper and lower case differ, which they do not by default on MySQL."""
    exact = mysql.VARCHAR(width, charset="utf8mb4", collation="utf8mb4_bin")
    return sa.String(width).with_variant(exact, "mysql")


def sink_tables(contracts: Contracts, metadata: sa.MetaData) -> dict[str, SinkTable]:
    """Every table that can be loaded, by its name in the lake; in the database names are in lower case, as in Athena."""
    places = table_places(contracts)
    schemas = table_schemas(contracts).items()
    return {
        name: _sink_table(name, columns, places[name].description, metadata)
        for name, columns in schemas
        if name not in NEVER_LOADED
    }


def _sink_table(name: str, columns: Sequence[Column], description: str, metadata: sa.MetaData) -> SinkTable:
    keys = _KEYS.get(name, _RECORDS)
    every = (RECORD_WEEK, *columns) if keys is _RECORDS else tuple(columns)
    lower = name.lower()
    table = sa.Table(
        lower,
        metadata,
        *(_column(column, keys) for column in every),
        sa.PrimaryKeyConstraint(*keys.primary),
        sa.Index(f"ix_{lower}_{'_'.join(keys.index)}", *keys.index),
        comment=description,
        **ON_MYSQL,
    )
    return SinkTable(name, table, every, keys.partition)


def _column(column: Column, keys: _Keys) -> sa.Column[Any]:
    kind = _TYPES.get(column.type, json_type())
    is_key = column.name in {*keys.primary, *keys.index}
    if is_key and column.type == "string":
        kind = key_text(KEY_WIDTHS.get(column.name, KEY_WIDTH))
    return sa.Column(column.name, kind, nullable=column.name not in keys.primary, comment=column.comment)


@dataclass(frozen=True)
class StateTables:
    """What the database says of its own loads: partitions with their digests, columns made, loads."""

    partitions: sa.Table
    tables: sa.Table
    loads: sa.Table


def state_tables(metadata: sa.MetaData) -> StateTables:
    """The three tables of loads."""
    return StateTables(
        *(
            sa.Table(
                name,
                metadata,
                *(_state_column(column, key) for column in fixed(name)),
                sa.PrimaryKeyConstraint(*key),
                comment=comment,
                **ON_MYSQL,
            )
            for name, key, comment in _STATE
        )
    )


_STATE = (
    ("sink_partitions", ("table_name", "date"), "Partitions as they were loaded, with the digest of their file."),
    ("sink_tables", ("table_name",), "Tables as `qol load` made them."),
    ("sink_loads", ("loaded_at",), "Loads that changed anything."),
)


def _state_column(column: Column, key: Sequence[str]) -> sa.Column[Any]:
    kind = key_text(KEY_WIDTH) if column.name in key and column.type == "string" else _TYPES[column.type]
    return sa.Column(column.name, kind, nullable=False, comment=column.comment)
