"""Daily values with the decimals that are stored."""

import polars as pl

from qol.contracts.daily import DailyMetric
from qol.contracts.rounding import stored_decimals
from qol.formulas.half_away import round_half_away


def as_stored(value: pl.Expr, metric: DailyMetric) -> pl.Expr:
    """A daily value as `daily_metrics` has it; never infinite or NaN. Intervals pass.

    Whole where the metric is; else with its stored decimals, or all that a double has where it has fewer.
    """
    if metric.type == "intervals":
        return value.cast(pl.List(pl.Int32))
    number = value.cast(pl.Float64)
    number = pl.when(number.is_finite()).then(number)
    if metric.type == "integer":
        return round_half_away(number, 0).cast(pl.Int64)
    return round_half_away(number, stored_decimals(metric))
