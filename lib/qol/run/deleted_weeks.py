"""What a run has to know of deletions: which weeks new ones change, and all that were ever made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial

import polars as pl
import pyarrow.parquet as pq

from qol.contracts.columns import record_columns
from qol.contracts.model import Column, Contracts
from qol.contracts.source_model import Deletes, SourceContract
from qol.lake.base import Lake
from qol.tables.corruption import reading
from qol.tables.layout import Published
from qol.tables.slices import Bucket
from qol.transform.deletions import deleting, targets

#: (user_id, id of what is gone) by the name of the deleting contract.
Deletions = dict[str, set[tuple[str, str]]]


def deletions_in(contracts: Contracts, rows: Mapping[str, pl.DataFrame]) -> Deletions:
    """The deletions among rows by contract name; contracts without any are left out."""
    found = {}
    for name, contract in deleting(contracts).items():
        if contract.deletes is not None and name in rows:
            ids = rows[name].select("user_id", contract.deletes.by).drop_nulls()
            found[name] = set(ids.iter_rows())
    return {name: ids for name, ids in found.items() if ids}


def weeks_of_deleted(
    lake: Lake, contracts: Contracts, published: Published, read: Iterable[Deletions], known_weeks: set[date]
) -> set[date]:
    """Weeks of published records that deletions of this run name, besides `known_weeks`, which are not looked at.

    Deletions that are published already were applied by the run that published them; without new ones no file is read.
    """
    weeks: set[date] = set()
    batches = list(read)
    for name, contract in deleting(contracts).items():
        ids = {one for batch in batches for one in batch.get(name, ())}
        if not ids or contract.deletes is None:
            continue
        gone = pl.Series([found for _, found in ids - _published(lake, contract, published)], dtype=pl.String)
        files = [
            (date.fromisoformat(day), published.files[table, day].key)
            for table in sorted(f"records_{target}" for target in targets(contract) if gone.len())
            for day in sorted(published.dates(table))
            if date.fromisoformat(day) not in known_weeks
        ]
        with ThreadPoolExecutor(lake.reads_at_once) as pool:
            holds = list(pool.map(partial(_holds, lake, contract.deletes, gone), [key for _, key in files]))
        weeks |= {week for (week, _), is_there in zip(files, holds, strict=True) if is_there}
    return weeks


def elsewhere(contracts: Contracts, published: Published, weeks: Iterable[date]) -> dict[str, tuple[str, ...]]:
    """Published partitions, besides those weeks, of every deleting contract's record table, by contract name."""
    here = {week.isoformat() for week in weeks}
    return {name: tuple(sorted(published.dates(f"records_{name}") - here)) for name in deleting(contracts)}


def all_deletions(
    contracts: Contracts, people: Bucket, records: Mapping[str, pl.DataFrame], others: Mapping[str, tuple[str, ...]]
) -> dict[str, pl.DataFrame]:
    """Every deletion of a bucket's people by contract name: those among `records`, and those of other partitions."""
    found: dict[str, pl.DataFrame] = {}
    for name, days in others.items():
        columns = _columns(contracts.by_name[name])
        frames = [people.published(f"records_{name}", day, columns) for day in days]
        if name in records:
            frames.append(records[name].select([column.name for column in columns]))
        if frames:
            found[name] = pl.concat(frames)
    return found


def _published(lake: Lake, contract: SourceContract, published: Published) -> set[tuple[str, str]]:
    """All deletions of a contract that are published."""
    table = f"records_{contract.name}"
    everybody = Bucket(lake, None, None)
    columns = _columns(contract)
    frames = [everybody.published(table, day, columns) for day in sorted(published.dates(table))]
    return {ids for rows in frames for ids in rows.iter_rows()}


def _columns(contract: SourceContract) -> list[Column]:
    """Whose record is gone, and its id."""
    wanted = ("user_id", contract.deletes.by if contract.deletes else "")
    return [column for column in record_columns(contract) if column.name in wanted]


def _holds(lake: Lake, rule: Deletes, gone: pl.Series, key: str) -> bool:
    """Whether a published file has any of the ids; only their column is read, a row group at a time."""
    with reading(key):
        file = pq.ParquetFile(lake.open_table(key))
        if rule.field not in file.schema_arrow.names:
            return False
        groups = (file.read_row_group(n, columns=[rule.field]) for n in range(file.metadata.num_row_groups))
        return any(pl.DataFrame(rows)[rule.field].is_in(gone.implode()).any() for rows in groups)
