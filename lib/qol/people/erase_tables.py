"""Published rows of erased users, removed: every other row stays, value for value, in the same order."""

from collections.abc import Collection, Mapping
from datetime import date
from functools import partial
from typing import Any

import polars as pl

from qol.contracts.columns import table_columns
from qol.contracts.model import Contracts
from qol.contracts.places import table_places
from qol.contracts.raw_values import EPOCH
from qol.identity.pseudonyms import Identities
from qol.ingest.departures import Departures
from qol.ingest.results import IngestContext, ResultBuilder
from qol.lake.base import Lake
from qol.publish.assemble import assemble, stage_part
from qol.publish.protocol import publish
from qol.tables.corruption import read_published
from qol.tables.layout import Candidate, Part, find_published
from qol.tables.objects_read import TABLE as OBJECTS_READ

#: Rejects of lines that are no JSON, whose ids are not masked.
_UNREADABLE = ("not_json", "not_utf8", "too_deep", "line_too_long", "truncated_object")
#: Raw object (its hash), line number from 1 and position of an item.
Place = tuple[str, int, int]


def erase_rows(
    lake: Lake,
    context: IngestContext,
    places: Collection[Place],
    staging: str,
    *,
    dry_run: bool,
) -> dict[str, int]:
    """Publish every file that has rows of erased users again without them; how many rows of each table went.

    `places` are those of the users' raw items, whose rejects go, as do rows of their raw objects: the next run reads what
    is left of these. In the usual order, each by one atomic write.
    """
    tables = [table for table, place in table_places(context.contracts).items() if place.partition]
    published = find_published(lake, tables)
    objects = frozenset(name for name, _, _ in places)
    remove = {
        "rejects": partial(_without_rejects, context, frozenset(places)),
        OBJECTS_READ: partial(_without_objects, objects),
    }
    plain = partial(_without_users, context.identities)

    def look(file: tuple[str, str]) -> tuple[int, pl.DataFrame | None]:
        rows = pl.DataFrame(read_published(lake, published.files[file].key))
        rest = remove.get(file[0], plain)(rows, file[1])
        gone = rows.height - rest.height
        return gone, rest if gone else None

    counts: dict[str, int] = {}
    candidates: list[Candidate] = []
    for table, day in sorted(published.files):
        gone, rest = look((table, day))
        counts[table] = counts.get(table, 0) + gone
        if rest is not None and not dry_run:
            candidates.append(_candidate(lake, context.contracts, staging, (table, day), rest))
    publish(lake, candidates, published)
    return counts


def _candidate(
    lake: Lake, contracts: Contracts, staging: str, partition: tuple[str, str], rows: pl.DataFrame
) -> Candidate:
    columns = table_columns(contracts, partition[0])
    part = stage_part(lake, staging, *partition, rows) if rows.height else Part(*partition, "", 0)
    return assemble(lake, staging, columns, [part])


def _without_users(identities: Identities, rows: pl.DataFrame, _: str) -> pl.DataFrame:
    erased = [user_id for user_id in rows["user_id"].unique() if identities.is_erased_user(user_id)]
    return rows.filter(~pl.col("user_id").is_in(erased))


def _without_objects(objects: frozenset[str], rows: pl.DataFrame, _: str) -> pl.DataFrame:
    return rows.filter(~pl.col("raw_object").is_in(list(objects)))


def _without_rejects(context: IngestContext, places: frozenset[Place], rows: pl.DataFrame, day: str) -> pl.DataFrame:
    arrival = (date.fromisoformat(day) - EPOCH).days
    results = ResultBuilder(context)
    departures = {source: Departures(results, source) for source in rows["source"].unique()}

    def stays(row: Mapping[str, Any]) -> bool:
        if (row["raw_object"], row["line_number"], row["item"]) in places:
            return False
        if row["reason"] not in _UNREADABLE:
            return True
        return departures[row["source"]].of_text(row["raw"] or b"", arrival) != "erased"

    return rows.filter(pl.Series([stays(row) for row in rows.iter_rows(named=True)], dtype=pl.Boolean))
