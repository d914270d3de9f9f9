"""The job as first written down: inferred schema, a Python UDF `safe_get`, row_number, groupBy, overwrite."""

import sys
from typing import Any

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F  # noqa: N812 (the name everybody uses)
from pyspark.sql.types import DoubleType, LongType, StringType

from benchmarks.baselines.fields import DISTANCE, INTEGERS, METRICS, MINUTES, SAMPLES, SUMMED
from benchmarks.baselines.session import spark_session


def safe_get(value: Any) -> float | None:
    """A number, whatever came; None for what is none."""
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def mean_of(samples: Row | None) -> float | None:
    """Mean of the heart-rate samples, which inference has made a struct of."""
    values = [value for value in samples or () if value is not None]
    return round(sum(values) / len(values), 2) if values else None


as_number = F.udf(safe_get, DoubleType())
as_long = F.udf(lambda value: None if value is None else int(value), LongType())
as_text = F.udf(lambda value: None if value is None else str(value), StringType())
as_mean = F.udf(mean_of, DoubleType())


def days(raw: DataFrame) -> DataFrame:
    """One row per line: who, when, and the metrics."""
    found = set(raw.columns)

    def column(name: str) -> Column:
        return F.col(name) if name in found else F.lit(None)

    numbers = {**INTEGERS, **MINUTES, "distance_m": DISTANCE}
    rows = raw.select(
        as_text(column("userId")).alias("user_id"),
        F.to_date(as_text(column("calendarDate"))).alias("day"),
        as_long(column("startTimeInSeconds")).alias("start"),
        as_long(column("durationInSeconds")).alias("duration"),
        as_text(column("_received_at")).alias("received_at"),
        *[as_number(column(name)).alias(metric) for metric, name in numbers.items()],
        as_mean(column(SAMPLES)).alias("mean_hr_bpm"),
    )
    for metric in MINUTES:
        rows = rows.withColumn(metric, F.col(metric) / 60)
    return rows.withColumn("mvpa_equivalent_minutes", F.col("moderate_minutes") + 2 * F.col("vigorous_minutes"))


def weeks(rows: DataFrame) -> DataFrame:
    """The longest, latest record of each day, then one row per person and week."""
    latest = Window.partitionBy("user_id", "start").orderBy(F.desc("duration"), F.desc("received_at"))
    kept = rows.withColumn("rank", F.row_number().over(latest)).filter("rank = 1")
    weekly = kept.withColumn("week_start", F.to_date(F.date_trunc("week", "day")))
    aggregates = []
    for metric in METRICS:
        aggregates += [
            F.avg(metric).alias(f"{metric}_mean"),
            F.expr(f"percentile({metric}, 0.5)").alias(f"{metric}_median"),
            F.stddev_samp(metric).alias(f"{metric}_sd"),
            F.min(metric).alias(f"{metric}_min"),
            F.max(metric).alias(f"{metric}_max"),
            F.count(metric).alias(f"{metric}_days"),
        ]
    aggregates += [F.sum(metric).alias(f"{metric}_sum") for metric in SUMMED]
    return weekly.groupBy("user_id", "week_start").agg(*aggregates)


def main(raw: str, out: str) -> None:
    """Read, compute, overwrite."""
    spark = spark_session({})
    result = weeks(days(spark.read.json(f"{raw}/raw/daily")))
    result.withColumn("date", F.col("week_start").cast("string")).write.mode("overwrite").partitionBy("date").parquet(
        out
    )
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
