"""Rejects of an arrival day: of the objects that a run read, beside the published ones of those it passed over."""

from collections import defaultdict

import polars as pl

from qol.publish.assemble import stage_part
from qol.run.arrivals import Arrivals
from qol.run.context import RunContext
from qol.tables.corruption import read_published
from qol.tables.layout import Part, Published, partition_key

TABLE = "rejects"


def parts_of_rejects(run: RunContext, published: Published, arrivals: Arrivals, read: list[Part]) -> list[Part]:
    """Staged parts of the rejects of each arrival day that changes, in the order of their objects; `read` are the new ones."""
    by_day: defaultdict[str, list[Part]] = defaultdict(list)
    for part in read:
        by_day[part.date].append(part)
    for day in sorted(published.dates(TABLE) & arrivals.days):
        kept = _kept(run, arrivals, day)
        if kept.height:
            by_day[day] = [_in_order(run, arrivals, day, [kept, *_frames(run, by_day[day])])]
    return [part for day in sorted(by_day) for part in by_day[day]]


def _kept(run: RunContext, arrivals: Arrivals, day: str) -> pl.DataFrame:
    """Published rejects of objects that are passed over; their line numbers count from the start of the object already."""
    if not arrivals.passed_over.filter(date=day)["rejected"].sum():
        return pl.DataFrame()
    rows = pl.DataFrame(read_published(run.lake, partition_key(TABLE, day)))
    kept = rows.filter(pl.col("raw_object").is_in(arrivals.passed_over_of(day).implode()))
    return kept.with_columns(object_index=pl.lit(None, pl.Int64), range_start=pl.lit(None, pl.Int64))


def _frames(run: RunContext, parts: list[Part]) -> list[pl.DataFrame]:
    return [pl.read_ipc(run.lake.open_table(part.key)) for part in parts]


def _in_order(run: RunContext, arrivals: Arrivals, day: str, frames: list[pl.DataFrame]) -> Part:
    places = arrivals.listed.select("raw_object").with_row_index("place")
    rows = pl.concat(frames, how="diagonal").join(places, on="raw_object", how="left", maintain_order="left")
    return stage_part(run.lake, run.staging, TABLE, day, rows.sort("place", maintain_order=True).drop("place"))
