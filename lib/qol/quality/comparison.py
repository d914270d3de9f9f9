"""What a check saw of one table and week, in words; never a value of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from qol.contracts.quality import COMPARED, SEVERITIES, Compared, Severity
from qol.tables.weeks import iso_week

if TYPE_CHECKING:
    from qol.contracts.model import Contracts

FEW_PEOPLE = 20
FEW_ROWS = 20


@dataclass(frozen=True)
class NotChecked:
    """Why a question could not be asked of a file."""

    reason: str


FEW = NotChecked(f"fewer than {FEW_PEOPLE} people")
NO_WEEK = NotChecked("no earlier week to compare with")
SHORT = NotChecked(f"fewer than {FEW_ROWS} rows")
DAMAGED_WEEK = NotChecked("the published file is damaged")


@dataclass(frozen=True)
class Comparison:
    """One table and week against what is to be expected of it: what is wrong, by severity, or why nobody can tell."""

    compared: Compared
    table: str
    date: str
    found: dict[Severity, str] = field(default_factory=dict)
    not_checked: NotChecked | None = None

    @property
    def place(self) -> str:
        """`records_garmin_dailies 2026-W46`."""
        return f"{self.table} {iso_week(date.fromisoformat(self.date))}"


def check_id(compared: Compared, severity: Severity) -> str:
    """The id of the check that tells what is wrong of a kind, by severity; `--accept` takes it."""
    return f"{compared}_as_before.{severity}" if compared != "fresh" else f"data_is_fresh.{severity}"


def severities(contracts: Contracts, compared: Compared) -> list[Severity]:
    """Severities that contracts give to what is compared, the worst first."""
    given = {contracts.quality.severity.get(compared)}
    for contract in contracts.sources:
        given.add(contract.quality.severity.get(compared))
        if compared == "fields":
            given |= set(contract.quality.fields.values())
    return [severity for severity in SEVERITIES if severity in given]


def comparisons_frame(contracts: Contracts, comparisons: Sequence[Comparison]) -> pl.DataFrame:
    """One row per comparison, one column per check: 1 where something of its severity was found, null where not asked."""
    columns = {
        check_id(kind, severity): [
            None if c.compared != kind or c.not_checked else float(severity in c.found) for c in comparisons
        ]
        for kind in COMPARED
        for severity in severities(contracts, kind)
    }
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))
