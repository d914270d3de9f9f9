"""What only a lake in a bucket has: addresses, keys for encryption, long listings, retries, a catalog."""

import pickle
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from qol.aws.requests import BREAKER, RequestError, RetryPolicy, TransientError, aws_client
from qol.errors import LakeError, UsageError
from qol.lake import open_lake
from qol.lake.s3 import S3Lake
from tests.edges import contents

WEEKLY = "processed/weekly/date=2026-11-09/part-00000.parquet"


def test_every_place_is_told_as_an_s3_address(bucket: S3Lake) -> None:
    assert bucket.uri == "s3://bucket/lake"
    assert bucket.location("_runs/a.json") == "s3://bucket/lake/_runs/a.json"
    assert S3Lake("bucket").uri == "s3://bucket"


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/", "s3://bucket/lake/", "s3://bucket/a/b"])
def test_a_bucket_or_a_prefix_of_it_can_be_opened(bucket: S3Lake, uri: str) -> None:
    assert open_lake(uri, kms_key="key", database="db_qol").uri == uri.rstrip("/")


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("s3://", "names no bucket; allowed: s3://bucket"),
        ("s3://no-such-bucket/lake", "s3://no-such-bucket: the request failed with 404"),
        ("s3a://bucket/lake", "found scheme 's3a'; allowed: a folder or s3://bucket"),
    ],
)
def test_a_place_that_is_no_lake_is_a_usage_error(bucket: S3Lake, uri: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        open_lake(uri)


def test_options_of_a_bucket_are_refused_for_a_folder(tmp_path: Any) -> None:
    with pytest.raises(UsageError, match="--database db_qol: only a lake on S3 has one"):
        open_lake(str(tmp_path), database="db_qol")


def test_a_listing_goes_on_past_its_first_page(bucket: S3Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    s3 = boto3.session.Session().client("s3")
    for number in range(33):
        s3.put_object(Bucket="bucket", Key=f"lake/raw/daily/date=2026-11-10/{number:05d}.jsonl", Body=b"")
        s3.put_object(Bucket="bucket", Key=f"lake/processed/daily/date={number:04d}/x", Body=b"")
    assert s3.list_objects_v2(Bucket="bucket")["IsTruncated"]
    assert len(list(bucket.walk("raw/"))) == 33
    assert len(bucket.children("raw/daily/date=2026-11-10/").objects) == 33
    assert len(bucket.children("processed/daily/").folders) == 33
    assert bucket.sweep("raw/") == 33
    assert len(contents(s3, "bucket")) == 33


def test_more_objects_than_one_request_deletes_are_all_deleted(bucket: S3Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qol.lake.s3_objects.MAX_KEYS_PER_DELETE", 4)
    for number in range(9):
        bucket.put(f"_staging/{number}", b"")
    assert bucket.sweep("_staging/") == 9
    assert list(bucket.walk("")) == []


def test_another_prefix_of_the_bucket_is_another_lake(bucket: S3Lake) -> None:
    replace(bucket, prefix="lake-2/").put("raw/a.jsonl", b"1")
    assert list(bucket.walk("")) == []


def test_the_mark_of_a_folder_is_no_object(bucket: S3Lake) -> None:
    boto3.session.Session().client("s3").put_object(Bucket="bucket", Key="lake/processed/weekly/date=2026-11-09/")
    assert list(bucket.walk("processed/")) == []
    assert bucket.children("processed/weekly/date=2026-11-09/").objects == ()


def test_what_is_published_is_encrypted_with_the_given_key_and_what_may_identify_is_not(bucket: S3Lake) -> None:
    key = boto3.session.Session().client("kms").create_key()["KeyMetadata"]["Arn"]
    lake = replace(bucket, kms_key=key)
    with lake.create("_staging/a") as file:
        file.write(b"1")
    with lake.lock("run"):
        lake.publish("_staging/a", WEEKLY, None)
        lake.publish("_staging/a", "quarantine/rows/date=2026-11-10/part-00000.parquet", None)
    lake.put("_runs/a.json", b"{}")
    s3 = boto3.session.Session().client("s3")
    found = {
        o: s3.head_object(Bucket="bucket", Key=f"lake/{o}").get("SSEKMSKeyId") for o in contents(s3, "bucket", "lake/")
    }
    assert found == {
        WEEKLY: key,
        "_runs/a.json": key,
        "_staging/a": None,
        "quarantine/rows/date=2026-11-10/part-00000.parquet": None,
    }


def test_only_staged_objects_are_made_by_workers(bucket: S3Lake) -> None:
    with pytest.raises(LakeError, match="not a staged object; allowed: keys below _staging/"), bucket.create(WEEKLY):
        pass


def test_a_file_that_changes_while_it_is_read_is_no_mixture_of_two(
    bucket: S3Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qol.lake.s3_objects.TAIL_BYTES", 2)
    bucket.put(WEEKLY, b"0123456789")
    file = bucket.open_table(WEEKLY)
    bucket.put(WEEKLY, b"abcdefghij")
    with pytest.raises(LakeError, match="part-00000.parquet: changed while it was read; run again"):
        file.read()


def test_an_error_of_the_service_names_place_and_code_and_not_what_was_sent(bucket: S3Lake) -> None:
    with pytest.raises(RequestError) as caught:
        replace(bucket, bucket="no-such-bucket").put("raw/a.jsonl", b"taro")
    assert str(caught.value) == "s3://no-such-bucket/lake/raw/a.jsonl: the request failed with NoSuchBucket"


@pytest.mark.parametrize("kind", [RequestError, TransientError])
def test_an_error_of_the_service_travels_to_other_processes(kind: type[RequestError]) -> None:
    error = kind("s3://bucket/lake/a", "SlowDown")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.code) == (kind, str(error), "SlowDown")


def test_objects_that_were_not_deleted_at_once_are_deleted_by_another_request(
    bucket: S3Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("_staging/a", b"1")
    client = aws_client("s3", bucket.policy)
    failing = iter([{"Errors": [{"Key": "lake/_staging/a", "Code": "InternalError"}]}])
    delete = client.delete_objects
    monkeypatch.setattr(client, "delete_objects", lambda **what: next(failing, None) or delete(**what))
    assert bucket.sweep("_staging/") == 1
    assert bucket.stat("_staging/a") is None


@pytest.mark.parametrize(
    ("change", "is_same"),
    [({}, True), ({"AWS_REGION": "eu-west-1"}, False), ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, False)],
)
def test_a_client_is_kept_as_long_as_the_environment_leads_to_the_same_place(
    bucket: S3Lake, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], is_same: bool
) -> None:
    client = aws_client("s3", bucket.policy)
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    assert (aws_client("s3", bucket.policy) is client) is is_same


def test_a_forked_process_makes_a_client_of_its_own(bucket: S3Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    client = aws_client("s3", bucket.policy)
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert aws_client("s3", bucket.policy) is not client


def count_seconds(act: Callable[[], object]) -> float:
    started = time.monotonic()
    with pytest.raises(RequestError):
        act()
    return time.monotonic() - started


def test_a_service_that_does_not_listen_costs_its_attempts_once(
    bucket: S3Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        mock_aws().stop()
        asked: list[int] = []

        def no_delay(_: object, __: object) -> float:
            asked.append(1)
            return 0.0

        monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", no_delay)
        BREAKER.record_success()
        lake = replace(bucket, policy=RetryPolicy(attempts=5, connect_seconds=1.0))
        count_seconds(lambda: lake.read("raw/a.jsonl"))
        assert len(asked) == 4
        count_seconds(lambda: lake.read("raw/a.jsonl"))
        assert len(asked) == 4
        mock_aws().start()
    BREAKER.record_success()


@pytest.fixture
def catalog(bucket: S3Lake) -> Any:
    """A catalog with one deployed table."""
    glue = boto3.session.Session().client("glue")
    glue.create_database(DatabaseInput={"Name": "db_qol"})
    described = {
        "Columns": [{"Name": "user_id", "Type": "string", "Comment": "Pseudonym."}],
        "Location": "s3://bucket/lake/processed/weekly/",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    }
    table = {
        "Name": "weekly_metrics",
        "StorageDescriptor": described,
        "PartitionKeys": [{"Name": "date", "Type": "string"}],
    }
    glue.create_table(DatabaseName="db_qol", TableInput=table)
    return glue


def partitions(glue: Any) -> list[tuple[list[str], str, str]]:
    found = glue.get_partitions(DatabaseName="db_qol", TableName="weekly_metrics")["Partitions"]
    return [
        (p["Values"], p["StorageDescriptor"]["Location"], p["StorageDescriptor"]["Columns"][0]["Comment"])
        for p in found
    ]


def test_a_published_partition_is_registered_once_with_its_place_and_columns(bucket: S3Lake, catalog: Any) -> None:
    lake = replace(bucket, database="db_qol")
    for _ in range(2):
        lake.register("weekly_metrics", "2026-11-09", WEEKLY)
    assert partitions(catalog) == [(["2026-11-09"], "s3://bucket/lake/processed/weekly/date=2026-11-09/", "Pseudonym.")]


def test_a_partition_that_points_elsewhere_is_put_right(bucket: S3Lake, catalog: Any) -> None:
    elsewhere = {"Values": ["2026-11-09"], "StorageDescriptor": {"Location": "s3://old/", "Columns": []}}
    catalog.create_partition(DatabaseName="db_qol", TableName="weekly_metrics", PartitionInput=elsewhere)
    replace(bucket, database="db_qol").register("weekly_metrics", "2026-11-09", WEEKLY)
    assert [place for _, place, _ in partitions(catalog)] == ["s3://bucket/lake/processed/weekly/date=2026-11-09/"]


def test_a_table_that_was_not_deployed_is_named(bucket: S3Lake, catalog: Any) -> None:
    with pytest.raises(
        LakeError, match="table db_qol.records_garmin_hrv: not in the catalog; allowed: a deployed table"
    ):
        replace(bucket, database="db_qol").register("records_garmin_hrv", "2026-11-09", "processed/records/x/p")


def test_a_lake_without_a_database_registers_nothing(bucket: S3Lake, catalog: Any) -> None:
    bucket.register("weekly_metrics", "2026-11-09", WEEKLY)
    assert partitions(catalog) == []


@pytest.mark.parametrize("stored", [None, b"a"])
def test_a_change_is_made_to_what_another_writer_stored_meanwhile(bucket: S3Lake, stored: bytes | None) -> None:
    if stored is not None:
        bucket.put("quarantine/a", stored)
    read: list[bytes | None] = []

    def changed(data: bytes | None) -> bytes:
        read.append(data)
        if len(read) == 1:
            bucket.put("quarantine/a", b"other")
        return (data or b"") + b"+mine"

    bucket.update("quarantine/a", changed)
    assert (read, bucket.read("quarantine/a")) == ([stored, b"other"], b"other+mine")
