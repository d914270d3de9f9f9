"""Raw objects of a window: those that this run reads, and those it passes over, as the table `objects_read` has them."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qol import __version__
from qol.contracts.columns import table_columns
from qol.contracts.frames import no_rows, with_columns_of
from qol.contracts.raw_values import EPOCH
from qol.contracts.roots import DAILY, UNITS, WEEKLY, own_or_shipped
from qol.errors import CorruptFileError
from qol.ingest.listing import RawListing, RawObjects
from qol.lake.base import read_many
from qol.publish.assemble import assemble, stage_part
from qol.publish.protocol import publish
from qol.run.context import RunContext
from qol.run.known_users import DAY, KnownUsers
from qol.run.steps import NO_PARTITIONS
from qol.tables.layout import Candidate, Published
from qol.tables.manifest import LEFT_COUNTS, RUN_COUNTS
from qol.tables.objects_read import TABLE, read_day

#: What is the same of an object that is passed over.
_SAME = ["raw_object", "etag", "bytes", "reading"]


@dataclass
class Arrivals:
    """The raw objects of a window, by arrival day: millions of them, so all are rows of frames."""

    #: All that were listed (OBJECT_COLUMNS), with `raw_object`, the hash of the key, `reading`, and `is_read`.
    listed: pl.DataFrame
    #: Those of them that this run reads, and in the same order RUN_COUNTS, which fill as it goes on.
    objects: RawObjects
    counts: dict[str, NDArray[np.int64]]
    #: Of the objects that are passed over, by day: `date`, `objects`, `lines`, `rejected`.
    passed_over: pl.DataFrame
    #: Arrival days of which an object is read, or is gone from `raw/`.
    days: frozenset[str]

    def passed_over_count(self, name: str) -> int:
        """The sum of a column of `passed_over`."""
        return int(self.passed_over[name].sum())

    def passed_over_of(self, day: str) -> pl.Series:
        """The hashes of the objects of a day that are passed over."""
        return self.listed.filter(~pl.col("is_read"), date=day)["raw_object"]

    def add_counts(self, found: pl.DataFrame) -> None:
        """Add rows of `object_index` and some of RUN_COUNTS to the counts of the objects."""
        index = found["object_index"].to_numpy()
        for name in self.counts.keys() & found.columns:
            np.add.at(self.counts[name], index, found[name].to_numpy())

    def name_of(self, object_index: int) -> str:
        """The place of an object that is read, with its hash instead of its name."""
        row = self.objects.columns.row(object_index, named=True)
        return f"{row['folder']}/date={row['date']}/{row['raw_object']}"


def find_arrivals(run: RunContext, published: Published, listing: RawListing, users: KnownUsers) -> Arrivals:
    """What the run reads of a listing: objects that are new, changed, or were read in another way, else all of them.

    An object is also read when a partition that its records or rejects went to is gone, and when it had items of users who
    left, which that run may not have been able to remove.
    """
    listed = _listed(run, listing.objects, users)
    reads_all = _reads_all(run, published)
    of_days = read_many(run.lake, partial(_compare, run, published, reads_all=reads_all), _by_day(listed))
    listed = listed.with_columns(pl.concat([pl.Series("is_read", [], pl.Boolean), *(day.is_read for day in of_days)]))
    objects = listed if listed["is_read"].all() else listed.filter("is_read")  # a copy of millions of rows less
    totals = {"date": pl.String, "objects": pl.Int64, "lines": pl.Int64, "rejected": pl.Int64}
    return Arrivals(
        listed,
        RawObjects(objects),
        {name: np.zeros(objects.height, np.int64) for name in RUN_COUNTS},
        pl.DataFrame([day.passed_over for day in of_days], totals, orient="row"),
        frozenset(day.passed_over[0] for day in of_days if day.is_read.any() or day.has_lost),
    )


class _Day(NamedTuple):
    """Which objects of an arrival day are read, totals of the others, and whether objects are gone from `raw/`."""

    is_read: pl.Series
    passed_over: tuple[str, int, int, int]
    has_lost: bool


def _by_day(listed: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The objects of each day, which lie together; slices, not copies."""
    first = 0
    for (count,) in listed.group_by("date", maintain_order=True).len().select("len").iter_rows():
        yield listed.slice(first, count)
        first += count


def _compare(run: RunContext, published: Published, listed: pl.DataFrame, *, reads_all: bool) -> _Day:
    """The listed objects of an arrival day beside what the table knows of it."""
    day = listed.item(0, "date")
    known = no_rows(table_columns(run.contracts, TABLE)) if reads_all else _known(run, published, day)
    of_nobody_left = pl.all_horizontal(pl.col(name) == 0 for name in LEFT_COUNTS)  # others still wait to be removed
    same = known.filter(of_nobody_left).join(listed, on=_SAME, how="semi")
    passed_over = _intact(same, day, published)
    is_read = ~listed["raw_object"].is_in(passed_over["raw_object"].implode())
    lost = known.join(listed, on="raw_object", how="anti")
    totals = (day, passed_over.height, *(int(passed_over[name].sum()) for name in ("lines", "rejected")))
    return _Day(is_read.alias("is_read"), totals, not lost.is_empty())


def write_objects_read(
    run: RunContext, published: Published, arrivals: Arrivals, partitions: Sequence[pl.DataFrame]
) -> None:
    """Write the partitions of the table that change; `partitions` has `object_index` and `partition` of what was read.

    Called once the files that hold what was read are published: a run that dies before reads the objects again.
    """
    columns = table_columns(run.contracts, TABLE)
    read = arrivals.objects.columns.hstack(pl.DataFrame(arrivals.counts)).with_columns(
        _partitions(partitions, len(arrivals.objects)), run_id=pl.lit(run.manifest.run_id)
    )

    def write(day: str) -> Candidate:
        known = _known(run, published, day)
        passed_over = known.filter(pl.col("raw_object").is_in(arrivals.passed_over_of(day).implode()))
        rows = pl.concat([passed_over, with_columns_of(read.filter(date=day), known)])
        part = stage_part(run.lake, run.staging, TABLE, day, rows.sort("folder", "raw_object"))
        return assemble(run.lake, run.staging, columns, [part])

    publish(run.lake, read_many(run.lake, write, sorted(arrivals.days)), published)


def _partitions(found: Sequence[pl.DataFrame], objects: int) -> pl.Series:
    """The partitions of each of so many objects, in order; none of objects without records."""
    every = pl.DataFrame({"object_index": pl.int_range(objects, dtype=pl.Int64, eager=True)})
    lists = pl.concat([NO_PARTITIONS, *found]).group_by("object_index").agg(pl.col("partition").unique().sort())
    rows = every.join(lists, on="object_index", how="left", maintain_order="left")
    return rows["partition"].fill_null([]).alias("partitions")


def _reads_all(run: RunContext, published: Published) -> bool:
    """Whether the table does not matter: every object is to be read, or a lake has no records, so they are to be made again."""
    has_records = any(table.startswith("records_") for table, _ in published.files)
    return run.request.command == "backfill" or run.request.reread or not has_records


def _listed(run: RunContext, objects: RawObjects, users: KnownUsers) -> pl.DataFrame:
    """The objects with the hash of their key, and with what decides how they are read."""
    hashed = users.identities.object_hash
    names = [
        pl.Series(map(hashed, some["key"]), dtype=pl.String) for some in objects.columns["key"].to_frame().iter_slices()
    ]
    places = objects.columns.select("folder", "date").unique()
    readings = [_reading(run, folder, day, users) for folder, day in places.iter_rows()]
    placed = places.with_columns(reading=pl.Series(readings, dtype=pl.String))
    listed = objects.columns.with_columns(pl.concat([pl.Series("raw_object", [], pl.String), *names]))
    return listed.join(placed, on=["folder", "date"], how="left", maintain_order="left")


def _withdrawn_by(users: KnownUsers, source: str, day: date) -> list[tuple[str, int, list[str]]]:
    """Vendor ids of a source who had withdrawn by the end of a day, since when, and what they still permit."""
    end, found = ((day - EPOCH).days + 1) * DAY, users.identities
    whole = [(vendor, since, list[str]()) for (of, vendor), since in found.withdrawn.items() if of == source]
    some = [(vendor, since, sorted(given)) for (of, vendor), (since, given) in found.permitted.items() if of == source]
    return sorted(one for one in (*whole, *some) if one[1] < end)


def _reading(run: RunContext, folder: str, arrival_date: str, users: KnownUsers) -> str:
    """A keyed hash of what decides how objects of a folder and an arrival day are read, and what is computed of them.

    That is all contracts of the source, as an envelope may hold records of each, the metrics, the version, and options. For
    devices that change hands it is their entries of the user map as well, which are ids: hence the key. So is who had
    withdrawn by then: a withdrawal that the map says later makes what arrived since be read again.
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
    if left := _withdrawn_by(users, source, date.fromisoformat(arrival_date)):
        decides.append(left)
    return users.identities.document_hash(source, "_reading", json.dumps(decides))


def _known(run: RunContext, published: Published, day: str) -> pl.DataFrame:
    """The rows of the table, of an arrival day; a file that is damaged has none, so it is written again."""
    if published.get(TABLE, day) is not None:
        with suppress(CorruptFileError):
            return read_day(run.lake, run.contracts, day).drop("date")
    return no_rows(table_columns(run.contracts, TABLE))


def _intact(rows: pl.DataFrame, day: str, published: Published) -> pl.DataFrame:
    """The rows of objects whose records and rejects still lie in the lake."""
    there = [
        f"{table.removeprefix('records_')}/{week}" for table, week in published.files if table.startswith("records_")
    ]
    lost = rows.explode("partitions").filter(~pl.col("partitions").is_in(there))["raw_object"]
    has_rejects = pl.lit(published.get("rejects", day) is not None) | (pl.col("rejected") == 0)
    return rows.filter(~pl.col("raw_object").is_in(lost.implode()) & has_rejects)
