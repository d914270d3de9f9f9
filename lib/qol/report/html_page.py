"""A report as one HTML page without external files."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from qol.contracts.model import Contracts
from qol.identity.roster import Roster
from qol.lake import Lake
from qol.report.cohort_page import cohort_page
from qol.report.locales import Language, Locale, load_locale
from qol.report.report_data import check_week, find_manifest, read_cohort, read_user
from qol.report.technical_page import technical_page
from qol.report.user_page import user_page
from qol.tables.weeks import WEEK, iso_week

Page = Literal["cohort", "user", "technical"]
_SIGNS = re.compile(r"(?<=[A-Za-z\]])[_.=/](?=\w)")
_DAY = re.compile(r"\b\d{4}-(?:\d\d-\d\d|W\d\d)\b")
_LOADER = FileSystemLoader(Path(__file__).with_name("templates"))
_ENVIRONMENT = Environment(
    loader=_LOADER, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True)
class Links:
    """Names of files beside a page: the page of all users, the one for engineers, and pages by user; empty for none."""

    cohort: str = ""
    technical: str = ""
    users: Mapping[str, str] = field(default_factory=dict)


NO_LINKS = Links()


def make_report(
    lake: Lake,
    contracts: Contracts,
    monday: date,
    user_id: str | None,
    language: Language,
    roster: Roster | None = None,
) -> str:
    """The HTML page of a week, of all users (None) or of one; the same lake gives the same bytes.

    `roster` has the participants with their days of enrolment, for the page of all users. UsageError when the week is not
    published, or when no week of the lake has the user_id.
    """
    locale = load_locale(language, contracts)
    if user_id is None:
        return render("cohort", locale, monday, cohort_page(locale, read_cohort(lake, contracts, monday, roster)))
    return render("user", locale, monday, user_page(locale, read_user(lake, contracts, user_id, monday)))


def make_technical(lake: Lake, contracts: Contracts, monday: date, language: Language) -> str:
    """The HTML page for engineers about the run that read a week's raw data; UsageError when the week is not published."""
    check_week(lake, monday)
    locale = load_locale(language, contracts)
    return render("technical", locale, monday, technical_page(locale, find_manifest(lake, monday)))


def linked_pages(
    lake: Lake,
    contracts: Contracts,
    monday: date,
    language: Language,
    roster: Roster | None,
    name_of: Callable[[str | None], str],
) -> Iterator[tuple[str, str]]:
    """File name and HTML of every page of a week, linked: all users, engineers, and each user of the week's last four.

    `name_of` gives the file name for a user_id, for all users (None) and for engineers ("technical").
    """
    cohort = read_cohort(lake, contracts, monday, roster)
    users = sorted(set(cohort.wear["user_id"]) & set(cohort.adherence["user_id"]))
    links = Links(name_of(None), name_of("technical"), {user_id: name_of(user_id) for user_id in users})
    locale = load_locale(language, contracts)
    yield links.cohort, render("cohort", locale, monday, cohort_page(locale, cohort, links.users), links)
    yield links.technical, render("technical", locale, monday, technical_page(locale, cohort.manifest), links)
    for user_id, name in links.users.items():
        user = read_user(lake, contracts, user_id, monday, cohort.adherence)
        yield name, render("user", locale, monday, user_page(locale, user), links)


def render(page: Page, locale: Locale, monday: date, values: Mapping[str, Any], links: Links = NO_LINKS) -> str:
    """The HTML of a page about the week of a Monday, from what `cohort_page`, `user_page` or `technical_page` gives."""
    template = _ENVIRONMENT.get_template(f"{page}.html.j2")
    week, week_before, sunday = iso_week(monday), iso_week(monday - WEEK), monday + timedelta(days=6)
    times = {"monday": monday, "sunday": sunday, "week": week, "week_before": week_before}
    return template.render(page=page, locale=locale, t=locale.text, links=links, **times, **values)


def breakable(text: str) -> Markup:
    """A text as HTML in which names of code may break after their signs, and dates and weeks do not break."""
    marked = _DAY.sub(r'<span class="whole">\g<0></span>', _SIGNS.sub(r"\g<0><wbr>", str(escape(text))))
    return Markup(marked)  # noqa: S704 (the text is escaped)


_ENVIRONMENT.filters["breakable"] = breakable
