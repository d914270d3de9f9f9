"""The plan of a run: which arrival days it reads, and which weeks it computes again and why."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import NamedTuple

import polars as pl
import pyarrow.parquet as pq

from qol.contracts.columns import WINDOWS
from qol.contracts.many_records import Deletes
from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.errors import UsageError
from qol.ingest.listing import RawObjects, Window
from qol.lake.base import Lake, read_many
from qol.run.context import RunContext
from qol.run.request import RunRequest
from qol.run.week_tables import WINDOW_WEEKS
from qol.tables.corruption import reading
from qol.tables.layout import OF_ARRIVAL_DAYS, Part, Published
from qol.tables.manifest import ManifestHead, read_heads
from qol.tables.slices import Bucket
from qol.tables.weeks import WEEK, is_closed, iso_week, monday_of
from qol.transform.deletions import Deletions, deleting, deletion_columns, targets

#: A run reads again the two arrival days before the last good one: what landed while that one ran is in this one.
OVERLAP = timedelta(days=2)
#: Weeks that any run may compute, and how many bytes of raw objects allow one more: few bytes may name hundreds of weeks.
MIN_WEEKS = 12
BYTES_PER_WEEK = 16 * 2**10
#: The last weeks wait for no other.
RECENT = 4 * WEEK
GZIP_RATIO = 8
PARQUET_RATIO = 6


class Size(NamedTuple):
    """Bytes of text that a run reads, and that published rows were made of."""

    raw: int
    published: int


@dataclass(frozen=True)
class Scope:
    """What a run looks at: a window of arrival days, or a range of weeks to rebuild."""

    window: Window | None
    rebuild: tuple[date, date] | None

    def estimated_bytes(self, published: Published, objects: RawObjects) -> Size:
        """About how much text the run reads and published rows were; decides how finely it is split, never what comes out."""
        ratio = pl.when(pl.col("key").str.ends_with(".gz")).then(GZIP_RATIO).otherwise(1)
        raw = int(objects.columns.select(pl.col("bytes") * ratio).sum().item())
        return Size(raw, PARQUET_RATIO * self._published_bytes(published))

    def _published_bytes(self, published: Published) -> int:
        return sum(
            stored.bytes
            for (table, day), stored in published.files.items()
            if table.startswith("records_") and self._probably(date.fromisoformat(day))
        )

    def _probably(self, monday: date) -> bool:
        if self.rebuild is not None:
            return self.rebuild[0] <= monday and monday - WINDOW_WEEKS * WEEK <= self.rebuild[1]
        first = self.window.first if self.window else None
        return first is None or monday >= monday_of(first) - WEEK


@dataclass(frozen=True)
class Changes:
    """What a run found to work on.

    Weeks of the records that were read, weeks whose files have an older shape, weeks that earlier runs left, those that wait
    for longest first, Mondays of weeks that share records with the week before, deletions that were read, and the bytes of
    the raw objects.
    """

    read: set[date]
    outdated: set[date]
    unconfirmed: Sequence[date]
    borders: set[date]
    deletions: list[Deletions]
    raw_bytes: int


@dataclass(frozen=True)
class RunPlan:
    """What a run computes: its weeks in order, those of them that get a weekly file, and the deletions outside them."""

    weeks: tuple[date, ...]
    closed: frozenset[date]
    #: Weeks whose records are merged and stored: `weeks`, and those that were read and wait for a later run.
    merged: tuple[date, ...]
    #: Weeks that a later run computes.
    waiting: frozenset[date]
    #: Published partitions of other weeks, of record tables that delete, by contract name.
    deletions_elsewhere: Mapping[str, tuple[str, ...]]


def find_scope(lake: Lake, request: RunRequest, published: Published) -> Scope:
    """The scope of a run; heads of earlier manifests are read newest first, only as many as needed.

    A lake that has published no week reads every arrival day.
    """
    if request.command == "rebuild":
        return Scope(None, (request.first_week or date.min, request.last_week or date.max))
    if request.command == "backfill":
        return Scope(Window(request.first_day, request.last_day or date.max), None)
    is_new = all(table in OF_ARRIVAL_DAYS for table, _ in published.files)
    good = (
        head
        for head in (() if is_new else read_heads(lake))
        if head.status in ("published", "nothing_to_do")
        and head.trigger in ("schedule", "manual")
        and datetime.fromisoformat(head.now) <= request.now
    )
    return Scope(_window(request, next(good, None)), None)


def _window(request: RunRequest, last: ManifestHead | None) -> Window:
    today = request.now.astimezone(UTC).date()
    if last is None:
        return Window(None, today)
    before = datetime.fromisoformat(last.now).astimezone(UTC).date() - OVERLAP
    return Window(min(today - timedelta(days=request.raw_days), before), today)


def plan_run(
    run: RunContext,
    scope: Scope,
    published: Published,
    changes: Changes,
) -> RunPlan:
    """The plan once raw is read.

    Computed are the weeks of the changes, those on both sides of borders, weeks of files with an older shape, weeks that
    lose a record to a new deletion, weeks that have records but no daily or, once closed, no weekly file, and weeks that look back on any of
    them; of too many for the bytes that were read, some wait, none with a file of an older shape. A rebuild takes the weeks
    it was given and those that look back on them; UsageError when one given has published days but no records.
    """
    known = _weeks_with_records(run.contracts, published)
    if scope.rebuild is not None:
        changing = _weeks_to_rebuild(published, known, *scope.rebuild)
        chosen = changing
    else:
        changing = changes.read.union(changes.unconfirmed) | changes.outdated
        unpublished = known - set(map(date.fromisoformat, published.dates("weekly_metrics")))
        changing |= {week for week in unpublished if is_closed(week, run.request.now)}
        changing |= known - _weeks_with_days(published)
        deleted = _weeks_of_deleted(run, published, changes.deletions, changing)
        borders = changes.borders | deleted | {week + WEEK for week in deleted}
        changing |= deleted | ({week for border in borders for week in (border - WEEK, border)} & known)
        limit = MIN_WEEKS + changes.raw_bytes // BYTES_PER_WEEK
        chosen = changes.outdated.union(_first_weeks(changing, changes.unconfirmed, run.request.now)[:limit])
    weeks = tuple(sorted(chosen | _looking_back(chosen, published, known)))
    closed = _closed_weeks(weeks, published, run.request.now)
    merged = tuple(sorted(changes.read.union(weeks)))
    computed = {week.isoformat() for week in merged}
    deleting_days = {name: published.dates(f"records_{name}") for name in deleting(run.contracts)}
    elsewhere = {name: tuple(sorted(days - computed)) for name, days in deleting_days.items()}
    return RunPlan(weeks, closed, merged, frozenset(changing.difference(weeks)), elsewhere)


def _first_weeks(weeks: set[date], unconfirmed: Sequence[date], now: datetime) -> list[date]:
    """The weeks in the order they are computed: the last ones, those that wait for longest, the others from the newest."""
    recent = monday_of(now.date()) - RECENT
    places = {week: place for place, week in enumerate(unconfirmed)}
    return sorted(weeks, key=lambda week: (week < recent, places.get(week, len(places)), -week.toordinal()))


def _weeks_with_records(contracts: Contracts, published: Published) -> set[date]:
    """Weeks with records, and those with days of records that last into them from the week before."""
    dates = {date.fromisoformat(day) for name, day in published.files if name.startswith("records_")}
    lasting = [f"records_{contract.name}" for contract in contracts.sources if contract.split is not None]
    after = {date.fromisoformat(day) + WEEK for table in lasting for day in published.dates(table)}
    return dates | (after & _weeks_with_days(published))


def _weeks_with_days(published: Published) -> set[date]:
    return {date.fromisoformat(day) for day in published.dates("daily_metrics")}


def _weeks_to_rebuild(published: Published, known: set[date], first: date, last: date) -> set[date]:
    orphans = sorted(week for week in _weeks_with_days(published) - known if first <= week <= last)
    if orphans:
        names = ", ".join(map(iso_week, orphans[:5]))
        raise UsageError(f"rebuild: no records for {names}; allowed: weeks with records, or move their days aside too")
    return {week for week in known if first <= week <= last}


def _looking_back(weeks: set[date], published: Published, known: set[date]) -> set[date]:
    """Weeks with records that look back on these: the week after each, and the one after that where it has survey windows."""
    with_windows = {date.fromisoformat(day) for day in published.dates(WINDOWS)}
    after = {week + WEEK for week in weeks}
    after |= {week + back * WEEK for week in weeks for back in range(1, WINDOW_WEEKS + 1)} & with_windows
    return after & known


def _closed_weeks(weeks: tuple[date, ...], published: Published, now: datetime) -> frozenset[date]:
    """Those of the weeks that get a weekly file; a week that has one stays closed whatever the clock says."""
    have_weekly = published.dates("weekly_metrics")
    return frozenset(week for week in weeks if is_closed(week, now) or week.isoformat() in have_weekly)


def _weeks_of_deleted(
    run: RunContext, published: Published, read: list[Deletions], known_weeks: set[date]
) -> set[date]:
    """Weeks of published records that deletions of this run name, besides `known_weeks`, whose files are not opened.

    Deletions that are published already were applied by the run that published them; without new ones no file is read.
    """
    weeks: set[date] = set()
    for name, contract in deleting(run.contracts).items():
        ids = {one for batch in read for one in batch.get(name, ())}
        fresh = ids - _published(run.lake, contract, published) if ids else ids
        if fresh and contract.deletes is not None:
            deleted = pl.Series([found for _, found in fresh], dtype=pl.String)
            files = [
                (date.fromisoformat(day), published.files[table, day].key)
                for table in sorted(f"records_{target}" for target in targets(contract))
                for day in sorted(published.dates(table))
                if date.fromisoformat(day) not in known_weeks
            ]
            holds = read_many(run.lake, partial(_holds, run.lake, contract.deletes, deleted), [key for _, key in files])
            weeks |= {week for (week, _), found in zip(files, holds, strict=True) if found}
    return weeks


def _published(lake: Lake, contract: SourceContract, published: Published) -> set[tuple[str, str]]:
    table, columns = f"records_{contract.name}", deletion_columns(contract)
    every_user = Bucket(lake, None, None)
    frames = [every_user.published(table, day, columns) for day in sorted(published.dates(table))]
    return {ids for rows in frames for ids in rows.iter_rows()}


def _holds(lake: Lake, rule: Deletes, deleted: pl.Series, key: str) -> bool:
    """Whether a published file has any of the ids; only their column is read, a row group at a time."""
    with reading(key):
        file = pq.ParquetFile(lake.open_table(key))
        if rule.field not in file.schema_arrow.names:
            return False
        groups = (file.read_row_group(n, columns=[rule.field]) for n in range(file.metadata.num_row_groups))
        return any(pl.DataFrame(rows)[rule.field].is_in(deleted.implode()).any() for rows in groups)


def emptied(plan: RunPlan, published: Published, arrival_days: Collection[str], parts: list[Part]) -> list[Part]:
    """Partitions that no staged part belongs to and whose files are written without rows, as parts without a file.

    Quarantine days, of the arrival days that changed, that have no rejects any more, survey windows without a row, daily and weekly files
    of weeks whose every record was deleted, and records that were all of erased users.
    """
    have = {(part.table, part.date) for part in parts}
    wanted = [("rejects", day) for day in sorted(published.dates("rejects").intersection(arrival_days))]
    closed = {week.isoformat() for week in plan.closed}
    wanted += [(WINDOWS, day) for day in sorted(published.dates(WINDOWS) & closed)]
    weeks = {part.date for part in parts if part.table.startswith("records_")} | published.dates("daily_metrics")
    weeks &= {week.isoformat() for week in plan.weeks}
    merged = {week.isoformat() for week in plan.merged}
    wanted += sorted(file for file in published.files if file[0].startswith("records_") and file[1] in merged)
    wanted += [("daily_metrics", week) for week in sorted(weeks)]
    wanted += [("weekly_metrics", week) for week in sorted(weeks & closed)]
    return [Part(table, day, "", 0) for table, day in wanted if (table, day) not in have]
