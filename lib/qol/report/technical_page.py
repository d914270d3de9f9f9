"""The page for engineers: what became of the raw data, how late it arrived, and each check that found something."""

from typing import Any

from qol.report.blocks import Cell, Row
from qol.report.locales import Locale
from qol.report.raw_data import raw_data
from qol.tables.manifest import Manifest


def technical_page(locale: Locale, manifest: Manifest | None) -> dict[str, Any]:
    """What the page for engineers shows, for its template."""
    checks = [check for check in manifest.checks if not check.success] if manifest else []
    rows = [Row(c.id, c.id, (Cell(c.severity), Cell(c.message), Cell(c.observed))) for c in checks]
    return {
        "sections": ["raw", *(["lateness", "checks"] if manifest else [])],
        "manifest": manifest,
        "raw": raw_data(locale, manifest) if manifest else {},
        "checks": rows,
    }
