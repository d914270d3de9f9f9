"""The same in tuned Spark: a schema, native casts, one shuffle, and no aggregate too wide to compile.

Tried and slower: `percentile` per metric and sorted lists per metric beside avg and stddev_samp (1.2 to 1.4 times the
processor time of one list of structs), window and groupBy with a shuffle each, huge methods forced through the JIT.
"""

import sys

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 (the name everybody uses)

from benchmarks.baselines.fields import DISTANCE, INTEGERS, METRICS, MINUTES, SAMPLES, SUMMED
from benchmarks.baselines.session import spark_session

SCHEMA = {
    "userId": "string",
    "calendarDate": "date",
    "startTimeInSeconds": "bigint",
    "durationInSeconds": "bigint",
    "_received_at": "string",
    DISTANCE: "double",
    SAMPLES: "map<string, double>",
    **dict.fromkeys([*INTEGERS.values(), *MINUTES.values()], "bigint"),
}


def days(raw: DataFrame) -> DataFrame:
    """One row per line: who, when, and the metrics."""
    values = F.map_values(SAMPLES)
    rows = raw.select(
        F.col("userId").alias("user_id"),
        F.expr("date_sub(calendarDate, weekday(calendarDate))").alias("week_start"),
        F.col("startTimeInSeconds").alias("start"),
        F.col("durationInSeconds").alias("duration"),
        F.col("_received_at").alias("received_at"),
        F.col(DISTANCE).alias("distance_m"),
        *[F.col(name).alias(metric) for metric, name in INTEGERS.items()],
        *[(F.col(name) / 60).alias(metric) for metric, name in MINUTES.items()],
        F.round(_sum(values) / F.size(values), 2).alias("mean_hr_bpm"),
    )
    return rows.withColumn("mvpa_equivalent_minutes", F.col("moderate_minutes") + 2 * F.col("vigorous_minutes"))


def weeks(rows: DataFrame) -> DataFrame:
    """The longest, latest record of each day, then one row per person and week; the window's order serves both."""
    latest = Window.partitionBy("user_id", "week_start", "start").orderBy(F.desc("duration"), F.desc("received_at"))
    kept = rows.repartition("user_id").withColumn("rank", F.row_number().over(latest)).filter("rank = 1")
    lists = kept.groupBy("user_id", "week_start").agg(F.collect_list(F.struct(*METRICS)).alias("days"))
    sorted_values = [F.sort_array(F.filter(F.col(f"days.{m}"), lambda v: v.isNotNull())).alias(m) for m in METRICS]
    ready = lists.select("user_id", "week_start", *sorted_values)
    return ready.select("user_id", "week_start", *[value for metric in METRICS for value in _aggregates(metric)])


def _aggregates(metric: str) -> list[Column]:
    """Aggregates of a sorted list without nulls."""
    values = F.col(metric)
    count, total = F.size(values), _sum(values)
    squares = F.aggregate(values, F.lit(0.0), lambda so_far, value: so_far + value * value)
    variance = F.greatest(squares - total * total / count, F.lit(0.0)) / (count - 1)
    # The two middle values; of an odd count they are the same one.
    middle = [F.expr(f"{metric}[int((size({metric}) - {back}) / 2)]") for back in (0, 1)]
    columns = {
        "mean": total / count,
        "median": (middle[0] + middle[1]) / 2,
        "sd": F.when(count > 1, F.sqrt(variance)),
        "min": values[0],
        "max": F.element_at(values, -1),
        "days": count,
    }
    if metric in SUMMED:
        columns["sum"] = total
    return [column.alias(f"{metric}_{of}") for of, column in columns.items()]


def _sum(values: Column) -> Column:
    return F.aggregate(values, F.lit(0.0), lambda so_far, value: so_far + value)


def main(raw: str, out: str) -> None:
    """Read, compute, overwrite."""
    spark = spark_session({"spark.sql.shuffle.partitions": "8"})
    schema = ", ".join(f"`{name}` {kind}" for name, kind in SCHEMA.items())
    result = weeks(days(spark.read.schema(schema).json(f"{raw}/raw/daily")))
    result.withColumn("date", F.col("week_start").cast("string")).write.mode("overwrite").partitionBy("date").parquet(
        out
    )
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
