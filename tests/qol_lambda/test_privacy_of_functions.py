"""I5: nothing about a person leaves through messages, logs, metrics, answers, or the lock table."""

import json
from io import StringIO
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qol_lambda import kick, notifier, raw_gap, watchdog
from qol_lambda.clients import client, log_errors
from tests.qol_lambda.conftest import NOW, Cloud, case

CANARIES = [f"CANARY{number:04d}" for number in range(40)]


def _planted_event(names: list[str]) -> dict[str, Any]:
    event = case("glue_failed_last_attempt.json")
    text = f'ValueError: user {names[0]} <{names[1]}@example.org> token=\'{names[2]}\' in {{"userId": "{names[3]}"}}'
    return {**event, "detail": {**event["detail"], "message": text}, "resources": [names[4]], names[5]: names[6]}


def _plant_people(names: list[str]) -> None:
    for number, name in enumerate(names):
        item = {"garmin_user_id": name, "user_id": f"p{number}", "status": "active", "permissions": f"{name} may"}
        typed = {key: {"S": value} for key, value in item.items()}
        client("dynamodb").put_item(TableName="user_id_map", Item=typed)


def _stored(cloud: Cloud) -> str:
    """The lock table and all objects."""
    table = client("dynamodb").scan(TableName="qol_run_locks")["Items"]
    keys = [o["Key"] for o in client("s3").list_objects_v2(Bucket="lake")["Contents"] if "/_runs/" not in o["Key"]]
    bodies = [client("s3").get_object(Bucket="lake", Key=key)["Body"].read().decode() for key in keys]
    return json.dumps(table) + "".join(keys + bodies)


def test_no_planted_value_gets_out_of_any_function(
    cloud: Cloud, log: StringIO, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    skipped = [{"key": f"raw/daily/date=2026-11-16/{CANARIES[10]}.txt", "bytes": 2, "reason": "not_jsonl"}]
    cloud.start_run("FAILED", week="2026-W46", note=CANARIES[11])
    cloud.put_manifest(status="failed", weeks=[], skipped=skipped, job_run_id="jr_other")
    _plant_people(CANARIES[12:20])
    monkeypatch.setattr(raw_gap, "last_days", dict)
    answers: list[object] = [
        notifier.notify(_planted_event(CANARIES), NOW),
        watchdog.watch({**case("scheduler_watchdog.json"), "note": CANARIES[20]}, NOW),
        raw_gap.handler({**case("scheduler_raw_gap.json"), "note": CANARIES[21]}, None),
        kick.kick({**case("scheduler_kick.json"), "note": CANARIES[22]}, "request-1", NOW),
    ]
    with pytest.raises(ClientError) as raised:
        kick.kick({"week": "2026-W46", "again": True}, "request-2", NOW)
    mails = cloud.mails()
    assert len(mails) == 3
    printed = capfd.readouterr()
    outside = [repr(mails), repr(answers), str(raised.value), _stored(cloud), printed.out, printed.err, log.getvalue()]
    assert [name for name in CANARIES if any(name in text for text in outside)] == []
    assert len(log.getvalue().splitlines()) >= 5
    assert "p0,,," in outside[3]


def test_an_error_that_stops_nothing_is_logged_by_its_name_alone(log: StringIO) -> None:
    with log_errors("the lock table was not updated"):
        raise ValueError(CANARIES[0])
    assert json.loads(log.getvalue())["reason"] == "ValueError"
    assert CANARIES[0] not in log.getvalue()
