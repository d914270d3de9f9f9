"""Helper columns of records: parameters, derived expressions, and the rows a contract's `where` keeps."""

from __future__ import annotations

import polars as pl

from qol.contracts.model import Parameter, SourceContract
from qol.transform.overlaps import with_share

GRAIN = ["user_id", "day"]
WHERE = "where"


def with_derived(contract: SourceContract, records: pl.DataFrame) -> pl.DataFrame:
    """Records with the contract's parameters, derived columns and shares, and only those its `where` keeps.

    What the share of overlapping devices is made of comes before it, and so does `where` if it can: what is left out
    takes no time from others. Expressions that name the share come after it.
    """
    rows = records.with_columns([_constant(parameter) for parameter in contract.parameters])
    if contract.overlaps is not None:
        rows = with_share(contract.overlaps, _with_expressions(contract, rows, known_only=True))
    return _with_expressions(contract, rows)


def _with_expressions(contract: SourceContract, rows: pl.DataFrame, *, known_only: bool = False) -> pl.DataFrame:
    """Rows with the derived columns they do not have yet and without those that `where` leaves out.

    With `known_only`, expressions that name a column which is not there wait.
    """
    for name, sql in contract.derived.items():
        expression = pl.sql_expr(sql)
        if name not in rows.columns and not (known_only and _waits(expression, rows)):
            rows = rows.with_columns(expression.alias(name))
    if WHERE not in contract.daily:
        return rows
    keep = pl.sql_expr(contract.daily[WHERE])
    return rows if known_only and _waits(keep, rows) else rows.filter(keep)


def _waits(expression: pl.Expr, rows: pl.DataFrame) -> bool:
    return not set(expression.meta.root_names()) <= set(rows.columns)


def _constant(parameter: Parameter) -> pl.Expr:
    """A parameter as a column; whole numbers stay whole, so that what is made of them does."""
    kind = pl.Int64() if isinstance(parameter.value, int) else pl.Float64()
    return pl.lit(parameter.value, kind).alias(parameter.name)
