"""What the contracts say of daily and weekly metrics, resolved and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from qol.contracts.quality import Severity

#: How a weekly column with a formula of its own is computed; `transform/formulas.py` knows each.
Formula = Literal[
    "slope", "ln_mean", "ln_cv", "share_of_sums", "sum_at_least", "mean_by_count", "coverage",
    "work_days", "free_days", "work_mean", "free_mean", "free_corrected", "work_free_distance",
    "regularity", "regularity_pairs", "change",
]  # fmt: skip


@dataclass(frozen=True)
class DailyMetric:
    """One column of `daily_metrics`."""

    name: str
    group: str
    unit: str
    description: str
    type: Literal["integer", "number", "intervals"]
    decimals: int
    low: float | None
    high: float | None
    clock: bool = False
    from_metrics: str | None = None

    @property
    def column_type(self) -> str:
        """The column's type in Athena."""
        return {"integer": "bigint", "intervals": "array<int>"}.get(self.type, "double")


@dataclass(frozen=True)
class Relation:
    """A claim between columns of `daily_metrics` or `weekly_metrics`: left <= right (strict: <), checked at the gate."""

    id: str
    left: str
    right: str
    severity: Severity
    description: str
    strict: bool = False


@dataclass(frozen=True)
class WeeklyGroup:
    """Metrics that one source fills together in a week, and when a day counts for them."""

    name: str
    anchor: tuple[str, ...]
    needs_wear: bool
    min_valid_days: int
    precedence: tuple[str, ...]
    metrics: Mapping[str, tuple[str, ...]]
    #: False: a week in which nobody has the group's metrics is no sign of a fault.
    every_week: bool = True


@dataclass(frozen=True)
class Derived:
    """A weekly column with a formula of its own."""

    name: str
    group: str
    formula: Formula
    of: tuple[str, ...]
    total: tuple[str, ...]
    threshold: float
    min_days: int
    decimals: int
    unit: str
    description: str
    #: change: the aggregate of the metric that is compared with the week before.
    aggregate: str = ""
    #: coverage: what a whole day has.
    per_day: int = 0
    #: Formulas of work and free days: from how many of each on there is a value.
    min_work_days: int = 0
    min_free_days: int = 0


@dataclass(frozen=True)
class RecallWindows:
    """Table `survey_windows`: which group's rows look back, how many days, and at which metrics."""

    of: str
    days: int
    metrics: tuple[str, ...]
