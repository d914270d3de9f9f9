"""Which weekly columns a report shows: by the order and the formulas of the contracts, so that new groups need no change here."""

from collections.abc import Collection
from dataclasses import dataclass

from qol.contracts.daily import DailyMetric
from qol.contracts.model import Contracts
from qol.contracts.rounding import aggregate_decimals, derived_decimals
from qol.contracts.weekly import WeeklyGroup

_SUM = "sum"
_NUMERIC = ("integer", "number")
#: The unit of columns with yes or no, which have no distribution.
YES_NO = "boolean"
#: The unit of times of the day.
CLOCK = "min after midnight"
#: The end of columns with the difference of another column to the week before; pages show it beside that one.
CHANGE = "_change"


@dataclass(frozen=True)
class ShownColumn:
    """One weekly column that a report shows: a metric's main aggregate, or a column with a formula."""

    column: str
    group: str
    unit: str
    metric: DailyMetric | None = None
    aggregate: str = ""
    decimals: int = 0

    def rounded(self, value: float, more: int = 0) -> float:
        """A value computed from values of the column, rounded to its decimals and `more`: binary fractions add others."""
        return round(value, self.decimals + more)

    @property
    def clock(self) -> bool:
        """Whether its values are times of the day."""
        return self.unit == CLOCK

    @property
    def plausible(self) -> tuple[float, float] | None:
        """The range of its metric; None for a formula."""
        return self.metric.range if self.metric else None

    @property
    def name(self) -> str:
        """The key of its label: the name of the metric or of the formula."""
        return self.metric.name if self.metric else self.column


def group_columns(contracts: Contracts, group: WeeklyGroup) -> tuple[ShownColumn, ...]:
    """One column per metric of a group, then its formulas, in the order of the contract."""
    metrics = [_of_metric(contracts, group, contracts.metric[name]) for name in group.metrics if group.metrics[name]]
    own = [d for d in contracts.derived if d.group == group.name and not d.name.endswith(CHANGE)]
    formulas = [ShownColumn(d.name, group.name, d.unit, decimals=derived_decimals(d, contracts) or 0) for d in own]
    return (*metrics, *formulas)


def _of_metric(contracts: Contracts, group: WeeklyGroup, metric: DailyMetric) -> ShownColumn:
    """The metric's first aggregate; its sum where a formula compares the sum with a threshold."""
    aggregates = group.metrics[metric.name]
    is_summed = any(d.formula == "sum_at_least" and metric.name in d.of for d in contracts.derived)
    aggregate = _SUM if is_summed and _SUM in aggregates else aggregates[0]
    decimals = aggregate_decimals(metric, aggregate)
    return ShownColumn(f"{metric.name}_{aggregate}", group.name, metric.unit, metric, aggregate, decimals=decimals)


def ranked(contracts: Contracts, group: WeeklyGroup) -> list[ShownColumn]:
    """Numeric columns of a group, the most important first.

    In order: anchors (they make a day valid), times of the day, inputs of formulas, the rest, formulas; each in contract order.
    """
    behind = {name for d in contracts.derived if d.group == group.name for name in d.of}

    def rank(shown: ShownColumn) -> int:
        of_metric = shown.metric is not None
        places = (shown.name in group.anchor, shown.clock and of_metric, shown.name in behind, of_metric, True)
        return places.index(True)

    numeric = [shown for shown in group_columns(contracts, group) if shown.unit != YES_NO]
    return sorted(numeric, key=rank)


def main_columns(contracts: Contracts, filled: Collection[str], limit: int) -> tuple[ShownColumn, ...]:
    """At most `limit` columns of each group that have a value, group by group."""
    return tuple(
        shown
        for group in contracts.groups
        for shown in [s for s in ranked(contracts, group) if s.column in filled][:limit]
    )


def questionnaires(contracts: Contracts) -> list[WeeklyGroup]:
    """Groups of values that are given now and then, not every week."""
    return [group for group in contracts.groups if not group.every_week]


def empty_groups(contracts: Contracts, filled: Collection[str]) -> list[str]:
    """Groups in which no column has a value."""
    shown = {group.name: group_columns(contracts, group) for group in contracts.groups}
    return [name for name, columns in shown.items() if not any(column.column in filled for column in columns)]


def all_columns(contracts: Contracts) -> tuple[ShownColumn, ...]:
    """Every column a report may show."""
    return tuple(shown for group in contracts.groups for shown in group_columns(contracts, group))


def daily_groups(contracts: Contracts) -> list[tuple[str, list[str]]]:
    """Daily metrics by group, the most important first; weekly groups, then metrics that no week aggregates."""
    groups: dict[str, list[str]] = {}
    for group in contracts.groups:
        groups[group.name] = [shown.metric.name for shown in ranked(contracts, group) if shown.metric]
    placed = {name for names in groups.values() for name in names}
    for name, metrics in contracts.group_metrics.items():
        rest = [metric.name for metric in metrics if metric.name not in placed and metric.type in _NUMERIC]
        groups.setdefault(name, []).extend(rest)
    return [(name, names) for name, names in groups.items() if names]
