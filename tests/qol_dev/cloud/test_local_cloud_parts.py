"""Servers end only when they are ours; a missing tool skips what needs it, or fails where nothing may be missing."""

import dataclasses
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from qol.errors import QolError, UsageError
from qol_dev.cloud import glue_runs, up
from qol_dev.cloud.down import take_down
from qol_dev.cloud.functions import Function, FunctionFailedError
from qol_dev.cloud.glue_runs import state_change
from qol_dev.cloud.processes import Server, began, free_port, start, stop, wait_for
from qol_dev.cloud.spark_session import submit_arguments
from qol_dev.cloud.state import Cloud, cloud_environment, load_cloud, process_environment
from qol_dev.cloud.tools import MissingToolError
from qol_dev.cloud.up import CloudStart, Outcome, Step, options, start_cloud
from tests.edges import ENVIRONMENT, REGION

LISTENS = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A process of ours that listens."""
    port = free_port()
    found = start("listener", [sys.executable, "-c", LISTENS, str(port)], port, tmp_path / "x.log", os.environ)
    wait_for(found, found.answers, 20.0)
    yield found
    stop(found)


def test_a_server_is_ended_once(server: Server) -> None:
    assert server.is_running
    assert server.answers()
    assert stop(server) is True
    assert not server.is_running
    assert stop(server) is False


def test_a_process_that_took_the_number_of_ours_is_left_alone(server: Server) -> None:
    earlier = dataclasses.replace(server, began="0")
    assert stop(earlier) is False
    assert server.is_running


def test_a_server_that_ends_while_it_starts_is_told_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    found = start("short", [sys.executable, "-c", "raise SystemExit('no')"], free_port(), log, os.environ)
    with pytest.raises(QolError, match=f"short: ended while it started; its log tells why: {log}"):
        wait_for(found, lambda: False, 20.0)
    assert log.read_text() == "no\n"


def test_a_process_that_is_not_there_never_began() -> None:
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    assert began(int(done.stdout)) == ""


def test_the_state_is_the_same_when_it_is_read_again(tmp_path: Path, server: Server) -> None:
    cloud = Cloud(tmp_path / "c").with_server(server).with_names({"bucket": "b", "database": "db_qol"})
    assert load_cloud(tmp_path / "c") == cloud
    assert (cloud.lake, cloud.database, cloud.server("listener")) == ("s3://b", "db_qol", server)


def test_a_server_that_does_not_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="moto: not running in .*; allowed: a cloud that is up"):
        load_cloud(tmp_path).server("moto")


def test_nothing_of_a_persons_own_aws_reaches_the_local_cloud(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "mine")
    cloud = Cloud(tmp_path / "c").with_server(dataclasses.replace(server, name="moto"))
    environment = process_environment(cloud)
    assert cloud_environment(cloud)["AWS_ENDPOINT_URL"] == server.url
    assert environment["AWS_ENDPOINT_URL"] == server.url
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & environment.keys()


def test_taking_down_ends_servers_and_removes_the_folder(tmp_path: Path, server: Server) -> None:
    cloud = Cloud(tmp_path / "c").with_server(server)
    assert take_down(cloud) == [f"listener: ended (process {server.pid})", f"{cloud.folder}: removed"]
    assert not cloud.folder.exists()
    assert take_down(cloud) == [f"{cloud.folder}: nothing is there"]


def test_a_folder_that_is_no_clouds_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds files of others"):
        take_down(load_cloud(tmp_path))
    assert (tmp_path / "thesis.txt").exists()


def good(_: CloudStart) -> Iterator[str]:
    yield "did it"


def missing(_: CloudStart) -> Iterator[str]:
    raise MissingToolError("terraform: not on the PATH")
    yield


STEPS = (Step("one", "One", (), good), Step("two", "Two", ("one",), missing), Step("three", "Three", ("two",), good))


def test_a_missing_tool_skips_its_step_and_those_that_need_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QOL_REQUIRE_ALL", raising=False)
    monkeypatch.setattr(up, "STEPS", STEPS)
    outcomes: list[Outcome] = list(start_cloud(CloudStart(Cloud(tmp_path), options(5, 3))))
    assert [(o.lines, o.skipped) for o in outcomes] == [
        (("did it",), ""),
        ((), "terraform: not on the PATH"),
        ((), "needs what was skipped before: two"),
    ]


def test_where_nothing_may_be_missing_a_missing_tool_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QOL_REQUIRE_ALL", "1")
    monkeypatch.setattr(up, "STEPS", STEPS)
    with pytest.raises(MissingToolError, match="terraform: not on the PATH"):
        list(start_cloud(CloudStart(Cloud(tmp_path), options(5, 3))))


def test_every_step_needs_steps_before_it_alone() -> None:
    names = [step.name for step in up.STEPS]
    assert all(names.index(need) < names.index(step.name) for step in up.STEPS for need in step.needs)


def test_the_event_of_an_ended_run_is_glues() -> None:
    event = state_change("qol-weekly-etl", "jr_1_attempt_1", "FAILED", "exit code 3")
    assert (event["source"], event["detail-type"]) == ("aws.glue", "Glue Job State Change")
    assert event["detail"] == {
        "jobName": "qol-weekly-etl",
        "severity": "ERROR",
        "state": "FAILED",
        "jobRunId": "jr_1_attempt_1",
        "message": "exit code 3",
    }


def test_spark_is_told_its_settings_in_one_variable() -> None:
    assert submit_arguments({"spark.a": "1 2"}) == "--master 'local[2]' --conf 'spark.a=1 2' pyspark-shell"


def test_a_function_answers_by_its_handler_under_a_clock_that_stands(tmp_path: Path) -> None:
    (tmp_path / "tellers.py").write_text(
        "from datetime import UTC, datetime\n"
        "def handler(event, context):\n"
        "    print('a line of its log')\n"
        "    return [event['x'], datetime.now(UTC).year, 1 / event['x']]\n"
    )
    host = Path(up.__file__).with_name("lambda_host.py")
    process = subprocess.Popen(
        [sys.executable, "-P", host, "tellers.handler"], env={**os.environ, "PYTHONPATH": str(tmp_path)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    function = Function("teller", process, tmp_path / "teller.log")
    from datetime import UTC, datetime

    assert function({"x": 2}, datetime(2031, 1, 1, tzinfo=UTC)) == [2, 2031, 0.5]
    assert function({"x": 2})[1] != 2031
    with pytest.raises(FunctionFailedError, match="teller: ZeroDivisionError"):
        function({"x": 0})
    _, log = process.communicate(timeout=20)
    assert io.StringIO(log).readline() == "a line of its log\n"
    assert "[ERROR] ZeroDivisionError: division by zero\n" in log
    with pytest.raises((FunctionFailedError, ValueError)):
        function({"x": 1})


def test_runs_of_both_jobs_wait_to_be_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        glue = boto3.client("glue", region_name=REGION)
        monkeypatch.setattr(glue_runs, "client", lambda *_: glue)
        for job in ("weekly", "erasures"):
            glue.create_job(Name=job, Role="r", Command={"Name": "glueetl"})
        ids = [glue.start_job_run(JobName=job)["JobRunId"] for job in ("erasures", "weekly")]
        cloud = Cloud(tmp_path, names={"job": "weekly", "eraser": "erasures"})
        assert sorted(glue_runs.waiting_runs(cloud)) == sorted(ids)
        (tmp_path / "runs" / ids[0]).mkdir(parents=True)
        assert (glue_runs.waiting_runs(cloud), glue_runs.all_runs(cloud)) == (ids[1:], 2)
