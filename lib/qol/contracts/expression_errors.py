"""What Polars cannot compute, as a contract error: the expression's file, place and text, and the types of its columns."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import polars as pl

from qol.contracts.expressions import with_types
from qol.errors import ContractError, Problem

_ALLOWED = "SQL that can be computed of every value of these types; 10.0 in place of 10 computes with decimals"


@contextmanager
def naming_expressions(file: str, rows: pl.DataFrame, expressions: Mapping[str, str | None]) -> Iterator[None]:
    """Around the computation of a file's expressions, by their place, over rows: ContractError for each that fails.

    The text of Polars could hold a value: it is the error's cause and never in its message.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        failed = {place: err for place, sql in expressions.items() if sql is not None and (err := _failure(rows, sql))}
        if not failed:
            raise
        problems = [
            Problem(
                file, place, f"{with_types(expressions[place] or '', rows.schema)} ({type(err).__name__})", _ALLOWED
            )
            for place, err in failed.items()
        ]
        raise ContractError(problems) from next(iter(failed.values()))


def _failure(rows: pl.DataFrame, sql: str) -> BaseException | None:
    """The error of one expression by itself."""
    try:
        rows.select(pl.sql_expr(sql))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as err:
        return err
    return None
