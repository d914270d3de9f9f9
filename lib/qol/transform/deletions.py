"""Records that say other records are gone: these stay stored and are left out of daily."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from qol.contracts.model import Contracts
from qol.contracts.source_model import SourceContract

Frames = Mapping[str, pl.DataFrame]


def deleting(contracts: Contracts) -> dict[str, SourceContract]:
    """Contracts whose records delete others, by name."""
    return {contract.name: contract for contract in contracts.sources if contract.deletes is not None}


def living(contracts: Contracts, records: Frames, deletions: Frames) -> dict[str, pl.DataFrame]:
    """Record frames by contract name, without the deleting ones and without the records that these name.

    `deletions` are rows of deleting contracts by name, of all weeks: user_id and the id of what is gone suffice. A
    deletion is about records of its own person.
    """
    left = {name: rows for name, rows in records.items() if contracts.by_name[name].deletes is None}
    for name, contract in deleting(contracts).items():
        gone = deletions.get(name)
        if contract.deletes is None or gone is None or not gone.height:
            continue
        ids = gone.select("user_id", pl.col(contract.deletes.by).alias(contract.deletes.field)).unique()
        for target in targets(contract) & left.keys():
            left[target] = left[target].join(ids, on=ids.columns, how="anti", maintain_order="left")
    return left


def targets(contract: SourceContract) -> set[str]:
    """Names of the contracts whose records one deletes."""
    return {f"{contract.source}_{record}" for record in contract.deletes.records} if contract.deletes else set()
