"""Weekly columns with a formula of their own, over exact sums of a group's valid days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from qol.contracts.metric_model import DailyMetric, Derived
from qol.transform import jetlag
from qol.transform.exact import FINE, decimal, divided, n, positive, scaled
from qol.transform.jetlag import WORK_AND_FREE

WEEK_DAYS = 7
#: Formulas that look at the days or the row of the week before, not at sums of this week.
LOOKING_BACK = frozenset({"regularity", "regularity_pairs", "change"})

Metrics = Mapping[str, DailyMetric]


@dataclass(frozen=True)
class Basis:
    """What a formula knows of the week beside its sums: whether the group is valid, how many work days it has."""

    valid: pl.Expr
    work_days: int


def more_sums(rules: list[Derived], metrics: Metrics) -> list[pl.Expr]:
    """Exact sums that the formulas need besides those that `exact` makes for every metric; each once."""
    sums = {one.meta.output_name(): one for rule in rules for one in _more_sums(rule, metrics)}
    return list(sums.values())


def _more_sums(rule: Derived, metrics: Metrics) -> Iterator[pl.Expr]:
    if rule.formula in WORK_AND_FREE:
        for name in rule.of:
            yield from jetlag.sums(metrics[name])
    elif rule.formula == "mean_by_count":
        value, count = (scaled(metrics[name]) for name in (*rule.of, *rule.total))
        yield (value * count).sum().alias(f"{rule.name}:product")
        yield count.filter(value.is_not_null()).sum().alias(f"{rule.name}:count")
    elif rule.formula == "coverage":
        metric = metrics[rule.of[0]]
        yield scaled(metric).clip(upper_bound=rule.per_day * 10**metric.decimals).sum().alias(f"{rule.name}:there")


def formula(rule: Derived, metrics: Metrics, basis: Basis) -> pl.Expr:
    """A column of one row per person and source, from the sums of that row."""
    if rule.formula in WORK_AND_FREE:
        return jetlag.column(rule, metrics, basis.work_days)
    if rule.formula == "sum_at_least":
        return _sum_at_least(metrics[rule.of[0]], rule.threshold, basis.valid)
    enough = n(metrics[rule.of[0]]) >= rule.min_days
    return pl.when(enough).then(decimal(_VALUES[rule.formula](rule, metrics), rule.decimals))


def _slope(rule: Derived, metrics: Metrics) -> pl.Expr:
    """Ordinary least squares slope per day over the days present."""
    metric = metrics[rule.of[0]]
    name, days = metric.name, n(metric)
    t, x = pl.col(f"{name}:t"), pl.col(f"{name}:sum")
    below = (days * pl.col(f"{name}:tt") - t * t) * 10**metric.decimals
    return pl.when(below > 0).then((days * pl.col(f"{name}:tx") - t * x) / below)


def _ln_mean(rule: Derived, _: Metrics) -> pl.Expr:
    """Mean of natural logarithms of the daily values."""
    count = pl.col(f"{rule.of[0]}:ln_n")
    return pl.when(count > 0).then(pl.col(f"{rule.of[0]}:ln_sum") / (FINE * count))


def _ln_cv(rule: Derived, _: Metrics) -> pl.Expr:
    """Coefficient of variation of the logarithms in percent: 100 x sample sd / mean."""
    name, count = rule.of[0], pl.col(f"{rule.of[0]}:ln_n")
    logs = pl.col(f"{name}:ln_sum").cast(pl.Int128)
    spread = (count * pl.col(f"{name}:ln_squares") - logs * logs).cast(pl.Float64)
    value = (spread / (count * (count - 1))).sqrt() / logs * count * 100
    return pl.when((count > 1) & (logs > 0)).then(value)


def _share(rule: Derived, metrics: Metrics) -> pl.Expr:
    """A ratio of weekly sums; null when nothing else of the whole is known or the sum is 0.

    A source that tells one part of the whole only would have it as all of the whole.
    """
    of, parts = ([metrics[name] for name in names] for names in (rule.of, rule.total))
    finest = max(m.decimals for m in (*of, *parts))
    above, below = (
        pl.sum_horizontal([pl.col(f"{m.name}:sum") * 10 ** (finest - m.decimals) for m in some]) for some in (of, parts)
    )
    others = [m for m in parts if m not in of]
    known = pl.all_horizontal([n(m) > 0 for m in of]) & pl.any_horizontal([n(m) > 0 for m in others])
    return pl.when(known & (below > 0)).then(above / below)


def _mean_by_count(rule: Derived, metrics: Metrics) -> pl.Expr:
    """Mean of daily means, each weighted by how many things it is the mean of."""
    count = positive(pl.col(f"{rule.name}:count"))
    return divided(pl.col(f"{rule.name}:product"), count * 10 ** metrics[rule.of[0]].decimals, rule.decimals)


def _coverage(rule: Derived, metrics: Metrics) -> pl.Expr:
    """What is there as a share of what seven whole days would have."""
    whole = WEEK_DAYS * rule.per_day * 10 ** metrics[rule.of[0]].decimals
    return divided(pl.col(f"{rule.name}:there"), pl.lit(whole), rule.decimals)


def _sum_at_least(metric: DailyMetric, threshold: float, valid: pl.Expr) -> pl.Expr:
    """True when the sum reaches the threshold, false when it does not in a valid week, else not known."""
    reached = pl.col(f"{metric.name}:sum") >= round(threshold * 10**metric.decimals)
    return pl.when(n(metric) > 0).then(pl.when(reached).then(True).otherwise(pl.when(valid).then(False)))  # noqa: FBT003


_VALUES: Mapping[str, Callable[[Derived, Metrics], pl.Expr]] = {
    "slope": _slope,
    "ln_mean": _ln_mean,
    "ln_cv": _ln_cv,
    "share_of_sums": _share,
    "mean_by_count": _mean_by_count,
    "coverage": _coverage,
}
