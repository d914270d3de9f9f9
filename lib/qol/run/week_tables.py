"""Weekly tables of one bucket: each closed week with the weeks before that it looks back on."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from qol.contracts.columns import WINDOWS, daily_columns, weekly_columns
from qol.contracts.frames import no_rows
from qol.contracts.model import Column, Contracts
from qol.tables.slices import Bucket
from qol.tables.weeks import WEEK
from qol.transform.change import before_columns
from qol.transform.survey_windows import has_questionnaires, survey_windows
from qol.transform.weekly_rows import WeekBefore, days_before_columns, weekly

#: How many weeks a window of 14 days, the longest that a contract may name, reaches back from any day of a week.
WINDOW_WEEKS = 2


@dataclass(frozen=True)
class _DailyRows:
    """Daily rows of a bucket's users: of `days` in the weeks that this run computes, else those published."""

    contracts: Contracts
    days: pl.DataFrame
    weeks: Collection[date]
    users: Bucket

    def of(self, week: date, names: Sequence[str] = ()) -> pl.DataFrame:
        """Daily rows of a week; only these columns where names are given."""
        columns = _named(daily_columns(self.contracts), names)
        if week in self.weeks:
            return self.days.filter(pl.col("week") == week).select([column.name for column in columns])
        return self.users.published("daily_metrics", week.isoformat(), columns)


def week_tables(
    contracts: Contracts, days: pl.DataFrame, weeks: Collection[date], closed: Collection[date], users: Bucket
) -> Iterator[tuple[str, date, pl.DataFrame]]:
    """Weekly rows and survey windows of a bucket's users: table, week and rows, from the earliest closed week on.

    `days` are the daily rows of `weeks`, with the column `week`. A week before is the one made here where it is among
    `weeks`, else the published one.
    """
    daily = _DailyRows(contracts, days, weeks, users)
    read = before_columns(contracts)
    columns = _named(weekly_columns(contracts), read)
    made = dict.fromkeys(weeks, no_rows(columns))
    for week in sorted(week for week in weeks if week in closed):
        rows = daily.of(week)
        if not rows.height:
            continue
        last = week - WEEK
        earlier = made[last] if last in made else users.published("weekly_metrics", last.isoformat(), columns)
        found = weekly(contracts, rows, week, WeekBefore(daily.of(last, days_before_columns(contracts)), earlier))
        made[week] = found.select(read)
        yield "weekly_metrics", week, found
        windows = contracts.windows
        if windows is not None and has_questionnaires(contracts, windows, rows):
            looked_at = [rows, *(daily.of(week - back * WEEK) for back in range(1, WINDOW_WEEKS + 1))]
            yield WINDOWS, week, survey_windows(contracts, windows, pl.concat(looked_at), week)


def _named(columns: Sequence[Column], names: Sequence[str]) -> list[Column]:
    return [column for column in columns if not names or column.name in names]
