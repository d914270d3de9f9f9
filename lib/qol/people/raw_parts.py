"""Raw objects, split in what users who left sent and what stays; and written again without it."""

import gzip
import uuid
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import date
from typing import NamedTuple

from qol.contracts.model import Contracts
from qol.contracts.raw_values import EPOCH
from qol.ingest.line_reader import BOM, GZIP_WBITS, MAX_LINE_BYTES
from qol.ingest.listing import DATE_FOLDER, RAW, RawObject, Window, list_raw, record_at
from qol.ingest.person_lines import LineParts, LineSplitter
from qol.ingest.results import IngestContext, ResultBuilder
from qol.lake.base import Lake, StoredObject
from qol.tables.raw_keys import forget_raw_keys

STAGING = "_staging/"
#: Of longer lines, which no run reads, only the start is searched for ids.
_HEAD_BYTES = 65_536


class Part(NamedTuple):
    """A line of a raw object, from 1, of which something goes."""

    line_number: int
    parts: LineParts


class SplitObject(NamedTuple):
    """What goes of a raw object, line by line, and its bytes without that; None when nothing goes."""

    parts: list[Part]
    rest: bytes | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing but line ends stays."""
        return self.rest is not None and not self.rest.removeprefix(BOM).strip()


def all_objects(lake: Lake, contracts: Contracts, today: date) -> Iterator[RawObject]:
    """All raw objects, also those that no run reads; `today` is the arrival day of those without one."""
    listing = list_raw(lake, contracts, Window(None, date.max))
    yield from listing.objects
    yield from (object_at(contracts, one.stored, today) for one in listing.skipped if not one.stored.is_link)


def object_at(contracts: Contracts, stored: StoredObject, today: date) -> RawObject:
    """A raw object with what its key says of its record type and arrival day."""
    folder, _, rest = stored.key.partition("/date=")
    found = DATE_FOLDER.fullmatch(f"date={rest.partition('/')[0]}")
    source, _, record = folder.removeprefix(RAW).partition("/")
    return RawObject(stored, record_at(contracts, folder) or f"{source}_{record}", found[1] if found else str(today))


def split_object(context: IngestContext, raw: RawObject, data: bytes, wanted: Collection[str]) -> SplitObject:
    """Split an object's bytes; what goes leaves its line empty, so that the numbers of the other lines stay."""
    split = _splitter(context, raw.record, wanted)
    day = (date.fromisoformat(raw.arrival_date) - EPOCH).days
    is_gzip = raw.stored.key.endswith(".gz")
    text = unpacked(data) if is_gzip else data
    start = BOM if text.startswith(BOM) else b""
    found: list[Part] = []
    rest: list[bytes] = []
    for number, line in enumerate(text.removeprefix(start).split(b"\n"), 1):
        parts = split(line if len(line) <= MAX_LINE_BYTES else line[:_HEAD_BYTES], day)
        rest.append(parts.rest if parts.gone else line)
        if parts.gone:
            found.append(Part(number, parts))
    if not found:
        return SplitObject([], None)
    whole = start + b"\n".join(rest)
    return SplitObject(found, gzip.compress(whole, mtime=0) if is_gzip and whole.strip() else whole)


def _splitter(context: IngestContext, record: str, wanted: Collection[str]) -> Callable[[bytes, int], LineParts]:
    """What splits the lines of a record type; of a folder of no source, as the lines of any source."""
    contracts, results = context.contracts, ResultBuilder(context)
    sources = sorted({contract.source for contract in contracts.sources})
    is_known = record.partition("_")[0] in sources
    records = [record] if is_known else [f"{source}_{record}" for source in sources]
    splitters = [LineSplitter(contracts, results, one, wanted) for one in records]

    def split(line: bytes, day: int) -> LineParts:
        parts = LineParts(line, [])
        for splitter in splitters:
            more = splitter.split(parts.rest, day)
            parts = LineParts(more.rest, [*parts.gone, *more.gone], parts.items | more.items)
        return parts

    return split


def unpacked(data: bytes) -> bytes:
    """The text of gzip data of one or more members, up to where it breaks off."""
    found: list[bytes] = []
    with suppress(zlib.error):
        while data.strip(b"\0"):
            member = zlib.decompressobj(GZIP_WBITS)
            found.append(member.decompress(data))
            data = member.unused_data.lstrip(b"\0")
    return b"".join(found)


def rewrite(lake: Lake, context: IngestContext, raw: RawObject, wanted: Collection[str]) -> SplitObject:
    """Write an object again without what goes, or remove it when nothing stays; only under the lake's lock.

    In a bucket the version that had it goes for good. PublishConflictError when the object changed since it was listed.
    """
    split = split_object(context, raw, lake.read(raw.stored.key), wanted)
    if split.rest is None:
        return split
    if split.is_empty:
        lake.delete(raw.stored.key)
    else:
        staged = f"{STAGING}rewritten/{uuid.uuid4().hex}"
        with lake.create(staged) as file:
            file.write(split.rest)
        lake.publish(staged, raw.stored.key, raw.stored.etag)
    _remove_old_versions(lake, raw.stored.key, raw.stored.etag)
    return split


def forget_names(lake: Lake, removed: Collection[RawObject]) -> None:
    """Forget what removed raw objects were called, as a name may be a user's; in a bucket the versions that say it go for good."""
    names = {raw.stored.key for raw in removed}
    for place in forget_raw_keys(lake, {raw.arrival_date for raw in removed}, names) if removed else ():
        _remove_old_versions(lake, place)


def _remove_old_versions(lake: Lake, key: str, etag: str | None = None) -> None:
    """Delete the old versions of an object in a bucket, or those of them with an ETag, and then markers of a deleted key."""
    from qol.lake.s3 import S3Lake

    if not isinstance(lake, S3Lake):
        return
    versions = lake.versions(key)
    gone = [one.version_id for one in versions if etag in (None, one.etag) and not one.is_latest]
    if len(gone) == len(versions):
        gone += [marker for name, marker, is_marker in lake.old_versions(key) if is_marker and name == key]
    for version_id in gone:
        lake.delete_version(key, version_id)
