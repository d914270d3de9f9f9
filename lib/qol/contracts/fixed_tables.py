"""Columns and texts that no contract of a source declares, as tables.yaml has them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qol.contracts.yaml_file import read_yaml

FIXED: Mapping[str, Any] = read_yaml(Path(__file__).with_name("tables.yaml"), "tables.yaml")[0]


def fixed_columns(part: str) -> tuple[tuple[str, str, str], ...]:
    """Name, type and comment of the columns that every table of a kind has."""
    return tuple((name, kind, comment) for name, (kind, comment) in FIXED["columns"][part].items())
