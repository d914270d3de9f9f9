"""The receiver: 200 only when everything is stored, 5xx when a store failed, 404 with nothing stored for strangers."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from logging import StreamHandler
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from botocore.exceptions import ReadTimeoutError
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from qol.aws import people_table, receiver, webhook_secret, within
from qol.aws.receiver import handler, receive
from qol.aws.within import Deadline, TooLateError, all_of, quick_client
from tests.aws.webhook import CASES, CLIENT, NOW, OLD_TOKEN, SECRET, STAMP, TOKEN, Failing, Webhook, body, event

ONE, TWO = "9f3c0d1e-person-one", "71ab22c9-person-two"
NEW_TOKEN = "newest-token-of-43-characters"


def named(data: bytes, folder: str, day: str = "2026-11-18") -> str:
    return f"{folder}/date={day}/{hashlib.sha256(data).hexdigest()}.jsonl"


def test_a_push_is_stored_by_type_and_its_people_are_in_the_map(webhook: Webhook) -> None:
    assert webhook.post("push.json") == 200
    assert sorted(webhook.stored()) == sorted(
        named(body("push.json"), f) for f in ("raw/daily", "raw/garmin/sleeps", "raw/garmin/solarDetails")
    )
    assert [line["steps"] for line in webhook.lines("raw/daily")] == [8123, 4110]
    assert {line["_received_at"] for line in webhook.lines("raw/daily")} == {STAMP}
    people = webhook.people()
    assert sorted(people) == [TWO, ONE]
    assert {p["registered_at"] for p in people.values()} == {STAMP}
    assert {p["status"] for p in people.values()} == {"active"}
    assert all(re.fullmatch(r"u_[a-z2-7]{16}", p["user_id"]) for p in people.values())
    assert len({p["user_id"] for p in people.values()}) == 2


def test_pings_are_stored_without_the_tokens_of_their_addresses(webhook: Webhook) -> None:
    assert webhook.post("ping.json") == 200
    (ping,) = webhook.lines("raw/daily")
    assert ping["callbackURL"].endswith("uploadEndTimeInSeconds=1794153600&token=")
    (file,) = webhook.lines("raw/garmin/activityFiles")
    assert file["fileType"] == "FIT"
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


@pytest.mark.parametrize("data", [b"", b"garbage CANARY", b'{"dailies":[{"userId":"u1"}', b"\xff\xfe"])
def test_an_authentic_body_that_cannot_be_taken_apart_is_quarantined(webhook: Webhook, data: bytes) -> None:
    assert webhook.post(data, as_base64=True) == 200
    assert webhook.stored() == {f"quarantine/bodies/date=2026-11-18/{hashlib.sha256(data).hexdigest()}": data}
    assert webhook.post(data, as_base64=True) == 200
    assert webhook.people() == {}


@pytest.mark.parametrize(
    "how",
    [
        {"token": ""},
        {"token": TOKEN[:-1]},
        {"token": TOKEN.upper()},
        {"token": "CANARY-not-a-token-of-ours"},
        {"token": "é" * 30},
        {"client": None},
        {"client": ""},
        {"client": "CANARY-client"},
        {"client": f"{CLIENT},{CLIENT}"},
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


def test_two_tokens_are_valid_at_a_time(webhook: Webhook) -> None:
    assert webhook.post("push.json", token=OLD_TOKEN) == 200


def test_a_new_token_is_valid_without_a_new_deployment(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    assert webhook.post("push.json") == 200
    webhook.set_secret({**SECRET, "tokens": [NEW_TOKEN, TOKEN]})
    assert webhook.post("push.json", token=NEW_TOKEN) == 404  # it looked a moment ago
    monkeypatch.setattr(receiver.doorkeeper(), "_tried_at", time.monotonic() - 11)
    assert webhook.post("push.json", token=NEW_TOKEN) == 200
    assert webhook.post("push.json", token=OLD_TOKEN) == 404


def test_the_same_body_is_stored_once_a_day(webhook: Webhook) -> None:
    for minutes in (0, 5):
        assert webhook.post("push.json", now=NOW + timedelta(minutes=minutes)) == 200
    assert {line["_received_at"] for line in webhook.lines("raw/daily")} == {STAMP}
    assert webhook.post("push.json", now=NOW + timedelta(days=1)) == 200
    assert len([key for key in webhook.stored() if key.startswith("raw/daily/")]) == 2
    assert {p["registered_at"] for p in webhook.people().values()} == {STAMP}


def failing(
    monkeypatch: pytest.MonkeyPatch, module: Any, operation: str, *calls: int, code: str = "InternalError"
) -> None:
    """Make an operation of a client fail at some calls, for one module."""
    client = Failing(quick_client("s3" if operation == "put_object" else "dynamodb"), operation, calls, code)
    monkeypatch.setattr(
        module, "quick_client", lambda service: client if service != "secretsmanager" else quick_client(service)
    )


@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("code", ["SlowDown", "KMS.DisabledException", "AccessDenied", "ConditionalRequestConflict"])
def test_a_failing_store_is_a_5xx_and_the_next_delivery_stores_once(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, call: int, code: str
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, receiver, "put_object", call, code=code)
        assert webhook.post("push.json") == 503
    assert len(webhook.stored()) < 3
    assert webhook.post("push.json", now=NOW + timedelta(minutes=1)) == 200
    assert len(webhook.stored()) == 3
    assert len(webhook.lines("raw/daily")) == 2


@pytest.mark.parametrize("call", [1, 2])
def test_a_failing_map_is_a_5xx_and_nothing_is_stored_before_its_people_are_known(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, people_table, "put_item", call, code="ProvisionedThroughputExceededException")
        assert webhook.post("push.json") == 503
    assert webhook.stored() == {}
    known = {key: person["user_id"] for key, person in webhook.people().items()}
    assert webhook.post("push.json") == 200
    assert known.items() <= {key: person["user_id"] for key, person in webhook.people().items()}.items()
    assert len(webhook.people()) == 2


def test_a_failing_quarantine_is_a_5xx(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, receiver, "put_object", 1)
    assert webhook.post(b"garbage") == 503
    assert webhook.stored() == {}


def test_an_error_nobody_foresaw_is_a_500(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("person-one")

    monkeypatch.setattr(receiver, "split_body", fail)
    assert webhook.post("push.json") == 500


def test_a_missing_setting_is_a_500_that_names_it(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    monkeypatch.delenv("QOL_BUCKET")
    assert webhook.post("push.json") == 500
    assert "environment variable QOL_BUCKET: not set" in log.getvalue()


def test_people_known_a_moment_ago_cost_no_write(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    assert webhook.post("push.json") == 200
    failing(monkeypatch, people_table, "put_item", *range(1, 100))
    assert webhook.post(body("push.json") + b" ") == 200
    monkeypatch.setattr(receiver.registered(), "seen", {ONE: time.monotonic() - 601})
    assert webhook.post(body("push.json") + b"  ") == 503


def test_a_person_known_from_long_ago_keeps_the_id(webhook: Webhook) -> None:
    webhook.post("push.json")
    before = webhook.people()
    receiver.registered.cache_clear()
    assert webhook.post(body("push.json") + b" ", now=NOW + timedelta(days=9)) == 200
    assert webhook.people() == before


def test_a_person_with_a_colon_in_the_id_is_not_taken_for_another_sources(webhook: Webhook) -> None:
    assert webhook.post(b'{"dailies":[{"userId":"oura:7"},{"userId":7}]}') == 200
    assert sorted(webhook.people()) == ["7", "garmin:oura:7"]


def test_a_deregistration_is_noted_and_kept_and_the_person_keeps_the_id(webhook: Webhook) -> None:
    webhook.post("push.json")
    before = webhook.people()[ONE]
    left = NOW + timedelta(hours=1)
    assert webhook.post("deregistration.json", now=left) == 200
    person = webhook.people()[ONE]
    assert person == {
        **before,
        "status": "deregistered",
        "deregistered_at": "2026-11-18T01:05:03.000250Z",
        "last_change_at": "2026-11-18T01:05:03.000250Z",
    }
    assert webhook.lines("raw/garmin/deregistrations") == [
        {"userId": ONE, "_received_at": "2026-11-18T01:05:03.000250Z"}
    ]
    assert webhook.post(body("push.json") + b" ", now=left + timedelta(hours=1)) == 200
    assert webhook.people()[ONE]["status"] == "deregistered"


def test_somebody_who_leaves_without_ever_having_sent_anything_is_a_whole_entry(webhook: Webhook) -> None:
    assert webhook.post("deregistration.json") == 200
    person = webhook.people()[ONE]
    assert (person["status"], person["registered_at"]) == ("deregistered", STAMP)
    assert re.fullmatch(r"u_[a-z2-7]{16}", person["user_id"])


def permissions(at: int, *names: str) -> bytes:
    change = {"userId": ONE, "permissions": list(names), "changeTimeInSeconds": at}
    return json.dumps({"userPermissionsChange": [change]}).encode()


AT = 1_794_960_000


def test_permissions_are_those_of_the_latest_change_in_whatever_order_they_come(webhook: Webhook) -> None:
    assert webhook.post("permissions.json") == 200
    person = webhook.people()[ONE]
    assert sorted(person["permissions"]) == ["ACTIVITY_EXPORT", "HEALTH_EXPORT"]
    assert (person["status"], person["permissions_changed_at"]) == ("active", "2026-11-18T00:00:00.000000Z")
    assert webhook.post(permissions(AT - 60, "WORKOUT_IMPORT")) == 200
    assert sorted(webhook.people()[ONE]["permissions"]) == ["ACTIVITY_EXPORT", "HEALTH_EXPORT"]
    assert webhook.post(permissions(AT + 60)) == 200
    assert "permissions" not in webhook.people()[ONE]
    assert len(webhook.lines("raw/garmin/userPermissionsChange")) == 3


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ("[HEALTH_EXPORT, MCT_EXPORT]", ["HEALTH_EXPORT", "MCT_EXPORT"]),
        (["HEALTH_EXPORT", "Anna Müller", 5, "", "HEALTH_EXPORT"], ["HEALTH_EXPORT"]),
        (None, []),
        ({"a": 1}, []),
    ],
)
def test_permissions_of_any_shape_become_names(webhook: Webhook, found: object, kept: list[str]) -> None:
    data = {"userPermissionsChange": [{"userId": ONE, "permissions": found, "changeTimeInSeconds": "soon"}]}
    assert webhook.post(json.dumps(data).encode()) == 200
    assert sorted(webhook.people()[ONE].get("permissions", ())) == kept
    assert webhook.people()[ONE]["permissions_changed_at"] == STAMP


def test_updates_say_every_word_of_the_tables_language_by_a_name_and_name_nothing_they_do_not_say(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    client = quick_client("dynamodb")
    real = client.update_item

    def update(**values: Any) -> Any:
        asked.append(values)
        return real(**values)

    monkeypatch.setattr(client, "update_item", update)
    for data in (body("deregistration.json"), permissions(AT, "HEALTH_EXPORT"), permissions(AT + 1)):
        webhook.post(data)
    assert len(asked) == 4
    for values in asked:
        said = f"{values['UpdateExpression']} {values.get('ConditionExpression', '')}"
        words = set(re.findall(r"(?<![#:\w])[a-z_]+", said)) - {"if_not_exists", "attribute_not_exists"}
        assert not words & set(map(str.lower, ReservedKeywords.get_reserved_keywords()))
        assert set(values["ExpressionAttributeNames"]) == set(re.findall(r"#\w+", said))
        assert set(values["ExpressionAttributeValues"]) == set(re.findall(r":\w+", said))
        assert values.get("ReturnValues", "NONE") == "NONE"


def test_who_permits_something_after_leaving_is_back_and_an_older_permission_changes_nothing(webhook: Webhook) -> None:
    webhook.post("deregistration.json")
    webhook.post(permissions(AT, "HEALTH_EXPORT"))
    assert webhook.people()[ONE]["status"] == "deregistered"
    webhook.post(permissions(AT + 3600, "HEALTH_EXPORT"), now=NOW + timedelta(hours=2))
    assert webhook.people()[ONE]["status"] == "active"


def test_a_deregistration_that_does_not_reach_the_map_is_not_kept_yet(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, people_table, "update_item", 1)
        assert webhook.post("deregistration.json") == 503
    assert webhook.stored() == {}
    assert webhook.post("deregistration.json") == 200


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What the receiver's loggers write; their own streams are those of the moment they were made."""
    text = StringIO()
    ear = StreamHandler(text)
    ear.setFormatter(LambdaPowertoolsFormatter())
    for module in (receiver, webhook_secret):
        module.logger.addHandler(ear)
    yield text
    for module in (receiver, webhook_secret):
        module.logger._logger.removeHandler(ear)


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
            failing(patch, receiver, "put_object", 1)
            webhook.post(data + b" ")
    said = capfd.readouterr()
    text = (said.out + said.err + log.getvalue()).casefold()
    assert '"message":"stored"' in text
    for private in ("canary", "person-one", "person-two", TOKEN, OLD_TOKEN, CLIENT, "raw/", "/garmin/", "9f3c"):
        assert private.casefold() not in text
    kept = webhook.stored()
    assert not [key for key in kept if "canary" in key.casefold() and "canaryType" not in key]
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
    one_call = within.ATTEMPTS * (within.CONNECT_SECONDS + within.READ_SECONDS) + 1
    assert within.LAST_START_SECONDS + one_call <= 28
    with pytest.raises(TooLateError):
        all_of(print, [1, 2], Deadline(time.monotonic() - 19))
    monkeypatch.setattr(receiver, "Deadline", lambda: Deadline(time.monotonic() - 19))
    assert webhook.post("push.json") == 503
    assert webhook.stored() == {}


def test_a_store_that_hangs_is_a_5xx(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="https://s3/person-one")

    monkeypatch.setattr(receiver, "_put", hang)
    assert webhook.post("push.json") == 503


def test_the_function_answers_with_the_clock_of_the_moment(webhook: Webhook) -> None:
    assert handler(event(body("push.json")), None) == {"statusCode": 200, "body": ""}
    assert webhook.lines("raw/daily")[0]["_received_at"] > "2026"


def test_saved_bodies_are_all_used() -> None:
    used = {"event.json", "push.json", "ping.json", "deregistration.json", "permissions.json"}
    assert {path.name for path in CASES.iterdir()} == used
