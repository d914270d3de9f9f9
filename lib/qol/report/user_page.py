"""One user's page: the week beside the one before, four weeks of days and nights, the survey's profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from qol.report.blocks import Block, Cell, Chart, Charts, Page, Row, Section, Table, Text
from qol.report.locales import DAY_MINUTES, Locale, signed
from qol.report.report_data import UserWeeks
from qol.report.shown_columns import CHANGE, YES_NO, ShownColumn, all_columns, group_columns
from qol.report.user_charts import draw_profile
from qol.report.user_days import days_sections
from qol.tables.weeks import WEEK, iso_week

SURVEY = "survey"
#: Columns of the WHO's quality-of-life questionnaires on their scale from 0 to 100.
_PROFILE_START, _PROFILE_SCALE = "whoqol_", "_t100"

_Weekly = Mapping[str, Any]


def user_page(locale: Locale, user: UserWeeks) -> Page:
    """The page of one user in a week."""
    this, before = user.weekly[user.monday] or {}, user.weekly.get(user.monday - WEEK) or {}
    days = this.get("days_observed")
    return Page(
        locale.text("person_title", week=iso_week(user.monday)),
        (
            locale.text("person_id", person=user.user_id),
            locale.text("week_dates", first=user.monday, last=user.monday + timedelta(days=6)),
            locale.text("person_no_week") if days is None else locale.text("person_lead", days=days),
        ),
        (
            locale.section("summary", [_groups(locale, this)]),
            locale.section("weeks", _weeks(locale, user, this, before)),
            *days_sections(locale, user),
            *_survey(locale, this),
        ),
    )


def _groups(locale: Locale, this: _Weekly) -> Table:
    """The source of each group's values, and whether there are enough valid days."""
    rows = []
    for group in locale.contracts.groups:
        source, days, valid = (this.get(f"{group.name}_{end}") for end in ("source", "valid_days", "valid"))
        cells = (
            Cell(locale.name("sources", source) if source else locale.text("no_data"), source),
            Cell(locale.number(days), days),
            Cell(locale.number(valid), valid),
            Cell(locale.text("at_least_days", days=group.min_valid_days), group.min_valid_days),
        )
        rows.append(Row(group.name, locale.name("groups", group.name), cells))
    heads = {"source": "source", "days": "valid_days", "valid": "valid_week", "needs": "needs"}
    return locale.table("groups", "group", heads, rows)


def _weeks(locale: Locale, user: UserWeeks, this: _Weekly, before: _Weekly) -> Iterator[Block]:
    """A table per group with a value in either week; the other groups in one line."""
    yield Text(locale.text("change_key"), "key")
    weeks, left_out = (iso_week(user.monday), iso_week(user.monday - WEEK)), []
    heads = (locale.text("measure"), *weeks, locale.text("change"))
    for group in locale.contracts.groups:
        columns = group_columns(locale.contracts, group)
        known = [c for c in columns if {this.get(c.column), before.get(c.column)} != {None}]
        if known:
            rows = tuple(_compare(locale, column, this, before) for column in known)
            caption = locale.name("groups", group.name)
            yield Table(f"weeks-{group.name}", caption, heads, ("this", "before", "change"), rows)
        else:
            left_out.append(group.name)
    if left_out:
        yield Text(locale.text("no_data_groups", groups=locale.names("groups", left_out)))


def _compare(locale: Locale, column: ShownColumn, this: _Weekly, before: _Weekly) -> Row:
    values = [week.get(column.column) for week in (this, before)]
    size = max((abs(value) for value in values if value is not None), default=None)
    cells = [Cell(locale.value(column, value, size), value) for value in values]
    unit = "" if column.unit == YES_NO else locale.unit_of(column)
    return Row(column.column, locale.label(column), (*cells, _change(locale, column, this, before, size)), unit)


def _change(locale: Locale, column: ShownColumn, this: _Weekly, before: _Weekly, size: float | None) -> Cell:
    """The published change if there is one, else this week minus the one before, by the same rule."""
    now, then = this.get(column.column), before.get(column.column)
    if now is None or then is None or not _comparable(column.group, this, before):
        return Cell(locale.text("not_comparable"))
    if isinstance(now, bool):
        return Cell(locale.text("same" if now == then else "changed"))
    if column.clock:
        moved = column.rounded(clock_change(now, then))
        return Cell(locale.text("minutes", number=signed(round(moved))), moved)
    published = this.get(f"{column.column}{CHANGE}")
    moved = column.rounded(now - then) if published is None else published
    return Cell(signed(moved, size), moved)


def _comparable(group: str, this: _Weekly, before: _Weekly) -> bool:
    """Whether both weeks are valid and of one source: sources measure differently."""
    both_valid = this.get(f"{group}_valid") and before.get(f"{group}_valid")
    return bool(both_valid) and this.get(f"{group}_source") == before.get(f"{group}_source")


def clock_change(now: float, then: float) -> float:
    """Minutes between two times of the day, the shorter way round the clock; negative is earlier."""
    half = DAY_MINUTES / 2
    return (now - then + half) % DAY_MINUTES - half


def _survey(locale: Locale, this: _Weekly) -> tuple[Section, ...]:
    """The profile if the contracts have its columns; a sentence if the week has no answers."""
    profile = [
        column
        for column in all_columns(locale.contracts)
        if column.group == SURVEY and column.name.startswith(_PROFILE_START) and _PROFILE_SCALE in column.name
    ]
    if not profile:
        return ()
    known = [column for column in profile if this.get(column.column) is not None]
    return (locale.section("survey", _profile(locale, known, this) if known else [Text(locale.text("no_survey"))]),)


def _profile(locale: Locale, known: list[ShownColumn], this: _Weekly) -> Iterator[Block]:
    bars = [(locale.metric(c.name), float(this[c.column]), locale.value(c, this[c.column])) for c in known]
    unit, title = locale.unit_of(known[0]), locale.text("survey_caption")
    texts = [locale.text("valued", label=label, value=text, unit=unit) for label, _, text in bars]
    svg = draw_profile("survey-profile", title, locale.text("semicolon").join(texts), bars)
    yield Text(locale.text("survey_key"), "key")
    yield Charts((Chart(title, unit, svg),), wide=True)
    rows = [
        Row(column.column, label, (Cell(text, this[column.column]),), locale.unit_of(column))
        for column, (label, _, text) in zip(known, bars, strict=True)
    ]
    yield locale.table("profile", "measure", {"value": "value"}, rows, title)
