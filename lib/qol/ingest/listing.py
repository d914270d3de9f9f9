"""Raw objects of a run's arrival window: those it reads, as columns, and those it skips."""

import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import msgspec
import polars as pl

from qol.contracts.hidden_names import OTHER_NAMES
from qol.contracts.model import Contracts
from qol.ingest.line_reader import ObjectRange, unnamed
from qol.ingest.results import RowBuffer
from qol.lake.base import Lake, StoredObject

RAW = "raw/"
DATE_FOLDER = re.compile(r"date=(\d{4}-\d{2}-\d{2})")
RANGE_BYTES = 32 * 2**20
#: Opening an object costs about as much as reading this many bytes of it.
OPEN_BYTES = 16 * 2**10


@dataclass(frozen=True)
class Window:
    """Arrival days that a run reads, both ends included; without `first` from the oldest."""

    first: date | None
    last: date

    def contains(self, day: date) -> bool:
        """Whether an arrival day is read."""
        return (self.first is None or self.first <= day) and day <= self.last


class RawObject(NamedTuple):
    """One raw object that is read, with its record type (`<source>_<record>`) and its arrival date."""

    stored: StoredObject
    record: str
    arrival_date: str

    @property
    def place(self) -> str:
        """Its folder with `date=`."""
        return place_of(self.stored.key, self.arrival_date)


@dataclass(frozen=True)
class Skipped:
    """One object below `raw/` that is not read, and why: link, unknown_record, not_jsonl or no_date.

    `place` is its folder with `date=`; a folder that no contract has is `(other)`, since its name may be a user's.
    """

    stored: StoredObject
    reason: str
    place: str


@dataclass(frozen=True)
class DayFolder:
    """The folder of a record type and arrival day, whose key ends with `/`."""

    key: str
    day: date


_OF_OBJECT = {"key": pl.String, "etag": pl.String, "bytes": pl.Int64}
#: Columns of raw objects; `folder` is the one above `date=`.
OBJECT_COLUMNS = pl.Schema({"date": pl.String, "folder": pl.String, "record": pl.String, **_OF_OBJECT})


@dataclass(frozen=True)
class RawObjects:
    """Raw objects as columns (OBJECT_COLUMNS, and maybe others): as Python objects, millions would fill a driver's memory."""

    columns: pl.DataFrame

    def __len__(self) -> int:
        return self.columns.height

    def __iter__(self) -> Iterator[RawObject]:
        for day, record, key, etag, size in self.columns.select("date", "record", "key", "etag", "bytes").iter_rows():
            yield RawObject(StoredObject(key, size, etag), record, day)


NO_OBJECTS = RawObjects(pl.DataFrame(schema=OBJECT_COLUMNS))


@dataclass(frozen=True)
class RawListing:
    """All objects of a window; listed = read + skipped. Folders of record types before the window are not opened."""

    objects: RawObjects
    skipped: tuple[Skipped, ...]
    earlier: tuple[DayFolder, ...] = ()


def list_raw(lake: Lake, contracts: Contracts, window: Window) -> RawListing:
    """List the window; only its `date=` folders are opened, so the cost does not grow with history."""
    # By day and folder, which is the order of days and keys: sorting millions of keys takes much memory.
    objects: dict[tuple[str, str], pl.DataFrame] = {}
    skipped: list[Skipped] = []
    earlier: list[DayFolder] = []
    for folder, day, found in _find(lake, RAW, window, earlier):
        record = record_at(contracts, folder)
        rows = RowBuffer(_OF_OBJECT)
        for stored in found:
            if reason := _why_skipped(stored, record, day):
                place = (f"{RAW}{OTHER_NAMES}" if record is None else folder) + ("" if day is None else f"/date={day}")
                skipped.append(Skipped(stored, reason, place))
            else:
                rows.append({"key": stored.key, "etag": stored.etag, "bytes": stored.bytes})
        of_folder = pl.lit(str(day)).alias("date"), pl.lit(folder).alias("folder"), pl.lit(record).alias("record")
        objects[str(day), f"{folder}/"] = rows.frame().sort("key").select(*of_folder, pl.all()).cast(OBJECT_COLUMNS)
    of_records = (folder for folder in earlier if record_at(contracts, folder.key.rpartition("/date=")[0]) is not None)
    in_order = pl.concat([NO_OBJECTS.columns, *(objects[folder] for folder in sorted(objects))])
    return RawListing(RawObjects(in_order), tuple(sorted(skipped, key=lambda s: s.stored.key)), tuple(of_records))


def _why_skipped(stored: StoredObject, record: str | None, day: date | None) -> str | None:
    """Why an object is not read; None when it is."""
    if stored.is_link:
        return "link"
    if day is None:
        return "no_date"
    if record is None:
        return "unknown_record"
    return None if stored.key.endswith((".jsonl", ".jsonl.gz")) else "not_jsonl"


def place_of(key: str, arrival_date: str) -> str:
    """Folder and `date=` of a raw object's key: with its hash, all that is said of a name outside raw and quarantine."""
    date_folder = f"/date={arrival_date}"
    return key.partition(f"{date_folder}/")[0] + date_folder


def _find(
    lake: Lake, prefix: str, window: Window, earlier: list[DayFolder]
) -> Iterator[tuple[str, date | None, Iterable[StoredObject]]]:
    """Folders with their day and objects; day folders before the window are added to `earlier`."""
    with unnamed(prefix, RAW):
        listing = lake.children(prefix)
    yield prefix.rstrip("/"), None, listing.objects
    for name in listing.folders:
        day = _folder_day(name)
        if day is None:
            yield from _find(lake, prefix + name, window, earlier)
        elif window.contains(day):
            yield prefix.rstrip("/"), day, _walk(lake, prefix + name)
        elif day < window.last:
            earlier.append(DayFolder(prefix + name, day))


def _walk(lake: Lake, folder: str) -> Iterator[StoredObject]:
    with unnamed(folder, RAW):
        yield from lake.walk(folder)


def _folder_day(name: str) -> date | None:
    with suppress(ValueError):
        if found := DATE_FOLDER.fullmatch(name.rstrip("/")):
            return date.fromisoformat(found[1])
    return None


def record_at(contracts: Contracts, folder: str) -> str | None:
    """The record type `<source>_<record>` of a raw folder; None when no contract has it."""
    contract = contracts.for_path(folder)
    if contract is not None:
        return contract.name
    _, _, rest = folder.partition("/")
    source, _, record = rest.partition("/")
    rules = contracts.source_rules.get(source)
    return f"{source}_{record}" if rules and record in rules.control_keys else None


def ingest_tasks(objects: Iterable[RawObject], target_bytes: int = RANGE_BYTES) -> Iterator[list[ObjectRange]]:
    """Ranges of the objects in tasks of about `target_bytes`: big objects split, many small ones packed together."""
    task: list[ObjectRange] = []
    free = target_bytes
    for index, raw in enumerate(objects):
        for part in _ranges(index, raw, target_bytes):
            cost = part.end - part.start + OPEN_BYTES
            if task and cost > free:
                yield task
                task, free = [], target_bytes
            task.append(part)
            free -= cost
    if task:
        yield task


def pack_task(task: list[ObjectRange]) -> bytes:
    """A task as few bytes: those of millions of objects wait in the driver, and travel to every worker of Spark."""
    return zlib.compress(msgspec.msgpack.encode(task), level=1)


def unpack_task(packed: bytes) -> list[ObjectRange]:
    """The ranges of a packed task."""
    return msgspec.msgpack.decode(zlib.decompress(packed), type=list[ObjectRange])


def _ranges(index: int, raw: RawObject, target: int) -> Iterator[ObjectRange]:
    size = raw.stored.bytes
    step = size if raw.stored.key.endswith(".gz") else target
    for start in range(0, max(size, 1), max(step, 1)):
        end = min(start + step, size)
        yield ObjectRange(index, raw.stored.key, raw.record, raw.arrival_date, size, start, end)
