"""One person's days and nights over the last weeks: of each group the source that made the week."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from qol.contracts.metric_model import WeeklyGroup
from qol.contracts.model import Contracts
from qol.report.blocks import Block, Chart, Charts, Heading, Section, Text
from qol.report.choose import all_columns, daily_groups
from qol.report.figures import evening_first
from qol.report.person_figures import Day, Night, days_until, draw_days, draw_nights
from qol.report.read import PERSON_WEEKS, Person
from qol.report.words import Words
from qol.tables.weeks import monday_of

#: A group draws this many of its metrics; all are in the table of weeks.
MOST_PER_GROUP = 6
REGULARITY = "sleep_regularity_index"
_NIGHT = ("bedtime_minute", "wake_minute", "midsleep_minute")

_Row = Mapping[str, Any]


@dataclass(frozen=True)
class GroupDays:
    """A group's rows by day, each of the one source that stands for its week."""

    name: str
    needs_wear: bool
    rows: Mapping[date, _Row]
    sources: tuple[str, ...]


def days_sections(words: Words, contracts: Contracts, person: Person) -> tuple[Section, ...]:
    """The section of days and, where a contract knows nights, the one of nights."""
    sections = [Section("days", words.say("days_title"), list(_days(words, contracts, person)))]
    if all(name in contracts.metric for name in _NIGHT):
        sections.append(Section("nights", words.say("nights_title"), list(_nights(words, contracts, person))))
    return tuple(sections)


def choose_days(contracts: Contracts, person: Person, group: str, names: Sequence[str]) -> GroupDays:
    """Rows of a group: in each week of the source in the weekly row, else of the first source with any value."""
    rule = next((g for g in contracts.groups if g.name == group), WeeklyGroup(group, (), False, 1, (), {}))  # noqa: FBT003
    found: dict[date, _Row] = {}
    sources: dict[str, None] = {}
    for monday, weekly in person.weekly.items():
        rows = [r for r in person.daily.iter_rows(named=True) if monday_of(r["day"]) == monday]
        having = {r["source"] for r in rows if any(r[name] is not None for name in names)}
        ordered = [*rule.precedence, *sorted(having)]
        made = (weekly or {}).get(f"{group}_source")
        source = str(made) if made else next((name for name in ordered if name in having), "")
        found |= {r["day"]: r for r in rows if r["source"] == source}
        if source in having:
            sources[source] = None
    return GroupDays(group, rule.needs_wear, found, tuple(sources))


def _calendar(person: Person) -> list[date]:
    return days_until(person.monday + timedelta(days=6), 7 * PERSON_WEEKS)


def _days(words: Words, contracts: Contracts, person: Person) -> Iterator[Block]:
    calendar, empty = _calendar(person), []
    yield Text(words.say("days_key", first=calendar[0], last=calendar[-1]), "key")
    for group, names in daily_groups(contracts):
        days = choose_days(contracts, person, group, names)
        known = [n for n in names if any(days.rows[d][n] is not None for d in calendar if d in days.rows)]
        if not known:
            empty.append(words.name("groups", group))
            continue
        yield Heading(words.say("group_source", group=words.name("groups", group), sources=_said(words, days.sources)))
        yield Charts(tuple(_day_chart(words, contracts, days, n, calendar) for n in known[:MOST_PER_GROUP]))
        if len(known) > MOST_PER_GROUP:
            names_left = words.say("comma").join(words.metric(name) for name in known[MOST_PER_GROUP:])
            yield Text(words.say("not_drawn", metrics=names_left))
    if empty:
        yield Text(words.say("no_data_days", groups=words.say("comma").join(empty)))


def _said(words: Words, sources: Sequence[str]) -> str:
    return words.say("comma").join(words.name("sources", source) for source in sources)


def _day_chart(words: Words, contracts: Contracts, group: GroupDays, name: str, calendar: list[date]) -> Chart:
    metric = contracts.metric[name]
    days = [_day(group, name, day) for day in calendar]
    label, unit = words.metric(name), words.unit(name, metric.unit)
    show = words.clock if metric.clock else words.number
    values = sorted((d.value for d in days if d.value is not None), key=evening_first if metric.clock else None)
    low, high = show(values[0]), show(values[-1])
    said = words.say("days_desc", days=len(values), all=len(days), low=low, high=high, unit=unit)
    title = words.say("titled", label=label, unit=unit)
    return Chart(label, unit, draw_days(f"d-{name}", title, said, days, clock=metric.clock))


def _day(group: GroupDays, name: str, day: date) -> Day:
    row = group.rows.get(day)
    if row is None:
        return Day(day, None)
    not_worn = group.needs_wear and row["worn"] is False
    return Day(day, row[name], "not_worn" if not_worn else "counts")


def _nights(words: Words, contracts: Contracts, person: Person) -> Iterator[Block]:
    calendar = _calendar(person)
    group = next((name for name, metrics in daily_groups(contracts) if _NIGHT[0] in metrics), "sleep")
    days = choose_days(contracts, person, group, _NIGHT)
    rows = days.rows
    nights = [Night(day, *((rows[day][n] if day in rows else None) for n in _NIGHT)) for day in calendar]
    known = [night for night in nights if night.bedtime is not None and night.wake is not None]
    if known:
        title = words.say("nights_caption")
        said = words.say("nights_desc", nights=len(known), all=len(nights))
        yield Text(words.say("nights_key"), "key")
        svg = draw_nights("nights-raster", title, said, nights)
        yield Charts((Chart(title, words.say("local_time"), svg, _said(words, days.sources)),), wide=True)
    else:
        yield Text(words.say("no_nights"))
    yield from _regularity(words, contracts, person)


def _regularity(words: Words, contracts: Contracts, person: Person) -> Iterator[Text]:
    """The week's regularity index, where the contracts have it."""
    shown = next((column for column in all_columns(contracts) if column.column == REGULARITY), None)
    if shown is not None:
        value = (person.weekly[person.monday] or {}).get(REGULARITY)
        unit = words.unit(shown.name, shown.unit) if value is not None else ""
        yield Text(words.say("valued", label=words.metric(REGULARITY), value=words.number(value), unit=unit))
