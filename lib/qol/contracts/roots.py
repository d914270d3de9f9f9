"""Where contracts lie, and the names of their files; without the libraries that read them, for functions on AWS."""

import os
from pathlib import Path

from qol.errors import UsageError

#: Files below the folder of contracts.
DAILY, WEEKLY, QUALITY, UNITS = "metrics/daily.yaml", "metrics/weekly.yaml", "quality.yaml", "units.yaml"
RETENTION = "retention.yaml"
#: Name of the file with what holds for all records of a source.
RULES = "_rules.yaml"
_PACKAGE = Path(__file__).resolve().parents[1]
_OWN_ROOTS = (_PACKAGE.parents[1] / "schemas", _PACKAGE / "_schemas")


def default_root() -> Path:
    """Where contracts lie: QOL_SCHEMAS, else `schemas/` beside `lib/`, else the copy inside the package."""
    named = os.environ.get("QOL_SCHEMAS")
    candidates = [Path(named)] if named else [*_OWN_ROOTS]
    for candidate in candidates:
        if (candidate / DAILY).is_file():
            return candidate
    places = ", ".join(map(str, candidates))
    raise UsageError(f"no contracts in {places}; allowed: a folder with {DAILY}, named by QOL_SCHEMAS")


def own_or_shipped(root: Path, file: str) -> Path:
    """A file beside the contracts, or the product's own where a study has none."""
    candidates = [folder / file for folder in (root, *_OWN_ROOTS)]
    return next((path for path in candidates if path.is_file()), candidates[0])
