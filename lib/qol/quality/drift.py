"""How records drift from their contracts: names no contract knows, fields that never come, fields that come less often."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from qol.contracts.model import Contracts
from qol.contracts.source_model import Field, SourceContract
from qol.lake.base import Lake
from qol.quality.new_names import unknown_fields
from qol.tables.footers import Footer, Footers, WeekFiles
from qol.tables.layout import find_published
from qol.tables.manifest import Manifest
from qol.tables.weeks import iso_week

UNKNOWN, NEVER, MORE_NULLS, FEWER_NULLS = "unknown field", "never seen", "more nulls", "fewer nulls"
#: Null rates that differ by less than this share of the rows are told apart by chance.
DIFFERENT = 0.1


class Drift(NamedTuple):
    """One finding: of a name, or of a declared field; shares are of the rows of a week."""

    record: str
    field: str
    drift: str
    #: Unknown fields: records with it in the last run that saw it, and the first and last of those runs.
    records: int | None = None
    first_run: str | None = None
    last_run: str | None = None
    #: Declared fields: the newest week, its null rate, and that of the four weeks before.
    week: str | None = None
    null_now: float | None = None
    null_before: float | None = None


def unknown_drift(manifests: Iterable[Manifest]) -> list[Drift]:
    """Names that no contract knows, of manifests from the newest to the oldest, by record and name."""
    found: dict[tuple[str, str], Drift] = {}
    for manifest in manifests:
        for record, names in unknown_fields(manifest.field_issues).items():
            for name, count in names.items():
                newest = found.get((record, name), Drift(record, name, UNKNOWN, count, last_run=manifest.run_id))
                found[record, name] = newest._replace(first_run=manifest.run_id)
    return [found[place] for place in sorted(found)]


def field_drift(lake: Lake, contracts: Contracts) -> list[Drift]:
    """Declared fields that no published week has, or that the newest one has more or less often than the four before."""
    tables = {f"records_{contract.name}": contract for contract in contracts.sources}
    published = find_published(lake, tables)
    footers, weeks = Footers(lake), WeekFiles([], published)
    footers.read(stored.key for stored in published.files.values())
    return [
        drift
        for table, contract in tables.items()
        if (days := weeks.dates(table))
        for drift in _of_table(footers, weeks, table, contract, days)
    ]


def _of_table(
    footers: Footers, weeks: WeekFiles, table: str, contract: SourceContract, days: list[str]
) -> Iterator[Drift]:
    every = _whole(footers, [weeks.file(table, day) for day in days])
    now = _whole(footers, [weeks.file(table, days[-1])])
    before = _whole(footers, weeks.before(table, days[-1]))
    week = iso_week(date.fromisoformat(days[-1]))
    for field in contract.fields:
        shares = _null_share(now, field), _null_share(before, field)
        if not any(footer.values.get(field.name) for footer in every):
            yield Drift(contract.name, field.name, NEVER, None, None, None, week, *shares)
        elif (kind := _changed(*shares)) is not None:
            yield Drift(contract.name, field.name, kind, None, None, None, week, *shares)


def _whole(footers: Footers, files: Iterable[str | None]) -> list[Footer]:
    return [footer for file in files if file is not None and (footer := footers.get(file)) is not None]


def _null_share(week: list[Footer], field: Field) -> float | None:
    """The share of rows without a value; None without rows, and for lists, of which a footer does not count the rows."""
    rows = sum(footer.rows for footer in week)
    known = sum(footer.values.get(field.name, 0) for footer in week)
    if not rows or (known and field.type == "intervals"):
        return None
    return round(1 - known / rows, 4)


def _changed(now: float | None, before: float | None) -> str | None:
    if now is None or before is None or abs(now - before) < DIFFERENT:
        return None
    return MORE_NULLS if now > before else FEWER_NULLS
