"""Blocks to one HTML page that carries all it needs."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from qol.contracts.model import Contracts
from qol.lake import Lake
from qol.report.blocks import Page
from qol.report.cohort import cohort_page
from qol.report.person import person_page
from qol.report.read import read_cohort, read_person
from qol.report.words import Language, Words, load_words

_TEMPLATES = Path(__file__).with_name("templates")


def make_report(lake: Lake, contracts: Contracts, monday: date, person: str | None, language: Language) -> str:
    """The page of a week, of everybody or of one person; the same lake gives the same bytes."""
    words = load_words(language, contracts)
    if person is None:
        page = cohort_page(words, contracts, read_cohort(lake, contracts, monday))
    else:
        page = person_page(words, contracts, read_person(lake, contracts, person, monday))
    return render(words, page)


def render(words: Words, page: Page) -> str:
    """A page as HTML."""
    return _template().render(page=page, words=words, kind=lambda block: type(block).__name__)


@cache
def _template() -> Template:
    loader = FileSystemLoader(_TEMPLATES)
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.get_template("page.html.j2")
