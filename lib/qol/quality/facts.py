"""What the gate's checks look at: one row per candidate partition, from file footers alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import pyarrow.parquet as pq

from qol.contracts.model import Contracts
from qol.frames import DAMAGED
from qol.lake.base import Lake
from qol.publish.assemble import Candidate
from qol.publish.protocol import Published

FEW_PEOPLE = 20
LOOK_BACK_WEEKS = 4
FILLED_SHARE = 0.5

#: Rows and known values per column of a file.
Filled = tuple[int, dict[str, int]]


@dataclass(frozen=True)
class PartitionFacts:
    """One candidate as the `partitions` suite sees it; None where a question does not arise."""

    table: str
    date: str
    rows_staged: int
    rows_expected: int
    people_lost_share: float | None
    emptied_metrics: tuple[str, ...]


def partition_facts(
    lake: Lake,
    contracts: Contracts,
    candidates: list[Candidate],
    expected: Callable[[str, str], int],
    published: Published,
) -> list[PartitionFacts]:
    """Facts of every candidate: rows counted in the staged file, people lost and metrics emptied for weekly files."""
    filled = {(c.table, c.date): _filled(lake, c.staged) for c in candidates}
    facts = []
    for candidate in candidates:
        rows, known = filled[candidate.table, candidate.date]
        lost: float | None = None
        emptied: tuple[str, ...] = ()
        if candidate.table == "weekly_metrics":
            lost = _people_lost(lake, published, candidate)
            before = _before(lake, published, filled, candidate.date)
            current = published.get("weekly_metrics", candidate.date)
            replaced = _filled_published(lake, current.key) if current else []
            emptied = tuple(
                sorted({*_emptied(contracts, rows, known, before), *_emptied(contracts, rows, known, replaced)})
            )
        facts.append(
            PartitionFacts(
                candidate.table, candidate.date, rows, expected(candidate.table, candidate.date), lost, emptied
            )
        )
    return facts


def facts_frame(facts: list[PartitionFacts]) -> pl.DataFrame:
    """Facts as the frame the suite runs on; `emptied_metrics` is how many."""
    return pl.DataFrame(
        {
            "table": [f.table for f in facts],
            "date": [f.date for f in facts],
            "rows_staged": [f.rows_staged for f in facts],
            "rows_expected": [f.rows_expected for f in facts],
            "people_lost_share": [f.people_lost_share for f in facts],
            "emptied_metrics": [len(f.emptied_metrics) for f in facts],
        },
        schema_overrides={"people_lost_share": pl.Float64},
    )


def _filled(lake: Lake, key: str) -> Filled:
    metadata = pq.ParquetFile(lake.open_table(key)).metadata
    known: dict[str, int] = {}
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for index in range(group.num_columns):
            column = group.column(index)
            nulls = column.statistics.null_count if column.statistics else 0
            known[column.path_in_schema] = known.get(column.path_in_schema, 0) + group.num_rows - nulls
    return metadata.num_rows, known


def _filled_published(lake: Lake, key: str) -> list[Filled]:
    """As `_filled`; nothing for a damaged file, which has nothing to compare with and is written again."""
    try:
        return [_filled(lake, key)]
    except DAMAGED:
        return []


def _people_lost(lake: Lake, published: Published, candidate: Candidate) -> float | None:
    """The share of a published week's people that the candidate no longer has."""
    current = published.get("weekly_metrics", candidate.date)
    if current is None:
        return None
    try:
        before = _people(lake, current.key)
    except DAMAGED:
        return None
    after = _people(lake, candidate.staged)
    lost = before.join(after, on="user_id", how="anti").height
    return lost / before.height if before.height >= FEW_PEOPLE else None


def _people(lake: Lake, key: str) -> pl.DataFrame:
    return pl.DataFrame(pq.read_table(lake.open_table(key), columns=["user_id"]))


def _before(lake: Lake, published: Published, filled: dict[tuple[str, str], Filled], day: str) -> list[Filled]:
    """The four weeks before: as this run would publish them, else as they are published."""
    weeks = []
    for back in range(1, LOOK_BACK_WEEKS + 1):
        earlier = (date.fromisoformat(day) - timedelta(weeks=back)).isoformat()
        current = published.get("weekly_metrics", earlier)
        if ("weekly_metrics", earlier) in filled:
            weeks.append(filled["weekly_metrics", earlier])
        elif current is not None:
            weeks += _filled_published(lake, current.key)
    return weeks


def _emptied(contracts: Contracts, rows: int, known: dict[str, int], before: list[Filled]) -> tuple[str, ...]:
    """Metrics that half of the earlier rows had and no row of the candidate has."""
    earlier_rows = sum(height for height, _ in before)
    if rows < FEW_PEOPLE or not earlier_rows:
        return ()
    empty = [
        name
        for group in contracts.groups
        for name, aggregates in group.metrics.items()
        if known.get(f"{name}_{aggregates[0]}", 0) == 0
        and sum(filled.get(f"{name}_{aggregates[0]}", 0) for _, filled in before) >= FILLED_SHARE * earlier_rows
    ]
    return tuple(empty)
