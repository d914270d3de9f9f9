"""The registry of weekly formulas, and what a registered function is given."""

# ruff: noqa: D102 (the words of a rule are explained in `contracts/weekly.py`)

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

import polars as pl

from qol.formulas.half_away import round_half_away

WEEK_DAYS = 7
#: What a metric may be: a number that is no time of day, a time of day in minutes, either of both, stretches of minutes.
Kind = Literal["a quantity", "a time of day", "a number", "stretches"]


class Rule(Protocol):
    """An entry of `derived` in schemas/metrics/weekly.yaml; its words are explained there."""

    @property
    def of(self) -> tuple[str, ...]: ...
    @property
    def total(self) -> tuple[str, ...]: ...
    @property
    def threshold(self) -> float: ...
    @property
    def min_days(self) -> int: ...
    @property
    def min_work_days(self) -> int: ...
    @property
    def min_free_days(self) -> int: ...
    @property
    def per_day(self) -> int: ...
    @property
    def best_days(self) -> int: ...
    @property
    def aggregate(self) -> str | None: ...
    @property
    def decimals(self) -> int: ...


class NamedRule(Rule, Protocol):
    """A rule with the name of its column."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Week:
    """What holds for a group's week: whether it is valid, its work days, and the decimals of daily metrics by name."""

    valid: pl.Expr
    work_days: int
    decimals: Mapping[str, int]


#: For formulas over pairs and weeks, which read nothing of it.
ANY_WEEK = Week(valid=pl.lit(value=None), work_days=0, decimals={})


@dataclass(frozen=True)
class ValidDays:
    """The valid days of a user's week, as rows of `daily_metrics`, and which days of the week are free (0 is the Monday)."""

    monday: date
    days: Sequence[Mapping[str, Any]]
    free: Collection[int]

    def having(self, *names: str) -> Sequence[Mapping[str, Any]]:
        """Days that have any of the metrics."""
        return [day for day in self.days if any(day[name] is not None for name in names)]


Compute = Callable[[Rule, Week], pl.Expr]
Why = Callable[[Rule, ValidDays], str]


@dataclass(frozen=True)
class WeeklyFormula:
    """A formula: what it says, what it reads and gives, and the function that computes it."""

    name: str
    text: str
    compute: Compute
    #: Kind of each metric in `of`.
    reads: tuple[Kind, ...]
    #: Words of a rule that it needs.
    words: tuple[str, ...]
    #: Type of the column; None where it is that of what the formula compares.
    gives: Literal["double", "int", "boolean"] | None
    #: Rows that `compute` is for: valid days, pairs of windows (`transform/regularity.py`), the weeks before and now.
    over: Literal["days", "pairs", "weeks"]
    #: Whether `min_days` and `decimals` are applied to what `compute` gives.
    is_plain: bool
    #: Whether it tells work days from free days.
    with_holidays: bool
    #: Why it has no value of days that have the metric.
    why: Why | None

    def column(self, rule: Rule, week: Week) -> pl.Expr:
        """The column of a rule, for `group_by(…).agg` of a group's valid days sorted by date; then `published` rounds it.

        The days have `index`, the day of the week (0 is Monday), and `free`, whether it is free of work.
        """
        value = self.compute(rule, week)
        if not self.is_plain:
            return value
        enough = pl.col(rule.of[0]).count() >= rule.min_days
        return pl.when(enough).then(value)

    def published(self, rule: NamedRule) -> pl.Expr:
        """The column with its decimals, in a step of its own: within `agg` each mention of a value computes it again."""
        value = pl.col(rule.name)
        return round_half_away(value, rule.decimals) if self.is_plain else value


#: All formulas by name, in the order of their registration.
FORMULAS: dict[str, WeeklyFormula] = {}


@dataclass(frozen=True, kw_only=True)
class weekly_formula:  # noqa: N801 (a decorator)
    """Registers the function below it as the formula of that name; the words are those of `WeeklyFormula`."""

    text: str
    name: str = ""
    reads: tuple[Kind, ...] = ("a quantity",)
    words: tuple[str, ...] = ()
    gives: Literal["double", "int", "boolean"] | None = "double"
    over: Literal["days", "pairs", "weeks"] = "days"
    is_plain: bool = True
    with_holidays: bool = False
    why: Why | None = field(default=None)

    def __call__(self, compute: Compute) -> Compute:
        """The function itself."""
        options = {key: value for key, value in vars(self).items() if key != "name"}
        name = self.name or compute.__name__
        FORMULAS[name] = WeeklyFormula(name, compute=compute, **options)
        return compute
