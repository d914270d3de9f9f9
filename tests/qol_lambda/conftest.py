"""An account of its own for every test: bucket and user map, and what the cloud or the webhook needs beside them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from logging import StreamHandler
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from moto import mock_aws
from moto.glue.models import glue_backends
from moto.moto_api import state_manager

from qol.aws.requests import _client
from qol_lambda.clients import client, logger
from qol_lambda.receiver import authenticator, erased, registered
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
    "QOL_ERASE_JOB_NAME": "qol-eraser",
    "QOL_LOCK_TABLE": "qol_run_locks",
    "QOL_USER_MAP_TABLE": "user_id_map",
    "QOL_MAX_ATTEMPTS": "2",
    "QOL_LOG_GROUP": "/aws-glue/jobs/qol-weekly-etl",
    "QOL_ERASE_LOG_GROUP": "/aws-glue/jobs/qol-eraser",
    "QOL_GAP_DAYS": "14",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/qol-this-function",
    "QOL_WORKGROUP": "qol",
    "QOL_DATABASE": "db_qol",
    "QOL_WEBHOOK_SECRET": "qol/garmin-webhook",
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

    def check_mail(self, name: str) -> None:
        """The only mail is, character by character, a saved text: the subject, an empty line, the body."""
        [mail] = self.mails()
        assert "\n\n".join(mail) == (CASES / "messages" / f"{name}.txt").read_text(encoding="utf-8")

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
        """The runs of the jobs as the local cloud keeps them."""
        return [run for job in glue_backends["123456789012"][REGION].jobs.values() for run in job.job_runs]

    def put_manifest(self, **values: Any) -> None:
        """A manifest in the bucket: a good scheduled run of 2026-W46 unless told otherwise."""
        manifest = {**case("manifest.json"), **values}
        client("s3").put_object(Bucket="lake", Key=f"p/_runs/{manifest['run_id']}.json", Body=json.dumps(manifest))

    def item(self, name: str) -> dict[str, str]:
        """An item of the lock table, empty when there is none."""
        found = client("dynamodb").get_item(TableName="qol_run_locks", Key={"name": {"S": name}})
        return {key: next(iter(value.values())) for key, value in found.get("Item", {}).items()}

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
def log() -> Iterator[StringIO]:
    """What the functions log; their own streams are those of the moment they were made."""
    text = StringIO()
    ear = StreamHandler(text)
    ear.setFormatter(LambdaPowertoolsFormatter())
    logger.addHandler(ear)
    yield text
    logger._logger.removeHandler(ear)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings of the functions, the bucket and the user map."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
        _create_table("user_id_map", "garmin_user_id")
        yield


def _create_table(name: str, key: str) -> None:
    client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def cloud(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The lock table, a topic with a queue behind it, and the Glue jobs."""
    _create_table("qol_run_locks", "name")
    topic = client("sns").create_topic(Name="job_failure_alert")["TopicArn"]
    monkeypatch.setenv("QOL_TOPIC_ARN", topic)
    queue = client("sqs").create_queue(QueueName="mails")["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    for job in ("qol-weekly-etl", "qol-eraser"):
        client("glue").create_job(
            Name=job,
            Role="job",
            Command={"Name": "glueetl", "ScriptLocation": "s3://lake/artifacts/weekly_etl.py"},
            ExecutionProperty={"MaxConcurrentRuns": 1},
            MaxRetries=1,
        )
    state_manager.set_transition("glue::job_run", {"progression": "manual", "times": 1_000})
    yield Cloud(queue)
    state_manager.unset_transition("glue::job_run")


#: Wednesday 09:05 in Tokyo.
NOW = datetime(2026, 11, 18, 0, 5, 3, tzinfo=UTC)


@pytest.fixture
def webhook(account: None) -> Webhook:
    """The webhook's secret, and a receiver that remembers nothing of other tests."""
    for remembered in (authenticator, registered, erased):
        remembered.cache_clear()
    client("secretsmanager").create_secret(Name="qol/garmin-webhook", SecretString=json.dumps(SECRET))
    return Webhook()
