"""`qol load` into real servers: every value, kill -9, two loads at once, tables changed by hand, indexes of the documented queries."""

import itertools
import random
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from qol.cli.app import app
from qol.contracts.columns import table_schemas
from qol.lake import LocalLake
from qol.tables.layout import find_published
from qol_dev.sample import SampleOptions, write_sample
from tests.acceptance.database_servers import mariadb, new_database, postgresql
from tests.acceptance.processes import ROOT, finish, kill, qol, start_run
from tests.builders import CONTRACTS
from tests.sinks.databases import ask, both

pytestmark = [pytest.mark.acceptance, pytest.mark.xdist_group("databases")]
KILLS = 4
BOTH = "weekly_metrics,daily_metrics"
#: Texts that a CSV, a server's null or an escape could spoil.
ODD_TEXTS = ("NULL", '"NULL"', "", "\\N", "a\\", 'x,"y"\nz\r\n', "日本 🫀", "'", "%s", " ")
SERVERS = {"postgresql": postgresql, "mariadb": mariadb}
_numbers = itertools.count()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published lake of all sources; do not change it."""
    folder = tmp_path_factory.mktemp("databases") / "lake"
    write_sample(folder, SampleOptions(users=12, weeks=2, seed=7))
    assert finish(start_run(folder, "--user-map", str(folder / "user_map.jsonl")))[0] == 0
    file = next(folder.glob("processed/records/garmin_dailies/*/*.parquet"))
    rows = pl.read_parquet(file)
    texts = pl.Series("raw_object", [*ODD_TEXTS, *rows["raw_object"][len(ODD_TEXTS) :]])
    rows.with_columns(texts).write_parquet(file)
    return folder


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    with SERVERS[request.param]() as url:
        yield url


@pytest.fixture
def url(server: str) -> str:
    return new_database(server, f"qol{next(_numbers)}")


def load(url: str, lake: Path, *more: str) -> str:
    """What a load that ends well prints; in this process, which is faster."""
    ended = CliRunner().invoke(app, ["load", "--to", url, "--lake", str(lake), *more])
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def published_tables(lake: Path) -> list[str]:
    names = table_schemas(CONTRACTS).keys() - {"rejects", "objects_read", "raw_objects", "job_runs"}
    return sorted({table for table, _ in find_published(LocalLake(lake), names).files})


def differing(url: str, lake: Path) -> list[str]:
    """Tables of which the database has other values than the lake."""
    pairs = {table: both(url, lake, table) for table in published_tables(lake)}
    return [table for table, (wanted, found) in pairs.items() if wanted != found or not wanted]


def test_every_value_of_every_table_is_loaded_once_however_it_is_sent(url: str, server: str, lake: Path) -> None:
    assert len(published_tables(lake)) > 30
    load(url, lake)
    assert differing(url, lake) == []
    assert load(url, lake).startswith("Nothing to load")
    load(url, lake, "--tables", "healthhub,healthsync")
    assert load(url, lake, "--tables", "healthhub,healthsync").startswith("Nothing to load")
    schema = "healthhub." if server.startswith("postgresql") else "healthhub_"
    sleeps = ask(url, f"SELECT count(*) FROM {schema}daily_sleep_summaries")
    assert sleeps == ask(url, "SELECT count(*) FROM records_oura_daily_sleep") != [(0,)]
    if server.startswith("mysql"):
        other = new_database(server, f"qol{next(_numbers)}")
        ask(other, "SET GLOBAL local_infile = 0")
        load(other, lake)
        ask(other, "SET GLOBAL local_infile = 1")
        assert differing(other, lake) == []


def test_readers_see_a_week_old_or_new_while_loads_are_killed(url: str, lake: Path, tmp_path: Path) -> None:
    load(url, lake, "--tables", BOTH)
    later = Path(shutil.copytree(lake, tmp_path / "lake"))
    for file in later.glob("processed/*ly/*/*.parquet"):
        rows = pl.read_parquet(file)
        pl.concat([rows, rows.with_columns(user_id=pl.col("user_id") + "-2")]).sort("user_id").write_parquet(file)
    query = "SELECT count(*) FROM daily_metrics WHERE day BETWEEN '2026-11-09' AND '2026-11-15'"
    old = ask(url, query)[0][0]
    choose = random.Random(17)
    with watched(url, query) as seen:
        for _ in range(KILLS):
            process = qol("load", "--to", url, "--lake", later, "--tables", BOTH)
            time.sleep(choose.uniform(0.8, 3.0))
            kill(process)
        load(url, later, "--tables", BOTH)
    assert seen <= {old, 2 * old}
    assert ask(url, query) == [(2 * old,)]
    for table in BOTH.split(","):
        wanted, found = both(url, later, table)
        assert found == wanted


@contextmanager
def watched(url: str, query: str) -> Iterator[set[int]]:
    """Every answer that a reader gets until the block ends."""
    seen: set[int] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(ask(url, query)[0][0])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield seen
    finally:
        stop.set()
        reader.join()


def test_of_two_loads_at_once_the_second_waits_and_finds_nothing_to_do(url: str, lake: Path) -> None:
    loads = [qol("load", "--to", url, "--lake", lake, "--tables", BOTH) for _ in range(2)]
    ended = [finish(process) for process in loads]
    assert [code for code, _ in ended] == [0, 0], ended
    assert sorted("Nothing to load" in output for _, output in ended) == [False, True]
    assert ask(url, "SELECT count(*) FROM sink_loads") == [(1,)]


def test_a_column_dropped_by_hand_is_refused_with_its_statement_and_an_index_made_again(url: str, lake: Path) -> None:
    load(url, lake, "--tables", "weekly_metrics")
    ask(url, "ALTER TABLE weekly_metrics DROP COLUMN steps_mean")
    code, output = finish(qol("load", "--to", url, "--lake", lake, "--tables", BOTH))
    assert (code, "ALTER TABLE weekly_metrics ADD COLUMN steps_mean DOUBLE" in output) == (1, True), output
    assert "daily_metrics" not in sa.inspect(sa.create_engine(url, poolclass=sa.NullPool)).get_table_names()
    ask(url, "ALTER TABLE weekly_metrics ADD COLUMN steps_mean DOUBLE PRECISION")
    on = "" if url.startswith("postgresql") else " ON weekly_metrics"
    ask(url, f"DROP INDEX ix_weekly_metrics_week_start{on}")
    ask(url, "DELETE FROM sink_partitions")
    assert "Migration  1 step" in load(url, lake, "--tables", "weekly_metrics")
    wanted, found = both(url, lake, "weekly_metrics")
    assert found == wanted


def test_the_documented_queries_use_an_index(url: str, lake: Path) -> None:
    load(url, lake, "--tables", "weekly_metrics,daily_metrics,records_garmin_sleeps,healthsync")
    _fill(url)
    (block,) = re.findall(r"```sql\n(.*?)```", (ROOT / "docs/load.md").read_text(encoding="utf-8"), re.DOTALL)
    queries = block.strip().splitlines()
    assert len(queries) == 7
    scanned = [query for query in queries if not _uses_index(url, query)]
    assert scanned == []


def _fill(url: str) -> None:
    """Users and weeks enough that reading all of a table is not the fastest way."""
    weeks = [f"2025-{month:02d}-{day:02d}" for month in range(1, 11) for day in (6, 13, 20, 27)]
    users = [f"U{number:04d}" for number in range(100)]
    columns = {
        "weekly_metrics": ("user_id", "week_start"),
        "weekly_summaries": ("user_id", "week_start"),
        "daily_metrics": ("user_id", "day", "source"),
        "daily_summaries": ("user_id", "day", "source"),
        "measurements": ("user_id", "day", "metric", "measurement_id"),
        "records_garmin_sleeps": ("user_id", "day", "week_start", "record_key"),
    }
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        for table, names in columns.items():
            row = {"source": "garmin", "metric": "steps"}
            rows = [
                {**row, "user_id": user, "day": day, "week_start": day, "record_key": day, "measurement_id": day}
                for user in users
                for day in weeks
            ]
            target = sa.table(table, *map(sa.column, names))
            casts = {name: sa.cast(sa.bindparam(name), sa.Date) for name in names if name in ("day", "week_start")}
            connection.execute(sa.insert(target).values(casts), [{name: r[name] for name in names} for r in rows])
            connection.commit()
            connection.exec_driver_sql(f"ANALYZE {'' if url.startswith('postgresql') else 'TABLE '}{table}")
            connection.commit()


def _uses_index(url: str, query: str) -> bool:
    plan = ask(url, f"EXPLAIN {query.rstrip(';')}")
    if url.startswith("postgresql"):
        text = "\n".join(line for (line,) in plan)
        return "Index" in text and "Seq Scan" not in text
    return all(row[5] is not None and row[3] not in ("ALL", "index") for row in plan)
