"""The columns of weekly_metrics: schemas/metrics/weekly.yaml."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from annotated_types import Ge, Interval
from pydantic import AfterValidator, Field, StringConstraints

from qol.contracts import language as lang
from qol.contracts.daily import Relation
from qol.contracts.quality import Claim
from qol.contracts.wording import choices
from qol.formulas import FORMULAS

Aggregate = Literal[
    "mean", "median", "sd", "min", "max", "sum", "circular_mean", "circular_sd", "last", "weekday_mean", "weekend_mean",
    "weighted_mean",
]  # fmt: skip
#: Words that belong to some formulas only, and must be there with them.
_ONLY_WITH: Mapping[str, tuple[str, ...]] = {
    word: tuple(name for name, formula in FORMULAS.items() if word in formula.words)
    for word in ("total", "threshold", "aggregate", "per_day", "best_days", "min_work_days", "min_free_days")
}
#: Words that have their defaults with some formulas, which do not read them.
_NOT_READ_BY: Mapping[str, tuple[str, ...]] = {
    "min_days": tuple(name for name, formula in FORMULAS.items() if not formula.is_plain and name != "regularity"),
    "decimals": tuple(name for name, formula in FORMULAS.items() if formula.gives in {"boolean", "int"}),
}
#: Formulas whose values are fractions from 0 to 1, and units that those are not in.
_FRACTIONS, _PERCENT = ("share_of_sums", "coverage"), ("%", "pct", "percent")


def _registered(name: str) -> str:
    if name not in FORMULAS:
        raise lang.refusal(choices(FORMULAS, name))
    return name


_WeekDays = Annotated[lang.Whole, Interval(ge=1, le=7)]


class WeeklyGroup(lang.Model):
    """Metrics that one source fills together in a week, and when a day counts for them."""

    name: lang.Key
    anchor: lang.Each[lang.Name]
    """A day is valid when one of these is not null; empty means any metric of the group."""
    own_days: lang.Each[lang.Name] = ()
    """Metrics that need no anchor, because a source can give them alone: they count on every day that has them (and, with needs_wear, was not unworn), valid or not."""
    needs_wear: lang.Flag
    """A valid day is also a day that is not known to be unworn."""
    min_valid_days: _WeekDays
    """From how many valid days on <group>_valid is true."""
    precedence: lang.Some[lang.Name]
    """Source that wins when two have as many valid days; others follow by name."""
    every_week: lang.Flag = True
    """false: measured now and then, such as by a questionnaire every fortnight; a week in which no user has these metrics is no sign of a fault."""
    metrics: lang.Filled[lang.Name, lang.Some[Aggregate]]
    """Aggregates per daily metric, in column order. weekday_mean: Monday to Friday; weekend_mean: Saturday and Sunday; weighted_mean: five to two of both."""


class Derived(lang.Model):
    """A weekly column with a formula of its own."""

    name: lang.Key
    group: lang.Name
    """Group whose source, days and validity count."""
    formula: Annotated[str, AfterValidator(_registered)] = Field(
        description="; ".join(f"{name}: {formula.text}" for name, formula in FORMULAS.items()) + ".",
        json_schema_extra={"enum": [*FORMULAS]},
    )
    of: Annotated[tuple[lang.Name, ...], Field(min_length=1, max_length=3)]
    """What it is computed from. free_corrected: time of mid-sleep, minutes slept; regularity: stretches asleep, and where they are not known bedtime and wake time."""
    total: lang.Some[lang.Name] = ()
    """share_of_sums: metrics whose sums are the whole; mean_by_count: the weight."""
    threshold: lang.Number = 0.0
    """sum_at_least: the sum to reach."""
    min_days: _WeekDays = 1
    """Days with a value from which on the column is defined; regularity: pairs of days."""
    min_work_days: _WeekDays = 0
    """Work days with a value from which on the column is defined."""
    min_free_days: _WeekDays = 0
    """Free days with a value from which on the column is defined."""
    per_day: Annotated[lang.Whole, Ge(1)] = 0
    """coverage: what a whole day has, such as 288 readings five minutes apart."""
    best_days: Annotated[lang.Whole, Interval(ge=0, le=7)] = 0
    """mean_of_best: how many of the highest days are averaged."""
    aggregate: lang.Maybe[Literal["mean", "median", "min", "max", "sum", "last", "weighted_mean"]] = None
    """change: which aggregate of the metric is compared."""
    decimals: lang.Decimals = 6
    """Decimals of the published value."""
    unit: lang.Text
    """Unit of the value."""
    description: lang.Text
    """What it says and where the formula comes from; becomes the column comment in Athena."""

    def mistakes(self) -> Iterator[lang.Mistake]:
        """Words that do not go with the formula, or that it lacks."""
        for word, formulas in _ONLY_WITH.items():
            value = getattr(self, word)
            if bool(value) != (self.formula in formulas):
                found = ", ".join(value) if isinstance(value, tuple) else value
                yield lang.Mistake(word, str(found or "nothing"), f"with {choices(formulas)}, and only there")
        for word, formulas in _NOT_READ_BY.items():
            if self.formula in formulas and getattr(self, word) != type(self).model_fields[word].default:
                yield lang.Mistake(word, getattr(self, word), f"no {word}, which {self.formula} does not read")
        if self.formula in _FRACTIONS and self.unit in _PERCENT:
            yield lang.Mistake("unit", self.unit, f"share: {self.formula} gives a fraction from 0 to 1, not percent")
        if self.formula == "share_of_sums" and self.total and {*self.total} <= {*self.of}:
            yield lang.Mistake("total", ", ".join(self.total), "all metrics of the whole, not only those of `of`")
        reads = FORMULAS[self.formula].reads
        if len(self.of) != len(reads):
            yield lang.Mistake("of", ", ".join(self.of), f"{len(reads)} metrics for {self.formula}")


class RecallWindows(lang.Model):
    """Table `survey_windows`: what the other groups were like in the days before each row of one group."""

    of: lang.Name
    """Group whose daily rows look back, such as survey."""
    days: Annotated[lang.Whole, Interval(ge=1, le=14)]
    """How many whole local days before the day are looked at; the day itself is not."""
    metrics: lang.Each[lang.Name]
    """Weekly metrics of other groups: mean (a circular one for times of day) and days of each."""


class WeeklyFile(lang.Model):
    """The columns of weekly_metrics: schemas/metrics/weekly.yaml."""

    groups: lang.Entries[WeeklyGroup]
    """Metrics that one source fills together in a week; the order is the column order of weekly_metrics."""
    derived: lang.Entries[Derived] = ()
    """Columns with a formula of their own; they stand after their group's metrics."""
    relations: lang.Entries[Relation] = ()
    """Claims between columns, checked at the gate; a row in which a side is null is not checked."""
    ordered: lang.Maybe[Claim] = None
    """Claim about every metric that has them: min <= mean <= max; one check per group."""
    holidays: lang.Maybe[Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]] = None
    """ISO 3166 code of the country whose public holidays are free days, besides Saturday and Sunday."""
    windows: lang.Maybe[RecallWindows] = None
