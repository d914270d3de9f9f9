"""Garmin's pushes are stored by the API as by the receiver on AWS, long ones without being held in memory."""

import gzip
import json
import tracemalloc
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from qol.identity.erasures import Tombstone, write_tombstone
from qol.lake import LocalLake
from qol.webhooks.bodies import read_body
from tests.builders import KEY
from tests.edges import ENVIRONMENT
from tests.serve.phones import NOON, Api

TOKEN, CLIENT = "t" * 24, {"garmin-client-id": "client"}
PATH = f"/v1/webhooks/garmin/{TOKEN}"


SECRET = json.dumps({"tokens": [TOKEN], "client_ids": ["client"]})


@pytest.fixture
def garmin(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setenv("QOL_PSEUDONYM_KEY", KEY.decode())
    return Api.over(published, tmp_path / "lake", garmin_secret=SECRET)


def stored(api: Api, prefix: str = "raw/daily/date=2026-11-18/") -> list[bytes]:
    lake = LocalLake(api.lake)
    return [lake.read(one.key) for one in lake.walk(prefix)]


def test_a_body_is_stored_as_the_receiver_on_aws_stores_it_and_only_for_garmin(garmin: Api) -> None:
    body = b'{"dailies": [{"userId": "u1", "userAccessToken": "x", "steps": 1.10}]}'
    expected = read_body(body, NOON)
    assert expected is not None
    for _ in range(2):
        assert garmin.client.post(PATH, content=body, headers=CLIENT).status_code == 200
    assert stored(garmin) == [expected.line]
    assert garmin.client.post(PATH, content=b"no JSON", headers=CLIENT).status_code == 200
    assert stored(garmin, "quarantine/bodies/") == [b"no JSON"]
    for path, headers in ((PATH, {}), (PATH + "x", CLIENT), ("/v1/webhooks/garmin/x", {})):
        assert garmin.client.post(path, content=body, headers=headers).status_code == 404


def control(name: str, vendor: str, **message: object) -> bytes:
    return json.dumps({name: [{"userId": vendor, **message}]}).encode()


def test_a_table_gets_users_and_withdrawals_before_a_body_is_stored_as_from_the_receiver_on_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (ENVIRONMENT | {"QOL_PSEUDONYM_KEY": KEY.decode()}).items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        table, key = boto3.client("dynamodb"), "garmin_user_id"
        table.create_table(
            TableName="people", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        )  # fmt: skip
        rest = {"status": {"S": "active"}, "registered_at": {"S": "2026-10-01T00:00:00.000000Z"}}
        for vendor in ("g-anna", "g-ben"):
            user = {"user_id": {"S": f"P-{vendor}"}, "assigned_at": rest["registered_at"]}
            table.put_item(TableName="people", Item={key: {"S": vendor}, **user, **rest})
        api = Api.of(tmp_path, garmin_secret=SECRET, user_map="dynamodb:people")
        erased = api.service.participants.identities.erasure_hash("garmin", "u-erased")
        write_tombstone(api.service.lake, Tombstone(erased, "2026-11-18T00:00:00Z", ids=[erased]))
        push = b'{"dailies": [{"userId": "u1"}, {"userId": "u-erased"}]}'
        for body in (push, control("deregistrations", "g-ben"), control("deregistrations", "u-erased"),
                     control("userPermissionsChange", "g-anna", permissions=["HEALTH_EXPORT"])):  # fmt: skip
            assert api.client.post(PATH, content=body, headers=CLIENT).status_code == 200
        found = {item[key]["S"]: item for item in table.scan(TableName="people")["Items"]}
        now = "2026-11-18T03:05:00.000000Z"
        new = {"status": "active", "registered_at": now, "last_change_at": now}
        assert found["u1"] == {name: {"S": value} for name, value in {key: "u1", **new}.items()}
        assert (found["g-ben"]["status"], found["g-ben"]["deregistered_at"]) == ({"S": "deregistered"}, {"S": now})
        assert found["g-anna"]["permissions"] == {"SS": ["HEALTH_EXPORT"]}
        assert found.keys() == {"g-anna", "g-ben", "u1"}
        before = len(stored(api))
        table.delete_table(TableName="people")
        answer = api.client.post(PATH, content=control("deregistrations", "g-anna"), headers=CLIENT)
        assert (answer.status_code, len(stored(api))) == (503, before)


def test_a_file_gets_withdrawals_alone_and_an_account_without_a_line_one_with_its_keyed_hash(garmin: Api) -> None:
    path = garmin.lake / "user_map.jsonl"
    anna, at = path.read_text().splitlines()[1], {"changeTimeInSeconds": 1_794_960_000}
    erased = garmin.service.participants.identities.erasure_hash("garmin", "u-erased")
    write_tombstone(garmin.service.lake, Tombstone(erased, "2026-11-18T00:00:00Z", ids=[erased]))

    def line_after(number: int, *bodies: bytes, status: int = 200) -> object:
        for body in bodies:
            assert garmin.client.post(PATH, content=body, headers=CLIENT).status_code == status
        return json.loads(path.read_text().splitlines()[number])

    mine = json.loads(anna)
    permits = control("userPermissionsChange", "g-anna", permissions=["HEALTH_EXPORT"], **at)
    older = control("userPermissionsChange", "g-anna", permissions=["MCT_EXPORT"], changeTimeInSeconds=1_794_900_000)
    left, now = control("deregistrations", "g-anna"), "2026-11-18T03:05:00.000000Z"
    assert line_after(1, b'{"dailies": [{"userId": "u1"}]}', control("deregistrations", "u-erased")) == mine
    partly = {"withdrawn_at": "2026-11-18T00:00:00.000000Z", "permissions": ["HEALTH_EXPORT"]}
    assert line_after(1, permits, older) == mine | partly
    with garmin.service.lake.lock("a run"):
        assert line_after(1, left, status=503) == mine | partly
    assert line_after(1, left, permits) == mine | {"withdrawn_at": now}
    by_hand = json.loads(path.read_text().splitlines()[2]) | {"withdrawn_at": "2026-11-01T09:00:00+09:00"}
    path.write_text("\n".join([*path.read_text().splitlines()[:2], json.dumps(by_hand)]))
    assert line_after(2, control("deregistrations", "g-ben")) == by_hand
    user_id = garmin.service.participants.identities.user_hash("garmin", "u1")
    new = {"source": "garmin", "vendor_user_id": "u1", "user_id": user_id, "withdrawn_at": now}
    assert line_after(-1, control("deregistrations", "u1")) == new
    assert len(path.read_text().splitlines()) == 4
    assert garmin.service.participants.identities.withdrawn.keys() == {
        ("garmin", one) for one in ("g-anna", "g-ben", "u1")
    }


def test_a_body_of_many_lines_is_never_whole_in_memory(garmin: Api) -> None:
    day = json.dumps({"userId": "u1", "summaryId": "s", "filler": "x" * 100_000}).encode()
    packed = gzip.compress(b'{"dailies": [' + b",".join([day] * 300) + b"]}")
    tracemalloc.start()
    assert garmin.client.post(PATH, content=packed, headers=CLIENT).status_code == 200
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    (data,) = stored(garmin)
    lines = [json.loads(line)["dailies"] for line in data.splitlines()]
    assert (sum(map(len, lines)), len(lines) > 10) == (300, True)
    assert max(map(len, data.splitlines())) < 2**21
    assert peak < 0.6 * len(data)
