"""Which partitions of a lake a database does not have as they are, by the tags and digests of their files."""

import hashlib
import io
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple

import polars as pl
import pyarrow.parquet as pq

from qol.contracts.frames import no_rows, with_columns_of
from qol.contracts.model import Column
from qol.identity.erasures import ERASURES
from qol.lake.base import Lake, StoredObject
from qol.publish.protocol import ORDER, RECORDS_RANK
from qol.sinks.sink_tables import RECORD_WEEK, SinkTable
from qol.tables.corruption import reading
from qol.tables.layout import find_published
from qol.tables.manifest import manifest_keys, read_manifests, started_at
from qol.tables.weeks import iso_week


@dataclass(frozen=True)
class Loaded:
    """What the database has of a partition: tag and digest of the file that was loaded."""

    etag: str
    sha256: str


@dataclass(frozen=True)
class Change:
    """A partition whose file is not the one that was loaded; `stored` is None when the lake no longer has the partition."""

    sink: SinkTable
    monday: date
    stored: StoredObject | None

    @property
    def what(self) -> str:
        """The partition in a message."""
        return f"{self.sink.name} {iso_week(self.monday)}"


@dataclass(frozen=True)
class PartitionFile:
    """The content of a partition's file, read once: the digest is that of the rows."""

    key: str
    data: bytes
    monday: date

    @property
    def sha256(self) -> str:
        """SHA-256, as the manifest of the run has it."""
        return hashlib.sha256(self.data).hexdigest()

    def frames(self, columns: Collection[Column]) -> Iterator[pl.DataFrame]:
        """The rows with these columns, a row group at a time; columns that the file does not have are null."""
        empty = no_rows(tuple(columns))
        with reading(self.key):
            file = pq.ParquetFile(io.BytesIO(self.data))
            existing = set(file.schema_arrow.names)
            known = [name for name in empty.columns if name in existing]
            for group in range(file.metadata.num_row_groups):
                rows = pl.DataFrame(file.read_row_group(group, columns=known))
                if RECORD_WEEK.name in empty.columns and RECORD_WEEK.name not in rows.columns:
                    rows = rows.with_columns(pl.lit(self.monday).alias(RECORD_WEEK.name))
                yield with_columns_of(rows, empty).cast(empty.schema)


def changes(
    lake: Lake, sinks: Collection[SinkTable], loaded: Mapping[tuple[str, date], Loaded], since: date | None
) -> list[Change]:
    """Partitions of these tables whose files have other tags than when they were loaded, from a Monday on.

    In the order of publishing, so that no reader sees a week before its records. One listing, no file is read.
    """
    sources = {sink.source for sink in sinks}
    files: dict[str, dict[date, StoredObject]] = {source: {} for source in sources}
    for (source, day), stored in find_published(lake, sources).files.items():
        files[source][date.fromisoformat(day)] = stored
    found = [change for sink in sinks for change in _changes_of(sink, files[sink.source], loaded)]
    kept = [change for change in found if since is None or change.monday >= since]
    return sorted(kept, key=lambda c: (ORDER.get(c.sink.source, RECORDS_RANK), c.sink.name, c.monday))


def _changes_of(
    sink: SinkTable, files: Mapping[date, StoredObject], loaded: Mapping[tuple[str, date], Loaded]
) -> Iterator[Change]:
    weeks = {monday for table, monday in loaded if table == sink.name}
    for monday in files.keys() | weeks:
        stored, last = files.get(monday), loaded.get((sink.name, monday))
        if stored is None or last is None or last.etag != stored.etag:
            yield Change(sink, monday, stored)


class LakeVersion(NamedTuple):
    """When the newest run of a lake began, by the real clock, and its number of erasures; an older copy has less of one."""

    newest_run: datetime
    erasures: int


def lake_version(lake: Lake) -> LakeVersion:
    """The version of a lake, from the names of its manifests and tombstones; neither is read."""
    runs = [begun for key in manifest_keys(lake) if (begun := _begun(key)) is not None]
    return LakeVersion(max(runs, default=datetime.fromtimestamp(0, UTC)), len(lake.children(ERASURES).objects))


def _begun(key: str) -> datetime | None:
    with suppress(ValueError, IndexError):  # a file of another name than those of runs
        return started_at(key.rpartition("/")[2])
    return None


class PublishingRuns:
    """The runs that published files; manifests are read from the newest on, only as far as a file needs it."""

    def __init__(self, lake: Lake) -> None:
        self._manifests = read_manifests(lake)
        self._runs: dict[tuple[str, str, str], str] = {}

    def run_of(self, table: str, monday: date, sha256: str) -> str:
        """The newest run whose manifest has the file with this digest; empty when none has it, as after an erasure."""
        wanted = (table, monday.isoformat(), sha256)
        while wanted not in self._runs:
            manifest = next(self._manifests, None)
            if manifest is None:
                return ""
            for file in manifest.tables:
                self._runs.setdefault((file.name, file.date, file.sha256), manifest.run_id)
        return self._runs[wanted]
