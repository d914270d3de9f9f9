"""A partition replaced by one transaction: its old rows deleted, its new ones sent the way the server takes fastest."""

import json
import tempfile
from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from qol.errors import DatabaseError
from qol.sinks.sink_tables import SinkTable

_SIX_DAYS = timedelta(days=6)
#: Null in the CSV, where every text is in quotes; PostgreSQL and MySQL both read it so.
_NULL = "NULL"
#: MySQL's numbers for LOAD DATA LOCAL that the server or the driver does not allow.
_LOCAL_REFUSED = (1148, 3948, 3950, 4166)


def of_partition(table: sa.Table, column: str, monday: date) -> sa.ColumnElement[bool]:
    """The rows of a week: those of its days, where the column is a day, else those with its Monday."""
    if column == "week_start":
        return table.c[column] == monday
    return table.c[column].between(monday, monday + _SIX_DAYS)


def replace_rows(connection: sa.Connection, sink: SinkTable, monday: date, frames: Iterable[pl.DataFrame]) -> int:
    """Delete a partition's rows and insert those of `frames`, within the transaction of the caller; how many were inserted.

    DatabaseError when the server did not take every value as it is.
    """
    connection.execute(sa.delete(sink.table).where(of_partition(sink.table, sink.partition, monday)))
    send = _SENDERS[connection.dialect.name]
    rows = 0
    for frame in frames:
        if frame.height:
            send(connection, sink, in_text(frame))
        rows += frame.height
    return rows


def in_text(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows as numbers and texts that every server reads: days, instants in UTC, lists as JSON, booleans as 0 and 1."""
    return frame.with_columns(
        pl.col(pl.Boolean).cast(pl.Int8),
        pl.col(pl.Date).cast(pl.String),
        pl.col(pl.Datetime).dt.strftime("%Y-%m-%d %H:%M:%S%.6f"),
        *(
            pl.Series(column.name, [_json(value) for value in column], pl.String)
            for column in frame
            if column.dtype == pl.List
        ),
        *(column.cast(pl.String) for column in frame if column.dtype == pl.Decimal),
    )


def _json(value: pl.Series | None) -> str | None:
    return None if value is None else json.dumps(value.to_list(), ensure_ascii=False, separators=(",", ":"))


def _names(connection: sa.Connection, sink: SinkTable) -> tuple[str, str]:
    quote = connection.dialect.identifier_preparer
    return quote.format_table(sink.table), ", ".join(quote.quote(column.name) for column in sink.columns)


def _csv(frame: pl.DataFrame) -> bytes:
    return frame.write_csv(include_header=False, null_value=_NULL, quote_style="non_numeric").encode()


def _copy(connection: sa.Connection, sink: SinkTable, frame: pl.DataFrame) -> None:
    table, columns = _names(connection, sink)
    cursor = connection.connection.cursor()
    statement = f"COPY {table} ({columns}) FROM STDIN (FORMAT csv, NULL '{_NULL}')"
    try:
        with cursor.copy(statement) as copy:  # of the driver; SQLAlchemy has no COPY
            copy.write(_csv(frame))
    except connection.dialect.loaded_dbapi.Error as err:
        raise DBAPIError(statement, None, err) from None


def _load_data(connection: sa.Connection, sink: SinkTable, frame: pl.DataFrame) -> None:
    table, columns = _names(connection, sink)
    with tempfile.NamedTemporaryFile(prefix="qol-load-") as file:  # its owner's alone; the driver takes only a file
        file.write(_csv(frame))
        file.flush()
        statement = (
            f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE {table} CHARACTER SET utf8mb4 "
            f"FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' ({columns})"
        )
        try:
            taken = connection.exec_driver_sql(statement).rowcount
        except DBAPIError as err:
            if err.orig is None or err.orig.args[0] not in _LOCAL_REFUSED:
                raise
            _insert(connection, sink, frame)
            return
    warnings = connection.exec_driver_sql("SELECT @@warning_count").scalar()  # LOCAL makes warnings of errors
    if taken != frame.height or warnings:
        raise DatabaseError(f"{sink.name}: the server took {taken} of {frame.height} rows with {warnings} warnings")


def _insert(connection: sa.Connection, sink: SinkTable, frame: pl.DataFrame) -> None:
    table, columns = _names(connection, sink)
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(sink.columns))
    statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 (names of the contracts, quoted)
    connection.exec_driver_sql(statement, frame.rows())


_SENDERS = {"postgresql": _copy, "mysql": _load_data, "sqlite": _insert}
