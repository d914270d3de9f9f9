"""Candidates against what the run computed and what is published: rows of all, users, metrics and values of weekly files."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain

import polars as pl
import pyarrow as pa

from qol.contracts.model import Contracts
from qol.lake.base import Lake
from qol.quality.comparison import (
    DAMAGED_WEEK,
    MIN_USERS,
    NEW_WEEK,
    NO_EARLIER_WEEK,
    OTHER_COLUMNS,
    TOO_FEW_USERS,
    WEEKLY,
    Comparison,
    Finding,
    comparison,
    describe_columns,
)
from qol.tables.corruption import ARROW_ERRORS, read_file
from qol.tables.footers import Footer, Footers, WeekFiles
from qol.tables.layout import OF_ARRIVAL_DAYS, Candidate, Published
from qol.tables.weeks import WEEK, is_closed

MAX_USERS_LOST = 0.20
FILLED_SHARE = 0.5
#: Devices that were long without a connection, and edits, still change a week this many weeks after its end; of few users.
OLD_WEEKS = 4
#: A run reads the footers of so many published files that it leaves as they are.
MAX_READABLE = 300
UNREADABLE: Finding = {
    "warning": "the published file is damaged or no run wrote it, Athena and qol query fail on this table"
}
MAX_USERS_CHANGED = 0.20
#: A metric is emptied when at most one in so many of the expected values is left. No habit of users takes nine values of
#: ten away within a week, and of the fewest values compared (half of 20 users) one left over hides nothing.
ONE_IN = 10


@dataclass(frozen=True)
class Computed:
    """What a run computed: rows by table and date; which users' rows it left out, as they are erased."""

    rows: Mapping[tuple[str, str], int]
    is_erased: Callable[[str], bool] = lambda _: False


def compare_candidates(
    lake: Lake,
    contracts: Contracts,
    candidates: Sequence[Candidate],
    computed: Computed,
    published: Published,
    footers: Footers,
) -> Iterator[Comparison]:
    """Comparisons of every candidate by rows, and of weekly candidates by users kept and metrics emptied."""
    footers.read(candidate.staged for candidate in candidates)
    weeks = WeekFiles(candidates, published)
    for candidate in candidates:
        place = candidate.table, candidate.date
        footer = footers.staged(candidate.staged)
        yield comparison("rows_as_expected", *place, check_rows(footer.rows, computed.rows[place]))
        if candidate.table == WEEKLY:
            current = published.get(*place)
            files = [weeks.before(*place), [current.key] if current else []]
            footers.read(chain(*files))
            earlier = [[found for key in keys if (found := footers.get(key))] for keys in files]
            kept = _check_users(lake, candidate, current.key if current else None, computed.is_erased)
            yield comparison("people_kept", *place, kept)
            yield comparison("metrics_not_emptied", *place, check_metrics(contracts, footer, earlier))


def compare_readable(footers: Footers, candidates: Sequence[Candidate], published: Published) -> Iterator[Comparison]:
    """Comparisons of the newest published files that this run does not replace, by whether they can be read."""
    replaced = {(candidate.table, candidate.date) for candidate in candidates}
    kept = newest_files(published, replaced)
    footers.read(key for place in kept if (key := published.files[place].key) not in footers.readable)
    for place in kept:
        is_ours = footers.is_ours(published.files[place].key)
        yield comparison("files_readable", *place, {} if is_ours else UNREADABLE)


def newest_files(published: Published, replaced: Collection[tuple[str, str]] = ()) -> list[tuple[str, str]]:
    """Table and date of the newest files that are not replaced, those of arrival days aside, the newest first."""
    places = [place for place in published.files if place not in replaced and place[0] not in OF_ARRIVAL_DAYS]
    return sorted(places, key=lambda place: place[::-1], reverse=True)[:MAX_READABLE]


def compare_old_weeks(
    lake: Lake, candidates: Sequence[Candidate], published: Published, now: datetime
) -> Iterator[Comparison]:
    """Comparisons of weekly candidates whose week ended OLD_WEEKS ago or earlier, by users whose published values change."""
    for candidate in candidates:
        if candidate.table == WEEKLY and is_closed(date.fromisoformat(candidate.date) + OLD_WEEKS * WEEK, now):
            current = published.get(candidate.table, candidate.date)
            finding = _check_values(lake, candidate, current.key if current else None)
            yield comparison("old_weeks_kept", candidate.table, candidate.date, finding)


def _check_values(lake: Lake, candidate: Candidate, published: str | None) -> Finding:
    if published is None:
        return NEW_WEEK
    try:
        before = _table(lake, published)
    except ARROW_ERRORS:
        return DAMAGED_WEEK
    now = _table(lake, candidate.staged)
    if before.schema != now.schema:
        return OTHER_COLUMNS
    before = before.join(now, on="user_id", how="semi")
    if before.height < MIN_USERS:
        return TOO_FEW_USERS
    changed = before.join(now, on=before.columns, how="anti", nulls_equal=True).height
    is_many = changed / before.height > MAX_USERS_CHANGED
    return {"warning": f"other values for {changed} of {before.height} users"} if is_many else {}


def check_rows(staged: int, computed: int) -> Finding:
    """Whether the staged file has the rows that the run computed."""
    return {} if staged == computed else {"critical": f"{staged} rows staged, {computed} computed"}


def _check_users(lake: Lake, candidate: Candidate, published: str | None, is_erased: Callable[[str], bool]) -> Finding:
    if published is None:
        return NEW_WEEK
    try:
        before = _users(lake, published)
    except ARROW_ERRORS:
        return DAMAGED_WEEK
    lost = before.join(_users(lake, candidate.staged), on="user_id", how="anti")
    return check_users_lost(sum(not is_erased(user_id) for user_id in lost["user_id"]), before.height)


def check_users_lost(lost: int, before: int) -> Finding:
    """Whether a week loses too many of the users it had before."""
    if before < MIN_USERS:
        return TOO_FEW_USERS
    return {"critical": f"{lost} of {before} users lost"} if lost / before > MAX_USERS_LOST else {}


def _users(lake: Lake, key: str) -> pl.DataFrame:
    users = _table(lake, key, ["user_id"])
    if users.schema["user_id"] != pl.String:
        raise pa.ArrowInvalid("user_id is no text")
    return users


def _table(lake: Lake, key: str, columns: Sequence[str] = ()) -> pl.DataFrame:
    return pl.DataFrame(read_file(lake, key, columns))


def check_metrics(contracts: Contracts, week: Footer, earlier: Sequence[Sequence[Footer]]) -> Finding:
    """Metrics that half of the rows of any of the `earlier` had and at most a tenth as many users have now, by name."""
    if week.rows < MIN_USERS:
        return TOO_FEW_USERS
    if not any(footer.rows for before in earlier for footer in before):
        return NO_EARLIER_WEEK
    emptied: dict[str, str] = {}
    for before in earlier:
        rows = sum(footer.rows for footer in before)
        for metric, column in counted_columns(contracts):
            had = sum(footer.values.get(column, 0) for footer in before)
            now = week.values.get(column, 0)
            if rows and had >= FILLED_SHARE * rows and now * rows * ONE_IN <= had * week.rows:
                emptied.setdefault(metric, f"{now} of {week.rows} users (before {had} of {rows} rows)")
    # All are named: the one whose field was renamed may be the anchor that takes its whole group with it.
    return {"critical": describe_columns(sorted(emptied.items()))} if emptied else {}


def counted_columns(contracts: Contracts) -> list[tuple[str, str]]:
    """Each metric of every week with the weekly column whose values are counted."""
    groups = [group for group in contracts.groups if group.every_week]
    return [(name, f"{name}_{aggregates[0]}") for group in groups for name, aggregates in group.metrics.items()]
