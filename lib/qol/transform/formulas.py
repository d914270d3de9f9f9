"""Weekly columns with a formula of their own, over the valid days of one user's week."""

from collections.abc import Callable, Mapping

import polars as pl

from qol.contracts.daily import DailyMetric
from qol.contracts.weekly import Derived
from qol.transform.decimals import PORTABLE_DECIMALS, round_half_away
from qol.transform.jetlag import WEEK_DAYS, WORK_AND_FREE

#: Formulas that read the days or the row of the week before.
LOOKING_BACK = frozenset({"regularity", "regularity_pairs", "change"})

Metrics = Mapping[str, DailyMetric]


def formula(rule: Derived, metrics: Metrics, *, valid: pl.Expr, work_days: int) -> pl.Expr:
    """A weekly column, for `group_by(…).agg` of a group's valid days sorted by date.

    The days have `index`, the day of the week (0 is Monday), and `free`, whether it is free of work. `valid` is whether
    the group is valid, `work_days` how many work days the week has.
    """
    if rule.formula in WORK_AND_FREE:
        return WORK_AND_FREE[rule.formula](rule, work_days)
    if rule.formula == "sum_at_least":
        return _sum_at_least(metrics[rule.of[0]], rule.threshold, valid)
    enough = pl.col(rule.of[0]).count() >= rule.min_days
    return pl.when(enough).then(round_half_away(_VALUES[rule.formula](rule), rule.decimals))


def _slope(rule: Derived) -> pl.Expr:
    """Ordinary least squares slope per day over the days present."""
    value = pl.col(rule.of[0])
    index = pl.col("index").filter(value.is_not_null())
    return pl.cov("index", rule.of[0]) / index.var()


def _logarithms(rule: Derived) -> pl.Expr:
    value = pl.col(rule.of[0])
    return value.filter(value > 0).log().round(PORTABLE_DECIMALS)


def _ln_cv(rule: Derived) -> pl.Expr:
    """Coefficient of variation of the logarithms in percent: 100 x sample sd / mean."""
    mean = _logarithms(rule).mean()
    return pl.when(mean > 0).then(100 * _logarithms(rule).std() / mean)


def _share(rule: Derived) -> pl.Expr:
    """A ratio of weekly sums; null when no other part of the whole is known or the sum is 0.

    A source that reports one part of the whole only would have it as all of the whole.
    """
    part, whole = (pl.sum_horizontal([pl.col(name).sum() for name in names]) for names in (rule.of, rule.total))
    others = [name for name in rule.total if name not in rule.of]
    is_known = pl.all_horizontal([pl.col(name).count() > 0 for name in rule.of])
    is_known &= pl.any_horizontal([pl.col(name).count() > 0 for name in others])
    return pl.when(is_known & (whole > 0)).then(part / whole)


def _mean_by_count(rule: Derived) -> pl.Expr:
    """Mean of daily means, each weighted by how many things it is the mean of."""
    value, count = (pl.col(name) for name in (*rule.of, *rule.total))
    all_counts = count.filter(value.is_not_null()).sum()
    return pl.when(all_counts > 0).then((value * count).sum() / all_counts)


def _coverage(rule: Derived) -> pl.Expr:
    """The sum of the days, each at most `per_day`, as a share of what seven whole days have."""
    return pl.col(rule.of[0]).clip(upper_bound=rule.per_day).sum() / (WEEK_DAYS * rule.per_day)


def _sum_at_least(metric: DailyMetric, threshold: float, valid: pl.Expr) -> pl.Expr:
    """True when the sum reaches the threshold, false when it does not in a valid week, else null."""
    value = pl.col(metric.name)
    reached = round_half_away(value.sum(), metric.decimals) >= threshold
    return pl.when(value.count() > 0).then(pl.when(reached).then(True).otherwise(pl.when(valid).then(False)))  # noqa: FBT003


_VALUES: Mapping[str, Callable[[Derived], pl.Expr]] = {
    "slope": _slope,
    "ln_mean": lambda rule: _logarithms(rule).mean(),
    "ln_cv": _ln_cv,
    "share_of_sums": _share,
    "mean_by_count": _mean_by_count,
    "coverage": _coverage,
}
