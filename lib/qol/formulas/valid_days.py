"""Formulas over the valid days of one user's week."""

import polars as pl

from qol.formulas.half_away import PORTABLE_DECIMALS, round_half_away
from qol.formulas.registry import WEEK_DAYS, Rule, ValidDays, Week, weekly_formula


def days(number: int, what: str = "day") -> str:
    """`1 day`, `2 days`."""
    return f"{number} {what if number == 1 else what + 's'}"


@weekly_formula(text="least squares on the day index", reads=("a number",))
def slope(rule: Rule, _: Week) -> pl.Expr:
    """Ordinary least squares slope per day over the days present."""
    value = pl.col(rule.of[0])
    index = pl.col("index").filter(value.is_not_null())
    return pl.cov("index", rule.of[0]) / index.var()


def _logarithms(rule: Rule) -> pl.Expr:
    value = pl.col(rule.of[0])
    return value.filter(value > 0).log().round(PORTABLE_DECIMALS)


def _why_no_logarithm(rule: Rule, week: ValidDays, needed: int = 1) -> str:
    (name,) = rule.of
    found = [day for day in week.having(name) if day[name] > 0]
    if len(found) < needed:
        return f"needs {days(needed)} with {name} above 0, which has a logarithm, found {len(found)}"
    return f"needs logarithms of {name} with a mean above 0, and those of {days(len(found))} have none"


@weekly_formula(text="mean of natural logarithms", why=_why_no_logarithm)
def ln_mean(rule: Rule, _: Week) -> pl.Expr:
    """Mean of the logarithms of the values above 0."""
    return _logarithms(rule).mean()


@weekly_formula(
    text="coefficient of variation of natural logarithms, in percent",
    why=lambda rule, week: _why_no_logarithm(rule, week, 2),
)
def ln_cv(rule: Rule, _: Week) -> pl.Expr:
    """Coefficient of variation of the logarithms in percent: 100 x sample sd / mean."""
    mean = _logarithms(rule).mean()
    return pl.when(mean > 0).then(100 * _logarithms(rule).std() / mean)


def _why_no_share(rule: Rule, week: ValidDays) -> str:
    others = [name for name in rule.total if name not in rule.of]
    found = f"{len(week.having(*rule.of))} and {len(week.having(*others))}"
    if not week.having(*others):
        return f"needs a day with {' and '.join(rule.of)} and one with {' or '.join(others)}, found {found}"
    return f"needs a sum of {' + '.join(rule.total)} above 0, found 0 on {days(len(week.days), 'valid day')}"


@weekly_formula(text="sum of `of` over sum of `total`", words=("total",), why=_why_no_share)
def share_of_sums(rule: Rule, _: Week) -> pl.Expr:
    """A ratio of weekly sums; null when no other part of the whole is known or the sum is 0.

    A source that reports one part of the whole only would have it as all of the whole.
    """
    part, whole = (pl.sum_horizontal([pl.col(name).sum() for name in names]) for names in (rule.of, rule.total))
    others = [name for name in rule.total if name not in rule.of]
    is_known = pl.all_horizontal([pl.col(name).count() > 0 for name in rule.of])
    is_known &= pl.any_horizontal([pl.col(name).count() > 0 for name in others])
    return pl.when(is_known & (whole > 0)).then(part / whole)


@weekly_formula(text="whether the sum reaches `threshold`", words=("threshold",), gives="boolean", is_plain=False)
def sum_at_least(rule: Rule, week: Week) -> pl.Expr:
    """True when the sum reaches the threshold, false when it does not in a valid week, else null."""
    value = pl.col(rule.of[0])
    reached = round_half_away(value.sum(), week.decimals[rule.of[0]]) >= rule.threshold
    return pl.when(value.count() > 0).then(pl.when(reached).then(True).otherwise(pl.when(week.valid).then(False)))  # noqa: FBT003


def _why_no_weight(rule: Rule, week: ValidDays) -> str:
    (name,), (number,) = rule.of, rule.total
    return f"needs a day with {name} and {number} above 0, found 0 of {days(len(week.days), 'valid day')}"


@weekly_formula(text="mean of `of` weighted by `total`", words=("total",), why=_why_no_weight)
def mean_by_count(rule: Rule, _: Week) -> pl.Expr:
    """Mean of daily means, each weighted by how many things it is the mean of."""
    value, count = (pl.col(name) for name in (*rule.of, *rule.total))
    all_counts = count.filter(value.is_not_null()).sum()
    return pl.when(all_counts > 0).then((value * count).sum() / all_counts)


@weekly_formula(
    text="sum of `of`, each day up to `per_day`, over seven days of `per_day`",
    words=("per_day",),
    reads=("a quantity",),
)
def coverage(rule: Rule, _: Week) -> pl.Expr:
    """The sum of the days, each at most `per_day`, as a share of what seven whole days have."""
    return pl.col(rule.of[0]).clip(upper_bound=rule.per_day).sum() / (WEEK_DAYS * rule.per_day)


@weekly_formula(
    text="mean of the `best_days` highest days, null with fewer days",
    words=("best_days",),
    why=lambda rule, week: f"needs {days(rule.best_days)} with {rule.of[0]}, found {len(week.having(*rule.of))}",
)
def mean_of_best(rule: Rule, _: Week) -> pl.Expr:
    """Mean of the highest values; sorted, because a sum of doubles depends on its order."""
    best = pl.col(rule.of[0]).drop_nulls().sort(descending=True).head(rule.best_days)
    return pl.when(best.count() == rule.best_days).then(best.mean())
