"""Which weekly columns a report shows: by the order and the formulas of the contracts, so that new groups come by themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from qol.contracts.metric_model import DailyMetric, Derived, WeeklyGroup
from qol.contracts.model import Contracts
from qol.contracts.rounding import aggregate_decimals, derived_decimals

_SUM = "sum"
_NUMERIC = ("integer", "number")
#: A yes or no has no distribution.
YES_NO = "boolean"
#: The unit of times of the day.
CLOCK = "min after midnight"
#: A column that ends so is the difference of another one to the week before; pages show it beside that one.
CHANGE = "_change"


@dataclass(frozen=True)
class Shown:
    """One weekly column as a report shows it: a metric's main aggregate, or a column with a formula of its own."""

    column: str
    group: str
    unit: str
    metric: DailyMetric | None = None
    aggregate: str = ""
    derived: Derived | None = None
    decimals: int = 0

    def rounded(self, value: float, more: int = 0) -> float:
        """A value computed from values of the column, without what binary fractions add to its decimals, or to so many more."""
        return round(value, self.decimals + more)

    @property
    def clock(self) -> bool:
        """Whether its values are times of the day."""
        return self.unit == CLOCK

    @property
    def name(self) -> str:
        """What words are looked up by: the metric's or the formula's name."""
        return self.metric.name if self.metric else self.column


def group_columns(contracts: Contracts, group: WeeklyGroup) -> tuple[Shown, ...]:
    """One column per metric of a group, then its formulas, in the order of the contract."""
    metrics = [_of_metric(contracts, group, contracts.metric[name]) for name in group.metrics if group.metrics[name]]
    own = [d for d in contracts.derived if d.group == group.name and not d.name.endswith(CHANGE)]
    return (*metrics, *(_of_formula(contracts, group, derived) for derived in own))


def _of_formula(contracts: Contracts, group: WeeklyGroup, derived: Derived) -> Shown:
    decimals = derived_decimals(derived, contracts) or 0
    return Shown(derived.name, group.name, derived.unit, derived=derived, decimals=decimals)


def _of_metric(contracts: Contracts, group: WeeklyGroup, metric: DailyMetric) -> Shown:
    """The metric's first aggregate; its sum where a formula compares the sum with a threshold."""
    aggregates = group.metrics[metric.name]
    is_summed = any(d.formula == "sum_at_least" and metric.name in d.of for d in contracts.derived)
    aggregate = _SUM if is_summed and _SUM in aggregates else aggregates[0]
    decimals = aggregate_decimals(metric, aggregate)
    return Shown(f"{metric.name}_{aggregate}", group.name, metric.unit, metric, aggregate, decimals=decimals)


def ranked(contracts: Contracts, group: WeeklyGroup) -> list[Shown]:
    """Numeric columns of a group, what it is about first.

    That is: what makes a day valid, times of the day, what formulas are made of, the rest, formulas; each in contract order.
    """
    behind = {name for d in contracts.derived if d.group == group.name for name in d.of}

    def rank(shown: Shown) -> int:
        of_metric = shown.metric is not None
        places = (shown.name in group.anchor, shown.clock and of_metric, shown.name in behind, of_metric, True)
        return places.index(True)

    numeric = [shown for shown in group_columns(contracts, group) if shown.unit != YES_NO]
    return sorted(numeric, key=rank)


def main_columns(contracts: Contracts, filled: Collection[str], most: int) -> tuple[Shown, ...]:
    """At most so many columns of each group that have a value, group by group."""
    return tuple(
        shown
        for group in contracts.groups
        for shown in [s for s in ranked(contracts, group) if s.column in filled][:most]
    )


def empty_groups(contracts: Contracts, filled: Collection[str]) -> tuple[str, ...]:
    """Groups of which no column has a value."""
    return tuple(
        group.name
        for group in contracts.groups
        if not any(shown.column in filled for shown in group_columns(contracts, group))
    )


def all_columns(contracts: Contracts) -> tuple[Shown, ...]:
    """Every column a report may show."""
    return tuple(shown for group in contracts.groups for shown in group_columns(contracts, group))


def daily_groups(contracts: Contracts) -> Iterator[tuple[str, Sequence[str]]]:
    """Daily metrics by group, what a group is about first; weekly groups, then those that no week aggregates."""
    groups: dict[str, list[str]] = {}
    for group in contracts.groups:
        groups[group.name] = [shown.metric.name for shown in ranked(contracts, group) if shown.metric]
    placed = {name for names in groups.values() for name in names}
    for name, metrics in contracts.group_metrics.items():
        rest = [metric.name for metric in metrics if metric.name not in placed and metric.type in _NUMERIC]
        groups.setdefault(name, []).extend(rest)
    yield from ((name, names) for name, names in groups.items() if names)
