"""Rows of one user in published partitions, from frames that are kept by ETag; stale ones while the lake is away."""

import threading
import time
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl
import pyarrow.parquet as pq

from qol.contracts.frames import no_rows, with_columns_of
from qol.contracts.model import Column
from qol.errors import LakeError
from qol.lake import Lake, LocalLake
from qol.tables.corruption import reading
from qol.tables.layout import partition_key
from qol.tables.manifest import ManifestHead, read_heads
from qol.tables.slices import user_slice

#: A partition's tag is asked for again after this time, in seconds.
FRESH_SECONDS = 60.0
#: A frame above this size is not kept: one user's row group is read instead.
MAX_FRAME_BYTES = 64 * 2**20
#: Of all kept frames; the one not used for longest goes first.
MAX_BYTES = 160 * 2**20
#: How a run ended that left the lake as it should be.
GOOD = ("published", "nothing_to_do")


class Rows(NamedTuple):
    """One user's rows of a partition, and for how many seconds the lake has been away; None while it answers."""

    frame: pl.DataFrame
    away: float | None


@dataclass
class _Kept:
    """What is known of a partition: its tag (None: no file), when it was asked for, and its frame."""

    etag: str | None
    asked_at: float
    frame: pl.DataFrame | None = None
    names: frozenset[str] = frozenset()
    lock: threading.Lock = field(default_factory=threading.Lock)


class KeptFrames:
    """One frame per partition, of the columns that most requests ask for."""

    def __init__(self, lake: Lake, clock: Callable[[], float] = time.monotonic) -> None:
        self._lake, self._clock = lake, clock
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._head: ManifestHead | None = None
        self._head_at = float("-inf")

    def of_user(
        self, table: str, day: str, user_id: str, columns: Sequence[Column], usual: Sequence[Column] = ()
    ) -> Rows:
        """A user's rows with these columns; `usual` are those worth keeping. LakeError when the lake was never reached."""
        kept, away = self._current(table, day)
        if kept.etag is None:
            return Rows(no_rows(columns), away)
        wanted = frozenset(column.name for column in columns)
        with kept.lock:
            if kept.frame is None and usual:
                self._keep(kept, table, day, usual)
        if kept.frame is not None and wanted <= kept.names:
            names = [column.name for column in columns]
            return Rows(_slice(kept.frame, user_id).select(names), away)
        return Rows(user_slice(self._lake, user_id).published(table, day, columns), away)

    def last_run(self) -> tuple[str | None, float | None]:
        """The clock of the last run that ended well, and for how many seconds the lake has been away."""
        with self._lock:
            age = self._clock() - self._head_at
            if age <= FRESH_SECONDS:
                return self._as_of(), None
            try:
                require_reachable(self._lake)
                self._head = next((head for head in read_heads(self._lake) if head.status in GOOD), None)
            except (LakeError, OSError):
                if self._head is None:
                    raise
                return self._head.now, age
            self._head_at = self._clock()
            return self._as_of(), None

    def _as_of(self) -> str | None:
        return None if self._head is None else self._head.now

    def _current(self, table: str, day: str) -> tuple[_Kept, float | None]:
        """What is known of a partition, asked for again when that was long ago."""
        with self._lock:
            kept = self._kept.get((table, day))
            age = float("inf") if kept is None else self._clock() - kept.asked_at
            if kept is not None:
                self._kept.move_to_end((table, day))
                if age <= FRESH_SECONDS:
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
        """Read the usual columns of a partition, unless they are too many bytes; others make room for them."""
        key, types = partition_key(table, day), no_rows(usual).schema
        with reading(key):
            file = pq.ParquetFile(self._lake.open_table(key))
            known = [name for name in types if name in file.schema_arrow.names]
            if _size(file, known) > MAX_FRAME_BYTES:
                return
            frame = with_columns_of(pl.DataFrame(file.read(columns=known)), types).cast(types).rechunk()
        if frame.estimated_size() > MAX_FRAME_BYTES:
            return
        kept.frame, kept.names = frame, frozenset(types)
        with self._lock:
            frames = [one for one in self._kept.values() if one.frame is not None]
            total = sum(one.frame.estimated_size() for one in frames if one.frame is not None)
            for one in frames:
                if total <= MAX_BYTES or one is kept:
                    break
                total -= one.frame.estimated_size() if one.frame is not None else 0
                one.frame, one.names = None, frozenset()


def require_reachable(lake: Lake) -> None:
    """LakeError when the folder of a lake is no longer there; a bucket says so at the next request."""
    if isinstance(lake, LocalLake) and not lake.root.is_dir():
        raise LakeError("the lake's folder is not there")


def _size(file: pq.ParquetFile, names: Sequence[str]) -> int:
    """Bytes of columns in the file."""
    metadata, wanted = file.metadata, set(names)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = (group.column(number) for group in groups for number in range(group.num_columns))
    return sum(
        column.total_uncompressed_size for column in columns if column.path_in_schema.partition(".")[0] in wanted
    )


def _slice(frame: pl.DataFrame, user_id: str) -> pl.DataFrame:
    """The rows of a user in a frame that is sorted by user."""
    users = frame["user_id"]  # a query of Polars would take longer than the few steps of a bisection
    start, end = bisect_left(users, user_id), bisect_right(users, user_id)
    return frame.slice(start, end - start)
