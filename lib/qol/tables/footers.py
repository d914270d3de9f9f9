"""Footers and user counts of published files and candidates; in a bucket several files are read at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from qol.errors import LakeError
from qol.lake.base import Lake, read_many
from qol.tables.corruption import ARROW_ERRORS, read_published
from qol.tables.layout import Candidate, Published

LOOK_BACK_WEEKS = 4


@dataclass(frozen=True)
class Footer:
    """Rows of a file, the number of non-null values per column, and its newest local day.

    A footer has only the number of elements of a list column: with any element, every row counts as a value.
    """

    rows: int
    values: Mapping[str, int]
    newest_day: date | None


class Footers:
    """Footers of a lake's files, each read once."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        #: Keys of files known to be readable and a run's own, which are not opened to see that.
        self.readable: set[str] = set()
        self._metadata: dict[str, pq.FileMetaData | None] = {}
        self._footers: dict[str, Footer] = {}
        self._user_counts: dict[str, int] = {}

    def read(self, keys: Iterable[str]) -> None:
        """Read the footers of files, in a bucket several at a time."""
        missing = sorted(set(keys) - self._metadata.keys())
        self._metadata.update(zip(missing, read_many(self.lake, self._read, missing), strict=True))

    def read_user_counts(self, keys: Iterable[str]) -> None:
        """Count the users of files, in a bucket several at a time; only the column `user_id` is read."""
        self.read(keys := set(keys))
        missing = sorted(key for key in keys - self._user_counts.keys() if self._metadata[key])
        self._user_counts.update(zip(missing, read_many(self.lake, self._count_users, missing), strict=True))

    def get(self, key: str) -> Footer | None:
        """A file's footer; None for a corrupt file."""
        self.read([key])
        metadata = self._metadata[key]
        if metadata is not None and key not in self._footers:
            self._footers[key] = _summed(metadata)
        return self._footers.get(key)

    def schemas(self, keys: Sequence[str]) -> dict[str, pa.Schema | None]:
        """Columns and types of files by key, None for a corrupt file; metadata that were not read before are not kept."""
        # A footer in a bucket is a request: a year of them one after the other would take as long as a small run.
        return dict(zip(keys, read_many(self.lake, self._schema, keys), strict=True))

    def is_ours(self, key: str) -> bool:
        """Whether a file can be read and has users, or no rows."""
        if key in self.readable:
            return True
        self.read([key])
        metadata = self._metadata[key]
        return metadata is not None and (not metadata.num_rows or "user_id" in metadata.schema.names)

    def staged(self, key: str) -> Footer:
        """The footer of a file that was just written and verified; LakeError when it is corrupt all the same."""
        footer = self.get(key)
        if footer is None:
            raise LakeError(f"{key}: staged, and not a Parquet file; allowed: the file that was written")
        return footer

    def user_count(self, key: str) -> int:
        """The number of users with rows in a file that is not corrupt."""
        self.read_user_counts([key])
        return self._user_counts[key]

    def _read(self, key: str) -> pq.FileMetaData | None:
        try:
            return pq.read_metadata(self.lake.open_table(key))
        except ARROW_ERRORS:
            return None

    def _schema(self, key: str) -> pa.Schema | None:
        metadata = self._metadata[key] if key in self._metadata else self._read(key)
        return metadata.schema.to_arrow_schema() if metadata is not None else None

    def _count_users(self, key: str) -> int:
        rows = read_published(self.lake, key, columns=["user_id"], read_dictionary=["user_id"])
        chunks = rows["user_id"].unify_dictionaries().chunks
        return len(chunks[0].dictionary) if chunks else 0


def _summed(metadata: pq.FileMetaData) -> Footer:
    values: dict[str, int] = {}
    days: list[date] = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for index in range(group.num_columns):
            column = group.column(index)
            name, _, is_list = column.path_in_schema.partition(".")
            nulls = column.statistics.null_count if column.statistics else 0
            found = column.num_values - nulls
            values[name] = values.get(name, 0) + (min(found, 1) * group.num_rows if is_list else found)
            if name == "day" and column.statistics and column.statistics.has_min_max:
                days.append(column.statistics.max)
    return Footer(metadata.num_rows, values, max(days, default=None))


class WeekFiles:
    """Files of tables by week: this run's candidates, else the published files."""

    def __init__(self, candidates: Iterable[Candidate], published: Published) -> None:
        self._published = published
        self._staged = {(c.table, c.date): c.staged for c in candidates}

    def file(self, table: str, day: str) -> str | None:
        """The file of a table's week, or None."""
        current = self._published.get(table, day)
        return self._staged.get((table, day)) or (current.key if current else None)

    def before(self, table: str, day: str) -> list[str]:
        """Existing files of the four weeks before, the latest first."""
        earlier = [date.fromisoformat(day) - timedelta(weeks=back) for back in range(1, LOOK_BACK_WEEKS + 1)]
        files = [self.file(table, week.isoformat()) for week in earlier]
        return [file for file in files if file is not None]

    def dates(self, table: str) -> list[str]:
        """Weeks of a table, in order."""
        return sorted({day for name, day in self._staged if name == table} | self._published.dates(table))
