"""From Garmin's posts to the weekly table: every record of every body is accounted for."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest

from qol.identity.dynamodb_user_map import read_user_table
from qol.lake.s3 import S3Lake
from qol.tables.manifest import Manifest
from tests.builders import daily_record, night_record, run_lake
from tests.qol_lambda.webhook import NOW, Webhook, body


def run(now: datetime) -> Manifest:
    """A run on the bucket the receiver wrote to, with the map it wrote."""
    return run_lake(S3Lake("lake", "p/"), now=now, user_map=lambda: read_user_table("user_id_map"))


def table(webhook: Webhook, name: str) -> list[dict[str, Any]]:
    """Rows of a published table."""
    files = [data for key, data in sorted(webhook.stored().items()) if key.startswith(f"processed/{name}/")]
    rows: list[dict[str, Any]] = []
    for data in files:
        rows += pq.read_table(io.BytesIO(data)).to_pylist()
    return rows


POSTS = [
    body("push.json"),
    body("ping.json"),
    body("permissions.json"),
    json.dumps({"dailies": [daily_record("9f3c0d1e-person-one", day, userAccessToken="CANARY-TOKEN-1") for day in range(7)]}).encode(),
    json.dumps({"sleeps": [night_record("71ab22c9-person-two", 2)], "hrv": []}).encode(),
    b'{"dailies":[{"userId":"u3"},7,' + json.dumps(daily_record("u3", 4)).encode() + b"]}",
    b'{"Odd type":[{"userId":"u4"}]}',
    body("deregistration.json"),
]  # fmt: skip


@pytest.mark.usefixtures("no_gate")
def test_every_record_that_garmin_posted_is_kept_superseded_rejected_or_a_control_message(webhook: Webhook) -> None:
    arrived = datetime(2026, 11, 16, 3, 0, tzinfo=UTC)
    for number, data in enumerate(POSTS):
        assert webhook.post(data, now=arrived + timedelta(minutes=number)) == 200
        assert webhook.post(data, now=arrived + timedelta(minutes=number, seconds=30)) == 200
    manifest = run(NOW)
    assert manifest.status == "published"
    totals = manifest.totals
    assert {name: totals[name] for name in ("lines", "kept", "superseded", "rejected", "control", "blank")} == {
        "lines": 20,
        "kept": 11,
        "superseded": 1,
        "rejected": 4,
        "control": 4,
        "blank": 0,
    }
    assert manifest.rejects_by_reason == {"missing_key": 1, "not_an_object": 1, "unknown_record": 2}
    assert manifest.skipped == []


@pytest.mark.usefixtures("no_gate")
def test_people_are_in_the_tables_under_the_ids_the_receiver_gave_them(webhook: Webhook) -> None:
    for data in POSTS:
        webhook.post(data, now=datetime(2026, 11, 16, 3, 0, tzinfo=UTC))
    run(NOW)
    ids = {vendor: person["user_id"] for vendor, person in webhook.people().items()}
    weekly = {row["user_id"]: row for row in table(webhook, "weekly")}
    assert sorted(weekly) == sorted(ids[v] for v in ("9f3c0d1e-person-one", "71ab22c9-person-two", "u3"))
    assert weekly[ids["9f3c0d1e-person-one"]]["steps_days"] == 7
    assert weekly[ids["71ab22c9-person-two"]]["sleep_minutes_days"] == 1
    published = b"".join(data for key, data in webhook.stored().items() if key.startswith(("processed/", "_runs/")))
    assert b"person-one" not in published
    assert run(NOW + timedelta(hours=1)).status == "nothing_to_do"


@pytest.mark.usefixtures("no_gate")
def test_a_push_with_a_mistake_inside_its_token_stops_no_later_run(webhook: Webhook) -> None:
    honest = json.dumps({"dailies": [daily_record("newcomer", 0, userAccessToken="CANARY")]}).encode()
    for day, data in enumerate((honest.replace(b"CANARY", b"CAN\tARY"), honest)):
        assert webhook.post(data, now=datetime(2026, 11, 16, 3 + day, 0, tzinfo=UTC)) == 200
        assert run(NOW + timedelta(hours=day)).status == "published"
    assert {row["user_id"] for row in table(webhook, "weekly")} == {webhook.people()["newcomer"]["user_id"]}
