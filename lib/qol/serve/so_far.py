"""A person's open week with what arrived since the last run: the run's own map and reduce, on a bucket of one person."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import polars as pl

from qol.contracts.columns import daily_columns, table_folder, weekly_columns
from qol.contracts.frames import monday_expr, no_rows, with_columns_of
from qol.contracts.model import Column, Contracts
from qol.ingest.listing import RawObject, ingest_tasks, pack_task
from qol.lake import Lake
from qol.lake.base import read_many
from qol.run.block_store import BlockFile, BlockStore
from qol.run.plan import OVERLAP, RunPlan
from qol.run.steps import MapStep, MapSummary, ReduceStep
from qol.run.week_tables import week_tables
from qol.serve.batches import RECORD, person_folder, received_days
from qol.serve.kept_frames import partition_days
from qol.serve.overlay import Overlay
from qol.serve.participants import SOURCE, Participant
from qol.serve.service import Service
from qol.serve.summaries import Question, without_user
from qol.tables.slices import user_slice
from qol.tables.weeks import WEEK, mondays_between
from qol.transform.deletions import deleting
from qol.transform.merge import LINE_OFFSETS

STAGING = "_staging/so-far/"
#: The bucket that holds one person: ids from theirs up to the next text, which is theirs with a zero after it.
BUCKET = range(1, 2)


def so_far_rows(service: Service, person: Participant, asked: Question) -> list[dict[str, Any]]:
    """The rows of the last period asked for, as the next run would publish them if it began now and the week were over."""
    last = replace(asked, last=1)
    weeks = mondays_between(last.starts[0], last.end)
    start = weeks[0]
    if asked.period == "week":
        weeks.insert(0, start - WEEK)  # a week's values need the week before
    columns = daily_columns(service.contracts) if asked.period == "week" else service.summaries.inputs(last)
    days, computed = _days(service, person, weeks, columns)
    if asked.period != "week":
        mine = days.filter(pl.col("day").is_between(last.starts[0], last.end))
        rows = service.summaries.rows_of_days(last, mine)
    else:
        names = [column.name for column in service.summaries.week_columns(asked.fields)]
        rows = _weekly(service, person, days, {*computed, start}, start).select(names).to_dicts()
    return [without_user(row) for row in rows]


def _days(
    service: Service, person: Participant, weeks: Sequence[date], columns: Sequence[Column]
) -> tuple[pl.DataFrame, frozenset[date]]:
    """A person's daily rows of the weeks, with the column `week`, and which of the weeks differ from the published ones."""
    published = service.summaries.days(person.user_id, weeks[0], weeks[-1] + timedelta(days=6), columns).frame
    published = published.with_columns(week=monday_expr(pl.col("day")))
    arrived = _arrived(service, person)
    if not arrived:
        return published, frozenset()
    fresh = _OnePerson(service, person, arrived).daily(weeks)
    is_old = pl.col("week").is_in(fresh.weeks) & (pl.col("source") == SOURCE)
    days = pl.concat([published.filter(~is_old), fresh.days.select(published.columns)])
    return days.sort("user_id", "day", "source"), frozenset(fresh.weeks)


def _weekly(
    service: Service, person: Participant, days: pl.DataFrame, weeks: Collection[date], wanted: date
) -> pl.DataFrame:
    """The person's weekly row, or no row."""
    users = user_slice(service.lake, person.user_id)
    tables = week_tables(service.contracts, days, weeks, weeks, users)
    found = [rows for table, week, rows in tables if table == "weekly_metrics" and week == wanted]
    return found[0] if found else no_rows(weekly_columns(service.contracts))


def _arrived(service: Service, person: Participant) -> list[RawObject]:
    """The person's batches that the last run may not have read."""
    as_of, _ = service.frames.last_run()
    first = date.min if as_of is None else (datetime.fromisoformat(as_of).astimezone(UTC) - OVERLAP).date()
    days = received_days(service, first)
    listings = read_many(
        service.lake, lambda day: (day, service.lake.children(person_folder(day, person.user_id))), days
    )
    return [
        RawObject(stored, RECORD, str(day))
        for day, listing in listings
        for stored in listing.objects
        if stored.key.endswith(".jsonl")
    ]


@dataclass(frozen=True)
class _Fresh:
    """Daily rows of one source, and the weeks they are all the rows of."""

    days: pl.DataFrame
    weeks: list[date]


@dataclass(frozen=True)
class _OnePerson:
    """One person's batches, to be mapped and reduced beside what is published of them."""

    service: Service
    person: Participant
    objects: Sequence[RawObject]

    def daily(self, weeks: Sequence[date]) -> _Fresh:
        """Daily rows of those of the weeks that the batches reach into."""
        lake = cast("Lake", Overlay(self.service.lake, self._read()))
        blocks = BlockStore(lake, f"{STAGING}blocks/")
        summaries = self._mapped(lake, blocks)
        read = {week for summary in summaries for week in summary.weeks}
        borders = {border for summary in summaries for border in summary.borders}
        changed = read | borders | {border - WEEK for border in borders}
        touched = sorted(changed.intersection(weeks))
        if not touched:
            return _Fresh(no_rows(daily_columns(self.service.contracts)).with_columns(week=pl.col("day")), [])
        plan = RunPlan(tuple(touched), frozenset(), tuple(sorted(read.union(touched))), frozenset(), {})
        step = self._step(lake, blocks, tuple(summary.blocks for summary in summaries), plan)
        parts = [part for part in step(BUCKET).parts if part.table == "daily_metrics"]
        empty = no_rows(daily_columns(self.service.contracts))
        frames = [empty, *(pl.read_ipc(io.BytesIO(lake.read(part.key))) for part in parts)]
        rows = pl.concat([with_columns_of(frame, empty).cast(empty.schema) for frame in frames])
        return _Fresh(rows.with_columns(week=monday_expr(pl.col("day"))), touched)

    def _read(self) -> dict[str, bytes]:
        keys = [raw.stored.key for raw in self.objects]
        return dict(zip(keys, read_many(self.service.lake, self.service.lake.read, keys), strict=True))

    @property
    def _limits(self) -> tuple[str, str]:
        return self.person.user_id, f"{self.person.user_id}\0"

    def _mapped(self, lake: Lake, blocks: BlockStore) -> list[MapSummary]:
        step = MapStep(lake, self.service.ingest_context(self._limits), STAGING, blocks)
        return [step(pack_task(task)) for task in ingest_tasks(tuple(self.objects))]

    def _step(self, lake: Lake, blocks: BlockStore, files: tuple[BlockFile, ...], plan: RunPlan) -> ReduceStep:
        contracts = of_source(self.service.contracts)
        published = _published(self.service.lake, contracts)
        merged = {str(week) for week in plan.merged}
        elsewhere = {
            name: tuple(sorted(day for table, day in published if table == f"records_{name}" and day not in merged))
            for name in deleting(contracts)
        }
        names = [self.service.participants.identities.object_hash(raw.stored.key) for raw in self.objects]
        plan = replace(plan, deletions_elsewhere=elsewhere)
        return ReduceStep(
            lake,
            contracts,
            STAGING,
            blocks,
            files,
            self._limits,
            pl.Series(names, dtype=pl.String),
            pl.DataFrame(schema=LINE_OFFSETS),
            plan,
            published,
        )


def of_source(contracts: Contracts) -> Contracts:
    """The contracts with those of participants' own source alone: days of other sources do not change with a batch."""
    return replace(contracts, sources=tuple(one for one in contracts.sources if one.source == SOURCE))


def _published(lake: Lake, contracts: Contracts) -> frozenset[tuple[str, str]]:
    """Published partitions of the record tables."""
    tables = [f"records_{contract.name}" for contract in contracts.sources]
    listings = read_many(lake, lambda table: (table, lake.children(table_folder(table))), tables)
    return frozenset((table, str(day)) for table, listing in listings for day in partition_days(listing))
