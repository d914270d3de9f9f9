"""Files below `processed/` that make Athena and `qol query` fail: those no run wrote, and those that cannot be read."""

import re
from datetime import date
from functools import partial
from typing import NamedTuple

import pyarrow.parquet as pq

from qol.contracts.columns import table_folder
from qol.errors import CorruptFileError
from qol.lake.base import Lake, StoredObject, read_many
from qol.tables.corruption import reading, recovery_hint
from qol.tables.layout import OF_ARRIVAL_DAYS, PART_FILE, PROCESSED

_PARTITION = re.compile(rf".+/date=(\d{{4}}-\d{{2}}-\d{{2}})/{re.escape(PART_FILE)}")
DAMAGED = "damaged, cannot be read"
FOREIGN = "no run writes such a file"


class FileProblem(NamedTuple):
    """One file, what is wrong with it, and what to do."""

    key: str
    wrong: str
    next_step: str


class PublishedFiles(NamedTuple):
    """How many files are a partition of a table, how many footers of them were read, and the files that are wrong."""

    partitions: int
    read: int
    problems: list[FileProblem]


def check_published_files(lake: Lake, max_footers: int | None = None) -> PublishedFiles:
    """List `processed/` and the tables of arrival days, and read the footers of the newest partitions, of all by default."""
    folders = (PROCESSED, *map(table_folder, OF_ARRIVAL_DAYS))
    listed = [stored for folder in folders for stored in lake.walk(folder)]
    partitions = sorted((o.key for o in listed if _day(o)), key=_newest_first, reverse=True)
    read = partitions if max_footers is None else partitions[:max_footers]
    others = (o for o in listed if not _day(o) and not o.key.endswith("/"))  # a console's folder is an empty object
    foreign = [FileProblem(o.key, FOREIGN, "move it out of the lake") for o in others]
    damaged = [found for found in read_many(lake, partial(_damage, lake), read) if found is not None]
    return PublishedFiles(len(partitions), len(read), [*sorted(foreign), *sorted(damaged)])


def _day(stored: StoredObject) -> date | None:
    """The day of a partition's file; None for any other object, such as a link."""
    found = None if stored.is_link else _PARTITION.fullmatch(stored.key)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def _newest_first(key: str) -> str:
    return key.rpartition("date=")[2]


def _damage(lake: Lake, key: str) -> FileProblem | None:
    try:
        with reading(key):
            columns = pq.ParquetFile(lake.open_table(key)).schema_arrow.names
    except CorruptFileError:
        return FileProblem(key, DAMAGED, recovery_hint(key))
    is_ours = "user_id" in columns or not key.startswith(PROCESSED)
    return None if is_ours else FileProblem(key, FOREIGN, recovery_hint(key))
