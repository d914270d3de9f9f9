"""Readings of devices reach the lake and its week; feeds give the latest value of each key, also while the lake is away."""

import json
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from qol.contracts.load import load_contracts
from qol.serve.api import create_app
from qol.serve.serve_options import ServeOptions
from qol.serve.service import open_service
from tests.builders import KEY, write_lines
from tests.serve.phones import NOON, Api

ROOM = '{"source": "sensor", "vendor_user_id": "room-1", "user_id": "P-anna", "from": "2026-11-01"}\n'
METRICS = "/v1/devices/room-1/metrics"
PRICE_FEED = Path(__file__).parents[2] / "examples/price_feed/schemas"


def test_readings_are_listed_the_latest_first_and_stored_once_for_the_job(api: Api) -> None:
    with (api.lake / "user_map.jsonl").open("a") as file:
        file.write(ROOM)
    writer, reader = api.key("devices:write"), api.key("devices:read")
    one = {"timestamp": 1_794_960_000, "temperature": 21.5, "humidity": 48.0, "status": "ok"}
    more = {"readings": [{"timestamp": 1_794_960_000 + 300 * n, "temperature": 20.0 + n} for n in range(1, 4)]}
    assert api.client.get(METRICS, headers=reader).status_code == 404
    assert api.client.post(METRICS, json=one, headers=writer).json() == {"readings": 1, "kept": 1}
    for _ in range(2):
        assert api.client.post(METRICS, json=more, headers=writer).status_code == 201
    first = api.client.get(METRICS, params={"limit": 3}, headers=reader).json()
    assert [reading["temperature"] for reading in first["items"]] == [23.0, 22.0, 21.0]
    rest = api.client.get(METRICS, params={"limit": 3, "cursor": first["next"]}, headers=reader).json()
    assert rest == {"items": [one], "next": None}
    lines = [
        line for file in (api.lake / "raw/sensor/readings").rglob("*.jsonl") for line in file.read_text().splitlines()
    ]
    assert sorted(json.loads(line)["timestamp"] for line in lines) == [1_794_960_000 + 300 * n for n in range(4)]
    assert {json.loads(line)["device_id"] for line in lines} == {"room-1"}


def test_readings_that_are_not_allowed_are_refused(api: Api) -> None:
    writer = api.key("devices:write")
    nothing: list[object] = []
    unknown = {"timestamp": 1_794_960_000, "x": 1}
    wrong: tuple[tuple[object, str], ...] = (
        ({"temperature": 1.0}, "/timestamp"), ({"timestamp": "1"}, "/timestamp"), ({"timestamp": 1}, "/timestamp"),
        ({"readings": nothing}, "/readings"), ({"readings": [{}]}, "/readings/0/timestamp"), (nothing, ""), (unknown, ""),
    )  # fmt: skip
    for body, pointer in wrong:
        answer = api.client.post(METRICS, json=body, headers=writer)
        assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (422, [pointer])
    assert api.client.get(METRICS, params={"cursor": "!"}, headers=api.key("devices:read")).status_code == 422
    assert (
        api.client.post("/v1/devices/a%20b/metrics", json={"timestamp": 1_794_960_000}, headers=writer).status_code
        == 422
    )


@pytest.fixture
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    """An API over a lake of prices, before anything was collected."""
    monkeypatch.setenv("QOL_PSEUDONYM_KEY", KEY.decode())
    (tmp_path / "lake").mkdir()
    contracts = load_contracts(PRICE_FEED)
    service = open_service(ServeOptions(str(tmp_path / "lake"), now=NOON), contracts)
    return Api(tmp_path / "lake", service, TestClient(create_app(service)))


def test_a_feed_is_503_before_it_was_fetched_then_fresh_then_stale_with_its_age(
    market: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, clock = market.key("feeds:read"), [1_794_970_000.0]
    monkeypatch.setattr("qol.serve.feeds.time.time", lambda: clock[0])
    assert market.client.get("/prices", headers=reader).status_code == 503
    quotes = [
        {"symbol": symbol, "price": price, "lastUpdated": f"2026-11-18T03:0{minute}:00+00:00"}
        for symbol, price, minute in (("ABC", 1.25, 0), ("BTC", 2, 0), ("ABC", 1.5, 1), ("NOT", 3, 1))
    ]
    write_lines(market.lake, "2026-11-18", quotes, folder="raw/market/prices")
    found = market.client.get("/prices", headers=reader)
    assert found.json()["stale"] is False
    assert [(one["key"], one["price_usd"][:4]) for one in found.json()["data"]] == [("ABC", "1.50"), ("BTC", "2.00")]
    assert found.headers["Cache-Control"] == "private, max-age=300"
    one = market.client.get("/v1/feeds/market/prices/BTC", headers=reader).json()
    assert [row["key"] for row in one["data"]] == ["BTC"]
    assert market.client.get("/prices/ABC", headers=reader).json()["data"] == [found.json()["data"][0]]
    assert len(market.client.get("/prices?symbols=ABC,NOPE", headers=reader).json()["data"]) == 1
    for path in ("/prices/NOPE", "/v1/feeds/market/other", "/v1/feeds/garmin/dailies"):
        assert market.client.get(path, headers=reader).status_code == 404
    clock[0] += 301  # the vendor is away: the lake can be read, and has nothing new
    old = market.client.get("/prices", headers=reader)
    assert (old.json()["stale"], old.headers["Age"], old.headers["Cache-Control"]) == (
        True,
        "301",
        "private, max-age=0",
    )
    write_lines(market.lake, "2026-11-18", quotes, name="next.jsonl", folder="raw/market/prices")
    assert market.client.get("/prices", headers=reader).json()["stale"] is True
    clock[0] += 31
    assert market.client.get("/prices", headers=reader).json()["stale"] is False
    shutil.rmtree(market.lake / "raw")
    clock[0] += 301
    away = market.client.get("/prices", headers=reader)
    assert (away.json()["stale"], away.headers["Age"], len(away.json()["data"])) == (True, "301", 2)


def test_a_week_far_from_the_weeks_before_is_told_with_how_far() -> None:
    from qol.serve.anomalies import judge

    before = [7000.0, 7200.0, 6800.0, 7100.0, 6900.0, None]
    assert judge("steps_mean", 3000.0, before) == {
        "metric": "steps_mean",
        "value": 3000.0,
        "median": 7000.0,
        "weeks": 5,
        "z": -26.98,
    }
    assert judge("steps_mean", 3000.0, before[1:]) is None
    assert judge("steps_mean", 3000.0, [7000.0] * 8) is None
    assert judge("steps_mean", None, before) is None


def test_anomalies_of_who_has_one_week_are_none_and_say_what_was_not_judged(api: Api) -> None:
    found = api.client.get("/v1/measurements/anomalies?fields=steps_mean", headers=api.token("v-anna")).json()
    assert (found["anomalies"], found["not_judged"], found["from"]) == ([], ["steps_mean"], "2026-11-09")


def test_a_flag_is_on_for_its_share_of_people_who_keep_it() -> None:
    from qol.serve.flags import Flags
    from qol.serve.serve_file import Flag

    flags = Flags({"half": Flag(percent=50), "off": Flag(on=False), "on": Flag()}, KEY)
    share = [flags.is_on("half", f"P{n}") for n in range(1000)]
    assert 450 < sum(share) < 550
    assert share == [flags.is_on("half", f"P{n}") for n in range(1000)]
    assert [flags.is_on(name, "P1") for name in ("off", "on", "unknown")] == [False, True, False]
