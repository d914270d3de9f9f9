"""Tables of specifications 001 and 000: their rows, what the database fills in, and what leaves them."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from qol.errors import ContractError
from qol.sinks.mapped_tables import mapped_sinks
from qol.sinks.mapping import read_mappings
from qol.sinks.migrate import offline_sql
from qol.sinks.upsert import upsert_statement
from tests.builders import CONTRACTS, contracts_with, run_lake, user_id, write_lines
from tests.command_line import Ended, Qol
from tests.sinks.databases import ask, oura_lake, oura_sleep

pytestmark = pytest.mark.usefixtures("no_gate")
Load = Callable[..., Ended]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'qol.db'}"


@pytest.fixture
def load(qol: Qol, tmp_path: Path, url: str) -> Load:
    lake = oura_lake(tmp_path / "lake")
    return lambda *words: qol("load", "--to", url, "--lake", lake, "--tables", *words)


def test_daily_summaries_of_specification_001_are_updated_by_key_and_keep_when_they_were_created(
    load: Load, tmp_path: Path, url: str
) -> None:
    assert load("healthhub").code == 0
    ann = user_id("ann", "oura")
    dashed = f"{ann[:8]}-{ann[8:12]}-{ann[12:16]}-{ann[16:20]}-{ann[20:]}"
    sleeps = (
        "SELECT user_id, day, score, contributors_deep_sleep, source_timestamp FROM healthhub_daily_sleep_summaries"
    )
    assert ask(url, sleeps) == [
        (dashed, "2026-11-09", 77, 68, "2026-11-09 00:00:00.000000"),
        (dashed, "2026-11-10", 80, 68, "2026-11-10 00:00:00.000000"),
    ]
    stress = "SELECT stress_high, stress_medium, recovery_low, day_summary FROM healthhub_daily_stress_summaries"
    assert ask(url, stress) == [(1_800, None, None, "normal")]
    assert ask(url, "SELECT user_id, lake_user_id, oura_pat_alias, is_active FROM healthhub_users") == [
        (dashed, ann, None, 1)
    ]
    assert ask(url, "SELECT status, processed_count, period_end FROM healthhub_job_runs") == [
        ("published", 3, "2026-11-18")
    ]
    ask(url, "UPDATE healthhub_daily_sleep_summaries SET created_at = '2001-01-01', updated_at = '2001-01-01'")
    write_lines(tmp_path / "lake", "2026-11-12", [oura_sleep("2026-11-10", 81)], folder="raw/oura/daily_sleep")
    run_lake(tmp_path / "lake")
    assert load("healthhub").code == 0
    found = ask(url, "SELECT day, score, created_at, updated_at > '2026' FROM healthhub_daily_sleep_summaries")
    assert found == [("2026-11-09", 77, "2001-01-01", 1), ("2026-11-10", 81, "2001-01-01", 1)]


def test_rows_and_users_that_left_the_lake_leave_the_tables(load: Load, tmp_path: Path, url: str) -> None:
    assert load("healthhub.users").code == 0
    load("healthhub")
    ask(url, "INSERT INTO healthhub_users (user_id, lake_user_id) VALUES ('b', 'bob')")
    for name in ("daily_sleep", "daily_stress"):
        file = tmp_path / f"lake/processed/records/oura_{name}/date=2026-11-09/part-00000.parquet"
        pl.read_parquet(file).tail(1).write_parquet(file)
    load("healthhub.daily_*")
    assert ask(url, "SELECT day FROM healthhub_daily_sleep_summaries") == [("2026-11-10",)]
    ask(url, "DROP TABLE healthhub_users")
    load("healthhub")
    assert len(ask(url, "SELECT lake_user_id FROM healthhub_users")) == 1
    for file in tmp_path.glob("lake/processed/records/oura_*/*/*.parquet"):
        file.unlink()
    load("healthhub")
    assert ask(url, "SELECT count(*) FROM healthhub_users") == [(0,)]


def test_a_document_that_moves_to_another_day_does_not_stand_on_both(load: Load, tmp_path: Path, url: str) -> None:
    load("healthhub.daily_sleep_summaries")
    file = tmp_path / "lake/processed/records/oura_daily_sleep/date=2026-11-09/part-00000.parquet"
    one = pl.read_parquet(file).head(1)
    moved = one.with_columns(day=pl.date(2026, 11, 4), record_key=pl.lit("2026-11-04"))
    earlier = tmp_path / "lake/processed/records/oura_daily_sleep/date=2026-11-02/part-00000.parquet"
    earlier.parent.mkdir()
    moved.write_parquet(earlier)
    assert load("healthhub.daily_sleep_summaries").code == 0
    assert ask(url, "SELECT day FROM healthhub_daily_sleep_summaries ORDER BY day") == [
        ("2026-11-04",),
        ("2026-11-10",),
    ]


def test_specification_000_has_days_weeks_months_and_an_empty_table_of_goals(load: Load, url: str) -> None:
    assert load("healthsync").code == 0
    assert ask(url, "SELECT day, source, steps FROM daily_summaries") == [
        ("2026-11-09", "oura", None),
        ("2026-11-10", "oura", None),
    ]
    assert ask(url, "SELECT week_start, steps_days FROM weekly_summaries") == [("2026-11-09", 0)]
    assert ask(url, "SELECT year, month, days, steps_days FROM monthly_summaries") == [(2026, 11, 2, 0)]
    assert ask(url, "SELECT count(*) FROM goals") == [(0,)]


def test_the_tables_of_specification_001_have_its_names_types_and_constraints() -> None:
    healthhub, _ = read_mappings(CONTRACTS)
    tables = mapped_sinks(CONTRACTS, healthhub, sa.MetaData(), "postgresql")
    sleep = tables["healthhub.daily_sleep_summaries"].table
    assert sleep.fullname == "healthhub.daily_sleep_summaries"
    types = {c.name: str(c.type.dialect_impl(sa.dialects.postgresql.dialect())) for c in sleep.columns}  # type: ignore[no-untyped-call]
    assert types["user_id"] == "UUID"
    assert {types[name] for name in types if name.startswith(("score", "contributors"))} == {"SMALLINT"}
    assert [c.name for c in sleep.columns if not c.nullable] == [
        "user_id",
        "day",
        "document_id",
        "created_at",
        "updated_at",
    ]
    resilience = tables["healthhub.daily_resilience_summaries"].table
    assert str(resilience.c.contributors_stress.type) == "NUMERIC(5, 2)"
    unique = [c for c in sleep.constraints if isinstance(c, sa.UniqueConstraint)]
    assert [[column.name for column in c.columns] for c in unique] == [["user_id", "document_id"]]
    assert {name.partition(".")[2] for name in tables} >= {
        *("users", "job_runs", "daily_activity_summaries", "daily_readiness_summaries", "daily_stress_summaries"),
        *("sleep_sessions", "workouts", "sessions", "heart_rates", "vo2_max", "enhanced_tags", "rest_mode_periods"),
    }


def test_mysql_8_is_given_the_tables_of_the_golden_file() -> None:
    healthhub, _ = read_mappings(CONTRACTS)
    tables = mapped_sinks(CONTRACTS, healthhub, sa.MetaData(), "mysql")
    chosen = [tables[f"healthhub.{name}"].table for name in ("daily_resilience_summaries", "users")]
    golden = Path(__file__).with_name("mysql8.sql").read_text(encoding="utf-8")
    assert f"{offline_sql(chosen, mysql.dialect())}\n" == golden


def test_mysql_8_is_given_the_row_alias_and_mariadb_the_values_function() -> None:
    healthhub, _ = read_mappings(CONTRACTS)
    table = mapped_sinks(CONTRACTS, healthhub, sa.MetaData(), "mysql")["healthhub.daily_resilience_summaries"].table
    statement = upsert_statement(table, ["user_id", "day", "level"], "mysql")
    eight = mysql.dialect()
    eight._requires_alias_for_on_duplicate_key = True  # set on connecting to MySQL 8.0.20 or later
    insert = "INSERT INTO healthhub_daily_resilience_summaries (user_id, day, level) VALUES (%s, %s, %s)"
    assert _sql(statement, eight) == f"{insert} AS new ON DUPLICATE KEY UPDATE level = new.level, updated_at = now()"
    assert (
        _sql(statement, mysql.dialect())
        == f"{insert} ON DUPLICATE KEY UPDATE level = VALUES(level), updated_at = now()"
    )


def _sql(statement: sa.Insert, dialect: sa.Dialect) -> str:
    return " ".join(str(statement.compile(dialect=dialect, column_keys=["user_id", "day", "level"])).split())


def test_a_wrong_word_in_a_mapping_is_reported_with_its_place(tmp_path: Path) -> None:
    contracts = contracts_with(tmp_path)
    file = contracts.root / "sinks/healthhub.yaml"
    file.write_text(file.read_text().replace("stress_high: integer", "stress_hihg: integer", 1))
    with pytest.raises(
        ContractError,
        match="daily_stress_summaries.columns.stress_hihg: found stress_hihg; allowed: a column of records_oura_daily_st",
    ):
        read_mappings(contracts)
