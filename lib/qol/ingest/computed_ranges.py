"""Issues of computed values: a record says which of its contract's helpers lie outside their range and become null."""

from collections import Counter, defaultdict

import polars as pl

from qol.contracts.expression_errors import naming_expressions
from qol.contracts.source import SourceContract
from qol.ingest.convert import shown

OUT_OF_RANGE = "out_of_range"


def with_range_issues(contract: SourceContract, rows: pl.DataFrame) -> tuple[pl.DataFrame, Counter[tuple[str, str]]]:
    """Rows of ingest with an issue `derived.<name>: <value> out_of_range` in `value_issues` for each such value.

    Beside them the number of these issues by place and reason.
    """
    if not any(helper.range for helper in contract.helpers.values()):
        return rows, Counter()
    found = _found(contract, rows)
    if not found:
        return rows, Counter()
    issues = [
        [*(known or ()), *found[row]] if row in found else known
        for row, known in enumerate(rows["value_issues"].to_list())
    ]
    names = (issue.partition(": ")[0] for row_issues in found.values() for issue in row_issues)
    counts = Counter((name, OUT_OF_RANGE) for name in names)
    return rows.with_columns(pl.Series("value_issues", issues, pl.List(pl.String))), counts


def _found(contract: SourceContract, rows: pl.DataFrame) -> dict[int, list[str]]:
    """Issues by the number of their row; ContractError for a helper that cannot be computed of them."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    values = rows.select(_as_stored(contract)).with_columns(contract.parameter_columns)
    for name in contract.own_helpers:
        helper = contract.helpers[name]
        with naming_expressions(contract.file, values, {f"derived.{name}": helper.value}):
            value = values.select(value=pl.sql_expr(helper.value)).to_series()
            values = values.with_columns(pl.sql_expr(contract.derived[name]).alias(name))
        if helper.range is not None:
            for row in (value.is_not_null() & ~value.is_between(*helper.range)).arg_true():
                found[row].append(f"derived.{name}: {shown(value[row])} {OUT_OF_RANGE}")
    return found


def _as_stored(contract: SourceContract) -> list[pl.Expr]:
    """The fields as expressions read them: days are dates."""
    days = [spec.name for spec in contract.fields if spec.type == "date"]
    others = [spec.name for spec in contract.fields if spec.type != "date"]
    return [*map(pl.col, others), *(pl.col(name).cast(pl.Int32).cast(pl.Date) for name in days)]
