"""Which arrival days a run reads and which weeks it computes again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from qol.contracts.model import Contracts
from qol.ingest.listing import RawListing, Window
from qol.lake.base import Lake
from qol.publish.manifest import ManifestHead, read_heads
from qol.publish.protocol import Published
from qol.transform.weeks import WEEK, is_closed, monday_of

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
    whole_history: bool
    checked_map: tuple[int, str] | None
    key_check: str | None

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
            return self.rebuild[0] <= monday <= self.rebuild[1]
        first = self.window.first if self.window else None
        return self.whole_history or first is None or monday >= monday_of(first) - WEEK


def find_scope(
    lake: Lake,
    contracts: Contracts,
    now: datetime,
    raw_days: int,
    backfill: Window | None,
    rebuild: tuple[date, date] | None,
) -> Scope:
    """The scope of a run; heads of earlier manifests are read newest first, only as many as needed."""
    last: ManifestHead | None = None
    last_full: ManifestHead | None = None
    for head in read_heads(lake):
        if head.status not in ("published", "nothing_to_do") or head.trigger == "rebuild":
            continue
        last = last or head
        if head.trigger in ("schedule", "manual"):
            last_full = head
            break
    checked = (int(last.user_map["entries"]), str(last.user_map["sha256"])) if last and last.user_map else None
    key_check = last.key_check if last else None
    if rebuild is not None:
        return Scope(None, rebuild, whole_history=False, checked_map=checked, key_check=key_check)
    window = backfill or _window(now, raw_days, last_full)
    outdated = last is not None and last.contracts != contracts.fingerprint
    return Scope(window, None, outdated, checked, key_check)


def _window(now: datetime, raw_days: int, last: ManifestHead | None) -> Window:
    today = now.astimezone(UTC).date()
    if last is None:
        return Window(None, today)
    before = datetime.fromisoformat(last.now).astimezone(UTC).date() - OVERLAP
    return Window(min(today - timedelta(days=raw_days), before), today)


def affected_weeks(scope: Scope, published: Published, touched: set[date], now: datetime) -> tuple[date, ...]:
    """Weeks to compute again, in order.

    The weeks of all records read and, where it has records, the week after each, because some metrics look back; closed
    weeks that have records but no weekly file; all weeks when the published files have an older shape.
    """
    with_records = {
        date.fromisoformat(day)
        for table in {name for name, _ in published.files if name.startswith("records_")}
        for day in published.dates(table)
    }
    if scope.rebuild is not None:
        first, last = scope.rebuild
        return tuple(sorted(week for week in with_records if first <= week <= last))
    have_weekly = {date.fromisoformat(day) for day in published.dates("weekly_metrics")}
    missing = {week for week in with_records - have_weekly if is_closed(week, now)}
    after = {week + WEEK for week in touched} & with_records
    return tuple(sorted(touched | after | missing | (with_records if scope.whole_history else set())))


def closed_weeks(weeks: tuple[date, ...], published: Published, now: datetime) -> frozenset[date]:
    """Those of the weeks that get a weekly file; a week that has one stays closed whatever the clock says."""
    have_weekly = published.dates("weekly_metrics")
    return frozenset(week for week in weeks if is_closed(week, now) or week.isoformat() in have_weekly)


def bucket_count(size: int) -> int:
    """How many buckets of users, so that one always fits a worker."""
    return max(1, -(-size // BUCKET_BYTES))
