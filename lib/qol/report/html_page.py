"""A report as one HTML page without external files."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from qol.contracts.model import Contracts
from qol.lake import Lake
from qol.report.cohort_page import cohort_page
from qol.report.locales import Language, Locale, load_locale
from qol.report.report_data import read_cohort, read_user
from qol.report.user_page import user_page
from qol.tables.weeks import WEEK, iso_week

_LOADER = FileSystemLoader(Path(__file__).with_name("templates"))
_ENVIRONMENT = Environment(
    loader=_LOADER, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def make_report(lake: Lake, contracts: Contracts, monday: date, user_id: str | None, language: Language) -> str:
    """The HTML page of a week, of all users (None) or of one; the same lake gives the same bytes.

    UsageError when the week is not published, or when no week of the lake has the user_id.
    """
    locale = load_locale(language, contracts)
    if user_id is None:
        return render("cohort", locale, monday, cohort_page(locale, read_cohort(lake, contracts, monday)))
    return render("user", locale, monday, user_page(locale, read_user(lake, contracts, user_id, monday)))


def render(page: Literal["cohort", "user"], locale: Locale, monday: date, values: Mapping[str, Any]) -> str:
    """The HTML of a page about the week of a Monday, from what `cohort_page` or `user_page` gives."""
    template = _ENVIRONMENT.get_template(f"{page}.html.j2")
    week, week_before, sunday = iso_week(monday), iso_week(monday - WEEK), monday + timedelta(days=6)
    times = {"monday": monday, "sunday": sunday, "week": week, "week_before": week_before}
    return template.render(locale=locale, t=locale.text, **times, **values)
