"""Helper columns of records: parameters, derived expressions, and the rows a contract's `where` keeps."""

import polars as pl

from qol.contracts.expression_errors import naming_expressions
from qol.contracts.many_records import Split
from qol.contracts.source import SourceContract
from qol.transform.bucket_totals import with_totals_share
from qol.transform.overlaps import with_share
from qol.transform.split import by_local_day
from qol.transform.stages import sessions
from qol.transform.versions import RECEIPT, receipt, version_order

WHERE = "where"


def with_derived(contract: SourceContract, records: pl.DataFrame) -> pl.DataFrame:
    """Records with the contract's parameters and derived columns, and only those its `where` keeps.

    Records of one reading count once. Inputs of overlap shares and of sleep sessions are computed before them, and so is
    `where` if it can be: a record that it leaves out takes no time from others. Expressions that name a share or a column
    of sessions follow. Where the contract has stages, the result has sessions instead of records, without the expressions
    over records; where some records are sleeps that were joined already, it has these too, and all expressions over both.
    """
    rows = before_sessions(contract, records)
    if contract.stages is None:
        return _with_expressions(contract, rows)
    found = sessions(contract.stages, rows)
    if contract.stages.joined:
        joined = rows.filter(pl.col(contract.stages.stage).is_null()).with_columns(session_rank=contract.stages.by)
        found = pl.concat([found, joined.select(*records.columns, "session_rank")], how="diagonal_relaxed")
    return _with_expressions(contract, _with_parameters(contract, found), known_only=True)


def with_own_day(contract: SourceContract, records: pl.DataFrame) -> pl.DataFrame:
    """Records without those that tell no usable time where their contract names one: their day would be a guess."""
    has_time = contract.day.date is not None or contract.day.start is not None
    return records.filter(pl.col("day_rule") != "arrival") if has_time else records


def before_sessions(contract: SourceContract, records: pl.DataFrame) -> pl.DataFrame:
    """Records, or pieces of them, with every column that needs no sessions, and only those `where` keeps if it needs none."""
    rows = _with_parameters(contract, _each_reading_once(contract, records))
    if (contract.split or contract.overlaps or contract.stages) is None:
        return rows
    rows = _with_expressions(contract, rows, known_only=True)
    if contract.split is not None:
        rows = _with_pieces(contract, contract.split, rows)
    rule = contract.overlaps
    if rule is None:
        return rows
    return with_share(rule, rows) if rule.totals is None else with_totals_share(rule, rule.totals, rows)


def _with_pieces(contract: SourceContract, rule: Split, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, cut by local day; helpers of pieces are computed from what the piece has."""
    with naming_expressions(contract.file, rows, {"split.where": rule.where}):
        whole, pieces = by_local_day(rule, rows)
    if pieces.is_empty():
        return whole
    pieces = pieces.drop(name for name in contract.derived if name != rule.end and name in pieces.columns)
    return pl.concat([whole, _with_expressions(contract, pieces, known_only=True).select(whole.columns)])


def _each_reading_once(contract: SourceContract, records: pl.DataFrame) -> pl.DataFrame:
    """Records without those that repeat the reading of another: the highest version stays, then the one received first."""
    if not contract.same:
        return records
    alike = ["user_id", *contract.same]
    # Numbers are compared first, which is many times faster, and hardly any are equal in all of them.
    numbers = [name for name in contract.same if records.schema[name].is_numeric()]
    suspects = records.select(numbers or alike).is_duplicated()
    if not suspects.any():
        return records
    fields = [order for name, order in version_order(contract).items() if name != RECEIPT]
    better = [*fields, receipt(), pl.col("record_key")]
    ordered = records.filter(suspects).sort(better, descending=[True] * len(fields) + [False] * 2, nulls_last=True)
    return pl.concat([records.filter(~suspects), ordered.unique(alike, keep="first", maintain_order=True)])


def _with_expressions(contract: SourceContract, rows: pl.DataFrame, *, known_only: bool = False) -> pl.DataFrame:
    """Rows that `where` keeps, with the derived columns they do not have yet.

    With `known_only`, expressions that name an absent column are left for later.
    """
    for name, sql in contract.derived.items():
        expression = pl.sql_expr(sql)
        if name not in rows.columns and not (known_only and _needs_more(expression, rows)):
            with naming_expressions(contract.file, rows, {f"derived.{name}": sql}):
                rows = rows.with_columns(expression.alias(name))
    if WHERE not in contract.daily:
        return rows
    keep = pl.sql_expr(contract.daily[WHERE])
    with naming_expressions(contract.file, rows, {"daily.where": contract.daily[WHERE]}):
        return rows if known_only and _needs_more(keep, rows) else rows.filter(keep)


def _needs_more(expression: pl.Expr, rows: pl.DataFrame) -> bool:
    return not set(expression.meta.root_names()) <= set(rows.columns)


def _with_parameters(contract: SourceContract, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(contract.parameter_columns)
