"""How records drift from their contracts: unknown fields, fields without any value, null rates that changed."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from qol.contracts.fields import Field
from qol.contracts.model import Contracts
from qol.contracts.source import SourceContract
from qol.lake.base import Lake
from qol.quality.renamed_fields import unknown_fields
from qol.tables.footers import Footer, Footers, WeekFiles
from qol.tables.layout import find_published
from qol.tables.manifest import Manifest
from qol.tables.weeks import iso_week

UNKNOWN, NEVER, MORE_NULLS, FEWER_NULLS = "unknown field", "never seen", "more nulls", "fewer nulls"
#: Null rates that differ by less than this share of the rows may differ by chance.
MIN_DIFFERENCE = 0.1


class Drift(NamedTuple):
    """One finding about an unknown or a declared field of a record type; null rates are shares of rows, 0 to 1."""

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
    """Fields that no contract knows, by record and name; `manifests` come from the newest to the oldest."""
    found: dict[tuple[str, str], Drift] = {}
    for manifest in manifests:
        for record, names in unknown_fields(manifest.field_issues).items():
            for name, count in names.items():
                newest = found.get((record, name), Drift(record, name, UNKNOWN, count, last_run=manifest.run_id))
                found[record, name] = newest._replace(first_run=manifest.run_id)
    return [found[key] for key in sorted(found)]


def field_drift(lake: Lake, contracts: Contracts) -> list[Drift]:
    """Declared fields without a value in any published week, or with another null rate in the newest than in the four before."""
    tables = {f"records_{contract.name}": contract for contract in contracts.sources}
    published = find_published(lake, tables)
    footers, weeks = Footers(lake), WeekFiles([], published)
    footers.read(stored.key for stored in published.files.values())
    dates = {table: weeks.dates(table) for table in tables}
    return [d for t, days in dates.items() if days for d in _table_drift(footers, weeks, t, tables[t], days)]


def _table_drift(
    footers: Footers, weeks: WeekFiles, table: str, contract: SourceContract, days: list[str]
) -> Iterator[Drift]:
    all_weeks = _readable(footers, [weeks.file(table, day) for day in days])
    now = _readable(footers, [weeks.file(table, days[-1])])
    before = _readable(footers, weeks.before(table, days[-1]))
    week = iso_week(date.fromisoformat(days[-1]))
    for field in contract.fields:
        shares = _null_share(now, field), _null_share(before, field)
        is_known = any(footer.values.get(field.name) for footer in all_weeks)
        kind = _changed(*shares) if is_known else NEVER
        if kind is not None:
            yield Drift(contract.name, field.name, kind, None, None, None, week, *shares)


def _readable(footers: Footers, files: Iterable[str | None]) -> list[Footer]:
    return [footer for file in files if file is not None and (footer := footers.get(file)) is not None]


def _null_share(week: list[Footer], field: Field) -> float | None:
    """The share of rows without a value, 0 to 1; None without rows, and for lists: a footer does not count their rows."""
    rows = sum(footer.rows for footer in week)
    known = sum(footer.values.get(field.name, 0) for footer in week)
    if not rows or (known and field.type == "intervals"):
        return None
    return round(1 - known / rows, 4)


def _changed(now: float | None, before: float | None) -> str | None:
    if now is None or before is None or abs(now - before) < MIN_DIFFERENCE:
        return None
    return MORE_NULLS if now > before else FEWER_NULLS
