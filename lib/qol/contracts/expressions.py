"""SQL expressions of the contracts: that they parse, name known columns only and give the right type."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from qol.contracts.record_columns import RECORD_HEAD
from qol.contracts.source_model import SourceContract
from qol.contracts.wording import choices

Types = Mapping[str, pl.DataType]

_TYPES: Mapping[str, pl.DataType] = {
    "bigint": pl.Int64(),
    "int": pl.Int32(),
    "double": pl.Float64(),
    "boolean": pl.Boolean(),
    "string": pl.String(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
    "decimal(38,18)": pl.Decimal(38, 18),
    "array<int>": pl.List(pl.Int32()),
}
_WHOLE = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
_KINDS: Mapping[str, tuple[type[pl.DataType], ...]] = {
    "a whole number": _WHOLE,
    "a number": (*_WHOLE, pl.Float32, pl.Float64, pl.Decimal),
    "true or false": (pl.Boolean,),
    "intervals": (pl.List,),
    "a value": (*_WHOLE, pl.Float32, pl.Float64, pl.Decimal, pl.Boolean, pl.String, pl.Date, pl.Datetime, pl.List),
}


class ExpressionError(Exception):
    """When an expression is not usable: what was found and what is allowed."""

    def __init__(self, found: str, allowed: str) -> None:
        self.found, self.allowed = found, allowed
        super().__init__(f"found {found}; allowed: {allowed}")


def type_of(column_type: str) -> pl.DataType:
    """The Polars type of a column that expressions may name."""
    return _TYPES[column_type]


def record_types(contract: SourceContract) -> dict[str, pl.DataType]:
    """Columns that a contract's expressions may name, with their types, but its helpers."""
    types = {name: type_of(kind) for name, kind, _ in RECORD_HEAD}
    types.update((f.name, type_of(f.column_type)) for f in contract.fields)
    types.update((parameter.name, pl.Float64()) for parameter in contract.parameters)
    if contract.overlaps is not None:
        types[contract.overlaps.share] = pl.Float64()
    if contract.stages is not None:
        types.update((name, type_of(kind)) for name, kind in contract.stages.columns.items())
    return types


def helper_types(contract: SourceContract) -> dict[str, pl.DataType]:
    """A contract's helpers with their types; those that are no usable expression are left out."""
    types, found = record_types(contract), dict[str, pl.DataType]()
    for name, sql in contract.derived.items():
        try:
            types[name] = found[name] = checked_type(sql, types, "a value")
        except ExpressionError:
            continue
    return found


def checked_type(sql: str, types: Types, kind: str) -> pl.DataType:
    """The type an expression gives for columns of these types; it has to be of that kind and one value per row."""
    try:
        expression = pl.sql_expr(sql)
        roots = set(expression.meta.root_names())
        unknown = sorted(roots - types.keys())
        if unknown:
            raise ExpressionError(f"unknown column {', '.join(unknown)}", choices(types, unknown[0]))
        rows = pl.DataFrame({name: [None, None] for name in roots}, schema={name: types[name] for name in roots})
        values = rows.select(expression.alias("value")).to_series()
    except pl.exceptions.PolarsError as err:
        raise ExpressionError(f"{sql} ({_first_line(err)})", "an SQL expression over the row's columns") from err
    if roots and len(values) != rows.height:
        raise ExpressionError(f"{sql} (one value for all rows)", "one value per row")
    if not isinstance(values.dtype, _KINDS[kind]):
        raise ExpressionError(f"{sql} of type {values.dtype}", kind)
    return values.dtype


def _first_line(err: Exception) -> str:
    return str(err).strip().splitlines()[0]
