"""Everything a lake holds on one person, as files of a zip that is the same bytes for the same lake."""

import csv
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import msgspec
import polars as pl

from qol.contracts.columns import table_columns
from qol.contracts.places import table_places
from qol.contracts.raw_values import EPOCH
from qol.ingest.listing import RawObject, place_of
from qol.ingest.results import IngestContext
from qol.lake.base import Lake, read_many
from qol.people.person import People, Person, recognizing
from qol.people.raw_parts import all_objects, split_object
from qol.tables.layout import OF_ARRIVAL_DAYS, find_published
from qol.tables.slices import user_slice

README = """Everything that this research data lake holds about one participant: {user}

raw/                   what the devices and apps sent, as it came, line by line, by source and day of arrival
tables/*.jsonl, *.csv  what was made of it, once as JSON lines and once as CSV: records_* (one row per record),
                       daily_metrics (one row per day), weekly_metrics (one row per week), survey_windows
user_map.jsonl         the ids by which the sources know the participant
data_dictionary.csv    what each column of the tables means, with its unit

user_id is the participant's pseudonym in the study. Times are UTC; days are local days of the participant.
{raw} raw lines, {rows} rows. Left out: {broken} lines that cannot be read and name the participant, as they may hold
what others sent.
"""
#: The oldest time a zip can say: the files have none of their own.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


class Export(NamedTuple):
    """The files of an export by name, and how many raw lines and table rows they have."""

    files: Mapping[str, bytes]
    raw: int
    rows: int


def export_person(lake: Lake, people: People, person: Person, zone: str, dictionary: bytes) -> Export:
    """The files on one person; `dictionary` is the data dictionary as CSV, `zone` that of runs."""
    raw, broken = _raw_files(lake, people, person, zone)
    tables = _tables(lake, people, person)
    entries = _entries(people, person)
    rows = sum(frame.height for frame in tables.values())
    records = sum(data.count(b"\n") for data in raw.values())
    files = {**raw, "data_dictionary.csv": dictionary, "user_map.jsonl": entries}
    for table, frame in tables.items():
        files[f"tables/{table}.jsonl"] = _json_lines(frame.iter_rows(named=True))
        files[f"tables/{table}.csv"] = _csv(frame)
    readme = README.format(user=person.user_ids[0], raw=records, rows=rows, broken=broken)
    return Export({**files, "README.txt": readme.encode()}, records, rows)


def _raw_files(lake: Lake, people: People, person: Person, zone: str) -> tuple[dict[str, bytes], int]:
    """What the person sent by file, and how many unreadable lines name the person."""
    context = IngestContext(people.contracts, recognizing(people.identities, person.erased), zone, ())
    files: defaultdict[str, list[bytes]] = defaultdict(list)
    broken = 0
    for raw in all_objects(lake, people.contracts, EPOCH):
        for _, parts in split_object(context, raw, lake.read(raw.stored.key), ("erased",)).parts:
            for text in parts.gone:
                if _is_json(text):
                    files[f"{_folder(raw)}.jsonl"].append(text.strip() + b"\n")
                else:
                    broken += 1
    return {name: b"".join(lines) for name, lines in files.items()}, broken


def _folder(raw: RawObject) -> str:
    """The folder of a raw object up to its day: names below that may be those of others."""
    key, day = raw.stored.key, raw.arrival_date
    return place_of(key, day) if f"/date={day}/" in key else key.rpartition("/")[0]


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except msgspec.MsgspecError:
        return False
    return True


def _tables(lake: Lake, people: People, person: Person) -> dict[str, pl.DataFrame]:
    """The person's rows of each table that has any, in the order of its partitions."""
    places = table_places(people.contracts)
    published = find_published(lake, [table for table, place in places.items() if place.partition])
    files = sorted((table, day) for table, day in published.files if table not in OF_ARRIVAL_DAYS)

    def rows(file: tuple[str, str]) -> list[pl.DataFrame]:
        columns = table_columns(people.contracts, file[0])
        return [user_slice(lake, user_id).published(*file, columns) for user_id in person.user_ids]

    found: defaultdict[str, list[pl.DataFrame]] = defaultdict(list)
    for (table, _), frames in zip(files, read_many(lake, rows, files), strict=True):
        found[table] += [frame for frame in frames if frame.height]
    return {table: pl.concat(frames) for table, frames in found.items() if frames}


def _entries(people: People, person: Person) -> bytes:
    """The person's lines of the user map."""
    entries = zip(people.given.entries, people.used.entries, strict=True)
    mine = (given for given, used in entries if {given[2], used[2]} & {*person.user_ids})
    return _json_lines(dict(zip(("source", "vendor_user_id", "user_id", "timezone"), one, strict=True)) for one in mine)


def _json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode_lines(rows)


def _csv(frame: pl.DataFrame) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows([_flat(value) for value in row] for row in frame.iter_rows())
    return text.getvalue().encode()


def _flat(value: Any) -> Any:
    """A value for CSV: lists as JSON, times as ISO 8601."""
    if isinstance(value, bool | list | dict):
        return msgspec.json.encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else value


def write_zip(file: BinaryIO, exports: Mapping[str, Export]) -> None:
    """Write exports to a zip, each in a folder of its user id."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in _named(exports):
            info = zipfile.ZipInfo(name, _NO_TIME)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(info, data)


def _named(exports: Mapping[str, Export]) -> Iterator[tuple[str, bytes]]:
    for user_id, export in sorted(exports.items()):
        for name, data in sorted(export.files.items()):
            yield f"{user_id}/{name}", data
