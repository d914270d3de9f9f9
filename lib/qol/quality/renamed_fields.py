"""The name under which a field probably comes now: the most plausible of the names that no contract knows."""

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

from qol.contracts.fields import Field

#: Contract -> raw name that no contract knows -> in how many records of the run it was.
UnknownFields = Mapping[str, Mapping[str, int]]
#: `steps` and `stepCount` have a similarity of 0.57, names of different things mostly less than 0.4.
MIN_SIMILARITY = 0.4
MAX_SHOWN = 80


def unknown_fields(field_issues: Mapping[str, Any]) -> UnknownFields:
    """Unknown names of a manifest's `field_issues`."""
    return {
        record: {name: reasons["unknown_field"] for name, reasons in issues.items() if "unknown_field" in reasons}
        for record, issues in field_issues.items()
    }


def likely_new_name(field: Field, lost: int, unknown: Mapping[str, int]) -> str | None:
    """The unknown name that probably holds the `lost` values of a field: frequent enough, and the only or most similar."""
    similar = {
        n: max(_similarity(path[-1], n) for path in field.paths) for n, seen in unknown.items() if 2 * seen >= lost
    }
    best = max(sorted(similar), key=lambda name: similar[name], default=None)
    if best is None or (len(similar) > 1 and similar[best] < MIN_SIMILARITY):
        return None
    return best[:MAX_SHOWN]


def _similarity(old: str, new: str) -> float:
    return SequenceMatcher(None, old.lower(), new.rpartition(".")[2].lower()).ratio()
