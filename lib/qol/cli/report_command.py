"""`qol report`: a week as one HTML page to read, print and share."""

import re
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from qol.cli.options import LakeOption, RosterOption, open_existing
from qol.cli.show import say
from qol.contracts.wording import clean, count
from qol.errors import UsageError, optional_imports

#: Libraries of the report that the job does not need.
_LIBRARIES = ("matplotlib", "duckdb", "sqlglot")
TECHNICAL = "technical"


def report(
    *,
    week: Annotated[str, typer.Option("--week", help="ISO week such as 2026-W46.")],
    person: Annotated[
        str | None, typer.Option("--person", help="A user_id, as the tables show it: the page of only this user.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file to write; by default report-<week>[-<person>].html here.")
    ] = None,
    language: Annotated[Literal["en", "ja"], typer.Option("--lang", help="The page's language.")] = "en",
    roster: RosterOption = None,
    technical: Annotated[
        bool, typer.Option("--technical", help="The page for engineers: rejects, nulled values, lateness, checks.")
    ] = False,
    linked: Annotated[
        bool, typer.Option("--linked", help="Write all pages, linked: all users, engineers, and each user's own.")
    ] = False,
    lake: LakeOption = None,
) -> None:
    """Write a week as one HTML page, of all users or of one with --person; the page needs no network."""
    from qol.contracts.load import load_contracts
    from qol.identity.roster import read_roster
    from qol.lake import LocalLake
    from qol.tables.weeks import parse_week

    with optional_imports("qol report", "report", _LIBRARIES):
        from qol.report.html_page import linked_pages, make_report, make_technical

    if sum((person is not None, technical, linked)) > 1:
        raise UsageError("--person, --technical, --linked: given together; allowed: one of them")
    monday = parse_week(week, "--week")
    file = out or Path(default_name(week, TECHNICAL if technical else person))
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise UsageError(f"--out {clean(str(file))}: not a file in an existing folder; allowed: such as report.html")
    opened, contracts, folder = open_existing(lake), load_contracts(), LocalLake(file.absolute().parent)
    participants = read_roster(roster) if roster else None
    if linked:
        pages = linked_pages(opened, contracts, monday, language, participants, partial(_name, file, week))
    elif technical:
        pages = iter([(file.name, make_technical(opened, contracts, monday, language))])
    else:
        pages = iter([(file.name, make_report(opened, contracts, monday, person, language, participants))])
    number = 0
    for name, html in pages:
        folder.put(name, html.encode())
        number += 1
    say(f"Report     {file}")
    if linked:
        say(f"           {count(number - 1, 'page')} beside it")


def _name(file: Path, week: str, about: str | None) -> str:
    """The file name of a page that is linked with a file."""
    return default_name(week, about) if about else file.name


def default_name(week: str, person: str | None) -> str:
    """`report-2026-W46.html`, for one user with the start of the user_id."""
    of = f"-{re.sub(r'[^A-Za-z0-9_-]', '_', person)[:16]}" if person else ""
    return f"report-{week}{of}.html"
