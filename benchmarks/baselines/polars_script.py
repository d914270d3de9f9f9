"""A Polars script: the same in one lazy query, columns given, none of the job's guarantees.

Polars has no map type, so the samples are a struct of the offsets of these very files; a lake has any offsets. It reads
no dates from JSON either: they are cast.
"""

import sys

import polars as pl

from benchmarks.baselines.fields import DISTANCE, INTEGERS, METRICS, MINUTES, SAMPLES, SUMMED
from benchmarks.dailies import SAMPLE_OFFSETS

SCHEMA: dict[str, type[pl.DataType] | pl.DataType] = {
    "userId": pl.String,
    "calendarDate": pl.String,
    "startTimeInSeconds": pl.Int64,
    "durationInSeconds": pl.Int64,
    "_received_at": pl.String,
    DISTANCE: pl.Float64,
    SAMPLES: pl.Struct({str(offset): pl.Float64 for offset in SAMPLE_OFFSETS}),
    **dict.fromkeys([*INTEGERS.values(), *MINUTES.values()], pl.Int64),
}


def weeks(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Lines to kept days to weeks."""
    samples = pl.mean_horizontal([pl.col(SAMPLES).struct.field(str(offset)) for offset in SAMPLE_OFFSETS])
    newest = lines.sort("durationInSeconds", "_received_at").unique(["userId", "startTimeInSeconds"], keep="last")
    days = newest.select(
        pl.col("userId").alias("user_id"),
        pl.col("calendarDate").str.to_date("%Y-%m-%d").dt.truncate("1w").alias("week_start"),
        pl.col(DISTANCE).alias("distance_m"),
        *[pl.col(name).alias(metric) for metric, name in INTEGERS.items()],
        *[(pl.col(name) / 60).alias(metric) for metric, name in MINUTES.items()],
        samples.round(2).alias("mean_hr_bpm"),
    ).with_columns(mvpa_equivalent_minutes=pl.col("moderate_minutes") + 2 * pl.col("vigorous_minutes"))
    return days.group_by("user_id", "week_start").agg(value for metric in METRICS for value in _aggregates(metric))


def _aggregates(metric: str) -> list[pl.Expr]:
    values = pl.col(metric)
    found = {
        "mean": values.mean(), "median": values.median(), "sd": values.std(), "min": values.min(),
        "max": values.max(), "days": values.count(),
    }  # fmt: skip
    if metric in SUMMED:
        found["sum"] = values.sum()
    return [value.alias(f"{metric}_{of}") for of, value in found.items()]


def main(raw: str, out: str) -> None:
    """Read, compute, write one file per week."""
    lines = pl.scan_ndjson(f"{raw}/raw/daily/*/*.jsonl", schema=SCHEMA)
    for (monday,), rows in weeks(lines).collect(engine="streaming").partition_by("week_start", as_dict=True).items():
        rows.write_parquet(f"{out}/date={monday}/part.parquet", mkdir=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
