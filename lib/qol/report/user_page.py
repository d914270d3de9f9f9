"""One user's page: what matters in three sentences, the questionnaires, the week beside the one before, four weeks of days and nights."""

from typing import Any

from qol.contracts.weekly import WeeklyGroup
from qol.report.blocks import Cell, Row
from qol.report.locales import Locale
from qol.report.questionnaires import answered
from qol.report.report_data import UserWeeks
from qol.report.shown_columns import group_columns, questionnaires
from qol.report.user_changes import Weekly, compare
from qol.report.user_days import days_and_nights
from qol.report.user_summary import user_summary
from qol.tables.weeks import WEEK


def user_page(locale: Locale, user: UserWeeks) -> dict[str, Any]:
    """What the page of one user in a week shows, for its template."""
    this, before = user.weekly[user.monday] or {}, user.weekly.get(user.monday - WEEK) or {}
    parts = days_and_nights(locale, user)
    has_survey = bool(questionnaires(locale.contracts))
    return {
        "sections": [
            *(["survey"] if has_survey else []),
            "weeks",
            "days",
            *(["nights"] if "nights" in parts else []),
            "summary",
        ],
        "user_id": user.user_id,
        "days_observed": this.get("days_observed"),
        **user_summary(locale, user),
        "answered": answered(locale, user),
        "groups": [_group(locale, group, this) for group in locale.contracts.groups],
        "compared": {group.name: _compared(locale, group, this, before) for group in locale.contracts.groups},
        **parts,
    }


def _group(locale: Locale, group: WeeklyGroup, this: Weekly) -> Row:
    source, days, valid = (this.get(f"{group.name}_{end}") for end in ("source", "valid_days", "valid"))
    cells = (
        Cell(locale.name("sources", source) if source else locale.text("no_data"), source),
        Cell(locale.number(days), days),
        Cell(locale.number(valid), valid),
        Cell(locale.text("at_least_days", days=group.min_valid_days), group.min_valid_days),
    )
    return Row(group.name, locale.name("groups", group.name), cells)


def _compared(locale: Locale, group: WeeklyGroup, this: Weekly, before: Weekly) -> list[Row]:
    """A row for each column of a group with a value in either week; the answers of a questionnaire have a section of their own."""
    columns = [c for c in group_columns(locale.contracts, group) if group.every_week or c.metric is None]
    known = [c for c in columns if {this.get(c.column), before.get(c.column)} != {None}]
    return [compare(locale, column, this, before) for column in known]
