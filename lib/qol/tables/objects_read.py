"""The table `objects_read`: what was read of each raw object, and by which run, in a partition per arrival day."""

from collections.abc import Iterator

import polars as pl

from qol.contracts.columns import table_columns
from qol.contracts.frames import no_rows, with_columns_of
from qol.contracts.model import Contracts
from qol.lake.base import Lake
from qol.tables.corruption import read_published
from qol.tables.layout import find_published, partition_key
from qol.tables.manifest import Manifest

TABLE = "objects_read"


def read_day(lake: Lake, contracts: Contracts, day: str) -> pl.DataFrame:
    """The rows of an arrival day, with `date`; CorruptFileError when the file is damaged."""
    key = partition_key(TABLE, day)
    rows = pl.DataFrame(read_published(lake, key))
    return with_columns_of(rows, no_rows(table_columns(contracts, TABLE))).with_columns(date=pl.lit(day))


def objects_of_run(lake: Lake, contracts: Contracts, manifest: Manifest) -> pl.DataFrame:
    """The rows of the raw objects that a run read and no later run read again, by day, folder and hash."""
    return pl.concat(
        [no_rows(table_columns(contracts, TABLE)).with_columns(date=pl.lit(None, pl.String))]
        + [read_day(lake, contracts, day).filter(run_id=manifest.run_id) for day in _days(lake, manifest)]
    )


def _days(lake: Lake, manifest: Manifest) -> Iterator[str]:
    """Arrival days of the run that the table has."""
    first, last = manifest.window.first, manifest.window.last
    for day in sorted(find_published(lake, [TABLE]).dates(TABLE)) if last is not None else ():
        if (first or "") <= day <= str(last):
            yield day
