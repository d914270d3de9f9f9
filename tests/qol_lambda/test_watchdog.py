"""At 11:30 a week without a result is told, once, unless people were told already."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qol.errors import UsageError
from qol_lambda import kick, lock_table, notifier, watchdog
from qol_lambda.clients import client
from tests.qol_lambda.conftest import NOW, Cloud, case

EVENT = case("scheduler_watchdog.json")
HALF_PAST_ELEVEN = datetime(2026, 11, 18, 2, 30, 4, tzinfo=UTC)
RUN = "jr_bdb3f0d5a1c94e27b6f8d3925c7e4a10b2f6c8d9e0a1b2c3d4e5f60718293a4b"


def _watch(now: datetime = HALF_PAST_ELEVEN) -> dict[str, Any]:
    return watchdog.watch(EVENT, now)


def _run(cloud: Cloud, state: str, minutes: int = 0, ended: int = 60, **arguments: str) -> None:
    """A run of the week that started some minutes after the kick."""
    cloud.start_run(state, RUN, **arguments)
    run = cloud.job_runs()[-1]
    run.started_on, run.completed_on = NOW + timedelta(minutes=minutes), NOW + timedelta(minutes=ended)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"status": "nothing_to_do", "weeks": []},
        {"trigger": "manual", "job_run_id": None},
        {"run_id": "20200101T000000Z-1-manual-0001", "now": "2020-01-01T00:00:00Z", "trigger": "manual"},
    ],
    ids=["published", "nothing to do", "manual", "under another clock"],
)
def test_a_week_with_a_result_is_not_spoken_of(cloud: Cloud, values: dict[str, Any]) -> None:
    cloud.put_manifest(**values)
    assert watchdog.handler(EVENT, None) == {"week": "2026-W46", "notified": False}
    assert cloud.mails() == []


def test_a_failed_try_after_a_good_run_changes_nothing(cloud: Cloud) -> None:
    cloud.put_manifest()
    cloud.put_manifest(run_id="20261118T010000Z-2-manual-0002", status="refused", trigger="manual")
    assert _watch()["notified"] is False


def test_a_disabled_schedule_is_told_once(cloud: Cloud) -> None:
    cloud.put_manifest(week="2026-W45", now="2026-11-11T00:05:00Z")
    assert _watch()["notified"] is True
    assert _watch(HALF_PAST_ELEVEN + timedelta(minutes=1))["notified"] is False
    cloud.check_mail("not_started")
    assert cloud.items() == ["alert#2026-W46", "notice#watchdog#2026-11-18T02:30:00Z"]


def test_a_late_run_is_told_to_be_running(cloud: Cloud) -> None:
    _run(cloud, "RUNNING")
    assert _watch()["notified"] is True
    cloud.check_mail("still_running")


def test_a_run_whose_event_was_lost_is_told(cloud: Cloud) -> None:
    _run(cloud, "FAILED")
    cloud.put_manifest(status="refused", weeks=[], error="refused by 1 critical check(s): people_kept")
    assert _watch()["notified"] is True
    cloud.check_mail("not_published")


@pytest.mark.parametrize("trigger", ["backfill", "restore"])
def test_a_backfill_or_a_restore_is_no_result_for_the_week(cloud: Cloud, trigger: str) -> None:
    cloud.put_manifest(trigger=trigger)
    assert _watch()["notified"] is True
    assert cloud.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 was never started"]


def test_after_a_restore_the_message_names_the_run_that_was_undone(cloud: Cloud) -> None:
    cloud.put_manifest(week="2026-W45", now="2026-11-11T00:05:00Z")
    undone = case("manifest.json")["run_id"]
    restored = {"trigger": "restore", "job_run_id": None, "undone": undone}
    cloud.put_manifest(run_id="20261118T010000Z-2-restore-0002", week="2026-W44", weeks=["2026-W44"], **restored)
    cloud.put_manifest(run_id="20261118T010100Z-3-restore-0003", week="2026-W45", weeks=["2026-W45"], **restored)
    cloud.put_manifest(run_id="20261118T010200Z-4-rebuild-0004", trigger="rebuild", weeks=["2026-W44"])
    assert _watch()["notified"] is True
    cloud.check_mail("not_started_after_a_restore")


def test_nothing_is_said_again_after_the_notifier_spoke(cloud: Cloud) -> None:
    _run(cloud, "FAILED", ended=10)
    event = case("glue_failed_last_attempt.json")
    assert notifier.notify(event, NOW + timedelta(minutes=11))["notified"] is True
    assert _watch()["notified"] is False
    assert len(cloud.mails()) == 1


def test_nothing_is_said_again_after_the_kick_spoke(cloud: Cloud) -> None:
    cloud.start_run(week="", trigger="manual", now="")
    with pytest.raises(ClientError):
        kick.kick(case("scheduler_kick.json"), "request-1", NOW)
    assert _watch()["notified"] is False
    assert len(cloud.mails()) == 1


def test_nothing_is_said_while_a_run_is_at_work_that_was_started_after_an_alert(cloud: Cloud) -> None:
    lock_table.note_alert("2026-W46", "kick", NOW)
    _run(cloud, "RUNNING", minutes=30)
    assert _watch()["notified"] is False


def test_a_run_that_ended_after_the_alert_is_another_matter(cloud: Cloud) -> None:
    lock_table.note_alert("2026-W46", "kick", NOW)
    _run(cloud, "FAILED", minutes=30, ended=40)
    assert _watch()["notified"] is True
    assert cloud.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 published nothing"]


def test_an_alert_of_an_earlier_day_does_not_keep_the_watchdog_quiet(cloud: Cloud) -> None:
    lock_table.note_alert("2026-W46", "run jr_tuesday", NOW - timedelta(days=1))
    assert _watch()["notified"] is True


def test_more_manifests_than_one_page_are_all_looked_at(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.put_manifest()
    seen = client("s3").get_paginator("list_objects_v2").paginate
    pages = [{"Contents": []}, *seen(Bucket="lake", Prefix="p/_runs/")]
    with monkeypatch.context() as paged:
        paged.setattr(type(client("s3").get_paginator("list_objects_v2")), "paginate", lambda *_, **__: iter(pages))
        assert _watch()["notified"] is False


def test_a_watchdog_that_cannot_look_says_so_and_fails(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QOL_BUCKET", "gone")
    for _ in range(2):  # Lambda itself tries once more
        with pytest.raises(ClientError, match="NoSuchBucket"):
            _watch()
    cloud.check_mail("check_failed")


def test_a_watchdog_without_its_time_says_so_and_fails(cloud: Cloud) -> None:
    with pytest.raises(UsageError, match="scheduled_time: found nothing"):
        watchdog.watch({}, HALF_PAST_ELEVEN)
    assert cloud.subjects() == ["[prod] QoL Lake: whether the week is published is not known"]


def test_a_watchdog_that_can_neither_look_nor_speak_fails(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QOL_BUCKET", "gone")
    monkeypatch.setenv("QOL_TOPIC_ARN", "arn:aws:sns:ap-northeast-1:123456789012:gone")
    with pytest.raises(ClientError, match="NotFound"):
        _watch()
