"""Whether the newest day of each record type is as new as its contract requires, by the run's clock."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.quality.comparison import MIN_USERS, TOO_FEW_USERS, Comparison, severity_of, table_label
from qol.tables.footers import LOOK_BACK_WEEKS, Footers, WeekFiles
from qol.tables.weeks import monday_of


def compare_clock(contracts: Contracts, footers: Footers, weeks: WeekFiles, now: datetime) -> list[Comparison]:
    """Record types that declare fresh_within_days and have data of the last four weeks; other types have no comparison."""
    today = now.astimezone(UTC).date()
    first = monday_of(today - timedelta(weeks=LOOK_BACK_WEEKS)).isoformat()
    found = [(c, [day for day in weeks.dates(f"records_{c.name}") if day >= first]) for c in contracts.sources]
    recent = [(contract, days) for contract, days in found if days and contract.quality.fresh_within_days is not None]
    footers.read(file for c, days in recent if (file := weeks.file(f"records_{c.name}", days[-1])))
    return [c for contract, days in recent for c in _compare(contracts, contract, footers, weeks, days, today)]


def _compare(
    contracts: Contracts, contract: SourceContract, footers: Footers, weeks: WeekFiles, days: list[str], today: date
) -> Iterator[Comparison]:
    table, allowed = f"records_{contract.name}", contract.quality.fresh_within_days
    files = [file for day in days if (file := weeks.file(table, day))]
    newest = footer.newest_day if (footer := footers.get(files[-1])) else None
    if newest is None or allowed is None:
        return
    late = (today - newest).days
    if late <= allowed:
        yield Comparison("fresh", table, days[-1])
        return
    readable = [file for file in files if footers.get(file)]
    footers.read_user_counts(readable)
    users = max(map(footers.user_count, readable))
    if users < MIN_USERS:
        yield Comparison("fresh", table, days[-1], not_checked=TOO_FEW_USERS)
        return
    message = f"None of {users} users has {table_label(table)} after {newest}, {late} days before {today}; {allowed} are allowed"
    yield Comparison("fresh", table, days[-1], {severity_of(contracts, contract, "fresh"): message})
