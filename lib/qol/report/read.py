"""What a report reads of a lake: weekly rows of some weeks, one person's days, and the run that counted the raw data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from qol.contracts.columns import daily_columns, weekly_columns
from qol.contracts.model import Contracts
from qol.errors import UsageError
from qol.lake import Lake
from qol.report.choose import all_columns
from qol.tables.corruption import read_published
from qol.tables.layout import find_published, partition_key
from qol.tables.manifest import Manifest, read_manifests
from qol.tables.slices import Bucket, user_slice
from qol.tables.weeks import WEEK, iso_week

#: The reported week and the four before it.
COHORT_WEEKS = 5
#: Days of a person are drawn over four weeks, the reported one included.
PERSON_WEEKS = 4
_EXAMPLES = 3


@dataclass(frozen=True)
class Cohort:
    """Weekly rows of everybody, oldest week first; a week that is not published has none."""

    monday: date
    weekly: Mapping[date, pl.DataFrame]
    manifest: Manifest | None

    @property
    def this(self) -> pl.DataFrame:
        """Rows of the reported week."""
        return self.weekly[self.monday]


@dataclass(frozen=True)
class Person:
    """Weekly rows (None where there is none) and days of one person, oldest first."""

    user_id: str
    monday: date
    weekly: Mapping[date, Mapping[str, object] | None]
    daily: pl.DataFrame


def mondays(last: date, weeks: int) -> list[date]:
    """So many Mondays up to the last, oldest first."""
    return [last - WEEK * back for back in reversed(range(weeks))]


def read_cohort(lake: Lake, contracts: Contracts, monday: date) -> Cohort:
    """Everybody's weekly rows; UsageError when the week is not published."""
    check_week(lake, monday)
    everybody = Bucket(lake, None, None)
    columns = [column for column in weekly_columns(contracts) if column.name in _needed(contracts)]
    weekly = {
        day: everybody.published("weekly_metrics", day.isoformat(), columns) for day in mondays(monday, COHORT_WEEKS)
    }
    return Cohort(monday, weekly, _find_manifest(lake, monday))


def read_person(lake: Lake, contracts: Contracts, user_id: str, monday: date) -> Person:
    """One person's rows; UsageError when the week is not published, or nobody in the lake has that user_id."""
    dates = check_week(lake, monday)
    days = mondays(monday, PERSON_WEEKS)
    rows, columns = user_slice(lake, user_id), weekly_columns(contracts)
    weekly = {day: _first(rows.published("weekly_metrics", day.isoformat(), columns)) for day in days}
    if not any(weekly.values()):
        _check_person(lake, dates, user_id, monday)
    daily = [rows.published("daily_metrics", day.isoformat(), daily_columns(contracts)) for day in days]
    return Person(user_id, monday, weekly, pl.concat(daily).sort("day", "source"))


def check_week(lake: Lake, monday: date) -> list[str]:
    """Mondays of the published weeks; UsageError when this one is not among them."""
    dates = sorted(find_published(lake, ["weekly_metrics"]).dates("weekly_metrics"))
    if monday.isoformat() not in dates:
        weeks = [iso_week(date.fromisoformat(day)) for day in dates]
        span = " to ".join(dict.fromkeys((weeks[0], weeks[-1]))) if weeks else "none yet; `qol run` publishes weeks"
        raise UsageError(f"--week {iso_week(monday)}: not published in {lake.uri}; allowed: {span}")
    return dates


def _check_person(lake: Lake, dates: Iterable[str], user_id: str, monday: date) -> None:
    """A person whom an earlier or later week knows may have an empty report; a person nobody knows is a slip."""
    for day in dates:
        if user_id in _ids(lake, day):
            return
    known = sorted(_ids(lake, monday.isoformat()))[:_EXAMPLES]
    examples = f", in {iso_week(monday)} such as {', '.join(known)}" if known else ""
    raise UsageError(f"--person {user_id}: in no week of {lake.uri}; allowed: a user_id of weekly_metrics{examples}")


def _ids(lake: Lake, day: str) -> set[str]:
    rows = read_published(lake, partition_key("weekly_metrics", day), columns=["user_id"])
    return set(rows["user_id"].to_pylist())


def _first(rows: pl.DataFrame) -> Mapping[str, object] | None:
    return rows.row(0, named=True) if rows.height else None


def _needed(contracts: Contracts) -> set[str]:
    """Weekly columns that a report of everybody shows."""
    of_groups = {f"{group.name}_{end}" for group in contracts.groups for end in ("source", "valid")}
    return {"user_id", *of_groups, *(shown.column for shown in all_columns(contracts))}


def _find_manifest(lake: Lake, monday: date) -> Manifest | None:
    """The newest run that read raw data and computed the week; a rebuild reads none and counts nothing."""
    wanted = ("weekly_metrics", monday.isoformat())
    for manifest in read_manifests(lake):
        ended_well = manifest.status in ("published", "nothing_to_do") and manifest.window.first is not None
        if ended_well and any((file.name, file.date) == wanted for file in manifest.tables):
            return manifest
    return None


def filled_columns(frames: Iterable[pl.DataFrame]) -> set[str]:
    """Columns with a value in any of the frames."""
    return {column.name for frame in frames for column in frame if column.null_count() < frame.height}
