"""Tables of a lake as Spark DataFrames: the contract's types, every column's comment, whole files only.

Example:
    >>> from pyspark.sql import SparkSession
    >>> from qol.tables.spark import create_views, table
    >>> spark = SparkSession.builder.getOrCreate()
    >>> weekly = table(spark, "s3://my-lake", "weekly_metrics")
    >>> weekly.where("iso_week = '2026-W46' AND activity_valid").select("user_id", "steps_mean").show()
    >>> weekly.schema["steps_mean"].metadata["comment"]
    'Mean of steps (count) over the valid days of the week that have it.'
    >>> create_views(spark, "s3://my-lake")
    >>> spark.sql("SELECT day, steps FROM daily_metrics WHERE worn").show()
"""

from pathlib import Path

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from qol.contracts.columns import table_columns, table_schemas
from qol.contracts.load import load_contracts
from qol.contracts.model import Column, Contracts
from qol.contracts.places import Place, table_places
from qol.errors import UsageError
from qol.tables.layout import PART_FILE

PARTITION = "date"
_NOTHING_THERE = "PATH_NOT_FOUND"


def table(spark: SparkSession, lake_uri: str | Path, name: str, contracts: Contracts | None = None) -> DataFrame:
    """One table, such as `weekly_metrics` or `records_garmin_sleeps`; without files it has its columns and no rows.

    `lake_uri` is a folder or an address Spark knows. Times are UTC: the session's time zone is set so. UsageError when
    no contract makes such a table.
    """
    contracts = contracts or load_contracts()
    name = _known(name, contracts)
    place = table_places(contracts)[name]
    schema = _schema(table_columns(contracts, name), place)
    folder = f"{_address(lake_uri)}/{place.location}"
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    reader = spark.read.schema(schema)
    try:
        if place.partition is None:
            return reader.json(f"{folder}*.json")
        rows = reader.option("basePath", folder).parquet(f"{folder}{PARTITION}=*/{PART_FILE}")
        return rows.withMetadata(PARTITION, {"comment": place.partition})  # Spark forgets what it says of a partition
    except AnalysisException as err:
        if err.getErrorClass() != _NOTHING_THERE:
            raise
        return spark.createDataFrame([], schema)


def read_all(spark: SparkSession, lake_uri: str | Path, contracts: Contracts | None = None) -> dict[str, DataFrame]:
    """Every table of the contracts by its name; nothing is read before a DataFrame is used."""
    contracts = contracts or load_contracts()
    return {name: table(spark, lake_uri, name, contracts) for name in table_schemas(contracts)}


def create_views(spark: SparkSession, lake_uri: str | Path, contracts: Contracts | None = None) -> list[str]:
    """Make every table a temporary view of its name, for `spark.sql`; the names."""
    frames = read_all(spark, lake_uri, contracts)
    for name, rows in frames.items():
        rows.createOrReplaceTempView(name)
    return list(frames)


def _known(name: str, contracts: Contracts) -> str:
    """The table's name as contracts spell it; Athena's lower case will do."""
    names = {known.lower(): known for known in table_schemas(contracts)}
    if name.lower() not in names:
        raise UsageError(f"table {name!r}: not made by any contract; allowed: {', '.join(sorted(names.values()))}")
    return names[name.lower()]


def _schema(columns: tuple[Column, ...], place: Place) -> str:
    """The columns with their types, which are written as Spark SQL writes them, and their comments."""
    keys = [Column(PARTITION, "string", place.partition)] if place.partition else []
    named = {column.name: column for column in (*columns, *keys)}
    return ", ".join(f"`{column.name}` {column.type} COMMENT {_quoted(column.comment)}" for column in named.values())


def _quoted(text: str) -> str:
    """A text as Spark SQL writes it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _address(lake_uri: str | Path) -> str:
    """The lake as Spark addresses it, whatever file system is its default."""
    text = str(lake_uri)
    return text.rstrip("/") if "://" in text else f"file://{Path(text).expanduser().resolve()}"
