"""The publish protocol: which published files there are, and how candidates replace them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from qol.contracts.columns import table_folder
from qol.errors import LakeError
from qol.lake.base import Lake, StoredObject
from qol.publish.assemble import PART_FILE, Candidate

#: Records first, then daily, then weekly: a reader never sees a weekly row whose records are not there yet.
ORDER = {"rejects": 0, "daily_metrics": 2, "weekly_metrics": 3, "survey_windows": 4}
RECORDS_RANK = 1
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
    for stored in _below(lake, by_folder):
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


def _below(lake: Lake, folders: Collection[str]) -> Iterator[StoredObject]:
    """Objects of the folders and perhaps of others beside them: a bucket lists a thousand objects as fast as none."""
    of_tables = [folder for folder in folders if folder.startswith(PROCESSED)]
    together = [PROCESSED] if len(of_tables) > 1 else of_tables
    for folder in (*together, *(folder for folder in folders if folder not in of_tables)):
        yield from lake.walk(folder)


def changed(lake: Lake, candidate: Candidate, published: Published) -> bool:
    """Whether a candidate's bytes differ from the published file's."""
    current = published.get(candidate.table, candidate.date)
    if current is None:
        return True
    if current.bytes != candidate.bytes:
        return True
    return hashlib.sha256(lake.read(candidate.key)).hexdigest() != candidate.sha256


def publish(lake: Lake, candidates: list[Candidate], published: Published) -> None:
    """Put candidates over their names, one atomic act each, in an order that never shows a week without its records.

    PublishConflictError when a file is not the one seen at the start.
    """
    for candidate in sorted(candidates, key=lambda c: (ORDER.get(c.table, RECORDS_RANK), c.table, c.date)):
        seen = published.get(candidate.table, candidate.date)
        lake.publish(candidate.staged, candidate.key, seen.etag if seen else None)
        lake.register(candidate.table, candidate.date, candidate.key)


def register(lake: Lake, candidates: list[Candidate]) -> None:
    """Make partitions known that are published already: a run that died may have got no further than the file."""
    for candidate in candidates:
        lake.register(candidate.table, candidate.date, candidate.key)
