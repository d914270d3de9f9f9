"""How many decimals every published value has."""

from collections.abc import Iterator

from qol.contracts.columns import derived_type
from qol.contracts.daily import DailyMetric
from qol.contracts.model import Contracts
from qol.contracts.weekly import Derived

MEAN_DECIMALS = 2
#: Aggregates that are a day's value, or a sum of days' values: they have as many decimals as a day has.
OF_DAYS = ("min", "max", "sum", "last")


def aggregate_decimals(metric: DailyMetric, aggregate: str) -> int:
    """Decimals of a metric's aggregate over a week or a window; of a mean or deviation at least two."""
    return metric.decimals if aggregate in OF_DAYS else max(MEAN_DECIMALS, metric.decimals)


def derived_decimals(derived: Derived, contracts: Contracts) -> int | None:
    """Decimals of a weekly column with a formula of its own; None for one that is yes or no."""
    kind = derived_type(derived, contracts)
    return {"boolean": None, "double": derived.decimals}.get(kind, 0)


def weekly_decimals(contracts: Contracts) -> dict[str, int]:
    """Decimals of the numeric columns of `weekly_metrics`, but those that count days."""
    return dict(_weekly(contracts))


def _weekly(contracts: Contracts) -> Iterator[tuple[str, int]]:
    for group in contracts.groups:
        for name, aggregates in group.metrics.items():
            for aggregate in aggregates:
                yield f"{name}_{aggregate}", aggregate_decimals(contracts.metric[name], aggregate)
    for derived in contracts.derived:
        decimals = derived_decimals(derived, contracts)
        if decimals is not None:
            yield derived.name, decimals
