"""`qol report`: a week as one HTML page to read, print and share."""

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from qol.cli.options import LakeOption, open_existing
from qol.cli.show import say
from qol.contracts.wording import clean
from qol.errors import UsageError

#: Library of the report that the job does not need.
_LIBRARY = "matplotlib"


def report(
    week: Annotated[str, typer.Option("--week", help="ISO week such as 2026-W46.")],
    person: Annotated[
        str | None, typer.Option("--person", help="A user_id, as the tables show it: the page of only this user.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file to write; by default report-<week>[-<person>].html here.")
    ] = None,
    language: Annotated[Literal["en", "ja"], typer.Option("--lang", help="The page's language.")] = "en",
    lake: LakeOption = None,
) -> None:
    """Write a week as one HTML page, of all users or of one with --person; the page needs no network."""
    from qol.contracts.load import load_contracts
    from qol.lake import LocalLake
    from qol.tables.weeks import parse_week

    try:
        from qol.report.html_page import make_report
    except ModuleNotFoundError as err:
        if (err.name or "").partition(".")[0] != _LIBRARY:
            raise
        raise UsageError(f"qol report: {_LIBRARY} is not installed; allowed: install qol-lake[report]") from None

    monday = parse_week(week, "--week")
    file = out or Path(default_name(week, person))
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise UsageError(f"--out {clean(str(file))}: not a file in an existing folder; allowed: such as report.html")
    html = make_report(open_existing(lake), load_contracts(), monday, person, language)
    LocalLake(file.absolute().parent).put(file.name, html.encode())
    say(f"Report     {file}")


def default_name(week: str, person: str | None) -> str:
    """`report-2026-W46.html`, for one user with the start of the user_id."""
    of = f"-{re.sub(r'[^A-Za-z0-9_-]', '_', person)[:16]}" if person else ""
    return f"report-{week}{of}.html"
