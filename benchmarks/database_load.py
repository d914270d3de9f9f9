"""`qol load` of one week of `weekly_metrics`, all columns: into an empty database, again after a change, and unchanged.

The database is named by --to or QOL_DATABASE_URL; its table `weekly_metrics` is dropped first.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl
import sqlalchemy as sa

from benchmarks import report
from qol.contracts.columns import arrow_schema, weekly_columns
from qol.contracts.load import load_contracts
from qol.lake import LocalLake
from qol.sinks.choice import choose
from qol.sinks.database import database_url, open_database, shown
from qol.sinks.load_job import load
from qol.tables.layout import partition_key

MONDAY = date(2026, 11, 9)


def measure(to: str | None, rows: int) -> str:
    """Seconds of the three loads, in Markdown."""
    url, contracts = database_url(to), load_contracts()
    columns = weekly_columns(contracts)
    with tempfile.TemporaryDirectory(prefix="qol-bench-") as folder:
        lake = LocalLake(folder)
        file = lake.path(partition_key("weekly_metrics", MONDAY.isoformat()))
        file.parent.mkdir(parents=True)
        _drop(url)

        def again() -> None:
            load(lake, url, choose(contracts, ["weekly_metrics"], lake, url))

        taken = []
        for seed in (1, 2):
            _week(rows, seed).write_parquet(file)
            taken.append(_seconds(again))
        taken.append(_seconds(again))
    head = ["database", "rows", "columns", "first load, s", "changed week, s", "unchanged, s"]
    return report.table(head, [[shown(url), f"{rows:,}", str(len(columns)), *map(report.seconds, taken)]])


def _drop(url: sa.URL) -> None:
    with open_database(url).connect() as connection:
        for table in ("weekly_metrics", "sink_partitions", "sink_tables", "sink_loads"):
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
        connection.commit()


def _week(rows: int, seed: int) -> pl.DataFrame:
    """Values of every column, a tenth of them null."""
    chance = np.random.default_rng(seed)
    fields = arrow_schema(weekly_columns(load_contracts()))
    return pl.DataFrame([_series(field.name, str(field.type), rows, chance) for field in fields]).sort("user_id")


def _series(name: str, kind: str, rows: int, chance: np.random.Generator) -> pl.Series:
    if name == "user_id":
        return pl.Series(name, [f"{number:032x}" for number in range(rows)])
    if name == "week_start":
        return pl.Series(name, [MONDAY] * rows)
    made: dict[str, Callable[[], pl.Series]] = {
        "double": lambda: pl.Series(name, chance.random(rows).round(8) * 1_000),
        "string": lambda: pl.Series(name, ["garmin"] * rows),
        "bool": lambda: pl.Series(name, chance.random(rows) < 0.5),
        "date32[day]": lambda: pl.Series(name, [MONDAY] * rows),
    }
    series = made.get(kind, lambda: pl.Series(name, chance.integers(0, 100, rows)))()
    return pl.select(pl.when(pl.Series(chance.random(rows) >= 0.1)).then(series).alias(name)).to_series()


def _seconds(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", help="URL of the database")
    parser.add_argument("--rows", type=int, default=20_000)
    options = parser.parse_args()
    report.say(measure(options.to, options.rows))


if __name__ == "__main__":
    main()
