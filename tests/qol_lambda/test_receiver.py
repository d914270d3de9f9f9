"""The receiver: 200 only when everything is stored, 5xx when a store failed, 404 with nothing stored for strangers."""

import gzip
import hashlib
import json
import time
import zlib
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from qol.webhooks.deadline import LAST_START_SECONDS, QUICK, Deadline, TooLateError, run_concurrently
from qol_lambda import receiver
from qol_lambda.receiver import MAX_UNPACKED_BYTES, handler, receive
from tests.qol_lambda.webhook import (
    CLIENT,
    NOW,
    OLD_TOKEN,
    ONE,
    SECRET,
    STAMP,
    TOKEN,
    TWO,
    Webhook,
    body,
    event,
    failing,
)

NEW_TOKEN = "newest-token-of-43-characters"


def named(data: bytes, folder: str, day: str = "2026-11-18") -> str:
    return f"{folder}/date={day}/{hashlib.sha256(data).hexdigest()}.jsonl"


def test_a_push_is_one_line_and_its_people_are_in_the_map(webhook: Webhook) -> None:
    assert webhook.post("push.json") == 200
    assert list(webhook.stored()) == [named(body("push.json"), "raw/daily")]
    (line,) = webhook.lines()
    assert {name: len(line[name]) for name in ("dailies", "sleeps", "solarDetails")} == {
        "dailies": 2,
        "sleeps": 1,
        "solarDetails": 1,
    }
    assert [record["steps"] for record in line["dailies"]] == [8123, 4110]
    assert line["_received_at"] == STAMP
    people = webhook.people()
    assert sorted(people) == [TWO, ONE]
    assert {p["registered_at"] for p in people.values()} == {STAMP}
    assert {p["status"] for p in people.values()} == {"active"}
    assert {name for p in people.values() for name in p} == {
        "garmin_user_id",
        "status",
        "registered_at",
        "last_change_at",
    }


def test_pings_are_stored_without_the_tokens_of_their_addresses(webhook: Webhook) -> None:
    assert webhook.post("ping.json") == 200
    (line,) = webhook.lines()
    assert line["dailies"][0]["callbackURL"] == "https://apis.garmin.com"
    assert line["activityFiles"][0]["fileType"] == "FIT"
    assert list(webhook.people()) == [ONE]


def test_a_body_in_base64_is_the_same_delivery(webhook: Webhook) -> None:
    assert webhook.post("push.json") == 200
    before = webhook.stored()
    assert webhook.post("push.json", as_base64=True, now=NOW + timedelta(minutes=1)) == 200
    assert webhook.stored() == before


def test_a_body_whose_base64_is_broken_is_kept_as_it_came(webhook: Webhook) -> None:
    broken = {**event(b""), "body": "%%%", "isBase64Encoded": True}
    assert receive(broken, NOW)["statusCode"] == 200
    assert list(webhook.stored().values()) == [b"%%%"]


def test_a_body_packed_by_gzip_is_the_same_delivery(webhook: Webhook) -> None:
    assert webhook.post("push.json") == 200
    before = webhook.stored()
    whole = body("push.json")
    for packed in (gzip.compress(whole), gzip.compress(whole[:500]) + gzip.compress(whole[500:])):
        assert webhook.post(packed, as_base64=True) == 200
    assert webhook.stored() == before


@pytest.mark.parametrize("unpacked", [MAX_UNPACKED_BYTES, MAX_UNPACKED_BYTES + 1])
def test_a_packed_body_is_read_up_to_a_size_and_kept_as_it_came_beyond_it(webhook: Webhook, unpacked: int) -> None:
    packed = gzip.compress(b'{"dailies":[{"userId":"u1"}]}'.ljust(unpacked))
    assert webhook.post(packed, as_base64=True) == 200
    assert list(webhook.people()) == (["u1"] if unpacked == MAX_UNPACKED_BYTES else [])
    assert (packed in webhook.stored().values()) == (unpacked > MAX_UNPACKED_BYTES)


PLAIN = b'{"dailies":[{"userId":"u1"}]}'
#: Without the time: tests whose names differ between two workers do not begin.
PACKED = gzip.compress(PLAIN, mtime=0)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"garbage CANARY", PLAIN[:-1], PLAIN.replace(b"u1", b"u\n1"), b"\xff\xfe", PLAIN + PLAIN, zlib.compress(PLAIN), PACKED[:-9],
        PACKED + b"x", gzip.compress(PACKED, mtime=0), *(PLAIN.decode().encode(f"utf-16{end}") for end in ("", "-le", "-be")),
    ],
)  # fmt: skip
def test_an_authentic_body_that_cannot_be_taken_apart_is_quarantined(webhook: Webhook, data: bytes) -> None:
    assert webhook.post(data, as_base64=True) == 200
    assert webhook.stored() == {f"quarantine/bodies/date=2026-11-18/{hashlib.sha256(data).hexdigest()}": data}
    assert webhook.post(data, as_base64=True) == 200
    assert webhook.people() == {}


@pytest.mark.parametrize(
    "how",
    [
        *({"token": token} for token in ("", TOKEN[:-1], TOKEN.upper(), "CANARY-not-a-token-of-ours", "é" * 30)),
        *({"client": client} for client in (None, "", "CANARY-client", f"{CLIENT},{CLIENT}")),
    ],
)
def test_strangers_get_404_and_leave_nothing(webhook: Webhook, how: dict[str, Any]) -> None:
    assert webhook.post("push.json", **how) == 404
    assert (webhook.stored(), webhook.people()) == ({}, {})


def test_an_event_without_path_headers_or_body_is_a_stranger(webhook: Webhook) -> None:
    assert receive({}, NOW) == {"statusCode": 404, "body": ""}
    assert receive({"pathParameters": None, "headers": None, "body": None}, NOW)["statusCode"] == 404


def test_the_clients_header_may_be_written_in_any_case(webhook: Webhook) -> None:
    asked = event(body("push.json"))
    asked["headers"]["Garmin-Client-Id"] = asked["headers"].pop("garmin-client-id")
    assert receive(asked, NOW)["statusCode"] == 200


def test_a_new_token_is_valid_without_a_new_deployment(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    assert webhook.post("push.json", token=OLD_TOKEN) == 200
    webhook.set_secret({**SECRET, "tokens": [NEW_TOKEN, TOKEN]})
    assert webhook.post("push.json", token=NEW_TOKEN) == 404  # it looked a moment ago
    monkeypatch.setattr(receiver.authenticator()._secret, "_tried_at", time.monotonic() - 11)
    assert webhook.post("push.json", token=NEW_TOKEN) == 200
    assert webhook.post("push.json", token=OLD_TOKEN) == 404


def test_the_same_body_is_stored_once_a_day(webhook: Webhook) -> None:
    for minutes in (0, 5):
        assert webhook.post("push.json", now=NOW + timedelta(minutes=minutes)) == 200
    assert [line["_received_at"] for line in webhook.lines()] == [STAMP]
    assert webhook.post("push.json", now=NOW + timedelta(days=1)) == 200
    assert len(webhook.stored()) == 2
    assert {p["registered_at"] for p in webhook.people().values()} == {STAMP}


@pytest.mark.parametrize("code", ["SlowDown", "KMS.DisabledException", "AccessDenied", "ConditionalRequestConflict"])
def test_a_failing_store_is_a_5xx_and_the_next_delivery_stores_once(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, "put_object", 1, code=code)
        assert webhook.post("push.json") == 503
    assert webhook.stored() == {}
    assert webhook.post("push.json", now=NOW + timedelta(minutes=1)) == 200
    assert len(webhook.lines()) == 1


@pytest.mark.parametrize("call", [1, 2])
def test_a_failing_map_is_a_5xx_and_nothing_is_stored_before_its_people_are_known(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, "update_item", call, code="ProvisionedThroughputExceededException")
        assert webhook.post("push.json") == 503
    assert webhook.stored() == {}
    known = webhook.people()
    assert webhook.post("push.json", now=NOW + timedelta(minutes=1)) == 200
    assert known.items() <= webhook.people().items()
    assert len(webhook.people()) == 2


def test_a_failing_quarantine_is_a_5xx(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "put_object", 1)
    assert webhook.post(b"garbage") == 503
    assert webhook.stored() == {}


@pytest.mark.parametrize(
    ("place", "error", "status"),
    [
        ("read_body", RuntimeError("person-one"), 500),
        ("_put", ReadTimeoutError(endpoint_url="https://s3/person-one"), 503),
    ],
)
def test_an_error_nobody_foresaw_is_a_500_and_a_store_that_hangs_a_503(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, place: str, error: Exception, status: int
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(receiver, place, fail)
    assert webhook.post("push.json") == status


def test_a_missing_setting_is_a_500_that_names_it(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    monkeypatch.delenv("QOL_BUCKET")
    assert webhook.post("push.json") == 500
    assert "environment variable QOL_BUCKET: not set" in log.getvalue()


HOSTILE = {
    "../../processed/weekly": [{"userId": "CANARY-person"}],
    "Anna CANARY": {"userId": "CANARY-person"},
    "CANARYTYPE": 5,
    "dailies": [{"userId": "CANARY-person", "userAccessToken": "CANARY-TOKEN", "name": "CANARY"}],
    "canaryType": [{"userId": "CANARY-person"}],
}


def test_nothing_about_people_is_in_logs_or_metrics_and_no_token_is_stored(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], log: StringIO
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    names = ["push.json", "ping.json", "deregistration.json", "permissions.json"]
    for data in [*map(body, names), json.dumps(HOSTILE).encode(), b"garbage CANARY"]:
        webhook.post(data)
        webhook.post(data, token="CANARY-a-strangers-token")
        with monkeypatch.context() as patch:
            failing(patch, "put_object", 1)
            webhook.post(data + b" ")
    said = capfd.readouterr()
    text = (said.out + said.err + log.getvalue()).casefold()
    assert '"message":"stored"' in text
    for private in ("canary", "person-one", "person-two", TOKEN, OLD_TOKEN, CLIENT, "raw/", "/garmin/", "9f3c"):
        assert private.casefold() not in text
    kept = webhook.stored()
    assert not [key for key in kept if "canary" in key.casefold()]
    raw = b"".join(data for key, data in kept.items() if key.startswith("raw/"))
    assert b"CANARY-TOKEN" not in raw
    assert b"CANARY-person" in raw


def test_metrics_count_bodies_records_strangers_and_what_could_not_be_read(
    webhook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    webhook.post("push.json")
    webhook.post("push.json", token="")
    webhook.post(b"garbage")
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    records = {line["record"]: line["records"] for line in found if "record" in line}
    assert records == {"dailies": [2.0], "sleeps": [1.0], "unknown": [1.0]}
    totals = [line for line in found if "failed_bodies" in line]
    assert [line["rejected_tokens"] for line in totals] == [[0.0], [1.0], [0.0]]
    assert [line.get("bodies") for line in totals] == [[1.0], None, [1.0]]
    assert [line.get("unparsable_bodies") for line in totals] == [[0.0], None, [1.0]]
    assert {line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in found} == {"QoLLake"}


def test_no_call_begins_after_the_deadline_so_that_garmin_has_an_answer_in_time(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_call = QUICK.attempts * (QUICK.connect_seconds + QUICK.read_seconds) + 1
    assert LAST_START_SECONDS + one_call <= 28
    with pytest.raises(TooLateError):
        run_concurrently(print, [1, 2], Deadline(time.monotonic() - 19))
    monkeypatch.setattr(receiver, "Deadline", lambda: Deadline(time.monotonic() - 19))
    assert webhook.post("push.json") == 503
    assert webhook.stored() == {}


def test_the_function_answers_with_the_clock_of_the_moment(webhook: Webhook) -> None:
    assert handler(event(body("push.json")), None) == {"statusCode": 200, "body": ""}
    assert webhook.lines()[0]["_received_at"] > "2026"
