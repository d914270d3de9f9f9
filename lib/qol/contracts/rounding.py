"""How many decimals every published value has."""

from qol.contracts.columns import derived_type
from qol.contracts.daily import DailyMetric
from qol.contracts.model import Contracts
from qol.contracts.weekly import Derived

MEAN_DECIMALS = 2
#: Decimals that `daily_metrics` keeps beyond those of a metric's mean: a week of them is off by less than the tenth of the
#: distance from which on rounding no longer takes a value for a half.
KEPT_DECIMALS = 8
#: Aggregates that are a day's value, or a sum of days' values: they have as many decimals as a day has.
OF_DAYS = ("min", "max", "sum", "last")


def stored_decimals(metric: DailyMetric) -> int:
    """Decimals of a number in `daily_metrics`, as far as a double has them."""
    return aggregate_decimals(metric, "mean") + KEPT_DECIMALS if metric.type == "number" else 0


def aggregate_decimals(metric: DailyMetric, aggregate: str) -> int:
    """Decimals of a metric's aggregate over a week or a window; of a mean or deviation at least two."""
    return metric.decimals if aggregate in OF_DAYS else max(MEAN_DECIMALS, metric.decimals)


def derived_decimals(derived: Derived, contracts: Contracts) -> int | None:
    """Decimals of a weekly column with a formula of its own; None for one that is yes or no."""
    kind = derived_type(derived, contracts)
    return {"boolean": None, "double": derived.decimals}.get(kind, 0)


def weekly_decimals(contracts: Contracts) -> dict[str, int]:
    """Decimals of the numeric columns of `weekly_metrics`, but those that count days."""
    metrics = [(contracts.metric[name], has) for group in contracts.groups for name, has in group.metrics.items()]
    decimals = {f"{metric.name}_{of}": aggregate_decimals(metric, of) for metric, has in metrics for of in has}
    own = {derived.name: derived_decimals(derived, contracts) for derived in contracts.derived}
    return decimals | {name: number for name, number in own.items() if number is not None}
