"""The user map in a table: read as it is now, after raw was listed; ids are pinned once their place is settled."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qol.aws.requests import BREAKER, aws_client
from qol.errors import QolError, UsageError
from qol.identity import dynamodb_user_map
from qol.identity.dynamodb_user_map import read_user_table
from qol.identity.lake_state import read_lake_state
from qol.identity.user_map import UserMap
from qol.lake.local import LocalLake
from qol.webhooks.deadline import QUICK
from tests.builders import CONTRACTS, KEY, daily_record, run_lake, write_lines
from tests.qol_lambda.webhook import Webhook

pytestmark = pytest.mark.usefixtures("no_gate")
NOW = datetime(2026, 11, 18, 0, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _one_client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a client takes longer than all else here."""
    if "webhook" in request.fixturenames:
        monkeypatch.setattr(dynamodb_user_map, "aws_client", lambda service, _: aws_client(service, QUICK))


def put(vendor: str, user: str = "P1", age: timedelta = timedelta(days=1), **values: Any) -> None:
    """An item that was registered some time before NOW."""
    moment = (NOW - age).isoformat(timespec="microseconds")
    item = {"garmin_user_id": vendor, "user_id": user, "status": "active", "registered_at": moment, **values}
    typed = {name: {"S": value} if isinstance(value, str) else value for name, value in item.items() if value}
    aws_client("dynamodb", QUICK).put_item(TableName="user_id_map", Item=typed)


def remove(vendor: str) -> None:
    aws_client("dynamodb", QUICK).delete_item(TableName="user_id_map", Key={"garmin_user_id": {"S": vendor}})


def read() -> UserMap:
    return read_user_table("user_id_map", lambda: NOW)


def test_entries_come_in_the_order_of_registration_with_source_and_zone(webhook: Webhook) -> None:
    put("u2", "P2", timedelta(hours=1))
    put("oura:u1", "P1", timedelta(hours=3), timezone="Asia/Tokyo")
    put("garmin:a:b", "P3", timedelta(hours=2), status="deregistered", permissions={"SS": ["HEALTH_EXPORT"]})
    put("u1", "P1", timedelta(hours=1))
    user_map = read()
    assert user_map.entries == (
        ("oura", "u1", "P1", "Asia/Tokyo"),
        ("garmin", "a:b", "P3", None),
        ("garmin", "u1", "P1", None),
        ("garmin", "u2", "P2", None),
    )
    assert user_map.settled_entries == 4
    assert user_map.location(1) == "entry registered at 2026-11-17T22:05:00+00:00"


def test_all_pages_of_a_big_table_are_read_and_an_empty_one_is_an_empty_map(webhook: Webhook) -> None:
    assert read().known == {}
    for number in range(9):
        put(f"u{number}", f"P{number}", note="x" * 380_000)
    assert len(aws_client("dynamodb", QUICK).scan(TableName="user_id_map")["Items"]) < 9
    assert len(read().entries) == 9


def test_the_read_is_of_the_moment_and_not_of_some_moment_before(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    events = aws_client("dynamodb", QUICK).meta.events
    events.register("provide-client-params.dynamodb.Scan", lambda params, **_: asked.append(params), "look")
    read()
    events.unregister("provide-client-params.dynamodb.Scan", unique_id="look")
    assert [params["ConsistentRead"] for params in asked] == [True]


def test_entries_of_the_last_quarter_of_an_hour_are_used_and_not_pinned(webhook: Webhook) -> None:
    put("old", "P1", timedelta(minutes=15, seconds=1))
    put("young", "P2", timedelta(minutes=15))
    before = read()
    assert (before.settled_entries, before.known["garmin", "young"]) == (1, ("P2", None))
    put("between", "P3", timedelta(minutes=15, microseconds=0, milliseconds=500))
    after = read()
    assert [vendor for _, vendor, _, _ in after.entries] == ["old", "between", "young"]
    assert after.digest(before.settled_entries, KEY) == before.digest(before.settled_entries, KEY)


def test_a_zone_may_change_and_an_id_may_not(webhook: Webhook) -> None:
    put("u1", "P1")
    before = read()
    put("u1", "P1", timezone="Europe/Paris")
    assert read().digest(1, KEY) == before.digest(1, KEY)
    put("u1", "P2")
    assert read().digest(1, KEY) != before.digest(1, KEY)


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({"user": "SECRET name"}, "user_id must match [A-Za-z0-9_.-]{1,64}"),
        ({"user_id": None, "assigned_at": NOW.isoformat()}, "user_id must match [A-Za-z0-9_.-]{1,64}"),
        ({"user_id": {"N": "5"}}, "user_id must match [A-Za-z0-9_.-]{1,64}"),
        ({"timezone": "SECRET"}, "timezone must be an IANA time zone such as Asia/Tokyo"),
        ({"timezone": {"NULL": True}}, "timezone must be an IANA time zone such as Asia/Tokyo"),
        ({"status": "SECRET"}, "status must be active or deregistered"),
        ({"vendor": "SECRET source:u1"}, "garmin_user_id must be a Garmin id or <source>:<id>"),
        ({"vendor": "SECRET:"}, "garmin_user_id must be a Garmin id or <source>:<id>"),
    ],
)
def test_a_mistake_is_named_by_the_moment_of_registration_and_never_by_the_id(
    webhook: Webhook, item: dict[str, Any], problem: str
) -> None:
    put(**{"vendor": "SECRET-id", **item})
    with pytest.raises(UsageError) as caught:
        read()
    where = "--user-map dynamodb:user_id_map: item registered at 2026-11-17T00:05:00.000000+00:00"
    assert str(caught.value) == f"{where}; allowed: {problem}"


def ids(user_map: UserMap) -> dict[str, str]:
    """User ids by vendor id."""
    return {vendor: user_id for _, vendor, user_id, _ in user_map.entries}


def items() -> dict[str, dict[str, str]]:
    """The table's items by their keys."""
    found = aws_client("dynamodb", QUICK).scan(TableName="user_id_map")["Items"]
    return {item["garmin_user_id"]["S"]: {name: value["S"] for name, value in item.items()} for item in found}


def test_an_entry_without_a_user_id_gets_a_random_one_which_stays(webhook: Webhook) -> None:
    put("u1", "")
    put("u2", "")
    put("u3", "P3")
    first = ids(read())
    assert all(re.fullmatch(r"u_[a-z2-7]{16}", first[vendor]) for vendor in ("u1", "u2"))
    assert (len(set(first.values())), first["u3"]) == (3, "P3")
    assert ids(read()) == first == {vendor: item["user_id"] for vendor, item in items().items()}
    assert items()["u1"]["assigned_at"] == "2026-11-18T00:05:00.000000+00:00"
    assert items()["u3"]["assigned_at"] == items()["u3"]["registered_at"]


def test_a_dry_run_uses_ids_that_it_does_not_store(webhook: Webhook) -> None:
    put("u1", "")
    put("u2", "P2")
    before = items()
    assert set(ids(read_user_table("user_id_map", lambda: NOW, assigns=False))) == {"u1", "u2"}
    assert items() == before


@pytest.mark.parametrize("change", [partial(put, "SECRET", "P1"), partial(remove, "SECRET")], ids=["filled", "removed"])
def test_an_entry_that_somebody_changes_meanwhile_is_left_to_the_next_run(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, change: Callable[[], None]
) -> None:
    put("SECRET", "")

    def new_user_id() -> str:
        change()
        return "u_other"

    monkeypatch.setattr(dynamodb_user_map, "_new_user_id", new_user_id)
    with pytest.raises(QolError, match="DynamoDB answered ConditionalCheckFailedException; run again$"):
        read()
    assert "u_other" not in repr(items())


def test_what_the_receiver_may_write_changes_neither_ids_nor_their_order(webhook: Webhook) -> None:
    for vendor, hours in (("u1", 3), ("u2", 2), ("u3", 1)):
        put(vendor, "" if vendor == "u2" else f"P{vendor}", timedelta(hours=hours))
    before = read()
    for vendor, moment in (("u3", "2020-01-01T00:00:00Z"), ("u2", "2030-01-01T00:00:00Z"), ("u1", "never")):
        aws_client("dynamodb", QUICK).update_item(
            TableName="user_id_map",
            Key={"garmin_user_id": {"S": vendor}},
            UpdateExpression="SET registered_at = :moment",
            ExpressionAttributeValues={":moment": {"S": moment}},
        )
    assert read().entries == before.entries
    assert [vendor for _, vendor, _, _ in before.entries] == ["u1", "u3", "u2"]


@pytest.mark.parametrize("moment", [None, "yesterday SECRET", "2026-11-17T00:05:00", {"N": "5"}])
def test_an_item_without_a_moment_of_registration_has_no_place(webhook: Webhook, moment: Any) -> None:
    put("SECRET-id", registered_at=moment)
    with pytest.raises(UsageError, match=r"^--user-map dynamodb:user_id_map: an item without a usable registered_at; "):
        read()


def test_two_items_for_one_vendor_id_are_a_mistake(webhook: Webhook) -> None:
    put("SECRET")
    put(" SECRET ")
    with pytest.raises(UsageError, match=r"^--user-map dynamodb:user_id_map: two items name the same vendor id; "):
        read()


@pytest.mark.parametrize(
    ("table", "problem"), [("nowhere", "there is no such table in this region"), ("", "names no table")]
)
def test_a_table_that_is_not_there_is_a_usage_error(webhook: Webhook, table: str, problem: str) -> None:
    with pytest.raises(UsageError, match=f"--user-map dynamodb:{table}: {problem}"):
        read_user_table(table)


@pytest.fixture
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")


@pytest.mark.usefixtures("nobody_there")
def test_a_table_that_does_not_answer_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodb_user_map, "RETRY_POLICY", replace(dynamodb_user_map.RETRY_POLICY, attempts=1))
    with pytest.raises(
        QolError, match="--user-map dynamodb:user_id_map: DynamoDB not reached .EndpointConnectionError"
    ):
        read_user_table("user_id_map")


@pytest.mark.usefixtures("nobody_there")
def test_a_table_is_asked_four_times_for_25_seconds_each(monkeypatch: pytest.MonkeyPatch) -> None:
    BREAKER.record_success()
    config = aws_client("dynamodb", dynamodb_user_map.RETRY_POLICY).meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (5, 20, 4)


def records(lake: Path) -> list[dict[str, Any]]:
    return pl.read_parquet(lake / "processed/records/garmin_dailies/*/part-00000.parquet").rows(named=True)


def loader(lake: Path, seen: list[str]) -> Callable[[], UserMap]:
    """Reads the map, and delivers somebody new while the run does so."""

    def load() -> UserMap:
        seen.append("loaded")
        user_map = read_user_table("user_id_map", lambda: NOW)
        write_lines(lake, "2026-11-10", [daily_record("late")], name="late.jsonl")
        return user_map

    return load


def test_a_run_reads_the_map_after_it_listed_raw_so_everybody_in_the_listing_is_in_it(
    webhook: Webhook, tmp_path: Path
) -> None:
    write_lines(tmp_path, "2026-11-10", [daily_record("u1")])
    put("u1", "P1", timedelta(seconds=5))
    seen: list[str] = []
    manifest = run_lake(tmp_path, user_map=loader(tmp_path, seen))
    assert seen == ["loaded"]
    assert manifest.totals["lines"] == 1
    assert [row["user_id"] for row in records(tmp_path)] == ["P1"]
    assert read_lake_state(LocalLake(tmp_path)).map_entries == 0


def test_items_of_one_device_have_days_and_keys_of_their_own(webhook: Webhook) -> None:
    put("sensor:d1#1", "P1", timedelta(days=3), **{"from": "2026-04-01", "to": "2026-04-30"})
    put("sensor:d1#2", "P2", timedelta(days=2), **{"from": "2026-05-01"})
    put("sensor:d2", "P3", timedelta(days=1))
    owners = read().owners["sensor", "d1"]
    assert [(owner.user_id, owner.period.first, owner.period.last) for owner in owners] == [
        ("P1", 20_544, 20_573),
        ("P2", 20_574, None),
    ]
    assert read().known == {("sensor", "d2"): ("P3", None)}


def test_days_that_two_items_of_one_device_have_are_a_mistake(webhook: Webhook) -> None:
    put("sensor:d1#1", "P1", timedelta(days=3), **{"from": "2026-04-01"})
    put("sensor:d1#2", "P2", timedelta(days=2), **{"from": "2026-05-01"})
    with pytest.raises(UsageError) as caught:
        read()
    assert str(caught.value) == (
        "--user-map dynamodb:user_id_map: entry registered at 2026-11-16T00:05:00+00:00 has days that another has; "
        "allowed: one person for a device and day"
    )


@pytest.mark.parametrize(
    ("values", "since"),
    [
        ({}, None),
        ({"deregistered_at": "2026-11-10T00:00:00Z"}, None),  # who permits something after leaving is active again
        ({"status": "deregistered", "deregistered_at": "2026-11-10T00:00:00Z"}, "2026-11-10T00:00:00+00:00"),
        ({"permissions_changed_at": "2026-11-10T09:00:00+09:00"}, "2026-11-10T00:00:00+00:00"),
        ({"permissions_changed_at": "2026-11-10T00:00:00Z", "permissions": {"SS": ["HEALTH_EXPORT"]}}, None),
    ],
)
def test_who_left_or_permits_nothing_has_withdrawn_since_then(
    webhook: Webhook, values: dict[str, Any], since: str | None
) -> None:
    put("u1", **values)
    expected = None if since is None else int(datetime.fromisoformat(since).timestamp()) * 1_000_000
    assert read().withdrawn.get(("garmin", "u1")) == expected


def test_who_took_back_a_permission_that_record_types_need_is_known_with_those_that_stay(webhook: Webhook) -> None:
    both = ["ACTIVITY_EXPORT", "HEALTH_EXPORT", "MCT_EXPORT"]
    for user, names in (("u1", both), ("u2", both[:1])):
        put(user, permissions_changed_at="2026-11-10T00:00:00Z", permissions={"SS": names})
    since = 1_794_268_800_000_000
    assert read().permitted(CONTRACTS) == {("garmin", "u2"): (since, frozenset({"ACTIVITY_EXPORT"}))}
