"""Raw objects of a run's arrival window: those it reads, and those it skips."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from qol.contracts.hidden_names import OTHER_NAMES
from qol.contracts.model import Contracts
from qol.ingest.line_reader import ObjectRange, unnamed
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


@dataclass(frozen=True)
class RawObject:
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


@dataclass(frozen=True)
class RawListing:
    """All objects of a window; listed = read + skipped. Folders of record types before the window are not opened."""

    objects: tuple[RawObject, ...]
    skipped: tuple[Skipped, ...]
    earlier: tuple[DayFolder, ...] = ()


def list_raw(lake: Lake, contracts: Contracts, window: Window) -> RawListing:
    """List the window; only its `date=` folders are opened, so the cost does not grow with history."""
    objects: list[RawObject] = []
    skipped: list[Skipped] = []
    earlier: list[DayFolder] = []
    for stored, folder, day in _find(lake, RAW, window, earlier):
        record = record_at(contracts, folder)
        if (
            not stored.is_link
            and day is not None
            and record is not None
            and stored.key.endswith((".jsonl", ".jsonl.gz"))
        ):
            objects.append(RawObject(stored, record, day.isoformat()))
            continue
        place = (f"{RAW}{OTHER_NAMES}" if record is None else folder) + ("" if day is None else f"/date={day}")
        skipped.append(Skipped(stored, _why_skipped(stored, record, day), place))
    objects.sort(key=lambda o: (o.arrival_date, o.stored.key))
    of_records = (folder for folder in earlier if record_at(contracts, folder.key.rpartition("/date=")[0]) is not None)
    return RawListing(tuple(objects), tuple(sorted(skipped, key=lambda s: s.stored.key)), tuple(of_records))


def _why_skipped(stored: StoredObject, record: str | None, day: date | None) -> str:
    if stored.is_link:
        return "link"
    if day is None:
        return "no_date"
    return "unknown_record" if record is None else "not_jsonl"


def place_of(key: str, arrival_date: str) -> str:
    """Folder and `date=` of a raw object's key: with its hash, all that is said of a name outside raw and quarantine."""
    date_folder = f"/date={arrival_date}"
    return key.partition(f"{date_folder}/")[0] + date_folder


def _find(
    lake: Lake, prefix: str, window: Window, earlier: list[DayFolder]
) -> Iterator[tuple[StoredObject, str, date | None]]:
    """Objects with their folder and day; day folders before the window are added to `earlier`."""
    with unnamed(prefix, RAW):
        listing = lake.children(prefix)
    for stored in listing.objects:
        yield stored, prefix.rstrip("/"), None
    for name in listing.folders:
        day = _folder_day(name)
        if day is None:
            yield from _find(lake, prefix + name, window, earlier)
        elif window.contains(day):
            with unnamed(prefix + name, RAW):
                found = list(lake.walk(prefix + name))
            yield from ((stored, prefix.rstrip("/"), day) for stored in found)
        elif day < window.last:
            earlier.append(DayFolder(prefix + name, day))


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


def ingest_tasks(objects: tuple[RawObject, ...], target_bytes: int = RANGE_BYTES) -> list[list[ObjectRange]]:
    """Ranges of the objects in tasks of about `target_bytes`: big objects split, many small ones packed together."""
    tasks: list[list[ObjectRange]] = []
    free = 0
    for index, raw in enumerate(objects):
        for part in _ranges(index, raw, target_bytes):
            cost = part.end - part.start + OPEN_BYTES
            if not tasks or cost > free:
                tasks.append([])
                free = target_bytes
            tasks[-1].append(part)
            free -= cost
    return tasks


def _ranges(index: int, raw: RawObject, target: int) -> Iterator[ObjectRange]:
    size = raw.stored.bytes
    step = size if raw.stored.key.endswith(".gz") else target
    for start in range(0, max(size, 1), max(step, 1)):
        end = min(start + step, size)
        yield ObjectRange(index, raw.stored.key, raw.record, raw.arrival_date, size, start, end)
