"""The state machine of the business week, executed: it collects, runs, loads and tells, and goes on without a source."""

import json
import time
from collections.abc import Iterator, Mapping
from functools import partialmethod
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.glue.models import FakeJobRun, GlueBackend

from tests.edges import ENVIRONMENT

pytestmark = pytest.mark.acceptance
ASL = Path(__file__).resolve().parents[2] / "terraform" / "flow.asl.json"
ROLE = "arn:aws:iam::123456789012:role/flow"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}):
        yield


def answered(_: object, answers: Mapping[str, Any], name: str, *__: Any) -> bytes:
    """What a function answers, in place of its invocation."""
    if name not in answers:
        raise UnknownFunctionException(name)
    return json.dumps(answers[name]).encode()


def week(
    monkeypatch: pytest.MonkeyPatch, *, run_id: str | None, collectors: tuple[str, ...], loaders: tuple[str, ...] = ()
) -> tuple[str, list[str], dict[str, Any]]:
    """How a week ended, the states it entered, and what was told."""
    boto3.client("glue").create_job(Name="job", Role=ROLE, Command={"Name": "glueetl"})
    run_id = run_id or boto3.client("glue").start_job_run(JobName="job")["JobRunId"]
    answers = {"oura": {"status": "complete"}, "kick": {"job_run_id": run_id}, "loader": {"partitions": 3}}
    monkeypatch.setattr(LambdaSimpleBackend, "invoke", partialmethod(answered, answers))
    topic = boto3.client("sns").create_topic(Name="operations")["TopicArn"]
    queue = boto3.client("sqs").create_queue(QueueName="heard")["QueueUrl"]
    boto3.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:ap-northeast-1:123456789012:heard"
    )
    machines = boto3.client("stepfunctions")
    machine = machines.create_state_machine(name="week", definition=ASL.read_text(), roleArn=ROLE)["stateMachineArn"]
    given = {"scheduled_time": "2026-11-18T00:05:00Z", "execution_id": "e", "collectors": collectors, "loaders": loaders,
             "kick": "kick", "job": "job", "topic": topic, "poll_seconds": 0}  # fmt: skip
    execution = machines.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    while (status := machines.describe_execution(executionArn=execution)["status"]) == "RUNNING":
        time.sleep(0.02)
    events = machines.get_execution_history(executionArn=execution)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    [message] = boto3.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    return status, entered, json.loads(json.loads(message["Body"])["Message"])


def test_a_week_is_collected_run_loaded_and_told(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    status, entered, told = week(monkeypatch, run_id=None, collectors=("oura",), loaders=("loader",))
    assert status == "SUCCEEDED"
    assert entered == [
        "Collect",
        "CollectOne",
        "Start",
        "Wait",
        "Run",
        "HasEnded",
        "Load",
        "LoadOne",
        "Tell",
        "IsPublished",
        "Published",
    ]
    assert (told["collected"], told["loaded"]) == (
        [{"answer": {"status": "complete"}}],
        [{"answer": {"partitions": 3}}],
    )
    assert told["attempt"] == {"state": "SUCCEEDED"}


def test_a_source_that_fails_holds_nothing_up_and_a_lost_run_loads_nothing(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, entered, told = week(monkeypatch, run_id="jr_lost", collectors=("oura", "missing"), loaders=("loader",))
    assert status == "FAILED"
    assert entered[-4:] == ["Run", "Tell", "IsPublished", "NotPublished"]
    assert told["collected"] == [{"answer": {"status": "complete"}}, {"failed": "Lambda.ResourceNotFoundException"}]
    assert "LoadOne" not in entered


def test_a_failed_run_is_followed_to_its_second_attempt_and_no_further(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def failed(_: object, name: str, run_id: str) -> FakeJobRun:
        asked.append(run_id)
        run = FakeJobRun(job_name=name)
        run.status = "FAILED" if len(asked) <= 2 else "STOPPED"  # ends a machine that asks for a third attempt
        return run

    monkeypatch.setattr(GlueBackend, "get_job_run", failed)
    status, entered, told = week(monkeypatch, run_id="jr_1", collectors=(), loaders=("loader",))
    assert (status, asked) == ("FAILED", ["jr_1", "jr_1_attempt_1"])
    assert entered == [
        "Collect", "Start", "Wait", "Run", "HasEnded", "Retry", "Wait", "Run", "HasEnded", "Tell", "IsPublished", "NotPublished"
    ]  # fmt: skip
    assert told["attempt"] == {"state": "FAILED"}
