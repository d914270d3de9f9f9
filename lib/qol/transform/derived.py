"""Helper columns of records: parameters, derived expressions, and the rows a contract's `where` keeps."""

from __future__ import annotations

import polars as pl

from qol.contracts.model import Parameter, SourceContract

GRAIN = ["user_id", "day"]
WHERE = "where"


def with_derived(contract: SourceContract, records: pl.DataFrame) -> pl.DataFrame:
    """Records with the contract's parameters and derived columns, and only those its `where` keeps."""
    rows = records.with_columns([_constant(parameter) for parameter in contract.parameters])
    for name, sql in contract.derived.items():
        rows = rows.with_columns(pl.sql_expr(sql).alias(name))
    return rows.filter(pl.sql_expr(contract.daily[WHERE])) if WHERE in contract.daily else rows


def _constant(parameter: Parameter) -> pl.Expr:
    """A parameter as a column; whole numbers stay whole, so that what is made of them does."""
    kind = pl.Int64() if isinstance(parameter.value, int) else pl.Float64()
    return pl.lit(parameter.value, kind).alias(parameter.name)
