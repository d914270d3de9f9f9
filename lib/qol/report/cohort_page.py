"""The cohort's page: users with data, the distribution of their values by week, and what became of the raw data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import polars as pl

from qol.report.blocks import Block, Cell, Chart, Charts, Page, Row, Table, Text, count_cell
from qol.report.cohort_charts import MAX_DOTS, draw_weeks, quartiles
from qol.report.locales import Locale
from qol.report.raw_data_sections import raw_sections
from qol.report.report_data import Cohort, filled_columns
from qol.report.shown_columns import ShownColumn, empty_groups, main_columns
from qol.report.svg_charts import evening_first, morning_again
from qol.tables.weeks import iso_week

MAX_COLUMNS_PER_GROUP = 2


def cohort_page(locale: Locale, cohort: Cohort) -> Page:
    """The page of all users in a week."""
    sunday = cohort.monday + timedelta(days=6)
    users = [_users_by_week(locale, cohort), _valid_weeks(locale, cohort), _coverage(locale, cohort.this)]
    return Page(
        locale.text("cohort_title", week=iso_week(cohort.monday)),
        (
            locale.text("week_dates", first=cohort.monday, last=sunday),
            locale.text("cohort_lead", people=cohort.this.height),
        ),
        (
            locale.section("people", users),
            locale.section("spread", _spread(locale, cohort)),
            *raw_sections(locale, cohort.manifest),
        ),
    )


def _users_by_week(locale: Locale, cohort: Cohort) -> Table:
    rows = []
    for day, frame in sorted(cohort.weekly.items(), reverse=True):
        span = Cell(locale.text("week_span", first=day, last=day + timedelta(days=6)))
        rows.append(Row(iso_week(day), iso_week(day), (span, count_cell(frame.height))))
    return locale.table("people", "week", {"days": "days_of_week", "people": "people"}, rows)


def _valid_weeks(locale: Locale, cohort: Cohort) -> Table:
    """Users with a valid week per group, in the reported week and the one before."""
    this, before = (cohort.weekly[day] for day in sorted(cohort.weekly, reverse=True)[:2])
    rows = []
    for group in locale.contracts.groups:
        needed = Cell(locale.text("at_least_days", days=group.min_valid_days), group.min_valid_days)
        valid, valid_before = (int(frame[f"{group.name}_valid"].sum()) for frame in (this, before))
        share = Cell(f"{100 * valid / this.height:.0f} %" if this.height else locale.text("no_data"))
        cells = (needed, count_cell(valid), share, count_cell(valid_before))
        rows.append(Row(group.name, locale.name("groups", group.name), cells))
    heads = {"needs": "needs", "this": "people_this_week", "share": "share", "before": "people_before"}
    return locale.table("valid", "group", heads, rows)


def _coverage(locale: Locale, this: pl.DataFrame) -> Table:
    """Users per group and source; a column for each source that gives any group."""
    groups = [group.name for group in locale.contracts.groups]
    counts = {group: dict(this[f"{group}_source"].value_counts().iter_rows()) for group in groups}
    sources = sorted({source for counted in counts.values() for source in counted if source is not None})
    rows = []
    for group, counted in counts.items():
        cells = tuple(count_cell(counted.get(source, 0)) for source in (*sources, None))
        rows.append(Row(group, locale.name("groups", group), cells))
    names = [locale.name("sources", source) for source in sources]
    heads = (locale.text("group"), *names, locale.text("no_source"))
    return Table("coverage", locale.text("coverage_caption"), heads, (*sources, "none"), tuple(rows))


def _spread(locale: Locale, cohort: Cohort) -> Iterator[Block]:
    filled = filled_columns(cohort.weekly.values())
    shown = main_columns(locale.contracts, filled, MAX_COLUMNS_PER_GROUP)
    if not shown:
        yield Text(locale.text("no_values"))
        return
    has_dots = max(frame.height for frame in cohort.weekly.values()) <= MAX_DOTS
    yield Text(locale.text("spread_key_dots" if has_dots else "spread_key", week=iso_week(cohort.monday)), "key")
    yield Charts(tuple(_chart(locale, cohort, column) for column in shown))
    yield _quartile_table(locale, cohort, shown)
    left_out = empty_groups(locale.contracts, filled)
    if left_out:
        yield Text(locale.text("empty_groups", groups=locale.names("groups", left_out)))


def _values(column: ShownColumn, frame: pl.DataFrame) -> list[float]:
    """Values of a column; times of the day as minutes after 18:00, so that nights have a middle."""
    values = frame[column.column].drop_nulls().to_list()
    return [evening_first(value) for value in values] if column.clock else values


def _chart(locale: Locale, cohort: Cohort, column: ShownColumn) -> Chart:
    weeks = [(iso_week(day)[-3:], _values(column, frame)) for day, frame in cohort.weekly.items()]
    label, unit = locale.label(column), locale.unit_of(column)
    medians = [
        locale.text(
            "week_median",
            week=iso_week(day),
            value=_quartiles(locale, column, frame)[1].text,
            unit=unit,
            people=number,
            sources=_describe_sources(locale, _source_counts(frame, column)),
        )
        for day, frame in cohort.weekly.items()
        if (number := frame[column.column].count())
    ]
    title = locale.text("titled", label=label, unit=unit)
    description = locale.text("spread_desc", weeks=locale.text("semicolon").join(medians))
    svg = draw_weeks(f"w-{column.column}", title, description, weeks, clock=column.clock)
    return Chart(label, unit, svg, _sources_of_weeks(locale, cohort, column))


def _sources_of_weeks(locale: Locale, cohort: Cohort, column: ShownColumn) -> str:
    """The sources of the reported week's values with their users, and other sources of the weeks before."""
    this = _source_counts(cohort.this, column)
    all_sources = {source for frame in cohort.weekly.values() for source in _source_counts(frame, column)}
    others, described = locale.names("sources", sorted(all_sources - this.keys())), _describe_sources(locale, this)
    return locale.text("sources_before", sources=described, others=others) if others else described


def _source_counts(frame: pl.DataFrame, column: ShownColumn) -> Counter[str]:
    """Users with a value of the column, by the source it comes from."""
    return Counter(frame.filter(pl.col(column.column).is_not_null())[f"{column.group}_source"].drop_nulls())


def _describe_sources(locale: Locale, counts: Counter[str]) -> str:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    texts = [locale.text("source_people", source=locale.name("sources", source), people=n) for source, n in ordered]
    return locale.text("comma").join(texts) or locale.text("no_data")


def _quartiles(locale: Locale, column: ShownColumn, frame: pl.DataFrame) -> Sequence[Cell]:
    values = _values(column, frame)
    if not values:
        return [Cell(locale.text("no_data"))] * 3
    found = [_rounded_quartile(column, value) for value in quartiles(values)]
    return [Cell(locale.value(column, value), value) for value in found]


def _rounded_quartile(column: ShownColumn, quartile: float) -> float:
    """A quartile with two decimals more than its column: a quarter of the way between two values needs them."""
    value = column.rounded(quartile, 2)
    return column.rounded(morning_again(value), 2) if column.clock else value


def _quartile_table(locale: Locale, cohort: Cohort, shown: Sequence[ShownColumn]) -> Table:
    earlier = pl.concat([frame for day, frame in cohort.weekly.items() if day != cohort.monday])
    rows = [_quartile_row(locale, column, cohort.this, earlier) for column in shown]
    heads = {
        "people": "people", "q25": "quarter_low", "q50": "median", "q75": "quarter_high",
        "before": "median_before", "sources": "sources",
    }  # fmt: skip
    return locale.table("spread", "measure", heads, rows)


def _quartile_row(locale: Locale, column: ShownColumn, this: pl.DataFrame, earlier: pl.DataFrame) -> Row:
    users, before = count_cell(this[column.column].count()), _quartiles(locale, column, earlier)[1]
    sources = Cell(_describe_sources(locale, _source_counts(this, column)))
    cells = (users, *_quartiles(locale, column, this), before, sources)
    return Row(column.column, locale.label(column), cells, locale.unit_of(column))
