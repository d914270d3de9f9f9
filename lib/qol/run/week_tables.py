"""What a closed week of one bucket becomes, with the weeks before that it looks back on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import polars as pl

from qol.contracts.columns import WINDOWS, daily_columns, weekly_columns
from qol.contracts.frames import no_rows
from qol.contracts.model import Column, Contracts
from qol.tables.slices import Bucket
from qol.tables.weeks import WEEK
from qol.transform.change import before_columns
from qol.transform.survey_windows import has_questionnaires, survey_windows
from qol.transform.weekly import WeekBefore, days_before_columns, weekly

#: How many weeks a window of 14 days, the longest that a contract may name, reaches back from any day of a week.
WINDOW_WEEKS = 2


class WeekTables:
    """Weekly rows and survey windows of a bucket's people, asked for week by week from the earliest on.

    A week before is looked up in this run where the run computes it, else in what is published.
    """

    def __init__(self, contracts: Contracts, days: pl.DataFrame, weeks: Iterable[date], people: Bucket) -> None:
        """`days` are the daily rows of `weeks`, with the column `week`."""
        self._contracts = contracts
        self._days = days
        self._weeks = frozenset(weeks)
        self._people = people
        self._made: dict[date, pl.DataFrame] = {}

    def of(self, week: date) -> Iterator[tuple[str, pl.DataFrame]]:
        """Tables of a closed week with their rows."""
        rows = self._daily(week)
        if not rows.height:
            return
        last = week - WEEK
        before = WeekBefore(self._daily(last, days_before_columns(self._contracts)), self._weekly(last))
        made = weekly(self._contracts, rows, week, before)
        self._made[week] = made.select(before_columns(self._contracts))
        yield "weekly_metrics", made
        windows = self._contracts.windows
        if windows is not None and has_questionnaires(self._contracts, windows, rows):
            earlier = [self._daily(week - back * WEEK) for back in range(1, WINDOW_WEEKS + 1)]
            yield WINDOWS, survey_windows(self._contracts, windows, pl.concat([rows, *earlier]), week)

    def _daily(self, week: date, names: Sequence[str] = ()) -> pl.DataFrame:
        """Daily rows of a week; only these columns where names are given."""
        columns = _named(daily_columns(self._contracts), names)
        if week in self._weeks:
            return self._days.filter(pl.col("week") == week).select([column.name for column in columns])
        return self._people.published("daily_metrics", week.isoformat(), columns)

    def _weekly(self, week: date) -> pl.DataFrame:
        """What a change needs of a week's weekly rows."""
        columns = _named(weekly_columns(self._contracts), before_columns(self._contracts))
        if week not in self._weeks:
            return self._people.published("weekly_metrics", week.isoformat(), columns)
        return self._made.get(week, no_rows(columns))


def _named(columns: Sequence[Column], names: Sequence[str]) -> list[Column]:
    return [column for column in columns if not names or column.name in names]
