"""Whether the newest day of each record type is as late as its contract allows, by the run's clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from qol.contracts.model import Contracts
from qol.contracts.source_model import SourceContract
from qol.quality.comparison import FEW, FEW_PEOPLE, Comparison
from qol.tables.footers import LOOK_BACK_WEEKS, Footers, WeekFiles
from qol.tables.weeks import monday_of


def compare_clock(contracts: Contracts, footers: Footers, weeks: WeekFiles, now: datetime) -> list[Comparison]:
    """Record types that declare fresh_within_days and have data of the last four weeks; those a study lacks are left out."""
    today = now.astimezone(UTC).date()
    first = monday_of(today - timedelta(weeks=LOOK_BACK_WEEKS))
    found = [(contract, _recent(weeks, contract, first)) for contract in contracts.sources]
    recent = [(contract, days) for contract, days in found if days and contract.quality.fresh_within_days is not None]
    footers.read(file for contract, days in recent if (file := weeks.file(_table(contract), days[-1])))
    return [c for contract, days in recent for c in _compare(contracts, contract, footers, weeks, days, today)]


def _compare(
    contracts: Contracts, contract: SourceContract, footers: Footers, weeks: WeekFiles, days: list[str], today: date
) -> Iterator[Comparison]:
    table, allowed = _table(contract), contract.quality.fresh_within_days
    newest = _newest_day(footers, weeks.file(table, days[-1]))
    if newest is None or allowed is None:
        return
    late = (today - newest).days
    if late <= allowed:
        yield Comparison("fresh", table, days[-1])
        return
    files = [file for day in days if (file := weeks.file(table, day)) and footers.get(file)]
    footers.read_user_counts(files)
    if max(footers.user_count(file) for file in files) < FEW_PEOPLE:
        yield Comparison("fresh", table, days[-1], not_checked=FEW)
        return
    severity = contract.quality.severity.get("fresh") or contracts.quality.severity["fresh"]
    words = f"newest day {newest}, {late} days before {today}, {allowed} allowed"
    yield Comparison("fresh", table, days[-1], {severity: words})


def _recent(weeks: WeekFiles, contract: SourceContract, first: date) -> list[str]:
    return [day for day in weeks.dates(_table(contract)) if date.fromisoformat(day) >= first]


def _newest_day(footers: Footers, file: str | None) -> date | None:
    footer = footers.get(file) if file else None
    return footer.newest_day if footer else None


def _table(contract: SourceContract) -> str:
    return f"records_{contract.name}"
