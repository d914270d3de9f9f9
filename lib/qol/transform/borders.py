"""The border between two weeks: records that reach across it, and documents that moved, across it or within a week.

A week's days are made of its own records and those of the weeks beside it that lie near the border. What is near is told
by a record alone, so that a week is the same whichever other weeks a run computes.
"""

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from qol.contracts.frames import monday_expr
from qol.contracts.source import SourceContract
from qol.tables.weeks import WEEK, monday_of
from qol.transform.merge import best_of_keys

#: Records of this many days before a border, and after it, can matter to the week on its other side.
DAYS_BEFORE, DAYS_AFTER = 3, 2
#: A border is at local midnight, up to 14 hours from that of UTC, and a contract may move it by 12 hours.
_MARGIN_SECONDS = 26 * 3600
_WEEK_SECONDS = 7 * 86_400
_DAY = timedelta(days=1)


def can_cross(contract: SourceContract) -> bool:
    """Whether a record can matter to another week than its own: not where the vendor's day is all that tells it apart."""
    return contract.document is not None or contract.day.date is None or contract.day.date not in contract.key


def identity(contract: SourceContract) -> tuple[str, ...]:
    """The columns that tell what a record is a version of; where one is null the record is a version of nothing else."""
    return contract.slot or (contract.document or "record_key",)


def reaches_over(contract: SourceContract) -> bool:
    """Whether records of a type are compared with each other by their time, so that all near a border are needed."""
    return any((contract.overlaps, contract.stages, contract.episodes, contract.split))


def is_before_border(day: pl.Expr) -> pl.Expr:
    """Whether a day is one of the last of its week, whose records the next week looks at too."""
    return day.dt.weekday() > 7 - DAYS_BEFORE


def _is_after_border(day: pl.Expr) -> pl.Expr:
    return day.dt.weekday() <= DAYS_AFTER


def is_near(week: date) -> pl.Expr:
    """Whether the column `day` is one of the last before a week or of the first after it."""
    before, after = week - DAYS_BEFORE * _DAY, week + WEEK + DAYS_AFTER * _DAY
    return pl.col("day").is_between(before, week, "left") | pl.col("day").is_between(week + WEEK, after, "left")


def borders_near(days: Iterable[date]) -> set[date]:
    """Mondays of the borders that any of the days is near."""
    before = {monday_of(day) + WEEK for day in days if day.weekday() >= 7 - DAYS_BEFORE}
    return before | {monday_of(day) for day in days if day.weekday() < DAYS_AFTER}


def with_neighbours(rows: pl.DataFrame, start: str, end: str) -> pl.DataFrame:
    """The rows with the week they are looked at in (`week`), and once more for a week beside it that they come near.

    `start` and `end` name columns of Unix times.
    """
    day, monday = pl.col("day"), monday_expr(pl.col("day"))
    border = monday.dt.epoch("s")
    begins_before = pl.col(start).cast(pl.Int64) < border + _MARGIN_SECONDS
    ends_after = pl.col(end).cast(pl.Int64) > border + _WEEK_SECONDS - _MARGIN_SECONDS
    own = rows.with_columns(week=monday)
    earlier = rows.filter(_is_after_border(day) & begins_before).with_columns(week=monday - WEEK)
    later = rows.filter(is_before_border(day) & ends_after).with_columns(week=monday + WEEK)
    return pl.concat([own, earlier, later])


def of_own_week(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that are looked at in the week of their day, without `week`."""
    return rows.filter(pl.col("week") == monday_expr(pl.col("day"))).drop("week")


def without_moved(contract: SourceContract, records: pl.DataFrame) -> pl.DataFrame:
    """Records without those whose better version lies on the other side of a border or, of a document, in the same week.

    Each week keeps a record of its own of one key; all stay stored, and the one that wins in the order of versions counts.
    """
    if not can_cross(contract):
        return records
    rows = records.with_row_index("row").with_columns(border=monday_expr(pl.col("day")))
    before = rows.filter(is_before_border(pl.col("day"))).with_columns(pl.col("border") + WEEK)
    rows = _without_worse(contract, rows, before, rows.filter(_is_after_border(pl.col("day"))))
    if contract.document is not None:
        documents = rows.drop_nulls(contract.document)
        again = documents.filter(documents.select("user_id", "border", contract.document).is_duplicated())
        rows = _without_worse(contract, rows, again, again)
    return rows.drop("row", "border")


def _without_worse(
    contract: SourceContract, rows: pl.DataFrame, some: pl.DataFrame, others: pl.DataFrame
) -> pl.DataFrame:
    """The rows without those that are in `some` or `others` and have a better version there."""
    same = ["user_id", "border", *identity(contract)]
    met = others.join(some, on=same, how="semi", nulls_equal=contract.document is None)
    if met.is_empty():
        return rows
    both = pl.concat([met, some.join(met, on=same, how="semi", nulls_equal=True)]).unique("row")
    key = contract if contract.document is None else contract.model_copy(update={"key": (contract.document,)})
    lost = both.join(best_of_keys(both, key), on="row", how="anti")
    return rows.join(lost, on="row", how="anti", maintain_order="left")
