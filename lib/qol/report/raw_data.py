"""What became of the raw data, by the run's own counts: items, rejects, nulled values, lateness; never a raw value."""

from collections import Counter
from typing import Any

from qol.contracts.model import Contracts
from qol.explain.trace_model import raw_names
from qol.report.blocks import Cell, Row, count_cell
from qol.report.locales import Locale
from qol.tables.manifest import LEFT_COUNTS, Manifest

#: The manifest's reason for a field that no contract names; its name came with the raw data and is not shown.
UNKNOWN_FIELD = "unknown_field"
_ITEMS = ("lines", "kept", "superseded", "rejected", "control", "blank")
_LATENESS = ("p50_days", "p95_days", "max_days")


def raw_data(locale: Locale, manifest: Manifest) -> dict[str, Any]:
    """The rows of each table about raw data by its name, and `unknown`: values of fields that no contract names."""
    issues = _issues(locale.contracts, manifest).most_common()
    rejects = Counter(manifest.rejects_by_reason).most_common()
    items = (*_ITEMS, *(name for name in LEFT_COUNTS if manifest.totals.get(name)))
    late, days = manifest.lateness or {}, locale.text("days")
    return {
        "items": [_count(name, locale.text(f"items_{name}"), manifest.totals.get(name, 0)) for name in items],
        "rejects": [_count(code, locale.reason(code), number) for code, number in rejects],
        "nulled": [_nulled(locale, *issue, number) for issue, number in issues if issue[2] != UNKNOWN_FIELD],
        "unknown": sum(number for (_, _, reason), number in issues if reason == UNKNOWN_FIELD),
        "lateness": [_count(n, locale.text(f"lateness_{n}"), late[n], days) for n in _LATENESS if late],
    }


def _count(name: str, head: str, number: int, unit: str = "") -> Row:
    return Row(name, head, (count_cell(number),), unit)


def _nulled(locale: Locale, record: str, field: str, reason: str, number: int) -> Row:
    head = locale.text("record_field", record=locale.name("records", record), field=field)
    return Row(f"{record}.{field}.{reason}", head, (Cell(locale.reason(reason)), count_cell(number)))


def _issues(contracts: Contracts, manifest: Manifest) -> Counter[tuple[str, str, str]]:
    """Values by record, field and reason; a field that no contract names has no name here."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for record, fields in sorted(manifest.field_issues.items()):
        contract = contracts.by_name.get(record)
        known = {name for field in contract.fields for name in raw_names(field)} if contract else set()
        known |= {f"derived.{name}" for name in contract.helpers} if contract else set()
        for field, reasons in sorted(fields.items()):
            for reason, number in sorted(reasons.items()):
                counted[(record, field, reason) if field in known else (record, "", UNKNOWN_FIELD)] += number
    return counted
