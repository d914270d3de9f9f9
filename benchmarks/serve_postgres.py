"""The same weeks in PostgreSQL, and the time of a lookup by primary key: what an API over a database would begin with."""

import random
import time
from pathlib import Path

import polars as pl
import psycopg
import pyarrow.parquet as pq
from psycopg.rows import dict_row

from benchmarks.serve_lake import MONDAY
from qol.contracts.load import load_contracts
from qol.lake import LocalLake
from qol.serve.kept_frames import KeptFrames
from qol.serve.serve_file import read_serve_file
from qol.serve.summaries import Summaries
from qol.tables.layout import partition_key
from tests.acceptance.database_servers import postgresql

TYPES = {"string": "text", "double": "double precision", "int": "integer", "bigint": "bigint", "boolean": "boolean", "date": "date"}  # fmt: skip
WARM, LOOKUPS = 200, 2000


def lookups(lake: Path) -> list[float]:
    """Milliseconds of lookups of random users' usual columns as dictionaries, sorted; one connection, prepared."""
    contracts = load_contracts()
    usual = read_serve_file(contracts.root).fields
    columns = Summaries(contracts, KeptFrames(LocalLake(lake)), usual).week_columns(usual.week)
    names = [column.name for column in columns]
    rows = pl.DataFrame(pq.read_table(lake / partition_key("weekly_metrics", str(MONDAY)), columns=names))
    users = rows["user_id"].to_list()
    with postgresql() as url, psycopg.connect(url.replace("+psycopg", "") + "postgres", autocommit=True) as database:
        declared = ", ".join(f"{column.name} {TYPES[column.type]}" for column in columns)
        database.execute(f"CREATE TABLE weekly ({declared}, PRIMARY KEY (user_id))".encode())
        with database.cursor().copy(f"COPY weekly ({', '.join(names)}) FROM STDIN (FORMAT csv)".encode()) as copy:
            copy.write(rows.select(names).write_csv(include_header=False))
        database.execute("VACUUM ANALYZE weekly")
        chance = random.Random(LOOKUPS)
        with database.cursor(row_factory=dict_row) as cursor:
            taken = [_lookup(cursor, chance.choice(users)) for _ in range(WARM + LOOKUPS)]
    return sorted(taken[WARM:])


def _lookup(cursor: psycopg.Cursor[dict[str, object]], user: str) -> float:
    started = time.perf_counter()
    found = cursor.execute("SELECT * FROM weekly WHERE user_id = %s", [user], prepare=True).fetchall()
    assert len(found) == 1
    return (time.perf_counter() - started) * 1000
