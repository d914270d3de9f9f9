"""SQL expressions of the contracts: that they parse, name known columns only and give the right type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import polars as pl

from qol.contracts.frames import no_rows, with_columns_of
from qol.contracts.language import Mistake
from qol.contracts.model import Column
from qol.contracts.record_columns import RECORD_HEAD
from qol.contracts.source import SourceContract
from qol.contracts.wording import choices

_WHOLE = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
_KINDS: Mapping[str, tuple[type[pl.DataType], ...]] = {
    "a whole number": _WHOLE,
    "a number": (*_WHOLE, pl.Float32, pl.Float64, pl.Decimal),
    "true or false": (pl.Boolean,),
    "intervals": (pl.List,),
    "a value": (*_WHOLE, pl.Float32, pl.Float64, pl.Decimal, pl.Boolean, pl.String, pl.Date, pl.Datetime, pl.List),
}


class _ExpressionError(Exception):
    def __init__(self, found: str, allowed: str) -> None:
        self.found, self.allowed = found, allowed
        super().__init__(found)


class ColumnTypes:
    """Columns that expressions may name, with their types."""

    def __init__(self, columns: Iterable[tuple[str, str]]) -> None:
        empty = no_rows([Column(name, kind, "") for name, kind in dict(columns).items()])
        self._broken: set[str] = set()
        self._rows = with_columns_of(pl.DataFrame({"": [None, None]}), empty)

    @property
    def names(self) -> list[str]:
        """All columns."""
        return self._rows.columns

    @property
    def numbers(self) -> list[str]:
        """Columns that hold numbers."""
        return [name for name, kind in self._rows.schema.items() if kind.is_numeric()]

    def mistakes(self, path: str, sql: str, kind: str) -> Iterator[Mistake]:
        """What is wrong with an expression that has to be of a kind and give one value per row."""
        try:
            self._type(sql, kind)
        except _ExpressionError as err:
            yield Mistake(path, err.found, err.allowed)

    def add(self, path: str, name: str, sql: str) -> Iterator[Mistake]:
        """Let later expressions name a helper; where it is no expression, that is reported here and not again."""
        kind: pl.DataType = pl.Int64()
        try:
            kind = self._type(sql, "a value")
        except _ExpressionError as err:
            self._broken.add(name)
            yield Mistake(path, err.found, err.allowed)
        self._rows = self._rows.with_columns(pl.lit(None, kind).alias(name))

    def with_numbers(self, names: Iterable[str]) -> ColumnTypes:
        """The same columns and some more numbers."""
        more = ColumnTypes(())
        more._rows = self._rows.with_columns(pl.lit(None, pl.Float64()).alias(name) for name in names)
        return more

    def has(self, name: str, kind: str) -> bool:
        """Whether a helper is of a kind: a text, or one that `mistakes` knows; what is no expression may be any."""
        found = self._rows.schema.get(name)
        if name in self._broken or found is None:
            return True
        return found == pl.String() if kind == "a text" else isinstance(found, _KINDS[kind])

    def _type(self, sql: str, kind: str) -> pl.DataType:
        try:
            expression = pl.sql_expr(sql)
            roots = set(expression.meta.root_names())
            unknown = sorted(roots.difference(self.names))
            if unknown:
                raise _ExpressionError(f"unknown column {', '.join(unknown)}", choices(self.names, unknown[0]))
            values = self._rows.select(expression.alias("value")).to_series()
        except pl.exceptions.PolarsError as err:
            allowed = "an SQL expression over the row's columns"
            raise _ExpressionError(f"{with_types(sql, self._rows.schema)} ({engine_text(err)})", allowed) from err
        if roots and len(values) != self._rows.height:
            raise _ExpressionError(f"{sql} (one value for all rows)", "one value per row")
        if not isinstance(values.dtype, _KINDS[kind]):
            raise _ExpressionError(f"{sql} of type {values.dtype}", kind)
        return values.dtype


def with_types(sql: str, schema: Mapping[str, pl.DataType]) -> str:
    """An expression with the types of the columns it names; what is no expression stays as it is."""
    try:
        names = sorted(set(pl.sql_expr(sql).meta.root_names()))
    except pl.exceptions.PolarsError:
        names = []
    types = ", ".join(f"{name} {schema[name]}" for name in names if name in schema)
    return f"{sql} with {types}" if types else sql


def engine_text(err: BaseException) -> str:
    """What Polars says of an expression and its hint, in one line, without the plan around it."""
    return " ".join(str(err).partition("\n\nThis error occurred")[0].split())


def record_types(contract: SourceContract) -> ColumnTypes:
    """Columns that a contract's expressions may name, but its helpers."""
    types = {name: kind for name, kind, _ in RECORD_HEAD}
    types |= {field.name: field.column_type for field in contract.fields}
    types |= {p.name: "bigint" if isinstance(p.value, int) else "double" for p in contract.parameters}
    types |= {contract.overlaps.share: "double"} if contract.overlaps else {}
    types |= contract.stages.columns if contract.stages else {}
    return ColumnTypes(types.items())
