"""Keys of published partitions, what stands for their files, and which ones are published."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from qol.contracts.columns import table_folder
from qol.errors import LakeError
from qol.lake.base import Lake, StoredObject

PART_FILE = "part-00000.parquet"


@dataclass(frozen=True)
class Part:
    """A staged piece of a partition: an Arrow file that holds at least the non-null columns, sorted."""

    table: str
    date: str
    key: str
    rows: int


@dataclass(frozen=True)
class Candidate:
    """A whole, verified partition file that is staged: not yet visible to any reader."""

    table: str
    date: str
    key: str
    staged: str
    rows: int
    bytes: int
    sha256: str


def partition_key(table: str, date: str) -> str:
    """Where a partition of a table is published; its only object."""
    return f"{table_folder(table)}date={date}/{PART_FILE}"


#: Where all tables but the rejects lie.
PROCESSED = "processed/"


@dataclass(frozen=True)
class Published:
    """What is published when a run starts, by table and date; the etags its writes will insist on."""

    files: dict[tuple[str, str], StoredObject]

    def dates(self, table: str) -> set[str]:
        """Partitions of a table."""
        return {date for name, date in self.files if name == table}

    def get(self, table: str, date: str) -> StoredObject | None:
        """The published file of a partition, or None."""
        return self.files.get((table, date))


def find_published(lake: Lake, tables: Iterable[str]) -> Published:
    """List the partitions of tables; LakeError names every object that does not belong into one."""
    files: dict[tuple[str, str], StoredObject] = {}
    foreign: list[str] = []
    by_folder = {table_folder(table): table for table in tables}
    for stored in _list_folders(lake, by_folder):
        folder, _, partition = stored.key.partition("date=")
        date, slash, name = partition.partition("/")
        if not slash or folder not in by_folder:
            continue
        if name == PART_FILE:
            files[by_folder[folder], date] = stored
        else:
            foreign.append(stored.key)
    if foreign:
        shown = ", ".join(sorted(foreign)[:5])
        message = f"published folders hold {len(foreign)} file(s) of others: {shown}; allowed: date=<day>/{PART_FILE}"
        raise LakeError(f"{message}; move them aside and run again")
    return Published(files)


def _list_folders(lake: Lake, folders: Collection[str]) -> Iterator[StoredObject]:
    """Objects of the folders and perhaps of others beside them: a bucket lists a thousand objects as fast as none."""
    of_tables = [folder for folder in folders if folder.startswith(PROCESSED)]
    together = [PROCESSED] if len(of_tables) > 1 else of_tables
    for folder in (*together, *(folder for folder in folders if folder not in of_tables)):
        yield from lake.walk(folder)
