"""Garmin's pushes are stored by the API as by the receiver on AWS, long ones without being held in memory."""

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest

from qol.lake import LocalLake
from qol.webhooks.bodies import read_body
from tests.builders import KEY
from tests.serve.phones import NOON, Api

TOKEN, CLIENT = "t" * 24, {"garmin-client-id": "client"}
PATH = f"/v1/webhooks/garmin/{TOKEN}"


@pytest.fixture
def garmin(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setenv("QOL_PSEUDONYM_KEY", KEY.decode())
    secret = json.dumps({"tokens": [TOKEN], "client_ids": ["client"]})
    return Api.over(published, tmp_path / "lake", garmin_secret=secret)


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
