"""Daily metrics made of all records of a day: sums of scaled integers, because records come in any order."""

from collections.abc import Mapping

import polars as pl

from qol.contracts.daily import DailyMetric
from qol.contracts.expression_errors import naming_expressions
from qol.contracts.frames import GRAIN
from qol.contracts.rounding import KEPT_DECIMALS, aggregate_decimals
from qol.contracts.source import Part, SourceContract
from qol.transform.decimals import as_stored
from qol.transform.versions import receipt


def day_parts(contract: SourceContract, vocabulary: Mapping[str, DailyMetric], rows: pl.DataFrame) -> pl.DataFrame:
    """One row per user and day of the rows, with every metric of the contract's `parts`; null when no part is known.

    Values are exact quotients of integers, stored as `as_stored` says. `first` and `last`
    are by `source_timestamp` (receipt where it is null), then by the contract's end, among records with a known part: a
    vendor that sends a day's value again as the day goes on leaves the start at midnight.
    """
    parts = contract.parts
    if any(part.over in ("first", "last") for part in parts.values()):
        ends = [] if contract.end is None else [pl.col(contract.end)]
        rows = rows.sort(pl.coalesce("source_timestamp", receipt()), *ends, receipt(), "record_key")
    alike = {name: part for name, part in parts.items() if part.each is None}
    scaled = [_scaled(part, vocabulary[name]).alias(name) for name, part in alike.items()]
    combined = [_combined(part, vocabulary[name]).alias(name) for name, part in alike.items()]
    stored = [as_stored(pl.col(name), vocabulary[name]) for name in alike]
    expressions = {
        f"daily.{name}.{word}": getattr(part, word)
        for name, part in parts.items()
        for word in ("value", "where", "each")
    }
    with naming_expressions(contract.file, rows, expressions):
        # What is rounded is mentioned several times, and within `agg` each mention would be computed.
        days = rows.select(*GRAIN, *scaled).group_by(GRAIN).agg(combined).with_columns(stored)
        for name, part in parts.items():
            if part.each is not None:
                days = days.join(_of_each(part.each, part, vocabulary[name], rows), on=GRAIN, how="left")
    return days


def record_parts(contract: SourceContract, vocabulary: Mapping[str, DailyMetric], rows: pl.DataFrame) -> pl.DataFrame:
    """What each row contributes to every metric of the contract's `parts`; null where it does not count."""
    parts = [(part, vocabulary[name]) for name, part in contract.parts.items()]
    return rows.select([(_scaled(part, of) / _unit(of)).cast(pl.Float64).alias(of.name) for part, of in parts])


def _of_each(each: str, part: Part, metric: DailyMetric, rows: pl.DataFrame) -> pl.DataFrame:
    """Per user and day the mean of one mean per value of `each`, so that dense records do not outweigh others."""
    known = rows.select(*GRAIN, each=pl.sql_expr(each), part=_scaled(part, metric)).drop_nulls("part")
    means = known.group_by(*GRAIN, "each").agg(_quotient(pl.col("part").sum(), pl.len()).alias(metric.name))
    days = means.group_by(GRAIN).agg(_combined(part, metric).alias(metric.name))
    return days.with_columns(as_stored(pl.col(metric.name), metric))


def _scaled(part: Part, metric: DailyMetric) -> pl.Expr:
    """A record's part in the metric's units; null where it does not count or is not a finite number."""
    value = pl.sql_expr(part.value)
    if part.over == "count":
        number = pl.when(value.is_not_null()).then(1.0)
    else:
        number = pl.when(value.cast(pl.Float64).is_finite()).then(value.cast(pl.Float64))
    if part.where is not None:
        number = pl.when(pl.sql_expr(part.where)).then(number)
    return (number * _unit(metric)).round(mode="half_away_from_zero").cast(pl.Int128, strict=False)


def _unit(metric: DailyMetric) -> int:
    """How many units make 1: many small parts, such as shares of steps, must not each be rounded to published decimals."""
    return int(10 ** (aggregate_decimals(metric, "mean") + KEPT_DECIMALS))


def _combined(part: Part, metric: DailyMetric) -> pl.Expr:
    """The known parts of a day as one value: an integer number of units over how many parts it stands for."""
    known = pl.col(metric.name).drop_nulls()
    count = known.len().cast(pl.Int64)
    number, over = known.sum(), pl.lit(1, pl.Int64)
    if part.over == "mean":
        over = count
    elif part.over == "median":
        ordered = known.sort()
        number = ordered.get((count - 1) // 2, null_on_oob=True) + ordered.get(count // 2, null_on_oob=True)
        over = over * 2
    elif part.over in ("min", "max", "first", "last"):
        number = getattr(known, part.over)()
    # A column and no constant: Polars multiplies many rows by the reciprocal of one where it divides a single row.
    unit = pl.when(count > 0).then(pl.lit(_unit(metric), pl.Float64))
    return _quotient(number, pl.when(count > 0).then(over)).truediv(unit)


def _quotient(numerator: pl.Expr, count: pl.Expr) -> pl.Expr:
    """A quotient of integers, rounded half away from zero to an integer of 128 bits."""
    denominator = count.cast(pl.Int128)
    whole = (2 * numerator.abs() + denominator) // (2 * denominator)
    return pl.when(numerator < 0).then(0 - whole).otherwise(whole)  # Polars cannot negate 128 bits
