"""Daily metrics made of all records of a day: sums of scaled integers, because records come in any order."""

from collections.abc import Mapping

import polars as pl

from qol.contracts.daily import DailyMetric
from qol.contracts.frames import GRAIN
from qol.contracts.source import Part, SourceContract
from qol.transform.decimals import round_half_away
from qol.transform.versions import receipt

#: Decimals of a part beyond those of its metric: many small parts, such as shares of steps, must not each be rounded.
FINER_DECIMALS = 6


def day_parts(contract: SourceContract, vocabulary: Mapping[str, DailyMetric], rows: pl.DataFrame) -> pl.DataFrame:
    """One row per user and day of the rows, with every metric of the contract's `parts`; null when no part is known.

    Values are exact quotients of integers, rounded to the metric's decimals, halves away from zero. `first` and `last`
    are by `source_timestamp` (receipt where it is null), then by the contract's end, among records with a known part: a
    vendor that sends a day's value again as the day goes on leaves the start at midnight.
    """
    parts = contract.parts
    if any(part.over in ("first", "last") for part in parts.values()):
        ends = [] if contract.end is None else [pl.col(contract.end)]
        rows = rows.sort(pl.coalesce("source_timestamp", receipt()), *ends, receipt(), "record_key")
    scaled = [_scaled(part, vocabulary[name]).alias(name) for name, part in parts.items() if part.each is None]
    combined = [_combined(part, vocabulary[name]).alias(name) for name, part in parts.items() if part.each is None]
    days = rows.select(*GRAIN, *scaled).group_by(GRAIN).agg(combined)
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
    mean = _quotient(pl.col("part").sum(), pl.len().cast(pl.Int128) * _unit(metric), metric.decimals + FINER_DECIMALS)
    means = known.group_by(*GRAIN, "each").agg(mean.alias("mean"))
    whole = (pl.col("mean") * _unit(metric)).round(mode="half_away_from_zero").cast(pl.Int128)
    days = means.select(*GRAIN, whole.alias(metric.name)).group_by(GRAIN)
    return days.agg(_combined(part, metric).alias(metric.name))


def _scaled(part: Part, metric: DailyMetric) -> pl.Expr:
    """A record's part in units of 10^-(decimals + 6); null where it does not count or is not a finite number."""
    value = pl.sql_expr(part.value)
    if part.over == "count":
        number = pl.when(value.is_not_null()).then(1.0)
    else:
        number = pl.when(value.cast(pl.Float64).is_finite()).then(value.cast(pl.Float64))
    if part.where is not None:
        number = pl.when(pl.sql_expr(part.where)).then(number)
    return (number * _unit(metric)).round(mode="half_away_from_zero").cast(pl.Int128, strict=False)


def _unit(metric: DailyMetric) -> int:
    return int(10 ** (metric.decimals + FINER_DECIMALS))


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
    value = _quotient(number, pl.when(count > 0).then(over).cast(pl.Int128) * _unit(metric), metric.decimals)
    return value.cast(pl.Int64) if metric.type == "integer" else value


def _quotient(numerator: pl.Expr, denominator: pl.Expr, decimals: int) -> pl.Expr:
    """A quotient of integers, rounded half away from zero as an integer, then converted to a double.

    Polars multiplies many rows by the reciprocal of a constant where it divides a single one, so the double is rounded to
    its decimals again.
    """
    scaled = numerator.abs() * 10**decimals
    whole = (2 * scaled + denominator) // (2 * denominator)
    signed: pl.Expr = pl.when(numerator < 0).then(0 - whole).otherwise(whole)  # Polars cannot negate 128 bits
    return round_half_away(signed.truediv(10**decimals), decimals)
