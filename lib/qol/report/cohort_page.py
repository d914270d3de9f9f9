"""The cohort's page: users with data, and the distribution of their values by week."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import polars as pl

from qol.report.blocks import Cell, Chart, Row, count_cell
from qol.report.cohort_charts import MAX_DOTS, draw_weeks, quartiles
from qol.report.cohort_summary import cohort_summary
from qol.report.locales import Locale
from qol.report.report_data import Cohort, filled_columns
from qol.report.shown_columns import ShownColumn, empty_groups, main_columns
from qol.report.svg_charts import evening_first, morning_again
from qol.report.wear_map import wear_map
from qol.tables.weeks import iso_week

MAX_COLUMNS_PER_GROUP = 2
NO_FILES: Mapping[str, str] = MappingProxyType({})


def cohort_page(locale: Locale, cohort: Cohort, files: Mapping[str, str] = NO_FILES) -> dict[str, Any]:
    """What the page of all users in a week shows, for its template; `files` has the page of a user, where there is one."""
    filled = filled_columns(cohort.weekly.values())
    shown = main_columns(locale.contracts, filled, MAX_COLUMNS_PER_GROUP)
    earlier = pl.concat([frame for day, frame in cohort.weekly.items() if day != cohort.monday])
    return {
        "sections": ["calls", "map", "warnings", "people", "spread"],
        **cohort_summary(locale, cohort, files),
        "map": wear_map(locale, cohort, files),
        "weeks": _users_by_week(locale, cohort),
        "valid": _valid_weeks(locale, cohort),
        **_coverage(locale, cohort.this),
        "has_dots": max(frame.height for frame in cohort.weekly.values()) <= MAX_DOTS,
        "charts": [_chart(locale, cohort, column) for column in shown],
        "quartiles": [_quartile_row(locale, column, cohort.this, earlier) for column in shown],
        "left_out": empty_groups(locale.contracts, filled),
        "manifest": cohort.manifest,
    }


def _users_by_week(locale: Locale, cohort: Cohort) -> list[Row]:
    rows = []
    for day, frame in sorted(cohort.weekly.items(), reverse=True):
        span = Cell(locale.text("week_span", first=day, last=day + timedelta(days=6)))
        rows.append(Row(iso_week(day), iso_week(day), (span, count_cell(frame.height))))
    return rows


def _valid_weeks(locale: Locale, cohort: Cohort) -> list[Row]:
    this, before = (cohort.weekly[day] for day in sorted(cohort.weekly, reverse=True)[:2])
    rows = []
    for group in locale.contracts.groups:
        needed = Cell(locale.text("at_least_days", days=group.min_valid_days), group.min_valid_days)
        valid, valid_before = (int(frame[f"{group.name}_valid"].sum()) for frame in (this, before))
        share = Cell(f"{100 * valid / this.height:.0f}\N{NO-BREAK SPACE}%" if this.height else locale.text("no_data"))
        cells = (needed, count_cell(valid), share, count_cell(valid_before))
        rows.append(Row(group.name, locale.name("groups", group.name), cells))
    return rows


def _coverage(locale: Locale, this: pl.DataFrame) -> dict[str, Any]:
    """Users per group and source: the names of `sources` that give any group, and the rows of `coverage`."""
    groups = [group.name for group in locale.contracts.groups]
    counts = {group: dict(this[f"{group}_source"].value_counts().iter_rows()) for group in groups}
    sources = sorted({source for counted in counts.values() for source in counted if source is not None})
    rows = [
        Row(g, locale.name("groups", g), tuple(count_cell(counted.get(source, 0)) for source in (*sources, None)))
        for g, counted in counts.items()
    ]
    names = {source: locale.name("sources", source) for source in sources}
    return {"sources": names | {"none": locale.text("no_source")}, "coverage": rows}


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
    svg = draw_weeks(f"w-{column.column}", title, description, weeks, column.plausible, clock=column.clock)
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


def _quartile_row(locale: Locale, column: ShownColumn, this: pl.DataFrame, earlier: pl.DataFrame) -> Row:
    users, before = count_cell(this[column.column].count()), _quartiles(locale, column, earlier)[1]
    sources = Cell(_describe_sources(locale, _source_counts(this, column)))
    cells = (users, *_quartiles(locale, column, this), before, sources)
    return Row(column.column, locale.label(column), cells, locale.unit_of(column))
