"""The vocabulary of daily_metrics: schemas/metrics/daily.yaml."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from qol.contracts import language as lang
from qol.contracts.quality import Claim, Severity

#: Names of columns that daily_metrics has besides its metrics, and words of a contract's `daily`.
_TAKEN = ("user_id", "day", "source", "worn", "date", "where")


class DailyMetric(lang.Model):
    """One column of `daily_metrics`."""

    name: lang.Key
    group: Annotated[str, SkipJsonSchema(), Field(validation_alias="(group)")] = ""
    unit: lang.Text
    """Unit; also in the name where it is not obvious."""
    type: Literal["integer", "number", "intervals"]
    """integer is bigint, number is double, intervals array<int>: pairs of minutes after local midnight, the evening before is negative."""
    decimals: lang.Decimals = Field(default_factory=lambda data: 2 if data.get("type") == "number" else 0)
    """For type number: decimals of a weekly min, max, sum or last, by default 2; a mean has two at least, and a day eight more than a mean. 0 makes these four whole."""
    range: lang.Range
    """Lowest and highest plausible value."""
    description: lang.Text
    """What it says; becomes the column comment in Athena."""
    clock: lang.Flag = False
    """A time of day in minutes after local midnight: weekly aggregates are circular."""
    from_metrics: lang.Maybe[lang.Sql] = None
    """SQL over other metrics of the day, for metrics no source gives; missing parts count 0, null when all are missing."""

    @property
    def low(self) -> float:
        """The lowest plausible value."""
        return self.range[0]

    @property
    def high(self) -> float:
        """The highest plausible value."""
        return self.range[1]

    @property
    def column_type(self) -> str:
        """The column's type in Athena."""
        return {"integer": "bigint", "intervals": "array<int>"}.get(self.type, "double")

    def mistakes(self) -> Iterator[lang.Mistake]:
        """A name that is taken, and words that do not go together."""
        if self.name in _TAKEN:
            yield lang.Mistake("", self.name, f"a name other than {', '.join(_TAKEN)}")
        if self.type != "number" and self.decimals:
            yield lang.Mistake("decimals", self.decimals, "decimals only for type number")
        for word in ("clock", "from_metrics") if self.type == "intervals" else ():
            if value := getattr(self, word):
                yield lang.Mistake(word, value, "only for a metric of one number a day")


class Relation(lang.Model):
    """A claim between columns of `daily_metrics` or `weekly_metrics`, checked at the gate."""

    id: lang.Key
    left: lang.Sql
    """SQL over columns of the table."""
    right: lang.Sql
    """SQL over columns of the table; left <= right is claimed."""
    strict: lang.Flag = False
    """left < right is claimed."""
    severity: Severity = "warning"
    """What happens when the claim does not hold."""
    description: lang.Text
    """The claim in words."""


class DailyFile(lang.Model):
    """The vocabulary of daily_metrics: schemas/metrics/daily.yaml."""

    groups: lang.Filled[lang.Name, lang.SomeEntries[DailyMetric]]
    """Metrics by group; the order is the column order of daily_metrics."""
    ranges: lang.Maybe[Claim] = None
    """Claim about every metric: its values lie within its range; one check per group."""
    relations: lang.Entries[Relation]
    """Claims between columns, checked at the gate; a row in which a side is null is not checked."""

    @property
    def metrics(self) -> tuple[DailyMetric, ...]:
        """All metrics, in column order."""
        return tuple(
            metric.model_copy(update={"group": group}) for group, metrics in self.groups.items() for metric in metrics
        )
