"""The data of a report, read from a lake: weekly rows, one user's days, and the manifest of the run that read the raw data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from qol.contracts.columns import daily_columns, weekly_columns
from qol.contracts.model import Contracts
from qol.errors import UsageError
from qol.identity.roster import Roster
from qol.lake import Lake
from qol.report.shown_columns import all_columns, questionnaires
from qol.tables.adherence import adherence, week_of
from qol.tables.corruption import read_published
from qol.tables.layout import find_published, partition_key
from qol.tables.manifest import Manifest, read_manifests
from qol.tables.slices import Bucket, user_slice
from qol.tables.weeks import WEEK, iso_week
from qol.transform.weekly_rows import anchors, valid_day

#: The reported week and the four before it.
COHORT_WEEKS = 5
#: A user's days are drawn over four weeks, the reported one included.
USER_WEEKS = 4
#: Earlier questionnaires are looked for in this many published weeks.
ANSWER_WEEKS = 26
_EXAMPLES = 3


@dataclass(frozen=True)
class Cohort:
    """All users around a week.

    `weekly` has the rows by Monday, oldest first (none for a week that is not published), `manifest` the run that read the raw
    data, `adherence` its rows as on Sunday, `wear` by user and day of the last weeks whether the device was worn.
    """

    monday: date
    weekly: Mapping[date, pl.DataFrame]
    manifest: Manifest | None
    adherence: pl.DataFrame
    wear: pl.DataFrame

    @property
    def this(self) -> pl.DataFrame:
        """Rows of the reported week."""
        return self.weekly[self.monday]


@dataclass(frozen=True)
class UserWeeks:
    """One user around a week.

    `weekly` has the rows by Monday, oldest first (None if the week has none), `daily` the days of these weeks, `adherence` the
    row as on Sunday, `answers` the days with a questionnaire, newest first.
    """

    user_id: str
    monday: date
    weekly: Mapping[date, Mapping[str, object] | None]
    daily: pl.DataFrame
    adherence: Mapping[str, Any]
    answers: pl.DataFrame


def mondays(last: date, weeks: int) -> list[date]:
    """The Mondays of `weeks` weeks up to the last, oldest first."""
    return [last - WEEK * back for back in reversed(range(weeks))]


def read_cohort(lake: Lake, contracts: Contracts, monday: date, roster: Roster | None = None) -> Cohort:
    """All users, or the participants of a roster with their days of enrolment; UsageError when the week is not published."""
    check_week(lake, monday)
    all_users = Bucket(lake, None, None)
    needed = _needed(contracts)
    columns = [column for column in weekly_columns(contracts) if column.name in needed]
    weekly = {
        day: all_users.published("weekly_metrics", day.isoformat(), columns) for day in mondays(monday, COHORT_WEEKS)
    }
    present = adherence(lake, contracts, week_of(monday), roster)
    if roster is not None:
        weekly = {day: rows.filter(pl.col("user_id").is_in([*roster])) for day, rows in weekly.items()}
    return Cohort(monday, weekly, find_manifest(lake, monday), present, _read_wear(all_users, contracts, monday))


def _read_wear(users: Bucket, contracts: Contracts, monday: date) -> pl.DataFrame:
    """user_id, day and worn of each day with a daily row; worn is true if the day counts for a group that needs wear."""
    groups = [group for group in contracts.groups if group.needs_wear]
    needed = {"user_id", "day", "worn", *(name for group in groups for name in anchors(contracts, group))}
    columns = [column for column in daily_columns(contracts) if column.name in needed]
    daily = pl.concat(users.published("daily_metrics", day.isoformat(), columns) for day in mondays(monday, USER_WEEKS))
    is_worn = pl.any_horizontal([pl.lit(value=False), *(valid_day(contracts, group) for group in groups)])
    return daily.group_by("user_id", "day", maintain_order=True).agg(is_worn.any().alias("worn"))


def read_user(
    lake: Lake, contracts: Contracts, user_id: str, monday: date, known: pl.DataFrame | None = None
) -> UserWeeks:
    """One user's rows; `known` has the rows of `adherence` if they were read already.

    UsageError when the week is not published, or no week of the lake has the user_id.
    """
    dates = check_week(lake, monday)
    days = mondays(monday, USER_WEEKS)
    rows, columns = user_slice(lake, user_id), weekly_columns(contracts)
    found = {day: rows.published("weekly_metrics", day.isoformat(), columns) for day in days}
    weekly = {day: next(frame.iter_rows(named=True), None) for day, frame in found.items()}
    if not any(weekly.values()):
        _check_user(lake, dates, user_id, monday)
    daily = [rows.published("daily_metrics", day.isoformat(), daily_columns(contracts)) for day in days]
    present = adherence(lake, contracts, week_of(monday), {user_id: None}) if known is None else known
    (row,) = present.filter(pl.col("user_id") == user_id).iter_rows(named=True)
    answers = _read_answers(rows, contracts, [day for day in dates if day <= monday.isoformat()])
    return UserWeeks(user_id, monday, weekly, pl.concat(daily).sort("day", "source"), row, answers)


def _read_answers(rows: Bucket, contracts: Contracts, dates: Sequence[str]) -> pl.DataFrame:
    """A user's daily rows with a value of a questionnaire in the last weeks, newest first."""
    names = [name for group in questionnaires(contracts) for name in group.metrics]
    columns = [column for column in daily_columns(contracts) if column.name in {"user_id", "day", "source", *names}]
    found = [rows.published("daily_metrics", day, columns) for day in dates[-ANSWER_WEEKS:]]
    has_value = pl.any_horizontal([pl.lit(value=False), *(pl.col(name).is_not_null() for name in names)])
    return pl.concat(found).filter(has_value).sort("day", descending=True, maintain_order=True)


def check_week(lake: Lake, monday: date) -> list[str]:
    """Mondays of the published weeks; UsageError when this one is not among them."""
    dates = sorted(find_published(lake, ["weekly_metrics"]).dates("weekly_metrics"))
    if monday.isoformat() not in dates:
        weeks = [iso_week(date.fromisoformat(day)) for day in dates]
        span = " to ".join(dict.fromkeys((weeks[0], weeks[-1]))) if weeks else "none yet; `qol run` publishes weeks"
        raise UsageError(f"--week {iso_week(monday)}: not published in {lake.uri}; allowed: {span}")
    return dates


def _check_user(lake: Lake, dates: Iterable[str], user_id: str, monday: date) -> None:
    """A user of an earlier or later week may have an empty report; a user of no week is a typing error."""
    if any(user_id in _user_ids(lake, day) for day in dates):
        return
    known = sorted(_user_ids(lake, monday.isoformat()))[:_EXAMPLES]
    examples = f", in {iso_week(monday)} such as {', '.join(known)}" if known else ""
    raise UsageError(f"--person {user_id}: in no week of {lake.uri}; allowed: a user_id of weekly_metrics{examples}")


def _user_ids(lake: Lake, day: str) -> set[str]:
    rows = read_published(lake, partition_key("weekly_metrics", day), columns=["user_id"])
    return set(rows["user_id"].to_pylist())


def _needed(contracts: Contracts) -> set[str]:
    of_groups = {f"{group.name}_{end}" for group in contracts.groups for end in ("source", "valid")}
    return {"user_id", *of_groups, *(shown.column for shown in all_columns(contracts))}


def find_manifest(lake: Lake, monday: date) -> Manifest | None:
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
