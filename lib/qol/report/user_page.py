"""One user's page: the week beside the one before, four weeks of days and nights, the survey's profile."""

from collections.abc import Mapping
from typing import Any

from qol.contracts.weekly import WeeklyGroup
from qol.report.blocks import Cell, Chart, Row
from qol.report.locales import DAY_MINUTES, Locale, signed
from qol.report.report_data import UserWeeks
from qol.report.shown_columns import CHANGE, YES_NO, ShownColumn, all_columns, group_columns
from qol.report.user_charts import draw_profile
from qol.report.user_days import days_and_nights
from qol.tables.weeks import WEEK

SURVEY = "survey"
#: Columns of the WHO's quality-of-life questionnaires on their scale from 0 to 100.
_PROFILE_START, _PROFILE_SCALE = "whoqol_", "_t100"

_Weekly = Mapping[str, Any]


def user_page(locale: Locale, user: UserWeeks) -> dict[str, Any]:
    """What the page of one user in a week shows, for its template."""
    this, before = user.weekly[user.monday] or {}, user.weekly.get(user.monday - WEEK) or {}
    parts = days_and_nights(locale, user) | _survey(locale, this)
    return {
        "sections": ["summary", "weeks", "days", *(name for name in ("nights", "survey") if name in parts)],
        "user_id": user.user_id,
        "days_observed": this.get("days_observed"),
        "groups": [_group(locale, group, this) for group in locale.contracts.groups],
        "compared": {group.name: _compared(locale, group, this, before) for group in locale.contracts.groups},
        **parts,
    }


def _group(locale: Locale, group: WeeklyGroup, this: _Weekly) -> Row:
    source, days, valid = (this.get(f"{group.name}_{end}") for end in ("source", "valid_days", "valid"))
    cells = (
        Cell(locale.name("sources", source) if source else locale.text("no_data"), source),
        Cell(locale.number(days), days),
        Cell(locale.number(valid), valid),
        Cell(locale.text("at_least_days", days=group.min_valid_days), group.min_valid_days),
    )
    return Row(group.name, locale.name("groups", group.name), cells)


def _compared(locale: Locale, group: WeeklyGroup, this: _Weekly, before: _Weekly) -> list[Row]:
    """A row for each column of a group with a value in either week."""
    columns = group_columns(locale.contracts, group)
    known = [c for c in columns if {this.get(c.column), before.get(c.column)} != {None}]
    return [_compare(locale, column, this, before) for column in known]


def _compare(locale: Locale, column: ShownColumn, this: _Weekly, before: _Weekly) -> Row:
    values = [week.get(column.column) for week in (this, before)]
    size = max((abs(value) for value in values if value is not None), default=None)
    cells = [Cell(locale.value(column, value, size), value) for value in values]
    unit = "" if column.unit == YES_NO else locale.unit_of(column)
    return Row(column.column, locale.label(column), (*cells, _change(locale, column, this, before, size)), unit)


def _change(locale: Locale, column: ShownColumn, this: _Weekly, before: _Weekly, size: float | None) -> Cell:
    """The published change if there is one, else this week minus the one before, by the same rule."""
    now, then = this.get(column.column), before.get(column.column)
    # Sources measure differently.
    both_valid = this.get(f"{column.group}_valid") and before.get(f"{column.group}_valid")
    is_one_source = this.get(f"{column.group}_source") == before.get(f"{column.group}_source")
    if now is None or then is None or not (both_valid and is_one_source):
        return Cell(locale.text("not_comparable"))
    if isinstance(now, bool):
        return Cell(locale.text("same" if now == then else "changed"))
    if column.clock:
        moved = column.rounded(clock_change(now, then))
        return Cell(locale.text("minutes", number=signed(round(moved))), moved)
    published = this.get(f"{column.column}{CHANGE}")
    moved = column.rounded(now - then) if published is None else published
    return Cell(signed(moved, size), moved)


def clock_change(now: float, then: float) -> float:
    """Minutes between two times of the day, the shorter way round the clock; negative is earlier."""
    half = DAY_MINUTES / 2
    return (now - then + half) % DAY_MINUTES - half


def _survey(locale: Locale, this: _Weekly) -> dict[str, Any]:
    """The profile where the contracts have its columns; none of its rows where the week has no answers."""
    columns = [
        column
        for column in all_columns(locale.contracts)
        if column.group == SURVEY and column.name.startswith(_PROFILE_START) and _PROFILE_SCALE in column.name
    ]
    known = [column for column in columns if this.get(column.column) is not None]
    rows = [
        Row(
            c.column, locale.metric(c.name), (Cell(locale.value(c, this[c.column]), this[c.column]),), locale.unit_of(c)
        )
        for c in known
    ]
    return {"survey": rows, "profile": _profile(locale, rows) if rows else None} if columns else {}


def _profile(locale: Locale, rows: list[Row]) -> Chart:
    bars = [(row.head, float(row.cells[0].value), row.cells[0].text) for row in rows]
    unit, title = rows[0].unit, locale.text("survey_caption")
    texts = [locale.text("valued", label=label, value=text, unit=unit) for label, _, text in bars]
    return Chart(title, unit, draw_profile("survey-profile", title, locale.text("semicolon").join(texts), bars))
