"""`qol adherence`: per participant days worn, nights, last sync and last questionnaire, whom to call first."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qol.cli.answers import FormatOption, LimitOption, print_answer
from qol.cli.options import LakeOption, RosterOption, open_existing, sql_imports
from qol.cli.show import say
from qol.contracts.wording import count
from qol.errors import UsageError
from qol.run.request import OPTIONS, parse_now
from qol.tables.weeks import WEEK, iso_week, monday_of, parse_week

if TYPE_CHECKING:
    from qol.identity.roster import Roster
    from qol.lake import Lake

#: Columns of the table on a screen; csv and json have all.
_SHOWN = ("call_order", "user_id", "reason", "days_worn", "nights", "last_sync", "last_questionnaire", "silent_since")


def adherence(
    *,
    lake: LakeOption = None,
    week: Annotated[str | None, typer.Option("--week", help="Count this ISO week, and look at no later day.")] = None,
    days: Annotated[
        int | None,
        typer.Option("--days", min=1, max=366, help="Count this many days; by default 7.", show_default=False),
    ] = None,
    roster: RosterOption = None,
    user_map: Annotated[
        Path | None, typer.Option("--user-map", help="Take the participants from this user map (JSON lines).")
    ] = None,
    now: Annotated[str | None, typer.Option("--now", help=OPTIONS["now"].help)] = None,
    form: FormatOption = "table",
    limit: LimitOption = 100,
) -> None:
    """List participants, those to call first: days worn, nights, last sync, last questionnaire, silent since."""
    from qol.contracts.adherence_sql import DEFAULT_DAYS
    from qol.contracts.load import load_contracts

    with sql_imports("qol adherence"):
        from qol.tables.adherence import adherence as read_adherence
        from qol.tables.adherence import days_before, week_of

    if week and days:
        raise UsageError("--days: given with --week; allowed: one of the two")
    clock = parse_now("--now", now) if now is not None else datetime.now(UTC)
    monday = parse_week(week, "--week") if week else None
    period = week_of(monday) if monday else days_before(clock, days or DEFAULT_DAYS)
    opened = open_existing(lake)
    found = read_adherence(opened, load_contracts(), period, _participants(opened, roster, user_map))
    window = (found["window_start"][0], found["window_end"][0]) if found.height else None
    if monday and window and window[1] < monday:
        raise UsageError(
            f"--week {week}: no data of it has arrived; allowed: a week up to {iso_week(monday_of(window[1]))}"
        )
    columns = _SHOWN if form == "table" else found.columns
    print_answer(columns, found.select(columns).iter_rows(), form, limit)
    if form == "table" and window:
        _show_window(*window, found["call_order"].count(), monday + WEEK if monday else clock.astimezone(UTC).date())


def _participants(lake: Lake, roster: Path | None, user_map: Path | None) -> Roster | None:
    from qol.identity.roster import read_roster, roster_of_map
    from qol.identity.user_map import read_user_map

    if roster and user_map:
        raise UsageError("--roster: given with --user-map; allowed: one of the two")
    if roster:
        return read_roster(roster)
    return roster_of_map(lake, read_user_map(user_map), os.environ.get("QOL_PSEUDONYM_KEY")) if user_map else None


def _show_window(first: date, last: date, calls: int, today: date) -> None:
    """Which days were counted, and how far they lie behind `today`, for a week the day after its Sunday."""
    say(f"{count(calls, 'participant')} to call. Counted: {first} to {last}.")
    newest = last + timedelta(days=1)
    behind = (today - newest).days
    if behind > 0:
        say(f"The lake's newest data arrived on {newest}, {count(behind, 'day')} ago; silence is counted up to then.")
