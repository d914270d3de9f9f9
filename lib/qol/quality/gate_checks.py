"""What the gate checks and what it counted: checks with their expectations, and the facts that Great Expectations judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # the process that judges imports none of them
    from collections.abc import Sequence

    import polars as pl

    from qol.contracts.quality import Severity


@dataclass(frozen=True)
class Expected:
    """One expectation of Great Expectations: the name of its class, its arguments, and what Data Docs say in its place."""

    kind: str
    arguments: dict[str, Any]
    description: str
    #: True in rows that break it, null in rows that it says nothing about; None where it is not about rows.
    broken: pl.Expr | None = None
    #: The metric that a finding names.
    metric: str = ""
    #: Whether a row breaks it can only be said with all rows of its file.
    at_once: bool = False


@dataclass(frozen=True)
class Check:
    """Expectations with the id that `--accept` takes, and the message that reports and manifests show."""

    id: str
    severity: Severity
    message: str
    expected: tuple[Expected, ...]
    #: Which comparisons of files the check is about; empty for checks of rows.
    compared: str = ""
    #: What is wrong in the rows that break it, before the places of those rows.
    wrong: str = ""


class Facts(NamedTuple):
    """What is known of one expectation: rows (or files), those it says something about, those that break it.

    `highest` is the largest value, where the expectation is about nothing else.
    """

    rows: int = 0
    checked: int = 0
    broken: int = 0
    highest: float = 0


@dataclass(frozen=True)
class CheckObservation:
    """What a check observed, and what is wrong if it fails; `checked` is false when there was nothing it could check."""

    checked: bool
    text: str
    finding: str = ""


class Evaluated(NamedTuple):
    """A check with what it observed, and the facts of each of its expectations."""

    check: Check
    observation: CheckObservation
    facts: Sequence[Facts]
