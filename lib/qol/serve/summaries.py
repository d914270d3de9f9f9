"""A person's published values of days, weeks and months beside their day counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

import polars as pl

from qol.contracts.columns import daily_columns, weekly_columns, window_aggregate
from qol.contracts.model import Column, Contracts
from qol.contracts.weekly import WeeklyGroup
from qol.serve.kept_frames import KeptFrames, Rows
from qol.serve.problem_details import invalid
from qol.serve.serve_file import Fields
from qol.tables.weeks import WEEK, last_closed_week, monday_of, mondays_between
from qol.transform.aggregates import aggregate, rounded
from qol.transform.weekly_rows import anchors, days_of_best_source, group_days, source_columns

Period = Literal["day", "week", "month"]
#: How many periods one answer may reach back, by period.
MAX_LAST = {"day": 92, "week": 53, "month": 12}
_DAY_HEAD = ("day", "source", "worn")
_WEEK_HEAD = ("week_start", "week_end", "iso_week", "days_observed")


@dataclass(frozen=True)
class Question:
    """What is asked for: a period, the day it contains, how many periods up to it, and the columns beside the usual ones."""

    period: Period
    day: date
    last: int
    fields: tuple[str, ...]

    @property
    def starts(self) -> list[date]:
        """The first days of the periods, in order."""
        return [_back(self.period, self.day, steps) for steps in reversed(range(self.last))]

    @property
    def end(self) -> date:
        """The last day of the last period."""
        following = {"day": self.day, "week": monday_of(self.day) + WEEK, "month": _next_month(self.day)}[self.period]
        return following if self.period == "day" else following - timedelta(days=1)


def local_now(now: datetime, zone: str) -> datetime:
    """The time in a person's zone."""
    return now.astimezone(ZoneInfo(zone))


def known_fields(contracts: Contracts, period: Period) -> frozenset[str]:
    """Columns that may be asked for."""
    if period == "day":
        return frozenset(column.name for column in daily_columns(contracts)).difference(_DAY_HEAD, ("user_id",))
    if period == "month":
        return frozenset(name for group in contracts.groups for name in group.metrics)
    return frozenset(column.name for column in weekly_columns(contracts)).difference(_WEEK_HEAD, ("user_id",))


class Published(NamedTuple):
    """Rows of an answer, and for how many seconds the lake has been away; None while it answers."""

    rows: list[dict[str, Any]]
    away: float | None


class Summaries:
    """Answers questions from published tables."""

    def __init__(self, contracts: Contracts, frames: KeptFrames, usual: Fields) -> None:
        self._contracts, self._frames, self._fields = contracts, frames, usual
        self._weekly = {column.name: column for column in weekly_columns(contracts)}
        self._daily = {column.name: column for column in daily_columns(contracts)}
        self._known = {period: known_fields(contracts, period) for period in get_args(Period)}
        self._stands_on = _stands_on(contracts)
        self._usual_week = self.week_columns(usual.week)
        self._usual_day = self.day_columns((*usual.day, *self.month_inputs(usual.month)))

    def question(self, period: Period, day: date | None, last: int, fields: str | None, now: datetime) -> Question:
        """A question that the contracts know; 422 with what is allowed otherwise. `now` is the clock in the person's zone."""
        if not 1 <= last <= MAX_LAST[period]:
            raise invalid("query/last", f"must be from 1 to {MAX_LAST[period]} for this period")
        names: tuple[str, ...] = getattr(self._fields, period)
        if fields is not None:
            names = tuple(dict.fromkeys(name.strip() for name in fields.split(",")))
        if not names or not self._known[period].issuperset(names):
            table = "weekly_metrics" if period == "week" else "daily_metrics"
            raise invalid(
                "query/fields", f"must be columns of {table}, with commas between them, as docs/catalog.md has them"
            )
        if day is None:
            day = self._frames.latest_week(last_closed_week(now)) if period == "week" else now.date()
        return Question(period, day, last, names)

    def published(self, asked: Question, user_id: str) -> Published:
        """The rows of a person's periods; a period without data has none."""
        if asked.period == "week":
            found = [self._week(start, asked.fields, user_id) for start in asked.starts]
            rows = [row for one in found for row in one.frame.to_dicts()]
        else:
            days = self.days(user_id, asked.starts[0], asked.end, self.inputs(asked))
            found, rows = [days], self.rows_of_days(asked, days.frame)
        away = [one.away for one in found if one.away is not None]
        return Published([without_user(row) for row in rows], max(away, default=None))

    def rows_of_days(self, asked: Question, days: pl.DataFrame) -> list[dict[str, Any]]:
        """Rows of a question about days or months, from a person's daily rows."""
        if asked.period == "day":
            return days.select(["user_id", *_DAY_HEAD, *asked.fields]).to_dicts()
        rows = (month_row(self._contracts, days, start, asked.fields) for start in asked.starts)
        return [row for row in rows if row is not None]

    def days(self, user_id: str, first: date, last: date, columns: Sequence[Column]) -> Rows:
        """A person's daily rows of the days, both included."""
        found = [
            self._frames.of_user("daily_metrics", str(monday), user_id, columns, self._usual_day)
            for monday in mondays_between(first, last)
        ]
        rows = pl.concat([one.frame for one in found]).filter(pl.col("day").is_between(first, last))
        return Rows(rows, max((one.away for one in found if one.away is not None), default=None))

    def _week(self, start: date, fields: Sequence[str], user_id: str) -> Rows:
        columns = self.week_columns(fields)
        return self._frames.of_user("weekly_metrics", str(monday_of(start)), user_id, columns, self._usual_week)

    def inputs(self, asked: Question) -> list[Column]:
        """Daily columns that an answer about days or months is made of."""
        return self.day_columns(asked.fields if asked.period == "day" else self.month_inputs(asked.fields))

    def week_columns(self, fields: Sequence[str]) -> list[Column]:
        """Weekly columns of an answer: those asked for, and beside each what it stands on."""
        names = ["user_id", *_WEEK_HEAD]
        for name in fields:
            names += [name, *self._stands_on.get(name, ())]
        return [self._weekly[name] for name in dict.fromkeys(names)]

    def day_columns(self, fields: Sequence[str]) -> list[Column]:
        """Daily columns of an answer."""
        return [self._daily[name] for name in dict.fromkeys(("user_id", *_DAY_HEAD, *fields))]

    def month_inputs(self, metrics: Sequence[str]) -> list[str]:
        """Daily metrics that a month's values of these are made of."""
        groups = [group for group in self._contracts.groups if set(metrics).intersection(group.metrics)]
        return [*dict.fromkeys([*metrics, *(name for group in groups for name in anchors(self._contracts, group))])]


def _stands_on(contracts: Contracts) -> dict[str, list[str]]:
    """By weekly value its day count, where it has one of its own, and its group's source and valid days."""
    found: dict[str, list[str]] = {}
    for group in contracts.groups:
        own = [f"{group.name}_source", f"{group.name}_valid_days"]
        for metric, aggregates in group.metrics.items():
            found |= {f"{metric}_{one}": [f"{metric}_days", *own] for one in aggregates}
        found |= {rule.name: own for rule in contracts.derived if rule.group == group.name}
    return found


def month_row(contracts: Contracts, days: pl.DataFrame, start: date, metrics: Sequence[str]) -> dict[str, Any] | None:
    """One person's calendar month, with the aggregates that recall windows have; None without a day."""
    end = _next_month(start) - timedelta(days=1)
    mine = days.filter(pl.col("day").is_between(start, end))
    if not mine.height:
        return None
    row: dict[str, Any] = {"month": f"{start:%Y-%m}", "days_observed": mine["day"].n_unique()}
    for group in contracts.groups:
        names = [name for name in metrics if name in group.metrics]
        if names:
            row |= _month_group(contracts, group, names, mine)
    return row


def _month_group(contracts: Contracts, group: WeeklyGroup, names: Sequence[str], days: pl.DataFrame) -> dict[str, Any]:
    of = [(contracts.metric[name], window_aggregate(contracts.metric[name])) for name in names]
    empty: dict[str, Any] = {f"{group.name}_source": None, f"{group.name}_valid_days": 0}
    for metric, how in of:
        empty |= {f"{metric.name}_{how}": None, f"{metric.name}_days": 0}
    best = days_of_best_source(group, group_days(contracts, group, days), "user_id")
    if not best.height:
        return empty
    columns = [
        part for one in of for part in (aggregate(*one), pl.col(one[0].name).count().alias(f"{one[0].name}_days"))
    ]
    found = best.group_by("user_id").agg(*source_columns(group), *columns)
    return empty | found.with_columns(rounded(*one) for one in of).drop("user_id").to_dicts()[0]


def without_user(row: dict[str, Any]) -> dict[str, Any]:
    """A row as an answer has it: the person is the caller."""
    return {name: value for name, value in row.items() if name != "user_id"}


def _back(period: Period, day: date, steps: int) -> date:
    """The first day of the period `steps` before that of a day."""
    if period == "day":
        return day - timedelta(days=steps)
    if period == "week":
        return monday_of(day) - steps * WEEK
    months = day.year * 12 + day.month - 1 - steps
    return date(months // 12, months % 12 + 1, 1)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
