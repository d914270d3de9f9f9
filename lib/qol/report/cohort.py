"""The cohort's page: who has data, how values are spread over people and weeks, what became of the raw data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import polars as pl

from qol.contracts.model import Contracts
from qol.report.blocks import Block, Cell, Chart, Charts, Page, Row, Section, Table, Text
from qol.report.choose import Shown, empty_groups, main_columns
from qol.report.cohort_figures import MOST_DOTS, draw_weeks, quartiles
from qol.report.figures import evening_first, morning_again
from qol.report.raw_data import raw_sections
from qol.report.read import Cohort, filled_columns
from qol.report.words import Words
from qol.tables.weeks import iso_week

#: A group shows this many of its columns.
MOST_PER_GROUP = 2


def cohort_page(words: Words, contracts: Contracts, cohort: Cohort) -> Page:
    """The page of everybody in a week."""
    week, sunday = iso_week(cohort.monday), cohort.monday + timedelta(days=6)
    spread = Section("spread", words.say("spread_title"), list(_spread(words, contracts, cohort)))
    return Page(
        words.say("cohort_title", week=week),
        (
            words.say("week_dates", first=cohort.monday, last=sunday),
            words.say("cohort_lead", people=cohort.this.height),
        ),
        (_people(words, contracts, cohort), spread, *raw_sections(words, cohort.manifest)),
        (words.say("pseudonyms"), words.say("foot")),
    )


def _people(words: Words, contracts: Contracts, cohort: Cohort) -> Section:
    return Section(
        "people",
        words.say("people_title"),
        [_people_by_week(words, cohort), _valid(words, contracts, cohort), _coverage(words, contracts, cohort.this)],
    )


def _people_by_week(words: Words, cohort: Cohort) -> Table:
    rows = [
        Row(
            iso_week(day),
            iso_week(day),
            (Cell(words.say("week_span", first=day, last=day + timedelta(days=6))), _count(frame.height)),
        )
        for day, frame in sorted(cohort.weekly.items(), reverse=True)
    ]
    heads = (words.say("week"), words.say("days_of_week"), words.say("people"))
    return Table("people", words.say("people_caption"), heads, ("days", "people"), tuple(rows))


def _count(number: int) -> Cell:
    return Cell(f"{number:,}", number)


def _valid(words: Words, contracts: Contracts, cohort: Cohort) -> Table:
    """People with a valid week per group, in the reported week and the one before."""
    this, before = (cohort.weekly[day] for day in sorted(cohort.weekly, reverse=True)[:2])
    rows = []
    for group in contracts.groups:
        least = Cell(words.say("at_least_days", days=group.min_valid_days), group.min_valid_days)
        counted = [_count(int(frame[f"{group.name}_valid"].sum())) for frame in (this, before)]
        share = Cell(_share(words, counted[0].value, this.height))
        rows.append(Row(group.name, words.name("groups", group.name), (least, counted[0], share, counted[1])))
    heads = ("group", "needs", "people_this_week", "share", "people_before")
    columns = ("needs", "this", "share", "before")
    return Table("valid", words.say("valid_caption"), tuple(map(words.say, heads)), columns, tuple(rows))


def _share(words: Words, part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else words.say("no_data")


def _coverage(words: Words, contracts: Contracts, this: pl.DataFrame) -> Table:
    """People per group and source; a column for each source that gives any group."""
    counts = {g.name: dict(this[f"{g.name}_source"].value_counts().iter_rows()) for g in contracts.groups}
    sources = sorted({source for counted in counts.values() for source in counted if source is not None})
    rows = [
        Row(
            group,
            words.name("groups", group),
            tuple(_count(counted.get(source, 0)) for source in (*sources, None)),
        )
        for group, counted in counts.items()
    ]
    heads = (words.say("group"), *(words.name("sources", source) for source in sources), words.say("no_source"))
    return Table("coverage", words.say("coverage_caption"), heads, (*sources, "none"), tuple(rows))


def _spread(words: Words, contracts: Contracts, cohort: Cohort) -> Iterator[Block]:
    filled = filled_columns(cohort.weekly.values())
    shown = main_columns(contracts, filled, MOST_PER_GROUP)
    if not shown:
        yield Text(words.say("no_values"))
        return
    dots = max(frame.height for frame in cohort.weekly.values()) <= MOST_DOTS
    yield Text(words.say("spread_key_dots" if dots else "spread_key", week=iso_week(cohort.monday)), "key")
    yield Charts(tuple(_chart(words, cohort, column) for column in shown))
    yield _quartile_table(words, cohort, shown)
    left_out = empty_groups(contracts, filled)
    if left_out:
        names = words.say("comma").join(words.name("groups", group) for group in left_out)
        yield Text(words.say("empty_groups", groups=names))


def _values(shown: Shown, frame: pl.DataFrame) -> list[float]:
    """Values of a column; times of the day as minutes after 18:00, so that nights have a middle."""
    values = frame[shown.column].drop_nulls().to_list()
    return [evening_first(value) for value in values] if shown.clock else values


def _chart(words: Words, cohort: Cohort, shown: Shown) -> Chart:
    weeks = [(iso_week(day)[-3:], _values(shown, frame)) for day, frame in cohort.weekly.items()]
    label, unit = words.label(shown), words.unit(shown.name, shown.unit)
    said = [
        words.say(
            "week_median",
            week=iso_week(day),
            value=_quartiles(words, shown, frame)[1].text,
            unit=unit,
            people=n,
            sources=_said_sources(words, _counted_sources(frame, shown)),
        )
        for (day, frame), (_, values) in zip(cohort.weekly.items(), weeks, strict=True)
        if (n := len(values))
    ]
    title = words.say("titled", label=label, unit=unit)
    description = words.say("spread_desc", weeks=words.say("semicolon").join(said))
    svg = draw_weeks(f"w-{shown.column}", title, description, weeks, clock=shown.clock)
    return Chart(label, unit, svg, _sources_of_weeks(words, cohort, shown))


def _sources_of_weeks(words: Words, cohort: Cohort, shown: Shown) -> str:
    """The sources of the reported week's values with their people, and which others the weeks before had."""
    this = _counted_sources(cohort.this, shown)
    earlier = {source for frame in cohort.weekly.values() for source in _counted_sources(frame, shown)}
    others = [words.name("sources", source) for source in sorted(earlier - this.keys())]
    said = _said_sources(words, this)
    return words.say("sources_before", sources=said, others=words.say("comma").join(others)) if others else said


def _counted_sources(frame: pl.DataFrame, shown: Shown) -> Counter[str]:
    """People with a value of the column, by the source it comes from."""
    return Counter(frame.filter(pl.col(shown.column).is_not_null())[f"{shown.group}_source"].drop_nulls())


def _said_sources(words: Words, counted: Counter[str]) -> str:
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    said = [words.say("source_people", source=words.name("sources", source), people=n) for source, n in ordered]
    return words.say("comma").join(said) or words.say("no_data")


def _quartiles(words: Words, shown: Shown, frame: pl.DataFrame) -> Sequence[Cell]:
    values = _values(shown, frame)
    if not values:
        return [Cell(words.say("no_data"))] * 3
    found = [_exact(shown, value) for value in quartiles(values)]
    return [Cell(words.value(shown, value), value) for value in found]


def _exact(shown: Shown, quartile: float) -> float:
    """A quartile as the table would have it: a quarter of the way between two values takes two decimals more than they have."""
    value = shown.rounded(quartile, 2)
    return shown.rounded(morning_again(value), 2) if shown.clock else value


def _quartile_table(words: Words, cohort: Cohort, shown: Sequence[Shown]) -> Table:
    earlier = pl.concat([frame for day, frame in cohort.weekly.items() if day != cohort.monday])
    rows = tuple(_quartile_row(words, column, cohort.this, earlier) for column in shown)
    heads = ("measure", "people", "quarter_low", "median", "quarter_high", "median_before", "sources")
    columns = ("people", "q25", "q50", "q75", "before", "sources")
    return Table("spread", words.say("quartile_caption"), tuple(map(words.say, heads)), columns, rows)


def _quartile_row(words: Words, shown: Shown, this: pl.DataFrame, earlier: pl.DataFrame) -> Row:
    people = _count(this.height - this[shown.column].null_count())
    low, middle, high = _quartiles(words, shown, this)
    before = _quartiles(words, shown, earlier)[1]
    unit = words.unit(shown.name, shown.unit)
    sources = Cell(_said_sources(words, _counted_sources(this, shown)))
    return Row(shown.column, words.label(shown), (people, low, middle, high, before, sources), unit)
