"""What became of the raw data, by the run's own counts: items, rejects, nulled values, lateness; never a raw value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from qol.contracts.model import Contracts
from qol.explain.trace_model import raw_names
from qol.report.blocks import Block, Cell, Row, Section, Table, Text, count_cell
from qol.report.locales import Locale
from qol.tables.manifest import Manifest

#: The manifest's reason for a field that no contract names; its name came with the raw data and is not shown.
UNKNOWN_FIELD = "unknown_field"
_ITEMS = ("lines", "kept", "superseded", "rejected", "control", "blank")
_LATENESS = ("p50_days", "p95_days", "max_days")


def raw_sections(locale: Locale, manifest: Manifest | None) -> tuple[Section, ...]:
    """The sections about raw data; a sentence when there is no manifest."""
    if manifest is None:
        return (locale.section("raw", [Text(locale.text("no_manifest"))]),)
    return (
        locale.section("raw", [*_counts(locale, manifest), *_nulled(locale, manifest)]),
        locale.section("lateness", _lateness(locale, manifest)),
    )


def _counts(locale: Locale, manifest: Manifest) -> Iterator[Block]:
    window = manifest.window
    yield Text(locale.text("raw_lead", run=manifest.run_id, first=window.first, last=window.last))
    items = [(name, locale.text(f"items_{name}"), manifest.totals.get(name, 0)) for name in _ITEMS]
    yield _count_table(locale, "items", "item", items)
    rejects = Counter(manifest.rejects_by_reason).most_common()
    if rejects:
        yield _count_table(locale, "rejects", "reason", [(code, locale.reason(code), n) for code, n in rejects])
    else:
        yield Text(locale.text("no_rejects"))


def _count_table(locale: Locale, name: str, head: str, counts: Iterable[tuple[str, str, int]]) -> Table:
    rows = [Row(code, label, (count_cell(number),)) for code, label, number in counts]
    return locale.table(name, head, {"items": "items"}, rows)


def _nulled(locale: Locale, manifest: Manifest) -> Iterator[Block]:
    issues = _issues(locale.contracts, manifest)
    unknown = sum(number for (_, _, reason), number in issues.items() if reason == UNKNOWN_FIELD)
    rows = [
        Row(
            f"{record}.{field}.{reason}",
            locale.text("record_field", record=locale.name("records", record), field=field),
            (Cell(locale.reason(reason)), count_cell(number)),
        )
        for (record, field, reason), number in sorted(issues.items(), key=lambda pair: (-pair[1], pair[0]))
        if reason != UNKNOWN_FIELD
    ]
    if rows:
        yield locale.table("nulled", "field", {"reason": "reason", "values": "values"}, rows)
    else:
        yield Text(locale.text("no_nulled"))
    if unknown:
        yield Text(locale.text("unknown_fields", number=f"{unknown:,}"))


def _issues(contracts: Contracts, manifest: Manifest) -> Counter[tuple[str, str, str]]:
    """Values by record, field and reason; a field that no contract names has no name here."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for record, fields in manifest.field_issues.items():
        contract = contracts.by_name.get(record)
        known = {name for field in contract.fields for name in raw_names(field)} if contract else set()
        for field, reasons in fields.items():
            for reason, number in reasons.items():
                counted[(record, field, reason) if field in known else (record, "", UNKNOWN_FIELD)] += number
    return counted


def _lateness(locale: Locale, manifest: Manifest) -> Iterator[Block]:
    late = manifest.lateness
    if late is None:
        yield Text(locale.text("no_lateness"))
        return
    yield Text(locale.text("lateness_lead", records=f"{late['records']:,}"))
    days = locale.text("days")
    rows = [Row(name, locale.text(f"lateness_{name}"), (count_cell(late[name]),), days) for name in _LATENESS]
    yield locale.table("lateness", "measure", {"value": "value"}, rows)
