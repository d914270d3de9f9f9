"""What a stream gathers is read like what the receiver stores by itself."""

import gzip
import io
import json
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from qol.aws.requests import aws_client
from qol.webhooks.bodies import read_body
from qol.webhooks.deadline import QUICK
from qol_dev.cloud.gather import gather
from qol_lambda.receiver import MAX_RECORD_BYTES
from tests.builders import daily_record, night_record
from tests.qol_lambda.test_webhook_to_week import POSTS, run
from tests.qol_lambda.webhook import NOW, Webhook

STREAM = "qol-garmin"
PREFIX = "raw/daily/date=!{timestamp:yyyy-MM-dd}/"
BODIES = [
    *POSTS,
    *(json.dumps({"dailies": [daily_record("u4", day)], "sleeps": [night_record("u5", day)]}).encode() for day in (1, 2)),
]  # fmt: skip


@pytest.fixture
def stream(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> str:
    """A stream between receiver and bucket."""
    aws_client("firehose", QUICK).create_delivery_stream(
        DeliveryStreamName=STREAM,
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::123456789012:role/stream",
            "BucketARN": "arn:aws:s3:::lake",
            "Prefix": f"p/{PREFIX}",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 900},
            "CompressionFormat": "GZIP",
        },
    )
    monkeypatch.setenv("QOL_STREAM", STREAM)
    return STREAM


def post_all(webhook: Webhook) -> None:
    for number, data in enumerate(BODIES):
        assert webhook.post(data, now=NOW - timedelta(minutes=1800 - 5 * number)) == 200


def gathered(stream: str) -> int:
    return gather(aws_client("firehose", QUICK), aws_client("s3", QUICK), stream)


def published(webhook: Webhook) -> dict[str, list[dict[str, object]]]:
    """Rows of all published tables, without the place that a record came from."""
    files = {key: data for key, data in webhook.stored().items() if key.startswith("processed/")}
    tables = {key: pq.read_table(io.BytesIO(data)) for key, data in sorted(files.items())}
    return {
        key: table.drop_columns([c for c in ("raw_object", "line_number") if c in table.column_names]).to_pylist()
        for key, table in tables.items()
    }


@pytest.mark.usefixtures("no_gate")
def test_the_job_cannot_tell_gathered_lines_from_objects_and_duplicates_change_nothing(
    webhook: Webhook, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.delenv("QOL_STREAM")
        post_all(webhook)
    run(NOW)
    one_by_one = published(webhook)
    assert len(one_by_one) == 4
    ids = webhook.people()
    for key in webhook.stored():
        if not key.startswith("quarantine/bodies/"):
            aws_client("s3", QUICK).delete_object(Bucket="lake", Key=f"p/{key}")
    post_all(webhook)
    post_all(webhook)  # Firehose delivers at least once
    assert gathered(stream) == 4
    assert webhook.people() == ids
    objects = [key for key in webhook.stored() if key.startswith("raw/")]
    assert all(key.startswith("raw/daily/date=2026-11-1") and key.endswith(".jsonl.gz") for key in objects)
    run(NOW)
    assert published(webhook) == one_by_one


def test_a_push_ends_its_line_so_that_gathered_lines_stay_apart(webhook: Webhook, stream: str) -> None:
    bodies = [b'{"dailies":[{"userId":"u%d"}]}' % number for number in range(3)]
    for number, data in enumerate(bodies):
        assert webhook.post(data, now=NOW + timedelta(minutes=number)) == 200
    assert gathered(stream) == 1
    [(key, stored)] = webhook.stored().items()
    assert key.startswith("raw/daily/date=2026-11-18/qol-garmin-1-2026-11-18-00-05-03-")
    lines = [read_body(data, NOW + timedelta(minutes=number)) for number, data in enumerate(bodies)]
    assert gzip.decompress(stored) == b"".join(line.line for line in lines if line)


@pytest.mark.parametrize(("spare", "is_gathered"), [(0, True), (1, False)])
def test_a_line_over_the_limit_of_a_record_is_an_object(
    webhook: Webhook, stream: str, spare: int, is_gathered: bool
) -> None:
    frame = b'{"dailies":[{"userId":"u1","x":"%s"}]}'
    size = MAX_RECORD_BYTES + spare - len(read_body(frame % b"", NOW).line)  # type: ignore[union-attr]
    assert webhook.post(frame % (b"x" * size)) == 200
    [key] = webhook.stored()
    assert key.startswith(PREFIX) == is_gathered
    assert key.startswith("raw/daily/date=2026-11-18/") != is_gathered


def test_a_push_that_the_stream_did_not_take_is_to_be_delivered_again(
    webhook: Webhook, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "ServiceUnavailableException", "Message": "u1"}}, "PutRecord")

    with monkeypatch.context() as patch:
        patch.setattr(aws_client("firehose", QUICK), "put_record", refuse)
        assert webhook.post(b'{"dailies":[{"userId":"u1"}]}') == 503
    assert list(webhook.people()) == ["u1"]
    assert webhook.stored() == {}
    assert webhook.post(b'{"dailies":[{"userId":"u1"}]}') == 200
    assert len(webhook.stored()) == 1


def test_what_cannot_be_read_goes_past_the_stream(webhook: Webhook, stream: str) -> None:
    assert webhook.post(b"garbage") == 200
    assert [key.partition("/date=")[0] for key in webhook.stored()] == ["quarantine/bodies"]
