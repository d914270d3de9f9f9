"""A batch becomes one raw object of the token's person, and its receipt says what the job makes of it."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

from tests.serve.phones import BULK, Api, steps


def test_of_one_good_sample_one_without_uuid_and_one_of_1970_one_is_kept(api: Api) -> None:
    nameless = {name: value for name, value in steps(5, 2).items() if name != "uuid"}
    answer = api.post("v-anna", steps(100, 1), nameless, steps(7, 3, day="1970-01-01"))
    assert answer.status_code == 201
    receipt = answer.json()
    assert (receipt["items"], receipt["kept"], receipt["foreign_id"]) == (3, 1, 0)
    assert [(one["pointer"], one["reason"]) for one in receipt["rejected"]] == [
        ("/measurements/1", "missing_key"),
        ("/measurements/2", "no_time"),
    ]


def test_a_night_of_health_connect_is_in_the_day_so_far(api: Api) -> None:
    times = {"startTime": "2026-11-17T14:00:00Z", "endTime": "2026-11-17T22:00:00Z", "startZoneOffset": "+09:00"}
    stages = [{"startTime": "2026-11-17T14:30:00Z", "endTime": "2026-11-17T22:00:00Z", "stage": 4}]
    night = {"recordType": "SleepSession", **times, "stages": stages, "notes": "Slept well", "metadata": {"id": "hc-1"}}
    answer = api.post("v-anna", night)
    assert (answer.status_code, answer.json()["kept"], answer.json()["rejected"]) == (201, 1, [])
    found = api.summary("v-anna", period="day", so_far=True, fields="sleep_minutes,light_minutes").json()["so_far"]
    assert [(row["sleep_minutes"], row["light_minutes"]) for row in found] == [(450.0, 450.0)]


def test_the_same_bytes_again_are_answered_200_with_the_same_receipt_and_stored_once(api: Api) -> None:
    first, again = (api.post("v-anna", steps(100, 1)) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(api.raw) == 1


def test_identical_batches_at_once_are_one_object_and_one_of_them_is_new(api: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(lambda _: api.post("v-anna", steps(100, 1)).status_code, range(8)))
    assert codes == [200] * 7 + [201]
    assert len(api.raw) == 1


def test_the_person_is_that_of_the_token_whatever_the_batch_says(api: Api) -> None:
    answer = api.post("v-anna", steps(100, 1, user_id="v-ben"), steps(1, 2, user_id="v-anna"), user_id="P-ben")
    assert answer.json()["foreign_id"] == 2
    (key,) = api.raw
    assert key.split("/")[3:5] == ["date=2026-11-18", "P-anna"]
    stored = json.loads((api.lake / key).read_bytes())
    assert stored["user_id"] == "v-anna"
    assert all("user_id" not in item for item in stored["measurements"])


def test_who_is_in_the_map_under_other_sources_gets_an_entry_with_the_first_batch(api: Api) -> None:
    assert api.post("P-ben", steps(100, 1)).status_code == 201
    last = (api.lake / "user_map.jsonl").read_text().splitlines()[-1]
    assert json.loads(last) == {
        "source": "healthkit",
        "vendor_user_id": "P-ben",
        "user_id": "P-ben",
        "timezone": "Asia/Tokyo",
    }
    assert api.post("P-ben", steps(100, 2)).status_code == 201
    assert (api.lake / "user_map.jsonl").read_text().count("P-ben") == 3


def test_bodies_that_are_no_batch_are_refused_with_a_reason_and_nothing_is_stored(api: Api) -> None:
    good = json.dumps({"measurements": [steps(1, 1)]}).encode()
    bomb = gzip.compress(b"[" + b" " * 20_000_000 + b"]")
    cases = {
        b"no JSON": 400,
        b"\xff\xfe{": 400,
        b'{"measurements": [NaN]}': 400,
        b"[" * 100_000: 400,
        b"[]": 422,
        b'{"samples": []}': 422,
        b'{"measurements": {}}': 422,
        b" " * 5_000_001: 413,
    }
    headers = api.token("v-anna") | {"Content-Type": "application/json"}

    def code(body: bytes, **more: str) -> int:
        return int(api.client.post(BULK, content=body, headers=headers | more).status_code)

    assert {body: code(body) for body in cases} == cases
    assert code(bomb, **{"Content-Encoding": "gzip"}) == 413
    assert code(gzip.compress(good)[:-9], **{"Content-Encoding": "gzip"}) == 400
    assert code(good, **{"Content-Encoding": "br"}) == 415
    assert code(good, **{"Content-Type": "text/csv"}) == 415
    assert api.raw == []
    assert code(gzip.compress(good), **{"Content-Encoding": "gzip"}) == 201
