"""One user's days and nights over the last weeks: of each group those of the source that made the week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from qol.contracts.model import Contracts
from qol.contracts.weekly import WeeklyGroup
from qol.report.blocks import Chart
from qol.report.locales import Locale, clock_text
from qol.report.report_data import USER_WEEKS, UserWeeks, mondays
from qol.report.shown_columns import all_columns, daily_groups, questionnaires
from qol.report.svg_charts import evening_first
from qol.report.user_charts import Day, Night, draw_days, draw_nights
from qol.tables.weeks import monday_of

#: A group draws this many of its metrics; the table of weeks has all.
MAX_METRICS_PER_GROUP = 6
REGULARITY = "sleep_regularity_index"
_NIGHT = ("bedtime_minute", "wake_minute", "midsleep_minute")

_Row = Mapping[str, Any]


@dataclass(frozen=True)
class GroupDays:
    """A group's rows by day, in each week of one source."""

    needs_wear: bool
    rows: Mapping[date, _Row]
    sources: tuple[str, ...]


def days_and_nights(locale: Locale, user: UserWeeks) -> dict[str, Any]:
    """What the sections of days and, where the contracts have nights, of nights show, for the template."""
    calendar = days_of(user)
    answered = {group.name for group in questionnaires(locale.contracts)}
    days = {
        group: _drawn(locale, choose_days(locale.contracts, user, group, names), names, calendar)
        for group, names in daily_groups(locale.contracts)
        if group not in answered
    }
    values: dict[str, Any] = {"calendar": calendar, "days": days}
    if all(name in locale.contracts.metric for name in _NIGHT):
        values |= {"nights": _nights(locale, user, calendar), "regularity": _regularity(locale, user)}
    return values


def days_of(user: UserWeeks) -> list[date]:
    """The days of the last weeks, oldest first."""
    return [day + timedelta(days=number) for day in mondays(user.monday, USER_WEEKS) for number in range(7)]


def choose_days(contracts: Contracts, user: UserWeeks, group: str, names: Sequence[str]) -> GroupDays:
    """Rows of a group: in each week of the source in the weekly row, else of the first source with any value."""
    alone = WeeklyGroup.model_construct(name=group, anchor=(), needs_wear=False, precedence=())
    rule = next((g for g in contracts.groups if g.name == group), alone)
    chosen: dict[date, _Row] = {}
    sources: dict[str, None] = {}
    for monday, weekly in user.weekly.items():
        rows = [r for r in user.daily.iter_rows(named=True) if monday_of(r["day"]) == monday]
        having = {r["source"] for r in rows if any(r[name] is not None for name in names)}
        ordered = [*rule.precedence, *sorted(having)]
        published = (weekly or {}).get(f"{group}_source")
        source = str(published) if published else next((name for name in ordered if name in having), "")
        chosen |= {r["day"]: r for r in rows if r["source"] == source}
        if source in having:
            sources[source] = None
    return GroupDays(rule.needs_wear, chosen, tuple(sources))


def _drawn(locale: Locale, days: GroupDays, names: Sequence[str], calendar: list[date]) -> dict[str, Any]:
    """Charts of a group's metrics, their sources and the labels of those that are not drawn; empty without any value."""
    known = [n for n in names if any(days.rows[d][n] is not None for d in calendar if d in days.rows)]
    if not known:
        return {}
    return {
        "sources": locale.names("sources", days.sources),
        "charts": [_day_chart(locale, days, name, calendar) for name in known[:MAX_METRICS_PER_GROUP]],
        "left_out": [locale.metric(name) for name in known[MAX_METRICS_PER_GROUP:]],
    }


def _day_chart(locale: Locale, group: GroupDays, name: str, calendar: list[date]) -> Chart:
    metric = locale.contracts.metric[name]
    days = [_day(group, name, day) for day in calendar]
    label, unit = locale.metric(name), locale.unit(name, metric.unit)
    values = sorted((d.value for d in days if d.value is not None), key=evening_first if metric.clock else None)
    low, high = (clock_text(v) if metric.clock else locale.number(v) for v in (values[0], values[-1]))
    description = locale.text("days_desc", days=len(values), all=len(days), low=low, high=high, unit=unit)
    title = locale.text("titled", label=label, unit=unit)
    return Chart(label, unit, draw_days(f"d-{name}", title, description, days, metric.range, clock=metric.clock))


def _day(group: GroupDays, name: str, day: date) -> Day:
    row = group.rows.get(day)
    if row is None:
        return Day(day, None)
    return Day(day, row[name], is_worn=not group.needs_wear or row["worn"] is not False)


def _nights(locale: Locale, user: UserWeeks, calendar: list[date]) -> Chart | None:
    group = next((name for name, metrics in daily_groups(locale.contracts) if _NIGHT[0] in metrics), "sleep")
    days = choose_days(locale.contracts, user, group, _NIGHT)
    nights = [Night(day, *(days.rows.get(day, {}).get(name) for name in _NIGHT)) for day in calendar]
    known = [night for night in nights if night.bedtime is not None and night.wake is not None]
    if not known:
        return None
    title = locale.text("nights_caption")
    description = locale.text("nights_desc", nights=len(known), all=len(nights))
    svg = draw_nights("nights-raster", title, description, nights)
    return Chart(title, locale.text("local_time"), svg, locale.names("sources", days.sources))


def _regularity(locale: Locale, user: UserWeeks) -> str:
    """The week's sleep regularity index; empty where the contracts have none."""
    column = next((column for column in all_columns(locale.contracts) if column.column == REGULARITY), None)
    if column is None:
        return ""
    value = (user.weekly[user.monday] or {}).get(REGULARITY)
    unit = locale.unit_of(column) if value is not None else ""
    return locale.text("valued", label=locale.metric(REGULARITY), value=locale.number(value), unit=unit)
