"""Rejected items of a lake: by arrival day, the newest of each reason, and their raw bytes."""

from collections.abc import Collection

import polars as pl

from qol.contracts.columns import table_columns
from qol.contracts.frames import no_rows
from qol.contracts.model import Contracts
from qol.lake import Lake
from qol.tables.corruption import read_published
from qol.tables.layout import find_published, partition_key


def read_rejects(lake: Lake, contracts: Contracts, days: Collection[str] | None = None) -> pl.DataFrame:
    """Rejects of the given arrival days (None: all) without their raw bytes, with `date` and `row`, their place in the file."""
    columns = [column for column in table_columns(contracts, "rejects") if column.name != "raw"]
    empty = no_rows(columns)
    frames = [empty.with_columns(date=pl.lit(None, pl.String), row=pl.lit(None, pl.Int64))]
    for found in sorted(find_published(lake, ["rejects"]).dates("rejects")):
        if days is None or found in days:
            rows = pl.DataFrame(read_published(lake, partition_key("rejects", found), columns=empty.columns))
            frames.append(rows.with_columns(date=pl.lit(found), row=pl.int_range(pl.len())))
    return pl.concat(frames, how="diagonal").with_columns(pl.col("items").fill_null(1))  # rows of earlier versions


def newest_rejects(lake: Lake, contracts: Contracts, days: Collection[str], raw_objects: set[str]) -> dict[str, str]:
    """`raw object:line` of the newest reject of each reason, among these raw objects of arrival days."""
    rows = read_rejects(lake, contracts, days).filter(pl.col("raw_object").is_in(sorted(raw_objects)))
    ordered = rows.sort("date", "raw_object", "line_number", nulls_last=True)
    places = ordered.select("reason", "raw_object", "line_number").iter_rows()
    return {reason: f"{raw_object}:{line}" for reason, raw_object, line in places}


def raw_of_rejects(lake: Lake, day: str) -> list[bytes]:
    """Raw bytes of an arrival day's rejects, in the order of their file."""
    raw: list[bytes] = read_published(lake, partition_key("rejects", day), columns=["raw"])["raw"].to_pylist()
    return raw
