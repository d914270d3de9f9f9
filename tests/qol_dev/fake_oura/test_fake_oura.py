"""The fake vendor answers as Oura does, with every way to refuse; over an in-process transport."""

import hashlib
import hmac
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient

from qol.errors import UsageError
from qol_dev.fake_oura import SCENARIOS, FakeOura, RingDocuments, Scenario, running
from qol_dev.fake_oura.__main__ import _scenario
from qol_dev.fake_oura.vendor_app import CLIENT_ID, CLIENT_SECRET
from qol_dev.sample import SampleOptions

NOW = datetime(2026, 11, 12, tzinfo=UTC)
MADE = datetime(2026, 11, 1, tzinfo=UTC)
CLIENT = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
RECORDS = ("daily_activity", "daily_sleep", "daily_spo2", "heartrate", "ring_configuration", "workout")


def rings() -> RingDocuments:
    """Two people: three days of two record types, a workout late in the evening of New York, 2,500 heart rates."""
    documents = RingDocuments(RECORDS)
    for person in ("ann", "bob"):
        for day in ("2026-11-09", "2026-11-10", "2026-11-11"):
            for record in ("daily_sleep", "daily_activity", "daily_spo2"):
                documents.put(
                    person, record, {"id": f"{record} {day}", "day": day, "user_id": person, "meta": {}}, MADE
                )
        documents.put(person, "ring_configuration", {"id": "ring"}, MADE)
    walk = {"id": "walk", "day": "2026-11-09", "start_datetime": "2026-11-09T20:00:00-05:00"}
    documents.put("ann", "workout", walk, MADE)
    for minute in range(2_500):
        at = datetime(2026, 11, 10, tzinfo=UTC) + timedelta(minutes=minute)
        documents.put("ann", "heartrate", {"timestamp": at.isoformat(), "source": "rest", "bpm": 60}, MADE)
    return documents


class Asked:
    """The vendor with a clock, and a person who asks it."""

    def __init__(self, scenario: Scenario | None = None, **settings: Any) -> None:
        self.now = NOW
        self.vendor = FakeOura(rings(), {"ann": scenario} if scenario else {}, clock=lambda: self.now, **settings)
        self.client = TestClient(self.vendor.app, follow_redirects=False)
        self.issued = self.vendor.tokens.issue("ann", NOW)

    def get(self, record: str, token: str = "", **query: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token or self.issued['access_token']}"}
        return self.client.get(f"/v2/usercollection/{record}", params=query, headers=headers)

    def ids(self, record: str, first: str, end: str) -> list[str]:
        return [document["id"][-10:] for document in self.get(record, start_date=first, end_date=end).json()["data"]]


def test_an_end_is_in_or_out_as_the_record_type_has_it_and_a_workout_has_its_utc_day() -> None:
    asked = Asked()
    assert asked.ids("daily_sleep", "2026-11-09", "2026-11-10") == ["2026-11-09", "2026-11-10"]
    assert asked.ids("daily_activity", "2026-11-09", "2026-11-10") == ["2026-11-09"]
    assert asked.ids("workout", "2026-11-09", "2026-11-10") == []
    assert asked.ids("workout", "2026-11-10", "2026-11-11") == ["walk"]
    assert asked.ids("ring_configuration", "2020-01-01", "2020-01-01") == ["ring"]
    assert asked.get("daily_sleep", start_date="2026-11-11", end_date="2026-11-09").status_code == 400
    assert asked.get("daily_sleep", start_date="yesterday").status_code == 400


def test_heart_rates_come_by_instants_in_pages_of_1000() -> None:
    asked = Asked()
    window = {"start_datetime": "2026-11-10T00:01:00Z", "end_datetime": "2026-11-11T17:00:00+00:00"}
    sizes: list[int] = []
    found: list[str] = []
    more: dict[str, str] = {}
    while len(sizes) < 9:
        page = asked.get("heartrate", **window, **more).json()
        sizes.append(len(page["data"]))
        found += [row["timestamp"] for row in page["data"]]
        if page["next_token"] is None:
            break
        more = {"next_token": page["next_token"]}
    assert (sizes, len(set(found))) == ([1000, 1000, 459], 2459)
    assert (found[0], found[-1]) == ("2026-11-10T00:01:00+00:00", "2026-11-11T16:59:00+00:00")
    assert asked.get("heartrate", next_token="guessed").status_code == 400


def test_a_document_has_neither_a_person_nor_an_update_stamp() -> None:
    asked = Asked()
    one = asked.get("daily_sleep/daily_sleep 2026-11-10")
    assert (one.status_code, one.json()) == (200, {"id": "daily_sleep 2026-11-10", "day": "2026-11-10"})
    assert asked.get("daily_sleep/another").status_code == 404
    assert asked.get("heartrate/any").status_code == 404
    assert asked.get("personal_info").json()["id"] == "ann"
    assert asked.get("meal").status_code == 404


@pytest.mark.parametrize(
    ("name", "status", "begins", "again"),
    [
        ("html", 200, "<html>", 200),
        ("cut", 200, '{"data":[{"id":', 200),
        ("no_list", 200, '{"data":{"id"', 200),
        ("error", 503, '{"status":503', 200),
        ("limited", 429, '{"status":429', 200),
        ("limited_silently", 429, '{"status":429', 200),
        ("postponed", 429, '{"status":429', 429),
        ("down", 503, '{"status":503', 503),
        ("lapsed", 403, '{"status":403', 403),
        ("no_spo2", 401, '{"detail":"Token is not authorized access spo2 scope."}', 401),
        ("broken_second_page", 200, '{"data":[{"id":"daily_spo2 2026-11-11"', 200),
    ],
)
def test_only_the_person_of_a_scenario_is_refused(name: str, status: int, begins: str, again: int) -> None:
    asked = Asked(SCENARIOS[name])
    first = asked.get("daily_spo2", start_date="2026-11-11")
    assert (first.status_code, first.text[: len(begins)]) == (status, begins)
    assert asked.get("daily_spo2", start_date="2026-11-11").status_code == again
    bob = asked.vendor.tokens.issue("bob", NOW)["access_token"]
    assert len(asked.get("daily_spo2", bob, start_date="2026-11-11").json()["data"]) == 1
    waits = {"limited": "1", "postponed": "86400"}
    assert first.headers.get("retry-after") == waits.get(name)


def test_pages_can_be_cut_empty_or_endless() -> None:
    window = {"start_datetime": "2026-11-10T00:00:00Z", "end_datetime": "2026-11-12T00:00:00Z"}
    cut = Asked(SCENARIOS["broken_second_page"])
    token = cut.get("heartrate", **window).json()["next_token"]
    assert not cut.get("heartrate", next_token=token).text.endswith("}")
    empty = Asked(SCENARIOS["empty_page"])
    first = empty.get("heartrate", **window).json()
    assert (first["data"], len(empty.get("heartrate", next_token=first["next_token"]).json()["data"])) == ([], 1000)
    endless = Asked(SCENARIOS["repeating_token"])
    token = endless.get("heartrate", **window).json()["next_token"]
    assert endless.get("heartrate", next_token=token).json()["next_token"] == token


def test_a_refresh_token_works_once_and_ends_the_access_token_before_it() -> None:
    asked = Asked()
    refresh = {"grant_type": "refresh_token", "refresh_token": asked.issued["refresh_token"], **CLIENT}
    issued = asked.client.post("/oauth/token", data=refresh)
    assert (issued.status_code, issued.json()["expires_in"]) == (200, 86_400)
    again = asked.client.post("/oauth/token", data=refresh)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})
    assert asked.vendor.tokens.refreshed == {"ann": 1}
    assert asked.get("daily_sleep").status_code == 401
    assert asked.get("daily_sleep", issued.json()["access_token"]).status_code == 200
    asked.now += timedelta(hours=24)
    assert asked.get("daily_sleep", issued.json()["access_token"]).status_code == 401
    assert asked.client.post("/oauth/token", data=refresh | {"client_secret": "guessed"}).status_code == 401


def test_a_person_agrees_and_the_code_is_worth_tokens_once() -> None:
    asked = Asked()
    query = {"client_id": CLIENT_ID, "response_type": "code", "redirect_uri": "http://127.0.0.1:1/back", "state": "s1"}
    agreed = asked.client.get("/oauth/authorize", params=query)
    answer = parse_qs(urlsplit(agreed.headers["location"]).query)
    assert (agreed.status_code, answer["state"]) == (302, ["s1"])
    exchange = {"grant_type": "authorization_code", "code": answer["code"][0], **CLIENT}
    access = asked.client.post("/oauth/token", data=exchange).json()["access_token"]
    assert asked.get("personal_info", access).json()["id"] == "ann"
    assert asked.client.post("/oauth/token", data=exchange).status_code == 400


def test_the_file_of_tokens_is_private_and_hides_which_have_expired(tmp_path: Path) -> None:
    asked = Asked(SCENARIOS["revoked"])
    asked.vendor.write_tokens(file := tmp_path / "tokens.jsonl")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    ann, bob = (json.loads(line) for line in file.read_text().splitlines())
    assert (ann["user_id"], ann["expires_at"]) == ("ann", "2026-11-13T00:00:00+00:00")
    assert asked.get("daily_sleep", ann["access_token"]).status_code == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": ann["refresh_token"], **CLIENT}
    assert asked.client.post("/oauth/token", data=refresh).json() == {"error": "invalid_grant"}
    assert asked.get("daily_sleep", bob["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("settings", "tier"), [({"token_limit": 2}, "access-token"), ({"application_limit": 2}, "application")]
)
def test_two_layers_of_limits_say_how_long_to_wait(settings: dict[str, Any], tier: str) -> None:
    asked = Asked(**settings)
    assert [asked.get("daily_sleep").status_code for _ in range(3)] == [200, 200, 429]
    asked.now += timedelta(seconds=100)
    refused = asked.get("daily_sleep").headers
    assert (refused["retry-after"], refused["x-ratelimit-tier"]) == ("200", tier)
    assert (refused["x-ratelimit-limit"], refused["x-ratelimit-window"]) == ("2", "300")
    assert refused["x-ratelimit-reset"] == str(round((NOW + timedelta(minutes=5)).timestamp()))
    bob = asked.vendor.tokens.issue("bob", NOW)["access_token"]
    assert asked.get("daily_sleep", bob).status_code == (200 if tier == "access-token" else 429)
    asked.now += timedelta(seconds=200)
    assert asked.get("daily_sleep").status_code == 200


def test_a_document_is_the_newest_version_until_it_is_deleted() -> None:
    asked = Asked()
    edited = {"id": "daily_sleep 2026-11-11", "day": "2026-11-11", "score": 80}
    asked.vendor.documents.put("ann", "daily_sleep", edited, NOW + timedelta(hours=1))
    assert "score" not in asked.get("daily_sleep").json()["data"][-1]
    asked.now += timedelta(hours=1)
    assert asked.get("daily_sleep").json()["data"][-1]["score"] == 80
    asked.vendor.documents.deleted["daily_sleep 2026-11-11"] = asked.now
    assert asked.ids("daily_sleep", "2026-11-10", "2026-11-12") == ["2026-11-10"]


def test_an_announcement_is_signed_over_its_time_and_body() -> None:
    body, headers = Asked().vendor.announcement("ann", "vO2_max", "a")
    message = {"event_type": "update", "data_type": "vo2_max", "object_id": "a"}
    assert json.loads(body) == message | {"event_time": "2026-11-12T00:00:00+00:00", "user_id": "ann"}
    signed = hmac.new(CLIENT_SECRET.encode(), b"1794441600" + body, hashlib.sha256).hexdigest().upper()
    assert headers == {"x-oura-signature": signed, "x-oura-timestamp": "1794441600"}


def test_prices_move_every_five_minutes_with_all_their_digits_unless_the_feed_is_down() -> None:
    asked = Asked()
    first = asked.client.get("/coins/markets").text
    asked.now += timedelta(minutes=4, seconds=59)
    assert asked.client.get("/coins/markets").text == first
    asked.now += timedelta(seconds=1)
    later = asked.client.get("/coins/markets")
    assert [quote["last_updated"] for quote in later.json()] == ["2026-11-12T00:05:00Z"] * 3
    assert '"symbol":"shib","name":"SHIB","current_price":0.0000000123' in later.text
    asked.vendor.prices_down = True
    assert asked.client.get("/coins/markets").status_code == 503


def test_the_documents_of_a_sample_are_served_on_a_port_of_this_machine() -> None:
    documents = RingDocuments.of_sample(SampleOptions(users=2, weeks=1, end="2026-W46", sources=("oura",)))
    vendor = FakeOura(documents)
    token = vendor.tokens.issue(documents.people[0], datetime.now(UTC))["access_token"]
    with running(vendor.app) as address:
        asked = f"{address}/v2/usercollection/daily_activity?start_date=2026-11-09&end_date=2026-11-16"
        found = httpx2.get(asked, headers={"Authorization": f"Bearer {token}"}).json()["data"]
    assert 5 <= len(found) == len({document["id"] for document in found}) <= 7
    assert vendor.requests[0][:2] == (documents.people[0], "/v2/usercollection/daily_activity")
    assert {"sleep", "workout", "vO2_max", "heartrate"} <= {record for _, record in documents.versions}


def test_the_command_names_people_by_id_or_number() -> None:
    assert _scenario("2=lapsed", ["ann", "bob"]) == ("bob", Scenario(lapsed=True))
    assert _scenario("ann=html", ["ann", "bob"]) == ("ann", Scenario(faults=("html",)))
    for text in ("3=lapsed", "ann=unlucky", "ann"):
        with pytest.raises(UsageError, match=r"allowed: PERSON=NAME with a person of 1 to 2"):
            _scenario(text, ["ann", "bob"])
