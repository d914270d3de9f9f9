"""What published files and candidates say of themselves: footers, and the column of people; in a bucket several at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow.parquet as pq

from qol.errors import LakeError
from qol.lake.base import Lake
from qol.tables.corruption import DAMAGED, read_published
from qol.tables.layout import Candidate, Published

LOOK_BACK_WEEKS = 4


@dataclass(frozen=True)
class Footer:
    """Rows of a file, how many of them have a value per column, and its newest local day.

    Of a list column a footer tells only whether any row has a value: then all count as having one.
    """

    rows: int
    known: Mapping[str, int]
    newest_day: date | None


class Footers:
    """Footers of a lake's files, each read once."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._footers: dict[str, Footer | None] = {}
        self._user_counts: dict[str, int] = {}

    def read(self, keys: Iterable[str]) -> None:
        """Read the footers of files, in a bucket several at a time: each one is a request there."""
        missing = sorted(set(keys) - self._footers.keys())
        with ThreadPoolExecutor(self._lake.reads_at_once) as pool:
            self._footers.update(zip(missing, pool.map(self._footer, missing), strict=True))

    def read_user_counts(self, keys: Iterable[str]) -> None:
        """Count the people of files, in a bucket several at a time; one short column of each is read."""
        self.read(keys := set(keys))
        missing = sorted(key for key in keys - self._user_counts.keys() if self._footers[key])
        with ThreadPoolExecutor(self._lake.reads_at_once) as pool:
            self._user_counts.update(zip(missing, pool.map(self._count_users, missing), strict=True))

    def get(self, key: str) -> Footer | None:
        """A file's footer; None for a damaged file, which has nothing to compare with."""
        self.read([key])
        return self._footers[key]

    def whole(self, key: str) -> Footer:
        """The footer of a file that was just written and verified; LakeError when it is damaged all the same."""
        footer = self.get(key)
        if footer is None:
            raise LakeError(f"{key}: staged, and no Parquet file; allowed: the file that was written")
        return footer

    def people(self, key: str) -> int:
        """How many people have rows in a file that is not damaged."""
        self.read_user_counts([key])
        return self._user_counts[key]

    def _footer(self, key: str) -> Footer | None:
        try:
            return _summed(pq.ParquetFile(self._lake.open_table(key)).metadata)
        except DAMAGED:
            return None

    def _count_users(self, key: str) -> int:
        rows = read_published(self._lake, key, columns=["user_id"], read_dictionary=["user_id"])
        chunks = rows["user_id"].unify_dictionaries().chunks
        return len(chunks[0].dictionary) if chunks else 0


def _summed(metadata: pq.FileMetaData) -> Footer:
    known: dict[str, int] = {}
    days: list[date] = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for index in range(group.num_columns):
            column = group.column(index)
            name, _, is_list = column.path_in_schema.partition(".")
            nulls = column.statistics.null_count if column.statistics else 0
            values = column.num_values - nulls
            known[name] = known.get(name, 0) + (min(values, 1) * group.num_rows if is_list else values)
            if name == "day" and column.statistics and column.statistics.has_min_max:
                days.append(column.statistics.max)
    return Footer(metadata.num_rows, known, max(days, default=None))


class Weeks:
    """Files of tables by week: as this run would publish them, else as they are published."""

    def __init__(self, candidates: Iterable[Candidate], published: Published) -> None:
        self._published = published
        self._staged = {(c.table, c.date): c.staged for c in candidates}

    def file(self, table: str, day: str) -> str | None:
        """The file of a table's week; None when there is none."""
        current = self._published.get(table, day)
        return self._staged.get((table, day)) or (current.key if current else None)

    def before(self, table: str, day: str) -> list[str]:
        """Files of the four weeks before, those that there are, the latest first."""
        earlier = [date.fromisoformat(day) - timedelta(weeks=back) for back in range(1, LOOK_BACK_WEEKS + 1)]
        files = [self.file(table, week.isoformat()) for week in earlier]
        return [file for file in files if file is not None]

    def dates(self, table: str) -> list[str]:
        """Weeks of a table, in order."""
        return sorted({day for name, day in self._staged if name == table} | self._published.dates(table))
