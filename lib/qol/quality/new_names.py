"""Under which name a field may come now: of the names that no contract knows, the one that stands in its place."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

from qol.contracts.source_model import Field

#: Contract -> raw name that no contract knows -> in how many records of the run it was.
UnknownFields = Mapping[str, Mapping[str, int]]
#: `steps` and `stepCount` are 0.57 alike, names of different things mostly less than 0.4.
ALIKE = 0.4
SHOWN = 80


def unknown_fields(field_issues: Mapping[str, Any]) -> UnknownFields:
    """Unknown names of a manifest's `field_issues`."""
    return {
        record: {name: reasons["unknown_field"] for name, reasons in issues.items() if "unknown_field" in reasons}
        for record, issues in field_issues.items()
    }


def new_name(field: Field, lost: int, unknown: Mapping[str, int]) -> str | None:
    """The name that probably holds the values a field has lost: frequent enough, and the only one or the most alike."""
    alike = {name: max(_alike(path[-1], name) for path in field.paths) for name, n in unknown.items() if 2 * n >= lost}
    best = max(sorted(alike), key=lambda name: alike[name], default=None)
    if best is None or (len(alike) > 1 and alike[best] < ALIKE):
        return None
    return best[:SHOWN]


def _alike(old: str, new: str) -> float:
    return SequenceMatcher(None, old.lower(), new.rpartition(".")[2].lower()).ratio()
