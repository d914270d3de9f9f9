"""What the gate's checks look at: one row per candidate partition, from file footers alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl
import pyarrow.parquet as pq

from qol.contracts.model import Contracts
from qol.lake.base import Lake
from qol.quality.comparison import DAMAGED_WEEK, FEW, FEW_PEOPLE, NO_WEEK, NotChecked
from qol.tables.corruption import ARROW_ERRORS
from qol.tables.footers import Footer, Footers, WeekFiles
from qol.tables.layout import Candidate, Published

MAX_PEOPLE_LOST = 0.20
FILLED_SHARE = 0.5
#: A metric is emptied when at most one in so many of the values to be expected is left. No habit of people takes nine
#: values of ten away within a week, and of the fewest values looked at (half of 20 people) one left over hides nothing.
ONE_IN = 10

NEW_WEEK = NotChecked("not published before")


@dataclass(frozen=True)
class PeopleLost:
    """How many people of a published week the candidate no longer has."""

    lost: int
    before: int

    @property
    def share(self) -> float:
        """The share of its people that the week would lose."""
        return self.lost / self.before

    @property
    def is_too_many(self) -> bool:
        """Whether the gate refuses it."""
        return self.share > MAX_PEOPLE_LOST


@dataclass(frozen=True)
class EmptiedMetric:
    """A metric that (nearly) nobody has any more: people with a value now and rows with one before, each of how many."""

    name: str
    now: int
    people: int
    before: int
    rows_before: int


@dataclass(frozen=True)
class PartitionFacts:
    """One candidate as the `partitions` suite sees it; None where a question does not arise."""

    table: str
    date: str
    rows_staged: int
    rows_expected: int
    people_kept: PeopleLost | NotChecked | None = None
    metrics_not_emptied: tuple[EmptiedMetric, ...] | NotChecked | None = None


def partition_facts(
    lake: Lake,
    contracts: Contracts,
    candidates: list[Candidate],
    expected: Mapping[tuple[str, str], int],
    published: Published,
    footers: Footers,
) -> list[PartitionFacts]:
    """Facts of every candidate: rows counted in the staged file, people lost and metrics emptied for weekly files."""
    footers.read(candidate.staged for candidate in candidates)
    weeks = WeekFiles(candidates, published)
    facts = []
    for candidate in candidates:
        footer = footers.staged(candidate.staged)
        fact = PartitionFacts(candidate.table, candidate.date, footer.rows, expected[candidate.table, candidate.date])
        if candidate.table == "weekly_metrics":
            current = published.get("weekly_metrics", candidate.date)
            files = [weeks.before("weekly_metrics", candidate.date), [current.key] if current else []]
            comparisons = [[found for key in keys if (found := footers.get(key))] for keys in files]
            fact = replace(
                fact,
                people_kept=_people_lost(lake, published, candidate),
                metrics_not_emptied=_emptied(contracts, footer, comparisons),
            )
        facts.append(fact)
    return facts


def facts_frame(facts: list[PartitionFacts]) -> pl.DataFrame:
    """Facts as the frame the suite runs on; null for what was not checked, `emptied_metrics` is how many."""
    people = [f.people_kept for f in facts]
    emptied = [f.metrics_not_emptied for f in facts]
    return pl.DataFrame(
        {
            "table": [f.table for f in facts],
            "date": [f.date for f in facts],
            "rows_staged": [f.rows_staged for f in facts],
            "rows_expected": [f.rows_expected for f in facts],
            "people_lost_share": [p.share if isinstance(p, PeopleLost) else None for p in people],
            "emptied_metrics": [len(e) if isinstance(e, tuple) else None for e in emptied],
        },
        schema_overrides={"people_lost_share": pl.Float64, "emptied_metrics": pl.Float64},
    )


def _people_lost(lake: Lake, published: Published, candidate: Candidate) -> PeopleLost | NotChecked:
    """How many of a published week's people the candidate no longer has."""
    current = published.get("weekly_metrics", candidate.date)
    if current is None:
        return NEW_WEEK
    try:
        before = _people(lake, current.key)
    except ARROW_ERRORS:
        return DAMAGED_WEEK
    if before.height < FEW_PEOPLE:
        return FEW
    return PeopleLost(before.join(_people(lake, candidate.staged), on="user_id", how="anti").height, before.height)


def _people(lake: Lake, key: str) -> pl.DataFrame:
    return pl.DataFrame(pq.read_table(lake.open_table(key), columns=["user_id"]))


def _emptied(
    contracts: Contracts, week: Footer, comparisons: list[list[Footer]]
) -> tuple[EmptiedMetric, ...] | NotChecked:
    """Metrics that half of the earlier rows had and at most a tenth as many people have now, by name."""
    people = week.rows
    if people < FEW_PEOPLE:
        return FEW
    if not any(earlier.rows for before in comparisons for earlier in before):
        return NO_WEEK
    emptied: dict[str, EmptiedMetric] = {}
    for before in comparisons:
        rows = sum(earlier.rows for earlier in before)
        for metric, column in _counted_columns(contracts):
            had = sum(earlier.values.get(column, 0) for earlier in before)
            now = week.values.get(column, 0)
            if rows and had >= FILLED_SHARE * rows and now * rows * ONE_IN <= had * people:
                emptied.setdefault(metric, EmptiedMetric(metric, now, people, had, rows))
    return tuple(emptied[metric] for metric in sorted(emptied))


def _counted_columns(contracts: Contracts) -> list[tuple[str, str]]:
    """Each metric of every week with the column whose values are counted."""
    groups = [group for group in contracts.groups if group.every_week]
    return [(name, f"{name}_{aggregates[0]}") for group in groups for name, aggregates in group.metrics.items()]
