"""The receiver and the map of people: who is new, who left, who permits what."""

import json
import re
import time
from datetime import timedelta
from typing import Any

import pytest
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from qol.aws.requests import aws_client
from qol.identity.erasures import Tombstone, write_erased_accounts, write_tombstone
from qol.identity.pseudonyms import Identities
from qol.lake.s3 import S3Lake
from qol.webhooks.deadline import QUICK
from qol_lambda import receiver
from tests.builders import KEY
from tests.qol_lambda.webhook import (
    NOW,
    ONE,
    STAMP,
    TWO,
    Webhook,
    body,
    failing,
)


def test_people_known_a_moment_ago_cost_no_write(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    assert webhook.post("push.json") == 200
    failing(monkeypatch, "update_item", *range(1, 100))
    assert webhook.post(body("push.json") + b" ") == 200
    monkeypatch.setattr(receiver.registered(), "written", {ONE: time.monotonic() - 601})
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
    left_at = "2026-11-18T01:05:03.000250Z"
    assert {"deregistrations": [{"userId": ONE}], "_received_at": left_at} in webhook.lines()
    assert webhook.post(body("push.json") + b" ", now=left + timedelta(hours=1)) == 200
    assert webhook.people()[ONE]["status"] == "deregistered"


def test_somebody_who_leaves_without_ever_having_sent_anything_is_a_whole_entry(webhook: Webhook) -> None:
    assert webhook.post("deregistration.json") == 200
    person = webhook.people()[ONE]
    assert (person["status"], person["registered_at"]) == ("deregistered", STAMP)


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
    assert len(webhook.lines()) == 3


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


#: All that the function's role may name in the table: with `user_id` among them, conditions would tell ids.
WRITTEN = {
    "garmin_user_id", "status", "registered_at", "last_change_at", "deregistered_at", "permissions", "permissions_changed_at",
}  # fmt: skip


def test_the_receiver_replaces_no_object_and_no_item(webhook: Webhook) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    for service in ("s3", "dynamodb"):
        events = aws_client(service, QUICK).meta.events
        events.register(
            f"provide-client-params.{service}",
            lambda params, model, **_: asked.append((model.name, dict(params))),
            "look",
        )
    for data in (body("push.json"), body("deregistration.json"), permissions(AT), b"garbage"):
        assert webhook.post(data) == 200
    for service in ("s3", "dynamodb"):
        aws_client(service, QUICK).meta.events.unregister(f"provide-client-params.{service}", unique_id="look")
    assert {operation for operation, _ in asked} == {"PutObject", "UpdateItem", "GetObject"}
    assert {params["Key"] for operation, params in asked if operation == "GetObject"} == {"p/_receiver/erased.json"}
    assert {params["IfNoneMatch"] for operation, params in asked if operation == "PutObject"} == {"*"}


def test_updates_say_every_word_of_the_tables_language_by_a_name_and_name_nothing_they_do_not_say(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    client = aws_client("dynamodb", QUICK)
    real = client.update_item

    def update(**values: Any) -> Any:
        asked.append(values)
        return real(**values)

    monkeypatch.setattr(client, "update_item", update)
    for data in (body("push.json"), body("deregistration.json"), permissions(AT, "HEALTH_EXPORT"), permissions(AT + 1)):
        webhook.post(data)
    assert len(asked) == 6
    for values in asked:
        said = f"{values['UpdateExpression']} {values.get('ConditionExpression', '')}"
        words = set(re.findall(r"(?<![#:\w])[a-z_]+", said)) - {"if_not_exists", "attribute_not_exists"}
        assert words | {name.removeprefix("#") for name in values["ExpressionAttributeNames"]} <= WRITTEN | {
            "set",
            "remove",
            "or",
            "and",
        }
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
        failing(patch, "update_item", 1)
        assert webhook.post("deregistration.json") == 503
    assert webhook.stored() == {}
    assert webhook.post("deregistration.json") == 200


def test_an_erased_account_that_still_sends_gets_no_new_entry_until_the_erasure_is_lifted(webhook: Webhook) -> None:
    lake, identities = S3Lake("lake", "p/", policy=QUICK), Identities(KEY, {})
    tombstone = Tombstone("0" * 32, STAMP, ids=[identities.erasure_hash("garmin", ONE)])
    write_tombstone(lake, tombstone)
    write_erased_accounts(lake, identities)
    assert webhook.post("push.json") == 200
    assert webhook.post("deregistration.json") == 200
    assert sorted(webhook.people()) == [TWO]
    tombstone.lifted = STAMP
    write_tombstone(lake, tombstone)
    write_erased_accounts(lake, identities)
    assert webhook.post(body("push.json") + b" ") == 200
    assert sorted(webhook.people()) == [TWO]  # what it read is used for ten minutes
    receiver.erased.cache_clear()
    assert webhook.post(body("push.json") + b"  ") == 200
    assert sorted(webhook.people()) == sorted([ONE, TWO])


def test_a_bucket_that_does_not_say_who_was_erased_makes_garmin_send_again(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "get_object", *range(1, 100))
    assert webhook.post("push.json") == 503
    assert webhook.people() == {}
