"""Raw objects of a window: those that this run reads, and those it passes over, as the table `objects_read` has them."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial

import polars as pl

from qol import __version__
from qol.contracts.columns import table_columns
from qol.contracts.frames import no_rows, with_columns_of
from qol.contracts.roots import DAILY, UNITS, WEEKLY, own_or_shipped
from qol.errors import CorruptFileError
from qol.ingest.listing import RawListing, RawObject
from qol.lake.base import read_many
from qol.publish.assemble import assemble, stage_part
from qol.publish.protocol import publish
from qol.run.context import RunContext
from qol.run.known_users import KnownUsers
from qol.tables.layout import Candidate, Published
from qol.tables.manifest import LEFT_COUNTS, RUN_COUNTS, ObjectCounts
from qol.tables.objects_read import TABLE, read_day

#: What is the same of an object that is passed over.
_SAME = ["date", "raw_object", "etag", "bytes", "reading"]


@dataclass(frozen=True)
class Arrivals:
    """The raw objects of a window; all frames have `date`, the arrival day, and `raw_object`, the hash of the key."""

    #: Those this run reads, with its counts of each, which fill as it goes on.
    objects: tuple[RawObject, ...]
    counts: list[ObjectCounts]
    #: All that were listed, in that order.
    listed: pl.DataFrame
    #: Rows of the table, of those that are passed over.
    passed_over: pl.DataFrame
    #: Arrival days of which an object is read, or is gone from `raw/`.
    days: frozenset[str]

    def passed_over_count(self, name: str) -> int:
        """The sum of one of the counts over the objects that are passed over."""
        return int(self.passed_over[name].sum())


def find_arrivals(run: RunContext, published: Published, listing: RawListing, users: KnownUsers) -> Arrivals:
    """What the run reads of a listing: objects that are new, changed, or were read in another way, else all of them.

    An object is also read when a partition that its records or rejects went to is gone, and when it had items of users who
    left, which that run may not have been able to remove.
    """
    listed = _listed(run, listing, users)
    known = no_rows(table_columns(run.contracts, TABLE)).with_columns(date=pl.lit(None, pl.String))
    if not _reads_all(run, published):
        known = pl.concat([known, *_known(run, published, listed["date"].unique().sort())])
    of_nobody_left = pl.all_horizontal(pl.col(name) == 0 for name in LEFT_COUNTS)  # others still wait to be removed
    passed_over = _intact(known.filter(of_nobody_left).join(listed, on=_SAME, how="semi"), published)
    is_read = ~listed["raw_object"].is_in(passed_over["raw_object"].implode())
    gone = known.join(listed, on="raw_object", how="anti")
    objects = tuple(raw for raw, reads in zip(listing.objects, is_read, strict=True) if reads)
    names = zip(objects, listed.filter(is_read)["raw_object"], strict=True)
    counts = [ObjectCounts(f"{raw.place}/{name}", raw.stored.etag, raw.stored.bytes) for raw, name in names]
    days = frozenset([*listed.filter(is_read)["date"], *gone["date"]])
    return Arrivals(objects, counts, listed, passed_over, days)


def write_objects_read(
    run: RunContext, published: Published, arrivals: Arrivals, partitions: Iterable[tuple[int, str, date]]
) -> None:
    """Write the partitions of the table that change; `partitions` has object index, record type and week of what was read.

    Called once the files that hold what was read are published: a run that dies before reads the objects again.
    """
    of_objects: defaultdict[int, list[str]] = defaultdict(list)
    for index, record, week in sorted(partitions):
        of_objects[index].append(f"{record}/{week}")
    read = [
        {
            "raw_object": counts.raw_object,
            "partitions": of_objects[index],
            "run_id": run.manifest.run_id,
            **{name: getattr(counts, name) for name in RUN_COUNTS},
        }
        for index, counts in enumerate(arrivals.counts)
    ]
    columns = table_columns(run.contracts, TABLE)
    types = no_rows(columns).schema
    of_read = arrivals.listed.join(
        pl.DataFrame(read, {name: types[name] for name in types if name in _OF_RUN}), on="raw_object"
    )
    rows = pl.concat([arrivals.passed_over, with_columns_of(of_read, arrivals.passed_over.schema)])
    rows = rows.filter(pl.col("date").is_in(sorted(arrivals.days))).sort("date", "folder", "raw_object")

    def write(group: tuple[tuple[object, ...], pl.DataFrame]) -> Candidate:
        (day,), of_day = group
        part = stage_part(run.lake, run.staging, TABLE, str(day), of_day.drop("date"))
        return assemble(run.lake, run.staging, columns, [part])

    publish(run.lake, read_many(run.lake, write, rows.partition_by("date", as_dict=True).items()), published)


#: Columns that a run learns by reading an object.
_OF_RUN = frozenset({"raw_object", "partitions", *RUN_COUNTS, "run_id"})


def _reads_all(run: RunContext, published: Published) -> bool:
    """Whether the table does not matter: every object is to be read, or a lake has no records, so they are to be made again."""
    has_records = any(table.startswith("records_") for table, _ in published.files)
    return run.request.command == "backfill" or run.request.reread or not has_records


def _listed(run: RunContext, listing: RawListing, users: KnownUsers) -> pl.DataFrame:
    folders = [raw.place.rpartition("/date=")[0] for raw in listing.objects]
    readings = {folder: _reading(run, folder, users) for folder in set(folders)}
    columns = {
        "date": [raw.arrival_date for raw in listing.objects],
        "folder": folders,
        "raw_object": [users.identities.object_hash(raw.stored.key) for raw in listing.objects],
        "etag": [raw.stored.etag for raw in listing.objects],
        "bytes": [raw.stored.bytes for raw in listing.objects],
        "reading": [readings[folder] for folder in folders],
    }
    return pl.DataFrame(columns, {name: pl.Int64 if name == "bytes" else pl.String for name in columns})


def _reading(run: RunContext, folder: str, users: KnownUsers) -> str:
    """A keyed hash of what decides how objects of a folder are read, and what is computed of them.

    That is all contracts of the source, as an envelope may hold records of each, the metrics, the version, and options. For
    devices that change hands it is their entries of the user map as well, which are ids: hence the key.
    """
    contracts, request = run.contracts, run.request
    contract = contracts.for_path(folder)
    source = contract.source if contract else folder.split("/")[1]
    rules = contracts.source_rules.get(source)
    files = sorted((contracts.root / "sources" / source).rglob("*.yaml"))
    files += [contracts.root / DAILY, contracts.root / WEEKLY, own_or_shipped(contracts.root, UNITS)]
    user_map = users.user_map
    periods = user_map.periods or [None] * len(user_map.entries)
    decides = [
        __version__,
        request.zone,
        request.old and rules is not None and rules.max_age_days is not None,
        [hashlib.sha256(file.read_bytes()).hexdigest() for file in files],
        [
            pair
            for pair in zip(user_map.entries, periods, strict=True)
            if pair[0][0] == source and rules and rules.people_by_day
        ],
    ]
    return users.identities.document_hash(source, "_reading", json.dumps(decides))


def _known(run: RunContext, published: Published, days: Iterable[str]) -> list[pl.DataFrame]:
    """The rows of the table, of these arrival days; a file that is damaged has none, so it is written again."""
    there = [day for day in days if published.get(TABLE, day) is not None]
    found = read_many(run.lake, partial(_rows_of_day, run), there)
    return [rows for rows in found if rows is not None]


def _rows_of_day(run: RunContext, day: str) -> pl.DataFrame | None:
    with suppress(CorruptFileError):
        return read_day(run.lake, run.contracts, day)
    return None


def _intact(rows: pl.DataFrame, published: Published) -> pl.DataFrame:
    """The rows of objects whose records and rejects still lie in the lake."""
    there = [
        f"{table.removeprefix('records_')}/{day}" for table, day in published.files if table.startswith("records_")
    ]
    lost = rows.explode("partitions").filter(~pl.col("partitions").is_in(there))["raw_object"]
    of_rejects = pl.col("date").is_in(sorted(published.dates("rejects"))) | (pl.col("rejected") == 0)
    return rows.filter(~pl.col("raw_object").is_in(lost.implode()) & of_rejects)
