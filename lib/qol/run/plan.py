"""Which arrival days a run reads and which weeks it computes again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pyarrow.parquet as pq

from qol.contracts.columns import WINDOWS, table_columns, table_names
from qol.contracts.model import Contracts
from qol.errors import UsageError
from qol.ingest.listing import RawListing, Window
from qol.lake.base import Lake
from qol.run.week_tables import WINDOW_WEEKS
from qol.tables.corruption import ARROW_ERRORS
from qol.tables.layout import Part, Published
from qol.tables.manifest import ManifestHead, read_heads
from qol.tables.weeks import WEEK, is_closed, iso_week, monday_of

#: A run reads again the two arrival days before the last good one: what landed while that one ran is in this one.
OVERLAP = timedelta(days=2)
BUCKET_BYTES = 224 * 2**20
GZIP_RATIO = 8
PARQUET_RATIO = 6


@dataclass(frozen=True)
class Scope:
    """What a run looks at: a window of arrival days or a range of weeks to rebuild, and what the last runs left."""

    window: Window | None
    rebuild: tuple[date, date] | None

    def estimated_bytes(self, published: Published, listing: RawListing) -> int:
        """About how much text the run works on; decides how finely it is split, never what comes out."""
        raw = sum(o.stored.bytes * (GZIP_RATIO if o.stored.key.endswith(".gz") else 1) for o in listing.objects)
        return raw + PARQUET_RATIO * sum(
            stored.bytes
            for (table, day), stored in published.files.items()
            if table.startswith("records_") and self._probably(date.fromisoformat(day))
        )

    def _probably(self, monday: date) -> bool:
        if self.rebuild is not None:
            return self.rebuild[0] <= monday and monday - WINDOW_WEEKS * WEEK <= self.rebuild[1]
        first = self.window.first if self.window else None
        return first is None or monday >= monday_of(first) - WEEK


def find_scope(
    lake: Lake,
    now: datetime,
    raw_days: int,
    backfill: Window | None,
    rebuild: tuple[date, date] | None,
) -> Scope:
    """The scope of a run; heads of earlier manifests are read newest first, only as many as needed."""
    if rebuild is not None:
        return Scope(None, rebuild)
    if backfill is not None:
        return Scope(backfill, None)
    good = (
        head
        for head in read_heads(lake)
        if head.status in ("published", "nothing_to_do")
        and head.trigger in ("schedule", "manual")
        and datetime.fromisoformat(head.now) <= now
    )
    return Scope(_window(now, raw_days, next(good, None)), None)


def _window(now: datetime, raw_days: int, last: ManifestHead | None) -> Window:
    today = now.astimezone(UTC).date()
    if last is None:
        return Window(None, today)
    before = datetime.fromisoformat(last.now).astimezone(UTC).date() - OVERLAP
    return Window(min(today - timedelta(days=raw_days), before), today)


def affected_weeks(scope: Scope, published: Published, touched: set[date], now: datetime) -> tuple[date, ...]:
    """Weeks to compute again, in order.

    The `touched` weeks (of records read, of a run that died while publishing, of files with an older shape), closed weeks
    that have records but no weekly file, and those that look back on any of them. A rebuild takes the weeks it was given,
    and those that look back on them; UsageError when one of those given has published days but no records.
    """
    with_records = {
        date.fromisoformat(day)
        for table in {name for name, _ in published.files if name.startswith("records_")}
        for day in published.dates(table)
    }
    if scope.rebuild is not None:
        first, last = scope.rebuild
        have_days = {date.fromisoformat(day) for day in published.dates("daily_metrics")}
        orphans = sorted(week for week in have_days - with_records if first <= week <= last)
        if orphans:
            names = ", ".join(map(iso_week, orphans[:5]))
            raise UsageError(
                f"rebuild: no records for {names}; allowed: weeks with records, or move their days aside too"
            )
        chosen = {week for week in with_records if first <= week <= last}
        return tuple(sorted(chosen | _looking_back(chosen, with_records, published)))
    have_weekly = {date.fromisoformat(day) for day in published.dates("weekly_metrics")}
    missing = {week for week in with_records - have_weekly if is_closed(week, now)}
    changing = touched | missing
    return tuple(sorted(changing | _looking_back(changing, with_records, published)))


def _looking_back(weeks: set[date], with_records: set[date], published: Published) -> set[date]:
    """Weeks with records that look back on these: the week after each, and the one after that where it has survey windows."""
    with_windows = {date.fromisoformat(day) for day in published.dates(WINDOWS)}
    after = {week + WEEK for week in weeks}
    after |= {week + back * WEEK for week in weeks for back in range(1, WINDOW_WEEKS + 1)} & with_windows
    return after & with_records


def outdated_weeks(lake: Lake, contracts: Contracts, published: Published) -> set[date]:
    """Weeks whose daily or weekly file has other columns than the contracts now say; only footers are read."""
    tables = [t for t in ("daily_metrics", "weekly_metrics", WINDOWS) if t in table_names(contracts)]
    names = {table: [column.name for column in table_columns(contracts, table)] for table in tables}
    files = [(table, day, stored.key) for (table, day), stored in published.files.items() if table in names]
    # A footer in a bucket is a request: a year of them one after the other would take as long as a small run.
    with ThreadPoolExecutor(lake.reads_at_once) as pool:
        found = list(pool.map(lambda file: _column_names(lake, file[2]), files))
    return {
        date.fromisoformat(day)
        for (table, day, _), columns in zip(files, found, strict=True)
        if columns != names[table]
    }


def _column_names(lake: Lake, key: str) -> list[str]:
    """The columns of a published file; none when it is damaged, so that it is written again."""
    try:
        return list(pq.read_schema(lake.open_table(key)).names)
    except ARROW_ERRORS:
        return []


def emptied_rejects(published: Published, scope: Scope, listing: RawListing, rejects: list[Part]) -> list[Part]:
    """Quarantine days of the window that had rejects once and have none now, as parts without a file."""
    if scope.window is None:
        return []
    have = {part.date for part in rejects}
    days = {day for day in published.dates("rejects") if scope.window.contains(date.fromisoformat(day))}
    read = {raw.arrival_date for raw in listing.objects}
    return [Part("rejects", day, "", 0) for day in sorted((days - have) & read)]


def emptied_days(closed: frozenset[date], parts: list[Part]) -> list[Part]:
    """Weeks whose every record was deleted, as parts without a file: they have daily and weekly files all the same."""
    have = {(part.table, part.date) for part in parts}
    weeks = {part.date for part in parts if part.table.startswith("records_")}
    wanted = [("daily_metrics", week) for week in sorted(weeks)]
    wanted += [("weekly_metrics", week) for week in sorted(weeks & {monday.isoformat() for monday in closed})]
    return [Part(table, week, "", 0) for table, week in wanted if (table, week) not in have]


def emptied_windows(published: Published, closed: frozenset[date], parts: list[Part]) -> list[Part]:
    """Weeks computed again whose published survey windows have no row any more, as parts without a file."""
    have = {part.date for part in parts if part.table == WINDOWS}
    again = {week.isoformat() for week in closed} & published.dates(WINDOWS)
    return [Part(WINDOWS, day, "", 0) for day in sorted(again - have)]


def closed_weeks(weeks: tuple[date, ...], published: Published, now: datetime) -> frozenset[date]:
    """Those of the weeks that get a weekly file; a week that has one stays closed whatever the clock says."""
    have_weekly = published.dates("weekly_metrics")
    return frozenset(week for week in weeks if is_closed(week, now) or week.isoformat() in have_weekly)


def bucket_count(size: int) -> int:
    """How many buckets of users, so that one always fits a worker."""
    return max(1, -(-size // BUCKET_BYTES))
