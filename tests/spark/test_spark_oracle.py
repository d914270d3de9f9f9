"""Daily and weekly tables against an independent recomputation from the published records in Spark SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from chispa import DataFramesNotEqualError, assert_approx_df_equality, assert_df_equality

from qol.tables.spark import create_views, table
from tests.spark_lake import PROJECT, SPARK_TESTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = [*SPARK_TESTS, pytest.mark.acceptance]

Made = Callable[["DataFrame"], "DataFrame"]
Tables = dict[str, tuple[str, list[tuple[Any, ...]]]]
HERE = Path(__file__).parent
#: Columns that logarithms or angles are in.
INEXACT = (
    "name LIKE '%_circular_%' OR name LIKE '%_slope' OR name LIKE 'hrv_ln_%' OR name LIKE 'midsleep_%_minute'"
    " OR name = 'social_jetlag_minutes'"
)
#: Japan's public holidays in the sample's weeks, 2026-10-26 to 2026-11-15: Culture Day.
HOLIDAYS = "SELECT DATE '2026-11-03' AS day"


def assert_same_rows(expected: DataFrame, found: DataFrame) -> None:
    """The same rows in any order; chispa shows all of them, so only those that differ are passed on."""
    expected, found = (rows.select(expected.columns).orderBy(*expected.columns[:3]) for rows in (expected, found))
    try:
        assert_df_equality(expected, found, ignore_nullable=True, ignore_metadata=True)
    except DataFramesNotEqualError:
        sides = {tuple(row) for row in expected.collect()}, {tuple(row) for row in found.collect()}
        differing = [sorted(one - other, key=repr)[:3] for one, other in (sides, sides[::-1])]
        pytest.fail(f"rows differ, expected and found: {differing}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Gives rows without how they came to be: Spark would plan all of it again wherever they are used."""
    folder = tmp_path_factory.mktemp("oracle")
    numbers = count()

    def write_and_read(rows: DataFrame) -> DataFrame:
        path = str(folder / str(next(numbers)))
        rows.coalesce(1).write.parquet(path)
        return rows.sparkSession.read.parquet(path)

    return write_and_read


def said(file: str) -> dict[str, Any]:
    """What a file of `schemas/metrics` says, read as plain YAML."""
    text = (PROJECT / "schemas" / "metrics" / file).read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.fixture(scope="module")
def oracle_daily(spark: SparkSession, sample_lake: Path, made: Made) -> DataFrame:
    """Daily rows by `oracle_daily.sql`, with the columns and types of the published table."""
    from pyspark.sql import functions as f

    create_views(spark, sample_lake)
    rows = spark.sql((HERE / "oracle_daily.sql").read_text(encoding="utf-8"))
    published = table(spark, sample_lake, "daily_metrics")
    absent = f.lit(None)
    columns = [
        (f.col(column.name) if column.name in rows.columns else absent).cast(column.dataType).alias(column.name)
        for column in published.schema
        if column.name != "date"
    ]
    return made(rows.select(columns))


def test_daily_metrics_are_what_sql_makes_of_the_records(
    spark: SparkSession, sample_lake: Path, oracle_daily: DataFrame
) -> None:
    published = table(spark, sample_lake, "daily_metrics").drop("date")
    assert published.count() > 250
    assert_same_rows(oracle_daily, published)


@pytest.fixture(scope="module")
def oracle_weekly(spark: SparkSession, sample_lake: Path, oracle_daily: DataFrame, made: Made) -> DataFrame:
    """Weekly columns by `oracle_weekly.sql`, from the oracle's own days, a row per column."""
    from pyspark.sql import functions as f

    daily, weekly = said("daily.yaml"), said("weekly.yaml")
    named = [named for members in daily["groups"].values() for named in members.items()]
    metrics = [metric for metric, spec in named if spec["type"] != "intervals"]
    keys = ["user_id", "day", "source", "worn"]
    exact = oracle_daily.select(*keys, *[f.col(metric).cast("decimal(18,10)").alias(metric) for metric in metrics])
    days = exact.unpivot([*keys], [*metrics], "metric", "value")
    days.withColumn("week", f.date_trunc("week", "day").cast("date")).transform(made).createOrReplaceTempView(
        "oracle_days"
    )
    spark.sql(HOLIDAYS).createOrReplaceTempView("holidays")
    nights = table(spark, sample_lake, "daily_metrics").where("sleep_minutes IS NOT NULL")
    nights = nights.where("size(asleep_intervals) > 0 OR (bedtime_minute IS NOT NULL AND wake_minute IS NOT NULL)")
    nights.selectExpr(
        "user_id", "day", "source", "asleep_intervals AS intervals", "bedtime_minute AS bed", "wake_minute AS wake"
    ).transform(made).createOrReplaceTempView("oracle_nights")
    for name, (columns, rows) in said_as_tables(daily, weekly).items():
        values = ", ".join(f"({', '.join(json.dumps(value) for value in row)})" for row in rows)
        spark.sql(f"SELECT * FROM VALUES {values} AS said({columns})").createOrReplaceTempView(name)
    _, *parts = re.split(
        r"^-- view: (\w+)$", (HERE / "oracle_weekly.sql").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    for name, query in zip(parts[::2], parts[1::2], strict=True):
        made(spark.sql(query)).createOrReplaceTempView(name)
    return spark.table("oracle_weekly")


def _scale(metric: dict[str, Any]) -> int:
    """How many of the last published decimal make 1."""
    return int(10 ** metric.get("decimals", 2 if metric["type"] == "number" else 0))


def said_as_tables(daily: dict[str, Any], weekly: dict[str, Any]) -> Tables:
    """The vocabulary as small tables: columns and rows by name."""
    groups = weekly["groups"]
    asked = [
        (metric, of) for group in groups.values() for metric, ofs in group["metrics"].items() for of in (*ofs, "days")
    ]
    return {
        "groups": (
            "grp, needs_wear, min_valid_days",
            [(name, group["needs_wear"], group["min_valid_days"]) for name, group in groups.items()],
        ),
        "metrics": (
            "grp, metric, scale",
            [(name, m, _scale(daily["groups"][name][m])) for name, group in groups.items() for m in group["metrics"]],
        ),
        "anchors": (
            "grp, metric",
            [(name, m) for name, group in groups.items() for m in group["anchor"] or daily["groups"][name]],
        ),
        "own_days": (
            "grp, metric",
            [(name, m) for name, group in groups.items() for m in group.get("own_days", ())],
        ),
        "precedence": (
            "grp, source, place",
            [(name, s, place) for name, group in groups.items() for place, s in enumerate(group["precedence"])],
        ),
        "asked": ("name, metric, aggregate", [(f"{m}_{of}", m, of) for m, of in asked]),
        **derived_as_tables(weekly["derived"]),
    }


def derived_as_tables(derived: dict[str, Any]) -> Tables:
    """The formulas of the vocabulary as small tables."""
    others = {"min_days": 1, "threshold": 0.0, "aggregate": "", "min_work_days": 0, "min_free_days": 0}
    rows = [
        (name, d["group"], d["formula"], d["of"][0], *(d.get(word, default) for word, default in others.items()))
        for name, d in derived.items()
    ]
    parts = [(name, role, m) for name, d in derived.items() for role in ("of", "total") for m in d.get(role, ())]
    return {
        "derived": (f"name, grp, formula, metric, {', '.join(others)}", rows),
        "derived_parts": ("name, role, metric", parts),
    }


@pytest.fixture(scope="module")
def published_weekly(spark: SparkSession, sample_lake: Path, made: Made) -> DataFrame:
    """The published weekly table, a row per column."""
    from pyspark.sql import functions as f
    from pyspark.sql import types as t

    rows = table(spark, sample_lake, "weekly_metrics").drop("date")
    texts = [c.name for c in rows.schema if isinstance(c.dataType, t.StringType | t.DateType)]
    texts = [name for name in texts if name not in ("user_id", "week_start")]
    numbers = [c for c in rows.columns if c not in (*texts, "user_id", "week_start")]
    as_text = rows.select("user_id", "week_start", *[f.col(name).cast("string").alias(name) for name in texts])
    as_number = rows.select("user_id", "week_start", *[f.col(name).cast("double").alias(name) for name in numbers])
    long = as_number.unpivot(["user_id", "week_start"], [*numbers], "name", "number").withColumn("text", f.lit(None))
    long_text = as_text.unpivot(["user_id", "week_start"], [*texts], "name", "text")
    both = long.unionByName(long_text.withColumn("number", f.lit(None)))
    return made(both.withColumnRenamed("week_start", "week"))


def test_the_oracle_knows_every_weekly_column(spark: SparkSession, sample_lake: Path, oracle_weekly: DataFrame) -> None:
    published = set(table(spark, sample_lake, "weekly_metrics").columns)
    names = {row["name"] for row in oracle_weekly.select("name").distinct().collect()}
    assert names | {"user_id", "week_start", "date"} == published


def test_weekly_metrics_are_what_sql_makes_of_the_days(oracle_weekly: DataFrame, published_weekly: DataFrame) -> None:
    expected, found = (rows.where(f"NOT ({INEXACT})") for rows in (oracle_weekly, published_weekly))
    assert found.where("number IS NOT NULL").count() > 5000
    assert_same_rows(expected, found)


def test_logarithms_and_angles_agree_to_the_ninth_decimal(
    spark: SparkSession, oracle_weekly: DataFrame, published_weekly: DataFrame
) -> None:
    columns = "user_id string, week date, name string, number double"
    expected, found = (
        spark.createDataFrame(
            [row[:4] for row in rows.where(INEXACT).orderBy("user_id", "week", "name").collect()], columns
        )
        for rows in (oracle_weekly, published_weekly)
    )
    assert found.where("number IS NOT NULL").count() > 200
    assert_approx_df_equality(expected, found, 1e-9)
