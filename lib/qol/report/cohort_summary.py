"""What the page of all participants begins with: how many weeks are valid, whom to call, and the warnings of the run."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from qol.contracts.adherence_sql import SILENT_DAYS
from qol.report.blocks import Cell, Row, count_cell
from qol.report.locales import Locale
from qol.report.report_data import Cohort
from qol.report.wear_map import short_id

#: Whom to call beyond these is counted in one line.
MAX_CALLS = 50


def cohort_summary(locale: Locale, cohort: Cohort, files: Mapping[str, str]) -> dict[str, Any]:
    """The numbers of the headline, and rows of `calls`; `files` has the page of a user, where there is one."""
    calls = cohort.adherence.filter(pl.col("call_order").is_not_null())
    rows = [_call(locale, row, files) for row in calls.head(MAX_CALLS).iter_rows(named=True)]
    checks = cohort.manifest.checks if cohort.manifest else []
    warnings = [check.what_is_wrong for check in checks if not check.success]
    wearing = [group.name for group in locale.contracts.groups if group.needs_wear]
    return {
        "headline": {
            "valid": locale.text("of_all", number=_valid_users(cohort, wearing), all=cohort.adherence.height),
            "calls": f"{calls.height:,}",
            "warnings": f"{len(warnings):,}",
        },
        "wearing": locale.names("groups", wearing),
        "calls": rows,
        "more_calls": calls.height - len(rows),
        "warnings": warnings,
    }


def _valid_users(cohort: Cohort, groups: list[str]) -> int:
    """Participants whose week is valid in any of the groups."""
    is_valid = pl.any_horizontal([pl.lit(value=False), *(pl.col(f"{group}_valid") for group in groups)])
    return len({*cohort.this.filter(is_valid)["user_id"]} & {*cohort.adherence["user_id"]})


def _call(locale: Locale, row: Mapping[str, Any], files: Mapping[str, str]) -> Row:
    days = [
        Cell(str(day), day) if day else Cell(locale.text("never"))
        for day in (row["last_sync"], row["last_questionnaire"])
    ]
    cells = (Cell(call_reason(locale, row)), count_cell(row["days_worn"]), count_cell(row["nights"]), *days)
    return Row(row["user_id"], short_id(row["user_id"]), cells, file=files.get(row["user_id"], ""))


def call_reason(locale: Locale, row: Mapping[str, Any]) -> str:
    """Why a participant is to be called, from a row of `adherence` with a place in the order of calls."""
    since, days = row["silent_since"], row["days_silent"]
    if row["last_sync"] is None:
        return locale.text("call_never_since", since=since, days=days) if since else locale.text("call_never")
    return locale.text("call_silent", since=since, days=days) if days >= SILENT_DAYS else locale.text("call_unworn")
