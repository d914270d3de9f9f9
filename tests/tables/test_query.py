"""Athena's SQL reads the lake's tables, and nothing else."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.command_line import Ended, Qol, pseudonym


@pytest.fixture
def ask(qol: Qol, week_lake: Path) -> Qol:
    def query(sql: str, *more: object) -> Ended:
        return qol("query", sql, "--lake", week_lake, *(more or ("--format", "csv")))

    return query


def test_a_table_is_found_bare_with_its_database_and_with_its_catalog(ask: Qol) -> None:
    for name in ("weekly_metrics", "db_qol.weekly_metrics", '"AwsDataCatalog"."db_qol"."WEEKLY_METRICS"'):
        ended = ask(f"SELECT date, steps_sum FROM {name} WHERE user_id = '{pseudonym('alice')}'")
        assert (ended.out, ended.err) == ("date,steps_sum\n2026-11-09,15000\n", "")


def test_the_partition_column_is_text(ask: Qol) -> None:
    sql = "SELECT DISTINCT date FROM daily_metrics WHERE date >= '2026-11-01' ORDER BY date"
    assert ask(sql).out == "date\n2026-11-02\n2026-11-09\n2026-11-16\n"


def test_functions_are_athenas(ask: Qol) -> None:
    sql = "SELECT date_diff('day', week_start, week_end) d, cardinality(filter(ARRAY[1, 2], x -> x > 1)) n, \
           date_format(week_end, '%Y/%m') m FROM weekly_metrics LIMIT 1"
    assert ask(sql).out == "d,n,m\n6,1,2026/11\n"


def test_records_rejects_and_runs_are_tables_too(ask: Qol) -> None:
    sql = "SELECT element_at(value_issues, 1) issue FROM records_garmin_dailies WHERE cardinality(value_issues) > 0 ORDER BY 1"
    assert ask(sql).out == "issue\naverageStressLevel: -1 sentinel\nsteps: 250000 out_of_range\n"
    assert (
        ask("SELECT reason, line_number FROM rejects ORDER BY 2").out
        == "reason,line_number\nnot_json,7\nmissing_key,8\n"
    )
    assert ask("SELECT status, week FROM job_runs").out == "status,week\npublished,2026-W46\n"


def test_a_table_without_files_is_empty_and_has_its_columns(ask: Qol) -> None:
    ended = ask("SELECT user_id, last_night_avg, date FROM records_garmin_hrv")
    assert (ended.code, ended.out) == (0, "user_id,last_night_avg,date\n")


def test_a_file_older_than_a_column_gives_null(qol: Qol, own_week: Path) -> None:
    import pyarrow.parquet as pq

    file = own_week / "processed/weekly/date=2026-11-09/part-00000.parquet"
    pq.write_table(pq.read_table(file, partitioning=None).drop_columns(["steps_sum"]), file)
    ended = qol(
        "query",
        "SELECT date, max(steps_sum) most FROM weekly_metrics GROUP BY 1 ORDER BY 1",
        "--lake",
        own_week,
        "--format",
        "csv",
    )
    assert ended.out == "date,most\n2026-11-02,1000\n2026-11-09,\n"


def test_json_has_every_row_and_a_table_as_many_as_asked(ask: Qol) -> None:
    rows = json.loads(ask("SELECT day, steps, worn FROM daily_metrics ORDER BY day, steps", "--format", "json").out)
    assert rows[0] == {"day": "2026-11-04", "steps": 1000, "worn": True}
    assert json.loads(ask("SELECT 1 FROM daily_metrics WHERE false", "--format", "json").out) == []
    table = ask("SELECT day FROM daily_metrics", "--limit", "2").out
    assert (table.count("2026-"), "The first 2 rows; --limit shows more." in table) == (2, True)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("DROP TABLE weekly_metrics", "found DROP"),
        ("INSERT INTO weekly_metrics SELECT * FROM weekly_metrics", "found INSERT"),
        ("CREATE TABLE x AS SELECT 1", "found CREATE"),
        ("SELECT 1; DROP TABLE x", "found SELECT, DROP"),
        ("COPY weekly_metrics TO '/tmp/x.csv'", "found COPY"),
        ("ATTACH '/tmp/x.db'", ""),
        ("SET enable_external_access = true", "found SET"),
        ("UNLOAD (SELECT 1) TO 's3://bucket'", ""),
        ("PRAGMA database_list", "found PRAGMA"),
        ("SELEC", "found SELEC"),
        ("  ", "found nothing"),
    ],
)
def test_only_one_select_is_allowed(ask: Qol, sql: str, found: str) -> None:
    ended = ask(sql)
    assert (ended.code, ended.out) == (2, "")
    assert re.match(rf"SQL.*{found}.*; allowed: one SELECT", ended.err)


@pytest.mark.parametrize(
    "source",
    [
        "read_csv('/etc/passwd')",
        "read_text('{lake}/_runs/x')",
        "read_parquet('{lake}/processed/weekly/*/*.parquet')",
        "glob('/etc/*')",
        "'/etc/passwd'",
        '"/etc/passwd"',
        '"{lake}/user_map.jsonl"',
        "information_schema.tables",
        "duckdb_settings()",
    ],
)
def test_nothing_but_the_lakes_tables_is_read(ask: Qol, week_lake: Path, source: str) -> None:
    ended = ask(f"SELECT * FROM {source.format(lake=week_lake)}")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("SQL")


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT * FROM "{file}", (WITH "{file}" AS (SELECT 1 AS a) SELECT a FROM "{file}") AS q',
        'WITH RECURSIVE "{file}" AS (SELECT * FROM "{file}" UNION ALL SELECT * FROM "{file}" WHERE false) SELECT * FROM "{file}"',
        'WITH a AS (SELECT * FROM "{file}"), "{file}" AS (SELECT 1 AS a) SELECT * FROM a',
    ],
)
@pytest.mark.parametrize("file", ["processed/x.csv", "quarantine/rows/date=2026-11-15/part-00000.parquet"])
def test_a_cte_named_like_a_file_does_not_open_it(own_week: Path, qol: Qol, sql: str, file: str) -> None:
    (own_week / "processed/x.csv").write_text("secret\n1\n")
    ended = qol("query", sql.format(file=own_week / file), "--lake", own_week)
    assert (ended.code, ended.out) == (2, "")


def test_the_view_adherence_is_read_as_in_athena(ask: Qol) -> None:
    shown = [line.split(",")[0] for line in ask("DESCRIBE adherence").out.splitlines()[1:]]
    assert shown[:3] == ["call_order", "user_id", "reason"]
    for name in ("adherence", "db_qol.adherence a", '"AwsDataCatalog"."db_qol"."Adherence"'):
        assert ask(f"SELECT * FROM {name} LIMIT 0").out == ",".join(shown) + "\n"
    assert ask("WITH adherence AS (SELECT 1 AS x) SELECT x FROM adherence").out == "x\n1\n"
    assert "adherence" in ask("SHOW TABLES").out.splitlines()


@pytest.mark.parametrize("sql", ["SHOW CREATE TABLE weekly_metrics", "SHOW TABLES LIKE 'records_*'"])
def test_another_show_statement_is_told_those_there_are(ask: Qol, sql: str) -> None:
    ended = ask(sql)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"SQL: found {sql}; allowed: one SELECT, SHOW DATABASES, SHOW TABLES [IN db_qol] ")


def test_csv_has_no_formula_and_nothing_that_steers_a_terminal(ask: Qol) -> None:
    sql = "SELECT * FROM (VALUES ('=cmd|x'), ('+1'), ('-1'), ('@a'), (chr(27) || ']0;x'), ('a' || chr(10) || 'b'), ('P-1')) t (v)"
    assert ask(sql).out == "v\n'=cmd|x\n'+1\n'-1\n'@a\n\\x1b]0;x\na\\nb\nP-1\n"
    assert ask("SELECT to_utf8('=1'), -1, -1.5, CAST(-1.5 AS decimal(3, 1))").out.split("\n")[1] == "'=1,-1,-1.5,-1.5"


def test_an_unknown_table_names_those_there_are(ask: Qol) -> None:
    near = "weekly_metrics, daily_metrics, records_garmin_userMetrics"
    for sql in ("SELECT * FROM weekly_metrix", "DESCRIBE weekly_metrix", "SHOW COLUMNS IN weekly_metrix"):
        ended = ask(sql)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err == (
            f"SQL: no table weekly_metrix; nearest: {near}; allowed: a table of SHOW TABLES (also as db_qol.TABLE)\n"
        )


def test_tables_columns_and_databases_are_shown_as_athena_does(ask: Qol) -> None:
    assert ask("SHOW DATABASES").out == "database_name\ndb_qol\n"
    tables = ask("SHOW TABLES;").out.splitlines()
    assert tables[:4] == ["tab_name", "adherence", "collect_runs", "daily_metrics"]
    assert "records_garmin_dailies" in tables
    assert ask("show tables in db_qol 'survey*|*_metrics'").out == (
        "tab_name\ndaily_metrics\nsurvey_windows\nweekly_metrics\n"
    )
    columns = ask("SHOW COLUMNS IN db_qol.weekly_metrics").out.splitlines()
    assert (columns[:3], columns[-1]) == (["field", "user_id", "week_start"], "date")
    assert ask("SHOW COLUMNS FROM job_runs").out.splitlines()[-1] != "date"
    described = ask('DESCRIBE "weekly_metrics"').out.splitlines()
    assert described[0] == "col_name,data_type,comment"
    assert described[1].startswith("user_id,string,")
    partition = [
        "date,string,",
        ",,",
        "# Partition Information,,",
        "# col_name,data_type,comment",
        ",,",
        "date,string,",
    ]
    assert described[-6:] == partition


@pytest.mark.parametrize("sql", ["SELECT steps_men FROM weekly_metrics", "SELECT w.steps_men FROM weekly_metrics w"])
def test_an_unknown_column_is_a_usage_error_with_the_three_nearest_names(ask: Qol, sql: str) -> None:
    ended = ask(sql)
    assert (ended.code, ended.err) == (
        2,
        "SQL: no column steps_men; nearest: steps_mean, steps_min, steps_median\n",
    )


def test_text_that_is_no_sql_says_where(ask: Qol) -> None:
    assert ask("SELECT from where").err == (
        "SQL, line 1, column 17, near 'where': not readable; allowed: one SELECT in Athena's dialect\n"
    )


def test_a_failure_while_rows_are_read_is_a_usage_error(ask: Qol) -> None:
    assert ask("SELECT CAST(user_id AS integer) FROM weekly_metrics").code == 2


def test_raw_items_come_with_a_warning(ask: Qol) -> None:
    assert ask("SELECT raw FROM rejects").err == "Raw items may hold personal data: do not share them.\n"


def test_without_its_libraries_a_query_says_what_to_install(
    qol: Qol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    monkeypatch.delitem(sys.modules, "qol.tables.query", raising=False)
    ended = qol("query", "SELECT 1", "--lake", tmp_path)
    assert (ended.code, ended.err) == (
        2,
        "qol query: duckdb is not installed; in the clone, run pip install '.[query]'\n",
    )
