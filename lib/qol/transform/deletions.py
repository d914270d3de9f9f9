"""Records that delete others: the deleted ones stay stored and are left out of daily rows."""

from collections.abc import Mapping

import polars as pl

from qol.contracts.columns import record_columns
from qol.contracts.model import Column, Contracts
from qol.contracts.source import SourceContract

Frames = Mapping[str, pl.DataFrame]
#: (user_id, deleted id) by the name of the deleting contract.
Deletions = dict[str, set[tuple[str, str]]]


def deleting(contracts: Contracts) -> dict[str, SourceContract]:
    """Contracts whose records delete others, by name."""
    return {contract.name: contract for contract in contracts.sources if contract.deletes is not None}


def without_deleted(contracts: Contracts, records: Frames, deletions: Frames) -> dict[str, pl.DataFrame]:
    """Record frames by contract name, without deleting contracts and without the records that they delete.

    `deletions` are rows of deleting contracts by name, of all weeks, with user_id and the deleted id at least. A
    deletion applies to records of its own user.
    """
    left = {name: rows for name, rows in records.items() if contracts.by_name[name].deletes is None}
    for name, contract in deleting(contracts).items():
        deleting_rows = deletions.get(name)
        if contract.deletes is None or deleting_rows is None or not deleting_rows.height:
            continue
        ids = deleting_rows.select("user_id", pl.col(contract.deletes.by).alias(contract.deletes.field)).unique()
        for target in targets(contract) & left.keys():
            left[target] = left[target].join(ids, on=ids.columns, how="anti", maintain_order="left")
    return left


def targets(contract: SourceContract) -> set[str]:
    """Names of the contracts whose records one deletes."""
    return {f"{contract.source}_{record}" for record in contract.deletes.records} if contract.deletes else set()


def deletion_columns(contract: SourceContract) -> list[Column]:
    """The columns of a deleting contract's records that say whose record is deleted, and its id."""
    wanted = ("user_id", contract.deletes.by if contract.deletes else "")
    return [column for column in record_columns(contract) if column.name in wanted]


def deletions_in(contracts: Contracts, rows: Frames) -> Deletions:
    """The deletions among rows by contract name; contracts without any are left out."""
    found = {}
    for name, contract in deleting(contracts).items():
        if contract.deletes is not None and name in rows:
            ids = rows[name].select("user_id", contract.deletes.by).drop_nulls()
            found[name] = set(ids.iter_rows())
    return {name: ids for name, ids in found.items() if ids}
