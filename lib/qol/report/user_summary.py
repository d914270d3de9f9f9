"""What the page of one user begins with: three sentences, and a line of four weeks for the main value of each group."""

from collections.abc import Sequence
from typing import Any

from qol.report.blocks import Cell, Row
from qol.report.cohort_summary import call_reason
from qol.report.locales import Locale
from qol.report.report_data import UserWeeks
from qol.report.shown_columns import ShownColumn, main_columns, questionnaires
from qol.report.svg_charts import draw_sparkline, evening_first
from qol.report.user_changes import compare
from qol.report.user_days import choose_days, days_of
from qol.tables.weeks import WEEK

#: Changes that the second sentence names.
_MAX_CHANGES = 3


def user_summary(locale: Locale, user: UserWeeks) -> dict[str, Any]:
    """The `sentences` about wear, about the main values and about contact, and the rows of `sparks`."""
    this, before = user.weekly[user.monday] or {}, user.weekly.get(user.monday - WEEK) or {}
    filled = {name for week in (this, before) for name, value in week.items() if value is not None}
    answered = {group.name for group in questionnaires(locale.contracts)}
    columns = [c for c in main_columns(locale.contracts, filled, 1) if c.metric and c.group not in answered]
    rows = [compare(locale, column, this, before) for column in columns]
    sparks = [
        Row(
            row.name,
            locale.metric(column.name),
            (row.cells[0], row.cells[2], Cell("", svg=_spark(locale, user, column))),
            row.unit,
        )
        for row, column in zip(rows, columns, strict=True)
    ]
    return {
        "sentences": [_wear(locale, user, this), _changes(locale, columns, rows), _contact(locale, user)],
        "sparks": sparks,
    }


def _wear(locale: Locale, user: UserWeeks, this: Any) -> str:
    """Days worn and nights of the week, and the groups that are valid in it."""
    groups = locale.names("groups", [g.name for g in locale.contracts.groups if this.get(f"{g.name}_valid")])
    days = {"worn": user.adherence["days_worn"], "nights": user.adherence["nights"]}
    return locale.text("said_wear", **days, groups=groups) if groups else locale.text("said_wear_invalid", **days)


def _changes(locale: Locale, columns: Sequence[ShownColumn], rows: Sequence[Row]) -> str:
    """The first values of which a change may be shown."""
    texts = [
        locale.text("said_change", label=locale.metric(column.name), value=now.text, unit=row.unit, change=change.text)
        for column, row in zip(columns, rows, strict=True)
        for now, _, change in [row.cells]
        if change.value is not None
    ][:_MAX_CHANGES]
    return (
        locale.text("said_changes", changes=locale.text("semicolon").join(texts))
        if texts
        else locale.text("said_no_change")
    )


def _contact(locale: Locale, user: UserWeeks) -> str:
    """The last sync and questionnaire, and why to call where there is a reason."""
    present = user.adherence
    days = {name: present[name] or locale.text("never") for name in ("last_sync", "last_questionnaire")}
    reason = call_reason(locale, present) if present["call_order"] else ""
    return locale.text("said_contact_call", **days, reason=reason) if reason else locale.text("said_contact", **days)


def _spark(locale: Locale, user: UserWeeks, column: ShownColumn) -> str:
    assert column.metric
    name, clock = column.metric.name, column.clock
    group = choose_days(locale.contracts, user, column.group, [name])
    values = [group.rows.get(day, {}).get(name) for day in days_of(user)]
    ordered = [evening_first(value) if clock and value is not None else value for value in values]
    return draw_sparkline(ordered, None if clock else column.plausible)
