"""Rows of one user in published partitions, from local copies that are kept by ETag; stale ones while the lake is away."""

import re
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import polars as pl
import pyarrow.parquet as pq

from qol.contracts.columns import table_folder
from qol.contracts.frames import no_rows
from qol.contracts.model import Column
from qol.errors import LakeError
from qol.lake import Lake, LocalLake
from qol.lake.base import Listing
from qol.serve.frame_file import FrameFile
from qol.tables.corruption import reading
from qol.tables.layout import partition_key
from qol.tables.manifest import ManifestHead, read_heads
from qol.tables.slices import user_slice

#: A partition's tag is asked for again after this time, in seconds: of a bucket, where that costs a request, and of a folder.
FRESH_SECONDS, FOLDER_FRESH_SECONDS = 60.0, 1.0
#: Of all copies on the local disk; the one not used for longest goes first.
MAX_BYTES = 4 * 2**30
#: A copy takes at most this share of what is free there; otherwise one user's row group is read.
MAX_SHARE = 0.5
WEEKLY = "weekly_metrics"
_DAY_FOLDER = re.compile(r"date=(\d{4}-\d{2}-\d{2})/")
#: How a run ended that left the lake as it should be.
GOOD = ("published", "nothing_to_do")


class Rows(NamedTuple):
    """One user's rows of a partition, and for how many seconds the lake has been away; None while it answers."""

    frame: pl.DataFrame
    away: float | None


@dataclass
class _Kept:
    """What is known of a partition: its tag (None: no file), when it was asked for, and its copy."""

    etag: str | None
    asked_at: float
    copy: FrameFile | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class KeptFrames:
    """One copy per partition, of the columns that most requests ask for."""

    def __init__(self, lake: Lake, clock: Callable[[], float] = time.monotonic) -> None:
        self._lake, self._clock = lake, clock
        self._fresh = FOLDER_FRESH_SECONDS if isinstance(lake, LocalLake) else FRESH_SECONDS
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._head: ManifestHead | None = None
        self._weeks: list[date] = []
        self._head_at = float("-inf")

    def of_user(
        self, table: str, day: str, user_id: str, columns: Sequence[Column], usual: Sequence[Column] = ()
    ) -> Rows:
        """A user's rows with these columns; `usual` are those worth keeping. LakeError when the lake was never reached."""
        kept, away = self._current(table, day)
        if kept.etag is None:
            return Rows(no_rows(columns), away)
        with kept.lock:
            if kept.copy is None and usual:
                self._keep(kept, table, day, usual)
        copy, names = kept.copy, [column.name for column in columns]
        if copy is not None and copy.types.keys() >= set(names):
            return Rows(copy.of_user(user_id, names), away)
        return Rows(user_slice(self._lake, user_id).published(table, day, columns), away)

    def last_run(self) -> tuple[str | None, float | None]:
        """The clock of the last run that ended well, and for how many seconds the lake has been away."""
        with self._lock:
            age = self._clock() - self._head_at
            if age <= self._fresh:
                return self._as_of(), None
            try:
                require_reachable(self._lake)
                self._weeks = partition_days(self._lake.children(table_folder(WEEKLY)))
                self._head = next((head for head in read_heads(self._lake) if head.status in GOOD), None)
            except (LakeError, OSError):
                if self._head is None:
                    raise
                return self._head.now, age
            self._head_at = self._clock()
            return self._as_of(), None

    def latest_week(self, limit: date) -> date:
        """The last published week up to a limit; the limit itself when no week is published."""
        self.last_run()
        return max((week for week in self._weeks if week <= limit), default=limit)

    def _as_of(self) -> str | None:
        return None if self._head is None else self._head.now

    def _current(self, table: str, day: str) -> tuple[_Kept, float | None]:
        """What is known of a partition, asked for again when that was long ago."""
        with self._lock:
            kept = self._kept.get((table, day))
            age = float("inf") if kept is None else self._clock() - kept.asked_at
            if kept is not None:
                self._kept.move_to_end((table, day))
                if age <= self._fresh:
                    return kept, None
        try:
            require_reachable(self._lake)
            stored = self._lake.stat(partition_key(table, day))
        except (LakeError, OSError):
            if kept is None:
                raise
            return kept, age
        etag = stored.etag if stored else None
        with self._lock:
            if kept is None or kept.etag != etag:
                kept = self._kept[table, day] = _Kept(etag, self._clock())
            kept.asked_at = self._clock()
        return kept, None

    def _keep(self, kept: _Kept, table: str, day: str, usual: Sequence[Column]) -> None:
        """Copy the usual columns of a partition, unless the disk has no room; others make room for them."""
        key, types = partition_key(table, day), no_rows(usual).schema
        with suppress(OSError), reading(key):  # without a place for copies, rows are read from the lake
            file = pq.ParquetFile(self._lake.open_table(key))
            if _size(file, types) > MAX_SHARE * shutil.disk_usage(tempfile.gettempdir()).free:
                return
            kept.copy = FrameFile(types, file)
        with self._lock:
            copies = [(one, one.copy.bytes) for one in self._kept.values() if one.copy is not None]
            total = sum(size for _, size in copies)
            for one, size in copies:
                if total <= MAX_BYTES or one is kept:
                    break
                total -= size
                one.copy = None


def partition_days(listing: Listing) -> list[date]:
    """The days of the folders `date=<day>` of a listing; other folders are left out."""
    found = (_DAY_FOLDER.fullmatch(folder) for folder in listing.folders)
    return [date.fromisoformat(folder[1]) for folder in found if folder]


def require_reachable(lake: Lake) -> None:
    """LakeError when the folder of a lake is no longer there; a bucket says so at the next request."""
    if isinstance(lake, LocalLake) and not lake.root.is_dir():
        raise LakeError("the lake's folder is not there")


def _size(file: pq.ParquetFile, names: Collection[str]) -> int:
    """Bytes of columns in the file."""
    metadata = file.metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = (group.column(number) for group in groups for number in range(group.num_columns))
    return sum(column.total_uncompressed_size for column in columns if column.path_in_schema.partition(".")[0] in names)
