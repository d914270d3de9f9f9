"""The whole system on a simulated AWS: from a push to what Athena's engine answers, and what people hear when it fails."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from qol.cli.app import app
from qol.contracts.load import load_contracts
from qol.lake import LocalLake
from qol.tables.query import run_query
from qol_dev.cloud import glue_runs as runs
from qol_dev.cloud import mail, spark_session, terraform, trino
from qol_dev.cloud.down import take_down
from qol_dev.cloud.functions import FunctionFailedError, invoke
from qol_dev.cloud.serving import events_of_goals
from qol_dev.cloud.state import Cloud, client, load_cloud
from qol_dev.cloud.up import CloudStart, Outcome, options, start_cloud

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.xdist_group("package"),  # the cloud and the package are built in one folder of the checkout
    pytest.mark.filterwarnings("ignore:unclosed.*:ResourceWarning"),  # py4j leaves its sockets to the collector
]
PROJECT = Path(__file__).parents[2]
SAMPLE = options(users=15, weeks=3)  # from 2,000 lines on a sample has a fault of every kind
NEXT_WEDNESDAY = {"scheduled_time": "2026-11-25T02:30:00Z", "execution_id": "watchdog-w47"}


@pytest.fixture(scope="module")
def started_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, list[Outcome]]]:
    """A cloud with every step of `make cloud` made; taken down afterwards, whatever happened."""
    folder = tmp_path_factory.mktemp("cloud") / "cloud"
    state = CloudStart(load_cloud(folder), SAMPLE)
    outcomes: list[Outcome] = []
    try:
        for outcome in start_cloud(state):
            outcomes.append(outcome)
            if outcome.skipped:
                pytest.skip(f"{outcome.step.title}: {outcome.skipped}")
        yield state.cloud, outcomes
    finally:
        take_down(load_cloud(folder))


@pytest.fixture(scope="module")
def cloud(started_cloud: tuple[Cloud, list[Outcome]]) -> Cloud:
    return started_cloud[0]


@pytest.fixture(scope="module")
def copied(cloud: Cloud, started_cloud: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake's objects as files, got one by one from S3."""
    folder = tmp_path_factory.mktemp("copied")
    for key in keys(cloud, ""):
        if key.startswith(("processed/", "quarantine/rows/", "_objects/", "_runs/")):
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(read(cloud, key))
    return folder


@pytest.fixture
def mailbox(cloud: Cloud) -> Cloud:
    """The cloud with an emptied mailbox."""
    mail.read_mail(cloud)
    return cloud


def keys(cloud: Cloud, prefix: str) -> list[str]:
    pages = client(cloud, "s3").get_paginator("list_objects_v2").paginate(Bucket=cloud.names["bucket"], Prefix=prefix)
    return [found["Key"] for page in pages for found in page.get("Contents", ())]


def read(cloud: Cloud, key: str) -> bytes:
    return bytes(client(cloud, "s3").get_object(Bucket=cloud.names["bucket"], Key=key)["Body"].read())


def parquet_rows(folder: Path, table: str) -> list[dict[str, Any]]:
    """Every row of a table's Parquet files as pyarrow reads them, with the partition's date."""
    files = sorted((folder / table).glob("date=*/part-00000.parquet"))
    return [
        {**row, "date": file.parent.name.removeprefix("date=")}
        for file in files
        for row in pq.read_table(pa.BufferReader(file.read_bytes())).to_pylist()
    ]


def as_dicts(answer: trino.Answer) -> list[dict[str, Any]]:
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def plain(value: Any) -> Any:
    """Numbers that are the same are equal, whatever type a client gave them."""
    return float(value) if hasattr(value, "as_integer_ratio") and not isinstance(value, bool | int) else value


def comparable(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(plain(value) for value in row) for row in rows]


def vendor_ids(cloud: Cloud) -> list[str]:
    items = client(cloud, "dynamodb").scan(TableName=cloud.names["tables"]["user_map"])["Items"]
    return [item["garmin_user_id"]["S"] for item in items]


STRANGER = "processed/weekly/date=2026-11-09/somebody-elses.parquet"


@pytest.fixture
def stranger(mailbox: Cloud) -> Iterator[Callable[[], object]]:
    """A file that breaks the job, as an older installation's would; call it to take the file away before the end."""
    s3, place = client(mailbox, "s3"), {"Bucket": mailbox.names["bucket"], "Key": STRANGER}
    s3.put_object(**place, Body=b"not ours")
    yield lambda: s3.delete_object(**place)
    s3.delete_object(**place)


def test_a_good_run_is_published_at_the_first_attempt_and_nobody_gets_a_message(cloud: Cloud) -> None:
    manifests = [json.loads(read(cloud, key)) for key in keys(cloud, "_runs/") if key.endswith(".json")]
    assert [(m["status"], m["trigger"], m["week"], m["engine"]) for m in manifests] == [
        ("published", "schedule", "2026-W46", "spark")
    ]
    assert manifests[0]["job_run_id"].startswith("jr_")
    assert mail.read_mail(cloud) == []


def test_every_object_the_receiver_stored_is_read_or_skipped_and_every_item_is_accounted_for(
    cloud: Cloud, copied: Path
) -> None:
    [manifest] = [json.loads(read(cloud, key)) for key in keys(cloud, "_runs/") if key.endswith(".json")]
    listed = [entry["key"].rpartition("/")[2] for entry in manifest["skipped"]]
    listed += [row["raw_object"] for row in parquet_rows(copied, "_objects")]
    tables = [read(cloud, key).splitlines() for key in keys(cloud, "quarantine/objects/")]
    named = {row["raw_object"]: row["key"] for lines in tables for row in map(json.loads, lines)}
    totals = manifest["totals"]
    assert sorted(named[one] for one in listed) == sorted(keys(cloud, "raw/"))
    assert totals["lines"] == sum(totals[name] for name in ("blank", "control", "rejected", "kept", "superseded"))
    assert totals["kept"] > 1_000


def test_trino_shows_the_newest_weeks_as_pyarrow_reads_them(cloud: Cloud, copied: Path) -> None:
    rows = parquet_rows(copied, "processed/weekly")
    newest = sorted(rows, key=lambda row: row["user_id"])
    newest = sorted(newest, key=lambda row: row["date"], reverse=True)[:10]
    answer = trino.ask(cloud, "SELECT * FROM db_qol.weekly_metrics ORDER BY date DESC, user_id LIMIT 10")
    assert as_dicts(answer) == newest
    # As written, the query leaves open which ten people of the newest week come.
    some = as_dicts(trino.ask(cloud, "SELECT * FROM db_qol.weekly_metrics ORDER BY date DESC LIMIT 10"))
    assert [row["date"] for row in some] == [row["date"] for row in newest]
    assert all(row in rows for row in some)


def test_trino_answers_every_saved_query_as_duckdb_does_from_the_files(cloud: Cloud, copied: Path) -> None:
    athena = client(cloud, "athena")
    asked = 0
    for name, query_id in cloud.names["saved_queries"].items():
        sql = athena.get_named_query(NamedQueryId=query_id)["NamedQuery"]["QueryString"]
        if name == "latest_weekly_metrics":
            continue  # which of equal dates come is open; the test above has it
        expected = run_query(LocalLake(copied), load_contracts(), sql)
        found = trino.ask(cloud, sql)
        assert found.columns == expected.columns, name
        assert comparable(found.rows) == comparable(expected.rows), name
        assert found.rows, name
        asked += 1
        if name == "adherence":
            assert comparable(
                trino.ask(cloud, "SELECT * FROM db_qol.adherence ORDER BY call_order, user_id").rows
            ) == comparable(found.rows)
    views = [path.stem for path in (PROJECT / "schemas" / "views").glob("*.yaml")]
    assert asked == len([*(PROJECT / "terraform" / "queries").glob("*.sql"), *views]) - 1


def test_spark_reads_through_s3a_what_pyarrow_reads(cloud: Cloud, copied: Path) -> None:
    from qol.tables.spark import table

    session = spark_session.open_session(cloud)
    try:
        for name, folder in (("weekly_metrics", "processed/weekly"), ("daily_metrics", "processed/daily")):
            found = [row.asDict() for row in table(session, cloud.lake, name).collect()]
            expected = parquet_rows(copied, folder)
            assert len(found) == len(expected) > 30
            key = ("user_id", "date", "day", "source")
            by_key = {tuple(row.get(k) for k in key): row for row in expected}
            assert all(row == by_key[tuple(row.get(k) for k in key)] for row in found)
        assert table(session, cloud.lake, "job_runs").count() == 1
    finally:
        session.stop()


def test_every_column_comment_of_the_contracts_is_visible_in_trino(cloud: Cloud) -> None:
    answer = trino.ask(
        cloud,
        "SELECT table_name, column_name, comment FROM information_schema.columns "
        "WHERE table_schema = 'db_qol' AND table_name <> 'adherence'",
    )
    found = {(table, column): comment for table, column, comment in answer.rows}
    expected = {}
    for file in (PROJECT / "schemas" / "tables").glob("*.yaml"):
        described = yaml.safe_load(file.read_text(encoding="utf-8"))
        for column in [*described["columns"], *described["partition_keys"]]:
            expected[described["table"], column["name"].lower()] = column["comment"]
    assert found == expected
    created = trino.ask(cloud, "SHOW CREATE TABLE weekly_metrics").rows[0][0]
    assert "days_observed integer COMMENT 'Local days of the week with any record of any source.'" in created


def test_a_run_that_never_started_gives_one_message(mailbox: Cloud) -> None:
    first = invoke(mailbox, "watchdog", NEXT_WEDNESDAY)
    second = invoke(mailbox, "watchdog", NEXT_WEDNESDAY)
    messages = mail.read_mail(mailbox)
    assert (first["notified"], second["notified"]) == (True, False)
    assert len(messages) == 1
    assert "2026-W47" in messages[0].subject + messages[0].body


def test_a_first_attempt_that_fails_before_a_good_second_one_gives_no_message(
    mailbox: Cloud, stranger: Callable[[], object]
) -> None:
    run_id = invoke(mailbox, "kick", {"week": "2026-W46", "again": True})["job_run_id"]
    ends = []
    for attempt in runs.execute(mailbox, run_id):
        ends.append((attempt.run_id, attempt.state))
        stranger()
    assert ends == [(run_id, "FAILED"), (f"{run_id}_attempt_1", "SUCCEEDED")]
    assert mail.read_mail(mailbox) == []


@pytest.mark.usefixtures("stranger")
def test_a_run_whose_attempts_all_fail_gives_one_message_that_says_why_and_what_is_published(mailbox: Cloud) -> None:
    before = {key: read(mailbox, key) for key in keys(mailbox, "processed/")}
    run_id = invoke(mailbox, "kick", {"week": "2026-W46", "again": True})["job_run_id"]
    assert [(attempt.state, attempt.exit_code) for attempt in runs.execute(mailbox, run_id)] == [("FAILED", 1)] * 2
    [message] = mail.read_mail(mailbox)
    assert all(said in message.body for said in (STRANGER, run_id, "2026-W46"))
    assert not [vendor for vendor in vendor_ids(mailbox) if vendor in message.subject + message.body]
    assert {key: read(mailbox, key) for key in keys(mailbox, "processed/")} == before


def test_an_app_posts_a_week_meets_a_goal_and_reads_what_the_run_published(
    started_cloud: tuple[Cloud, list[Outcome]],
) -> None:
    cloud, outcomes = started_cloud
    lines = {outcome.step.name: outcome.lines for outcome in outcomes}
    assert lines["API"][1] == "steps a day in 2026-W46, before the run: published None, so far 4000.0"
    assert lines["summary"] == ("steps a day in 2026-W46, after the run: published 4000.0",)
    assert events_of_goals(cloud) == 1


def test_people_without_data_are_counted_from_what_athenas_engine_says(cloud: Cloud) -> None:
    # Three weeks on everybody has been without data for longer than the 14 days that are allowed.
    counts = invoke(cloud, "raw_gap", {"scheduled_time": "2026-12-09T03:00:00Z"})
    assert counts["date"] == "2026-12-09"
    assert counts["people_without_data"] == counts["people_active"] >= 10
    table = read(cloud, "_reports/raw_gaps/date=2026-12-09/raw_gaps.csv").decode().splitlines()
    assert table[0] == "user_id,last_day,registered_on,days_without_data"
    assert len(table) == 1 + counts["people_without_data"]
    assert all(line.split(",")[1] >= "2026-11-0" for line in table[1:])


def test_an_event_that_no_schedule_sends_fails_loudly(cloud: Cloud) -> None:
    with pytest.raises(FunctionFailedError, match="scheduled_time"):
        invoke(cloud, "kick", {"time": "now"})


def test_no_vendor_id_is_in_a_log_or_a_published_object(cloud: Cloud, copied: Path) -> None:
    vendors = vendor_ids(cloud)
    logs = list(cloud.folder.rglob("*.log"))
    published = [file for file in copied.rglob("*") if file.is_file() and "quarantine" not in file.parts]
    texts = {file: file.read_bytes() for file in (*logs, *published)}
    assert len(vendors) == 16  # of Garmin, and the app's
    assert {"moto.log", "receiver.log", "kick.log", "notifier.log", "attempt-0.log"} <= {log.name for log in logs}
    found = [file.name for file, text in texts.items() if any(vendor.encode() in text for vendor in vendors)]
    assert found == []


def test_a_second_apply_would_change_nothing(cloud: Cloud) -> None:
    # moto answers with defaults of its own for a distribution's certificate, behaviors and origins.
    assert set(terraform.planned_changes(cloud)) <= {'update aws_cloudfront_distribution.api["api"]'}


def test_the_cloud_says_what_is_in_it_and_goes_when_it_is_told_to(cloud: Cloud) -> None:
    runner = CliRunner()
    where = ["--folder", str(cloud.folder)]
    status = runner.invoke(app, ["cloud", "status", *where])
    assert status.exit_code == 0
    assert cloud.lake in status.output
    down = runner.invoke(app, ["cloud", "down", *where])
    assert down.exit_code == 0
    assert not cloud.folder.exists()
    assert len(cloud.servers) > 1
    assert not any(server.is_running for server in cloud.servers)
    assert os.environ.get("QOL_CLOUD") is None
