"""`qol load` into SQLite; `tests/acceptance/test_databases.py` has PostgreSQL and MariaDB."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from qol.errors import DatabaseError
from qol.lake import LocalLake
from qol.sinks import load_job, loader_function
from tests.command_line import Ended, Qol, manifests
from tests.sinks.databases import ask, both

Load = Callable[..., Ended]
DAYS = "SELECT count(*) FROM daily_metrics WHERE day BETWEEN '2026-11-09' AND '2026-11-15'"
TABLES = ("weekly_metrics", "daily_metrics", "records_garmin_dailies", "records_garmin_sleeps")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'qol.db'}"


@pytest.fixture
def load(qol: Qol, own_week: Path, url: str) -> Load:
    def go(*words: object, lake: Path = own_week, **env: str) -> Ended:
        return qol("load", "--to", url, "--lake", lake, *words, **env)

    return go


def test_a_load_brings_every_published_value_and_a_second_one_reads_no_file(
    load: Load, own_week: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load()
    assert (first.code, "weekly_metrics 2026-W46" in first.err) == (0, True), first.err
    for table in TABLES:
        wanted, found = both(url, own_week, table)
        assert (len(wanted) > 0, found) == (True, wanted)
    (run,) = manifests(own_week)
    digests = {(f["name"], f["date"]): f["sha256"] for f in run["tables"] if f["name"] in TABLES}
    state = ask(url, "SELECT table_name, date, sha256, run_id FROM sink_partitions")
    assert {(name, day): (sha, run_id) for name, day, sha, run_id in state} == {
        (name, day): (sha, run["run_id"]) for (name, day), sha in digests.items()
    }
    assert ask(url, "SELECT run_id, status FROM job_runs") == [(run["run_id"], "published")]
    monkeypatch.setattr(LocalLake, "read", None)
    second = load()
    assert (second.code, second.out.splitlines()[0]) == (0, "Nothing to load: the database has what the lake has.")


def test_a_week_that_changed_is_replaced_and_one_that_is_gone_is_emptied(load: Load, own_week: Path, url: str) -> None:
    load("--tables", "daily_metrics")
    keep_first_row(own_week)
    shutil.rmtree(own_week / "processed/daily/date=2026-11-02")
    ended = load("--tables", "weekly_metrics", "--tables", "daily_metrics")
    assert (ended.code, "Emptied    1 partition that the lake has no longer" in ended.out) == (0, True), ended.err
    assert ask(url, "SELECT day FROM daily_metrics ORDER BY day") == [("2026-11-09",), ("2026-11-16",)]


def test_weeks_before_since_stay_as_they_are(load: Load, url: str) -> None:
    assert load("--tables", "daily_metrics", "--since", "2026-W47").code == 0
    assert ask(url, "SELECT DISTINCT day FROM daily_metrics") == [("2026-11-16",)]
    assert load("--since", "2026-W99").code == 2


def test_an_older_copy_of_the_lake_is_not_loaded(load: Load, own_week: Path, url: str, tmp_path: Path) -> None:
    copy = shutil.copytree(own_week, tmp_path / "copy")
    (path,) = (own_week / "_runs").glob("*.json")
    parts = path.stem.split("-")
    newer = "-".join([parts[0], f"{int(parts[1], 16) + 10**9:x}", *parts[2:]])
    manifest = {**json.loads(path.read_bytes()), "run_id": newer}
    (own_week / "_runs" / f"{newer}.json").write_text(json.dumps(manifest))
    keep_first_row(own_week)
    assert load("--tables", "daily_metrics").code == 0
    older = load("--tables", "daily_metrics", lake=copy)
    assert (older.code, "an older lake is not loaded, nothing was changed" in older.err) == (1, True)
    assert ask(url, DAYS) == [(1,)]
    ask(url, "UPDATE sink_loads SET erasures = 1")
    assert load("--tables", "daily_metrics").code == 1


def test_a_load_that_dies_leaves_the_old_rows_and_the_next_one_finishes(
    load: Load, own_week: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("--tables", "daily_metrics")
    keep_first_row(own_week)

    def half(connection: sa.Connection, sink: Any, *_: object) -> int:
        connection.execute(sa.delete(sink.table))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(load_job, "replace_rows", half)
        load("--tables", "daily_metrics")
    assert ask(url, DAYS)[0][0] > 1
    assert load("--tables", "daily_metrics").code == 0
    assert ask(url, DAYS) == [(1,)]


def test_what_the_database_says_of_a_row_is_not_shown(load: Load, own_week: Path, url: str) -> None:
    load("--tables", "daily_metrics")
    keep_first_row(own_week)
    ask(url, "CREATE TRIGGER no BEFORE INSERT ON daily_metrics BEGIN SELECT RAISE(ABORT, 'steps 7000'); END")
    ended = load("--tables", "daily_metrics")
    assert (ended.code, "daily_metrics 2026-W46: the database refused it (IntegrityError)" in ended.err) == (1, True)
    assert "7000" not in ended.out + ended.err


def test_a_load_beside_another_one_ends_with_4(load: Load, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qol.sinks.database.LOCK_SECONDS", 0)
    other = sa.create_engine(url)
    with other.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        ended = load("--tables", "daily_metrics")
    other.dispose()
    assert (ended.code, "another `qol load` holds the lock" in ended.err) == (4, True)


def test_a_table_changed_by_hand_is_refused_with_the_statement_it_needs_but_an_index_is_made_again(
    load: Load, own_week: Path, url: str
) -> None:
    load("--tables", "daily_metrics")
    keep_first_row(own_week)
    ask(url, "DROP INDEX ix_daily_metrics_day")
    for by_hand, needed in (
        ("ADD COLUMN note TEXT", "ALTER TABLE daily_metrics DROP COLUMN note"),
        ("DROP COLUMN note", None),
        ("RENAME COLUMN steps TO stepps", "ALTER TABLE daily_metrics ADD COLUMN steps DOUBLE"),
    ):
        ask(url, f"ALTER TABLE daily_metrics {by_hand}")
        ended = load("--tables", "daily_metrics")
        assert ended.code == (1 if needed else 0), ended.err
        assert ("Migration  1 step" in ended.out, (needed or "") in ended.err) == (needed is None, True)
        assert (ask(url, DAYS) == [(1,)]) == (by_hand != "ADD COLUMN note TEXT")


def test_a_new_column_of_the_contracts_is_added_and_filled_in_all_weeks(load: Load, own_week: Path, url: str) -> None:
    load("--tables", "daily_metrics")
    ask(url, "ALTER TABLE daily_metrics DROP COLUMN steps")
    ask(url, "UPDATE sink_tables SET column_names = replace(column_names, ',steps,', ',')")  # an earlier contract
    ended = load("--tables", "daily_metrics")
    assert (ended.code, "Migration  1 step" in ended.out) == (0, True), ended.err
    wanted, found = both(url, own_week, "daily_metrics")
    assert found == wanted


def test_a_table_that_was_dropped_by_hand_is_made_and_filled_again(load: Load, own_week: Path, url: str) -> None:
    load("--tables", "daily_metrics")
    ask(url, "DROP TABLE daily_metrics")
    assert load("--tables", "daily_metrics").code == 0
    wanted, found = both(url, own_week, "daily_metrics")
    assert found == wanted


def test_a_table_that_no_load_made_gets_no_column(load: Load, url: str) -> None:
    ask(
        url, "CREATE TABLE daily_metrics (user_id VARCHAR(64) NOT NULL, day DATE NOT NULL, source VARCHAR(64) NOT NULL)"
    )
    ended = load("--tables", "daily_metrics")
    assert (ended.code, "ALTER TABLE daily_metrics ADD COLUMN steps DOUBLE" in ended.err) == (1, True)


def test_tables_are_named_by_pattern_and_an_unknown_one_is_reported(load: Load, url: str) -> None:
    assert load("--tables", "records_garmin_s*").code == 0
    names = {name for (name,) in ask(url, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"records_garmin_sleeps", "sink_partitions"} < names
    assert "weekly_metrics" not in names
    ended = load("--tables", "rejects")
    assert (ended.code, "--tables rejects: no such table; allowed: daily_metrics," in ended.err) == (2, True)


def test_the_statements_of_sql_make_what_a_load_finds_complete(load: Load, qol: Qol, tmp_path: Path, url: str) -> None:
    printed = load("--tables", "daily_metrics", "--sql")
    with sqlite3.connect(tmp_path / "qol.db") as database:
        database.executescript(printed.out)
    database.close()
    loaded = load("--tables", "daily_metrics")
    assert (loaded.code, "Migration" in loaded.out) == (0, False), loaded.err
    offline = qol("load", "--to", "postgresql://nowhere/db", "--sql", "--tables", "healthhub.daily_sleep_summaries")
    assert (offline.code, "CREATE SCHEMA IF NOT EXISTS healthhub;" in offline.out) == (0, True)
    assert "CREATE TABLE healthhub.daily_sleep_summaries" in offline.out


def test_the_function_on_aws_loads_the_named_tables_and_shows_no_value_of_an_error(
    own_week: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in {"LAKE": str(own_week), "DATABASE_URL": url, "TABLES": "daily_metrics, job_runs"}.items():
        monkeypatch.setenv(f"QOL_{name}", text)
    done = loader_function.handler({}, None)
    assert ask(url, "SELECT count(*) FROM daily_metrics") == [(done["rows"],)] != [(0,)]
    assert ask(url, "SELECT count(*) FROM job_runs") == [(1,)]
    assert json.loads(capsys.readouterr().out) == {"message": "loaded", **done}

    def broken(*_: object) -> None:
        raise ValueError("steps 7000")

    monkeypatch.setattr(loader_function, "load", broken)
    with pytest.raises(DatabaseError, match=r"unexpected error: ValueError at \S+") as caught:
        loader_function.handler({}, None)
    assert "7000" not in str(caught.value)


def keep_first_row(lake: Path) -> None:
    """Week 2026-W46 of daily_metrics becomes one row, as after a run that published it again."""
    file = lake / "processed/daily/date=2026-11-09/part-00000.parquet"
    pl.read_parquet(file).head(1).write_parquet(file)
