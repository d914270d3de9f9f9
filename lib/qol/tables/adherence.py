"""Who wore the device, sent data and answered, and whom to call: the SQL of `adherence` on a lake."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import polars as pl

from qol.contracts.adherence_sql import DEFAULT_DAYS, AdherencePeriod, adherence_sql, day_literal
from qol.contracts.columns import fixed
from qol.contracts.frames import no_rows
from qol.contracts.model import Contracts
from qol.lake import Lake
from qol.tables.query import run_query
from qol.tables.weeks import WEEK

_DAY = timedelta(days=1)


def days_before(now: datetime, days: int = DEFAULT_DAYS) -> AdherencePeriod:
    """The `days` local days before the UTC day of `now`; questionnaires of today count too, wherever it is today."""
    today = now.astimezone(UTC).date()
    return AdherencePeriod(day_literal(today), day_literal(today + _DAY), days)


def week_of(monday: date) -> AdherencePeriod:
    """The week of a Monday, as if its Sunday were yesterday: later days are not looked at."""
    return AdherencePeriod(day_literal(monday + WEEK), day_literal(monday + WEEK - _DAY), first=day_literal(monday))


def adherence(
    lake: Lake, contracts: Contracts, period: AdherencePeriod, roster: Mapping[str, date | None] | None = None
) -> pl.DataFrame:
    """One row per participant with the columns of `adherence`, those to call first; `call_order` is null for the others.

    `roster` has the participants with their days of enrolment, None where unknown; without it they are all users with
    records, so that who never sent anything is missing. CorruptFileError when a published file is corrupt.
    """
    found = run_query(lake, contracts, adherence_sql(contracts, period, roster))
    return pl.DataFrame(list(found.rows), schema=no_rows(fixed("adherence")).schema, orient="row")
