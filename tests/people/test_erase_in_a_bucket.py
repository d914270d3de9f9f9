"""An erasure in a bucket that keeps versions: no version of any object has the person any more."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from qol.identity.dynamodb_user_map import read_user_table
from qol.identity.user_map import read_user_map
from qol.lake.base import LOCK_KEY
from qol.lake.s3 import S3Lake
from qol.people.erase import Erasure
from qol.people.person import read_people
from tests.builders import CONTRACTS, KEY, run_lake
from tests.edges import ENVIRONMENT, QUICK, REGION, SHORT, contents, download, every_version, make_bucket, upload
from tests.people.erasing import LATER, erase, erasure, lake_of_three, people_of, rows, traces
from tests.run.faulty_lake import Killed

pytestmark = pytest.mark.usefixtures("no_gate")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield make_bucket("people", keeps_versions=True)


def test_an_erasure_removes_the_versions_that_have_the_person_and_keeps_those_that_do_not(
    client: Any, tmp_path: Path
) -> None:
    folder, user_map = lake_of_three(tmp_path), tmp_path / "map.jsonl"
    before = rows(folder)
    upload(client, "people", folder)
    lake = S3Lake("people", policy=QUICK, lease_times=SHORT)
    for body in (
        b'{"userId": "v-ben"}\n',
        b'{"userId": "v-anna", "x": "CANARY-anna"}\n',
        b'{"userId": "v-ben", "steps": 1}\n',
    ):
        client.put_object(Bucket="people", Key="raw/daily/date=2026-11-17/c.jsonl", Body=body)
    run_lake(lake, user_map=read_user_map(user_map))
    assert len(traces(every_version(client, "people"))) > 20
    certificate = erase(lake, user_map)
    assert (certificate.is_clean, certificate.removed["old versions"] > 5) == (True, True)
    assert traces(every_version(client, "people")) == []
    kept = [key for key in every_version(client, "people") if "/c.jsonl" in key]
    assert len(kept) == 2
    target = tmp_path / "after"
    download(client, "people", target)
    assert rows(target) == before
    assert erasure(lake, user_map).find().is_clean
    assert people_of(lake, user_map).given.entries[1][2].startswith("erased-")
    late = "raw/daily/date=2026-11-17/v-anna.jsonl"
    client.put_object(Bucket="people", Key=late, Body=b'{"userId": "v-anna", "x": "CANARY-anna"}\n')
    assert run_lake(lake, user_map=read_user_map(user_map)).totals["erased"] == 1
    assert traces(every_version(client, "people")) == []


def test_items_of_the_user_maps_table_are_replaced_by_items_that_name_nobody(client: Any, tmp_path: Path) -> None:
    lake = S3Lake("people", policy=QUICK, lease_times=SHORT)
    table = boto3.client("dynamodb", region_name=REGION)
    table.create_table(
        TableName="map", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "garmin_user_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "garmin_user_id", "AttributeType": "S"}],
    )  # fmt: skip
    for who in ("anna", "ben"):
        item = {
            "garmin_user_id": f"v-{who}",
            "user_id": f"P-{who}",
            "registered_at": "2026-11-01T00:00:00Z",
            "status": "active",
        }
        table.put_item(TableName="map", Item={name: {"S": value} for name, value in item.items()})
    upload(client, "people", lake_of_three(tmp_path), "")
    for key in contents(client, "people", "_locks/"):
        client.delete_object(Bucket="people", Key=f"_locks/{key}")
    read = partial(read_user_table, "map")
    run_lake(lake, user_map=read)
    people = read_people(lake, CONTRACTS, KEY, read)
    certificate = Erasure(lake, people, people.person("garmin:v-anna"), "Asia/Tokyo", LATER, "dynamodb:map").run()
    assert (certificate.removed["user map entries"], certificate.is_clean) == (1, True)
    assert "anna" not in repr(table.scan(TableName="map")["Items"])
    assert run_lake(lake, user_map=read).status in ("published", "nothing_to_do")
    assert traces(every_version(client, "people")) == []


MUTATIONS = ("put_any", "delete", "delete_version", "sweep")


def dying(monkeypatch: pytest.MonkeyPatch, dies_at: int) -> list[str]:
    """Let the bucket take that many mutating requests, those for the lock aside, and then none; the requests it took."""
    taken: list[str] = []

    def limited(name: str) -> Any:
        real = getattr(S3Lake, name)

        def mutate(lake: S3Lake, key: str, *more: Any, **options: Any) -> Any:
            if key == LOCK_KEY:
                return real(lake, key, *more, **options)
            if len(taken) >= dies_at:
                raise Killed
            taken.append(key)
            return real(lake, key, *more, **options)

        return mutate

    for name in MUTATIONS:
        monkeypatch.setattr(S3Lake, name, limited(name))
    return taken


@pytest.mark.parametrize("dies_at", [2, *(pytest.param(n, marks=pytest.mark.acceptance) for n in range(5, 50, 4)), 24])
def test_an_erasure_in_a_bucket_that_dies_is_finished_by_the_same_command(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    folder, user_map = lake_of_three(tmp_path), tmp_path / "map.jsonl"
    before = rows(folder)
    upload(client, "people", folder)
    lake = S3Lake("people", policy=QUICK, lease_times=SHORT)
    run_lake(lake, user_map=read_user_map(user_map))
    with monkeypatch.context() as patch:
        taken = dying(patch, dies_at)
        with pytest.raises(Killed):
            erase(lake, user_map)
    assert len(taken) == dies_at
    assert erase(lake, user_map).is_clean
    assert traces(every_version(client, "people")) == []
    download(client, "people", tmp_path / "after")
    assert rows(tmp_path / "after") == before
