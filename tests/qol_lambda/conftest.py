"""An account of its own for every test: lock table, map, bucket, topic with a queue behind it, and the Glue job."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.glue.models import glue_backends
from moto.moto_api import state_manager

from qol.aws.requests import _client
from qol_lambda.clients import client
from qol_lambda.deadline import quick_client
from qol_lambda.receiver import authenticator, registered
from tests.qol_lambda.webhook import SECRET, Webhook

CASES = Path(__file__).parent / "cases"
REGION = "ap-northeast-1"
SETTINGS = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "QOL_BUCKET": "lake",
    "QOL_PREFIX": "p/",
    "QOL_TIME_ZONE": "Asia/Tokyo",
    "QOL_STAGE": "prod",
    "QOL_JOB_NAME": "qol-weekly-etl",
    "QOL_LOCK_TABLE": "qol_run_locks",
    "QOL_USER_MAP_TABLE": "user_id_map",
    "QOL_MAX_ATTEMPTS": "2",
    "QOL_LOG_GROUP": "/aws-glue/jobs/qol-weekly-etl",
    "QOL_GAP_DAYS": "14",
    "QOL_WORKGROUP": "qol",
    "QOL_DATABASE": "db_qol",
    "POWERTOOLS_SERVICE_NAME": "qol",
}


def case(name: str) -> dict[str, Any]:
    """A saved event."""
    found: dict[str, Any] = json.loads((CASES / name).read_text(encoding="utf-8"))
    return found


@dataclass
class Cloud:
    """What a test asks of the account."""

    queue: str

    def mails(self) -> list[tuple[str, str]]:
        """Subjects and bodies that arrived since the last look."""
        found = []
        while answers := client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for answer in answers:
                body = json.loads(answer["Body"])
                found.append((body["Subject"], body["Message"]))
                client("sqs").delete_message(QueueUrl=self.queue, ReceiptHandle=answer["ReceiptHandle"])
        return found

    def subjects(self) -> list[str]:
        """Subjects that arrived since the last look."""
        return [subject for subject, _ in self.mails()]

    def start_run(self, state: str = "RUNNING", run_id: str | None = None, **arguments: str) -> str:
        """A run of the job in a state, started for week 2026-W46 unless told otherwise; its id."""
        asked = {"week": "2026-W46", "trigger": "schedule", "now": "2026-11-18T00:05:00Z", **arguments}
        started = client("glue").start_job_run(
            JobName="qol-weekly-etl", Arguments={f"--{name}": value for name, value in asked.items() if value}
        )
        return self.set_run(started["JobRunId"], state, run_id)

    def set_run(self, run_id: str, state: str, other_id: str | None = None) -> str:
        """Give a run a state, and another id where asked."""
        run = next(run for run in self.job_runs() if run.job_run_id == run_id)
        run.status = state
        run.job_run_id = other_id or run_id
        return str(run.job_run_id)

    def job_runs(self) -> list[Any]:
        """The runs of the job as the local cloud keeps them."""
        runs: list[Any] = glue_backends["123456789012"][REGION].jobs["qol-weekly-etl"].job_runs
        return runs

    def put_manifest(self, **values: Any) -> None:
        """A manifest in the bucket: a good scheduled run of 2026-W46 unless told otherwise."""
        manifest = {**case("manifest.json"), **values}
        client("s3").put_object(Bucket="lake", Key=f"p/_runs/{manifest['run_id']}.json", Body=json.dumps(manifest))

    def item(self, name: str) -> Mapping[str, Any] | None:
        """An item of the lock table."""
        found: dict[str, Any] = client("dynamodb").get_item(TableName="qol_run_locks", Key={"name": {"S": name}})
        return found.get("Item")

    def items(self) -> list[str]:
        """Names of all items of the lock table."""
        return sorted(item["name"]["S"] for item in client("dynamodb").scan(TableName="qol_run_locks")["Items"])


@pytest.fixture(scope="module", autouse=True)
def _clients_of_their_own() -> Iterator[None]:
    """Clients are made once per module, which takes longer than the tests, and leave nothing to other modules."""
    _client.cache_clear()
    yield
    _client.cache_clear()


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        state_manager.set_transition("glue::job_run", {"progression": "manual", "times": 1_000})
        yield _account(monkeypatch)
        state_manager.unset_transition("glue::job_run")


def _account(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    for table, key in (("qol_run_locks", "name"), ("user_id_map", "garmin_user_id")):
        client("dynamodb").create_table(
            TableName=table,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    where = {"LocationConstraint": REGION}
    client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration=where)
    topic = client("sns").create_topic(Name="job_failure_alert")["TopicArn"]
    monkeypatch.setenv("QOL_TOPIC_ARN", topic)
    queue = client("sqs").create_queue(QueueName="mails")["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    client("glue").create_job(
        Name="qol-weekly-etl",
        Role="job",
        Command={"Name": "glueetl", "ScriptLocation": "s3://lake/artifacts/weekly_etl.py"},
        ExecutionProperty={"MaxConcurrentRuns": 1},
        MaxRetries=1,
    )
    return Cloud(queue)


#: Wednesday 09:05 in Tokyo.
NOW = datetime(2026, 11, 18, 0, 5, 3, tzinfo=UTC)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """The webhook's bucket, table and secret, and a receiver that remembers nothing of other tests."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**SETTINGS, "QOL_WEBHOOK_SECRET": "qol/garmin-webhook"}.items():
        monkeypatch.setenv(name, value)
    for remembered in (authenticator, registered):
        remembered.cache_clear()
    with mock_aws():
        _map_table(quick_client("dynamodb"))
        quick_client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
        quick_client("secretsmanager").create_secret(Name="qol/garmin-webhook", SecretString=json.dumps(SECRET))
        yield Webhook()


def _map_table(dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName="user_id_map",
        KeySchema=[{"AttributeName": "garmin_user_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "garmin_user_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
