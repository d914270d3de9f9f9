"""`--command erase` in an account: a request in the bucket, or a deregistration, ends as an erasure with one manifest."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from awsglue.utils import getResolvedOptions
from moto import mock_aws

from qol.cli.manifest_report import _facts
from qol.contracts.retention import Retention
from qol.glue.glue_job import JobFailedError, run_glue_job
from qol.identity.dynamodb_user_map import read_user_table
from qol.identity.pseudonyms import Identities
from qol.lake.s3 import S3Lake
from qol.tables.manifest import Manifest
from tests.builders import CONTRACTS, KEY, run_lake
from tests.collect.conftest import write_tokens
from tests.edges import ENVIRONMENT, QUICK, REGION, contents, every_version, make_bucket, upload
from tests.glue.conftest import NOW
from tests.people.erasing import lake_of_three, traces

pytestmark = pytest.mark.usefixtures("no_gate")
REQUEST = "_erasures/requests/1.json"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A bucket with versions that holds the lake of three after a run with the table's map, in which Cleo deregistered."""
    for name, value in {**ENVIRONMENT, "QOL_PSEUDONYM_KEY": KEY.decode()}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("qol.glue.glue_job.load_contracts", lambda: CONTRACTS)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with mock_aws():
        s3 = make_bucket("people", keeps_versions=True)
        table = boto3.client("dynamodb", region_name=REGION)
        table.create_table(
            TableName="map", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "garmin_user_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "garmin_user_id", "AttributeType": "S"}],
        )  # fmt: skip
        for who, status in (("anna", "active"), ("ben", "active"), ("cleo", "deregistered")):
            item = {"garmin_user_id": f"v-{who}", "user_id": f"P-{who}", "registered_at": "2026-11-01T00:00:00Z"}
            item |= {"status": status, "last_change_at": "2026-11-18T12:00:00Z"}
            table.put_item(TableName="map", Item={name: {"S": value} for name, value in item.items()})
        upload(s3, "people", lake_of_three(tmp_path))
        for key in contents(s3, "people", "_locks/"):
            s3.delete_object(Bucket="people", Key=f"_locks/{key}")
        run_lake(S3Lake("people", policy=QUICK), user_map=partial(read_user_table, "map"))
        yield s3


def erase(*words: str) -> None:
    now = () if "--now" in words else ("--now", "2026-11-19T00:00:00Z")
    own = ("--lake", "s3://people", "--user-map", "dynamodb:map", *now)
    glue = ("--JOB_NAME", "qol-eraser", "--JOB_RUN_ID", "jr_e", "--command", "erase")
    run_glue_job(["weekly_etl.py", *glue, *own, *words], getResolvedOptions, lambda: NOW)


def manifest(s3: Any) -> dict[str, Any]:
    """That of the last erasure job."""
    [*_, last] = [data for key, data in sorted(contents(s3, "people", "_runs/").items()) if "-erase-" in key]
    found: dict[str, Any] = json.loads(last)
    return found


def test_a_request_is_carried_out_and_leaves_no_trace_of_the_person_nor_of_itself(
    s3: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    s3.put_object(Bucket="people", Key=REQUEST, Body=b'{"ids": ["garmin:v-anna"], "asked_by": "participant"}')
    erase()
    found = manifest(s3)
    assert (found["trigger"], found["status"], found["job_run_id"]) == ("erase", "published", "jr_e")
    assert (found["erasures"], found["not_removed"]) == ({"requested": 1, "ended": 1, "unknown": 0}, 0)
    assert found["removed"]["user map entries"] == 1
    assert ("users ended", 1) in _facts(msgspec.convert(found, Manifest))
    versions = every_version(s3, "people")
    assert traces(versions) == []
    assert [key for key in versions if "requests" in key] == []
    table = boto3.client("dynamodb", region_name=REGION)
    assert sorted("cleo" in repr(item) for item in table.scan(TableName="map")["Items"]) == [False, False, True]
    assert (
        Identities(KEY, {}).erasure_hash("garmin", "v-anna").encode()
        in contents(s3, "people", "_receiver/")["erased.json"]
    )
    assert "anna" not in "".join(capfd.readouterr())
    erase()
    assert manifest(s3)["erasures"] == {"requested": 0, "ended": 0, "unknown": 0}


def test_the_tokens_of_who_is_erased_go_too(s3: Any, tmp_path: Path) -> None:
    tokens = write_tokens(tmp_path / "tokens", "v-anna", "v-ben")
    item = {"garmin_user_id": "oura:v-anna", "user_id": "P-anna", "registered_at": "2026-11-01T00:00:00Z"}
    boto3.client("dynamodb", region_name=REGION).put_item(
        TableName="map", Item={name: {"S": value} for name, value in item.items()}
    )
    s3.put_object(Bucket="people", Key=REQUEST, Body=b'{"ids": ["P-anna"], "asked_by": "participant"}')
    erase("--tokens", str(tokens))
    assert manifest(s3)["removed"]["tokens"] == 1
    assert [json.loads(line)["user_id"] for line in tokens.read_text().splitlines()] == ["v-ben"]


def test_a_deregistration_erases_only_where_that_is_asked(s3: Any) -> None:
    erase("--on-deregistration", "keep")
    assert manifest(s3)["erasures"]["requested"] == 0
    erase("--on-deregistration", "erase")
    assert manifest(s3)["erasures"] == {"requested": 1, "ended": 1, "unknown": 0}
    assert not any(b"cleo" in data for data in every_version(s3, "people").values())
    [tombstone] = [data for key, data in contents(s3, "people", "_erasures/").items() if key.endswith(".json")]
    assert json.loads(tombstone)["asked_by"] == "deregistration"
    erase("--on-deregistration", "erase")
    assert manifest(s3)["status"] == "nothing_to_do"


def test_a_request_of_an_unknown_user_stays_and_the_others_are_carried_out(s3: Any) -> None:
    for name, body in (("1", b'{"ids": ["P-ana"]}'), ("2", b"P-ben"), ("3", b'{"ids": ["P-anna"]}')):
        s3.put_object(Bucket="people", Key=f"_erasures/requests/{name}.json", Body=body)
    with pytest.raises(JobFailedError, match=r"exit code 2 .*: _erasures/requests/: 2 requests cannot be read"):
        erase()
    assert manifest(s3)["erasures"] == {"requested": 2, "ended": 1, "unknown": 2}
    assert sorted(contents(s3, "people", "_erasures/requests/")) == ["1.json", "2.json"]
    assert traces(every_version(s3, "people")) == []


def test_entries_of_people_who_left_longer_ago_than_is_kept_have_no_id_and_their_rows_stay(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = replace(CONTRACTS, retention=Retention(map_entries=35))
    monkeypatch.setattr("qol.glue.glue_job.load_contracts", lambda: kept)
    before = contents(s3, "people", "processed/")
    erase("--now", "2026-12-31T00:00:00Z")
    found = manifest(s3)
    assert (found["removed"]["map_entries"], found["erasures"]["requested"]) == (1, 0)
    table = boto3.client("dynamodb", region_name=REGION)
    assert not any("cleo" in repr(item) for item in table.scan(TableName="map")["Items"])
    assert contents(s3, "people", "processed/") == before
    assert (
        Identities(KEY, {}).erasure_hash("garmin", "v-cleo").encode()
        in contents(s3, "people", "_receiver/")["erased.json"]
    )
