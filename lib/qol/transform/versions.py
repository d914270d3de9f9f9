"""The order of versions: which of several records about the same thing counts."""

import polars as pl

from qol.contracts.fields import Field
from qol.contracts.source import SourceContract

#: The column with when a record arrived, the last of what orders versions.
RECEIPT = "receipt"


def receipt() -> pl.Expr:
    """When a record arrived: its stamp, else the start of its arrival day."""
    return pl.coalesce("received_at", pl.col("arrival_date").cast(pl.Datetime("us", "UTC")))


def version_order(contract: SourceContract, *, of_sessions: bool = False) -> dict[str, pl.Expr]:
    """What orders versions of a contract's records, the first that differs decides; the larger wins, null loses.

    By column name: the contract's version fields, then receipt. Each is computed from one record alone, so the order is
    total and the same whatever records are compared. A version that is a time and was not sent is the time of receipt,
    or a record without it could never replace one that has it. Sessions of stages have no version fields.
    """
    fields = [] if of_sessions else [contract.by_name[name] for name in contract.version]
    return {f"version {field.name}": _version(field) for field in fields} | {RECEIPT: receipt()}


def _version(field: Field) -> pl.Expr:
    value = pl.col(field.name)
    return pl.coalesce(value, receipt().dt.epoch("s")) if field.type == "instant" else value
