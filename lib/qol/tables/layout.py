"""Keys of partitions, their staged and candidate files, and the listing of published ones."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from qol.contracts.columns import table_folder
from qol.errors import LakeError
from qol.lake.base import Lake, StoredObject

PART_FILE = "part-00000.parquet"
#: Tables with a partition per arrival day; all others have one per week.
OF_ARRIVAL_DAYS = ("rejects", "objects_read")


@dataclass(frozen=True)
class Part:
    """A staged part of a partition: an Arrow file with at least the columns that are not null throughout, sorted."""

    table: str
    date: str
    key: str
    rows: int


@dataclass(frozen=True)
class Candidate:
    """A complete, verified partition file in staging, which no reader sees yet."""

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
    """Published files when a run starts, by table and date, with the ETags that its writes require."""

    files: dict[tuple[str, str], StoredObject]

    def dates(self, table: str) -> set[str]:
        """Partitions of a table."""
        return {date for name, date in self.files if name == table}

    def get(self, table: str, date: str) -> StoredObject | None:
        """The published file of a partition, or None."""
        return self.files.get((table, date))


def find_published(lake: Lake, tables: Iterable[str]) -> Published:
    """List the partitions of tables; LakeError names objects in their folders that are not partition files."""
    files: dict[tuple[str, str], StoredObject] = {}
    foreign: list[str] = []
    by_folder = {table_folder(table): table for table in tables}
    for stored in _list_folders(lake, by_folder):
        folder, _, partition = stored.key.partition("date=")
        date, slash, name = partition.partition("/")
        if not (slash or stored.is_link) or folder not in by_folder:
            continue
        if name == PART_FILE and not stored.is_link:
            files[by_folder[folder], date] = stored
        else:
            foreign.append(stored.key)
    if foreign:
        shown = ", ".join(sorted(foreign)[:5])
        message = f"published folders contain {len(foreign)} other file(s): {shown}; allowed: date=<day>/{PART_FILE}"
        raise LakeError(f"{message}; move them aside and run again")
    return Published(files)


def _list_folders(lake: Lake, folders: Collection[str]) -> Iterator[StoredObject]:
    """Objects of the folders, and maybe of others: one listing of all tables is faster than one per table."""
    of_tables = [folder for folder in folders if folder.startswith(PROCESSED)]
    together = [PROCESSED] if len(of_tables) > 1 else of_tables
    for folder in (*together, *(folder for folder in folders if folder not in of_tables)):
        yield from lake.walk(folder)
