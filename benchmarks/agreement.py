"""Whether every variant gives the same weekly values for the same people."""

from pathlib import Path

import polars as pl

from benchmarks.baselines.fields import weekly_columns
from qol.identity.pseudonyms import Identities

TOLERANCE = 1e-6


class DisagreementError(Exception):
    """When a baseline and the shipped job differ in a value."""


def published(lake: Path, monday: str) -> pl.DataFrame:
    """The shipped job's values, by pseudonym."""
    rows = pl.read_parquet(lake / f"processed/weekly/date={monday}/part-00000.parquet", hive_partitioning=False)
    return _values(rows)


def baseline(out: Path, monday: str, identities: Identities) -> pl.DataFrame:
    """A baseline's values, by the pseudonym that the shipped job makes of the same vendor id."""
    files = [pl.read_parquet(path, hive_partitioning=False) for path in sorted(out.glob(f"date={monday}/*.parquet"))]
    rows = pl.concat(files)
    names = [identities.user_hash("garmin", vendor_id) for vendor_id in rows["user_id"].to_list()]
    return _values(rows.with_columns(user_id=pl.Series(names)))


def agree(expected: pl.DataFrame, found: pl.DataFrame, name: str) -> int:
    """How many values were compared; DisagreementError names the first columns that differ."""
    if not expected["user_id"].equals(found["user_id"]):
        raise DisagreementError(f"{name}: {found.height} people; the shipped job has {expected.height}")
    unlike = []
    for column in weekly_columns():
        left, right = expected[column], found[column]
        differs = (left.is_null() != right.is_null()) | ((left - right).abs() > TOLERANCE).fill_null(value=False)
        if differs.any():
            at = differs.arg_true()[0]
            unlike.append(f"{column}: {differs.sum()} rows, the first has {right[at]} for {left[at]}")
    if unlike:
        raise DisagreementError(f"{name}: {len(unlike)} columns differ from the shipped job's; {'; '.join(unlike[:3])}")
    return expected.height * len(weekly_columns())


def _values(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns all variants have, rounded as the contracts round them, in order of people."""
    values = [pl.col(name).cast(pl.Float64).round(2, mode="half_away_from_zero") for name in weekly_columns()]
    return rows.select("user_id", *values).sort("user_id")
