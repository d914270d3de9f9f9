"""Blocks as one HTML page without external files."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from qol.contracts.model import Contracts
from qol.lake import Lake
from qol.report.blocks import Page
from qol.report.cohort_page import cohort_page
from qol.report.locales import Language, Locale, load_locale
from qol.report.report_data import read_cohort, read_user
from qol.report.user_page import user_page

_TEMPLATES = Path(__file__).with_name("templates")


def make_report(lake: Lake, contracts: Contracts, monday: date, user_id: str | None, language: Language) -> str:
    """The HTML page of a week, of all users (None) or of one; the same lake gives the same bytes.

    UsageError when the week is not published, or when no week of the lake has the user_id.
    """
    locale = load_locale(language, contracts)
    if user_id is None:
        return render(locale, cohort_page(locale, read_cohort(lake, contracts, monday)))
    return render(locale, user_page(locale, read_user(lake, contracts, user_id, monday)))


def render(locale: Locale, page: Page) -> str:
    """A page as HTML."""
    return _template().render(page=page, locale=locale, kind=lambda block: type(block).__name__)


@cache
def _template() -> Template:
    loader = FileSystemLoader(_TEMPLATES)
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.get_template("page.html.j2")
