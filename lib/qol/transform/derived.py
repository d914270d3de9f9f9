"""Helper columns of records: parameters, derived expressions, and the rows a contract's `where` keeps."""

import polars as pl

from qol.contracts.source import SourceContract
from qol.transform.overlaps import with_share
from qol.transform.stages import sessions

WHERE = "where"


def with_derived(contract: SourceContract, records: pl.DataFrame) -> pl.DataFrame:
    """Records with the contract's parameters and derived columns, and only those its `where` keeps.

    Inputs of overlap shares and of sleep sessions are computed before them, and so is `where` if it can be: a record that
    it leaves out takes no time from others. Expressions that name a share or a column of sessions follow. Where the
    contract has stages, the result has sessions instead of records, without the expressions over records.
    """
    rows = before_sessions(contract, records)
    if contract.stages is None:
        return _with_expressions(contract, rows)
    found = sessions(contract.stages, rows)
    return _with_expressions(contract, _with_parameters(contract, found), known_only=True)


def before_sessions(contract: SourceContract, records: pl.DataFrame) -> pl.DataFrame:
    """Records with every column that needs no sessions, and only those that `where` keeps if it needs none."""
    rows = _with_parameters(contract, records)
    if contract.overlaps is not None:
        rows = with_share(contract.overlaps, _with_expressions(contract, rows, known_only=True))
    return rows if contract.stages is None else _with_expressions(contract, rows, known_only=True)


def _with_expressions(contract: SourceContract, rows: pl.DataFrame, *, known_only: bool = False) -> pl.DataFrame:
    """Rows that `where` keeps, with the derived columns they do not have yet.

    With `known_only`, expressions that name an absent column are left for later.
    """
    for name, sql in contract.derived.items():
        expression = pl.sql_expr(sql)
        if name not in rows.columns and not (known_only and _needs_more(expression, rows)):
            rows = rows.with_columns(expression.alias(name))
    if WHERE not in contract.daily:
        return rows
    keep = pl.sql_expr(contract.daily[WHERE])
    return rows if known_only and _needs_more(keep, rows) else rows.filter(keep)


def _needs_more(expression: pl.Expr, rows: pl.DataFrame) -> bool:
    return not set(expression.meta.root_names()) <= set(rows.columns)


def _with_parameters(contract: SourceContract, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with parameters as columns; integers stay integers, and so do expressions over them."""
    types = {p.name: pl.Int64() if isinstance(p.value, int) else pl.Float64() for p in contract.parameters}
    return rows.with_columns([pl.lit(p.value, types[p.name]).alias(p.name) for p in contract.parameters])
