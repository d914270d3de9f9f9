"""The weekly run is started once per business week, and its not starting is told."""

import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from qol.errors import UsageError
from qol_lambda import jobs, kick
from qol_lambda.clients import client
from tests.qol_lambda.conftest import NOW, Cloud, case

EVENT = case("scheduler_kick.json")
AGAIN = {"week": "2026-W46", "again": True}


class Context:
    aws_request_id = "6d1b2c3e-0000-4000-8000-000000000001"
    function_name = "qol-weekly-survey-kick"


def _kick(event: dict[str, Any] = EVENT, now: datetime = NOW, request: str = "request-1") -> dict[str, Any]:
    return kick.kick(event, request, now)


def test_the_schedule_of_wednesday_starts_the_week_that_ended_on_sunday(cloud: Cloud) -> None:
    answer = kick.handler(EVENT, Context())
    [run] = cloud.job_runs()
    assert answer == {"started": True, "week": "2026-W46", "job_run_id": run.job_run_id}
    assert run.arguments == {"--week": "2026-W46", "--trigger": "schedule", "--now": "2026-11-18T00:05:00Z"}
    assert cloud.mails() == []


def test_the_lock_keeps_the_run_and_who_asked_for_it_and_ends_after_90_days(cloud: Cloud) -> None:
    answer = _kick()
    assert cloud.item("run#2026-W46")["job_run_id"] == answer["job_run_id"]
    assert cloud.item("run#2026-W46")["requested_by"] == "d32c5dc2-ab51-4fe6-8d1b-0a5e2bd7c4f1"
    assert cloud.item("run#2026-W46")["expires_at"] == f"{datetime(2027, 2, 16, 0, 5, 3, tzinfo=UTC).timestamp():.0f}"


@pytest.mark.parametrize(
    ("due", "week"),
    [
        ("2026-11-18T00:05:00Z", "2026-W46"),
        ("2026-11-18T09:05:00+09:00", "2026-W46"),
        ("2026-11-16T11:59:59Z", "2026-W45"),
        ("2026-11-16T12:00:00Z", "2026-W46"),
        ("2021-01-04T11:59:00Z", "2020-W52"),
        ("2021-01-04T12:00:00Z", "2020-W53"),
    ],
)
def test_the_week_follows_from_the_scheduled_time_and_from_no_clock(due: str, week: str) -> None:
    order = kick.read_order({"scheduled_time": due, "execution_id": "e1"}, "r1")
    assert (order.week, order.requested_by) == (week, "e1")


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({}, "found nothing"),
        ({"scheduled_time": "<aws.scheduler.scheduled-time>"}, "found '<aws.scheduler.scheduled-time>'"),
        ({"scheduled_time": "2026-11-18T00:05:00"}, "found '2026-11-18T00:05:00'"),
        ({"scheduled_time": 1_794_960_300}, "found int"),
    ],
)
def test_an_event_without_a_usable_time_starts_nothing_and_is_told_once(
    cloud: Cloud, event: dict[str, Any], found: str
) -> None:
    for _ in range(2):  # Lambda itself tries once more
        with pytest.raises(UsageError, match=found):
            _kick(event)
    assert cloud.job_runs() == []
    assert cloud.items() == ["notice#kick-unreadable#request-1"]
    [(subject, text)] = cloud.mails()
    assert subject == "[prod] QoL Lake: the weekly schedule names no week"
    assert '"week": "2026-W46", "again": true' in text


def test_why_nothing_was_started_is_in_the_functions_log(cloud: Cloud, log: StringIO) -> None:
    with pytest.raises(UsageError):
        _kick({})
    cloud.start_run(week="", trigger="manual", now="")
    with pytest.raises(ClientError):
        _kick()
    said = [json.loads(line) for line in log.getvalue().splitlines()]
    reasons = {line["message"]: line["reason"] for line in said if line["level"] == "ERROR"}
    assert reasons["no order"].startswith("scheduled_time: found nothing")
    assert reasons["not started"] == "StartJobRun answered ConcurrentRunsExceededException"


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({"week": "2026-W40"}, 'event: found week; allowed: {"week": "2026-W46", "again": true}, {"backfill"'),
        ({"week": "2026-W40", "again": "yes"}, "event: found"),
        ({"again": True}, "event: found"),
        ({"accept": ["people_kept"]}, "event: found"),
        ({"week": "2026-W40", "again": True, "backfill": {"from": "2026-01-01", "to": "2026-01-02"}}, "event: found"),
        ({"week": "2026-W40", "again": True, "accept": "people_kept"}, "event: found"),
        ({"week": "2026-W40", "again": True, "accept": ["people_kept --lake"]}, "event: found"),
        ({"week": "2026-W40 --lake", "again": True}, "event: found"),
        ({"week": "2026-W40", "again": True, "--scriptLocation": "s3://lake/processed/x.py"}, "event: found"),
        ({"week": "2026-W40", "again": True, "arguments": {"--conf": "x"}}, "event: found"),
        ({"backfill": {"from": "2026-01-01"}}, "event: found"),
        ({"backfill": {"from": "2026-01-01", "to": "2026-01-02", "lake": "s3://other"}}, "event: found"),
        ({"backfill": {"from": "2026-01-01", "to": "2026-01-02", "old": "true"}}, "event: found"),
        ({"backfill": {"from": "2026-01-01", "old": True}}, "event: found"),
        ({"rebuild": {"from_week": "2026-W40", "user_map": "dynamodb:other"}}, "event: found"),
        ({"rebuild": {"from_week": 1}}, "event: found"),
        ({"erase": "P0001"}, "event: found"),
        ({"erase": True, "user": "P0001"}, "event: found"),
        ({"erase": True, "accept": ["people_kept"]}, "--accept: not an option of erase"),
        ({"week": "2026-W54", "again": True}, "--week 2026-W54: 2026 has weeks W01 to W53"),
        ({"backfill": {"from": "2026-01-32", "to": "2026-02-01"}}, "--from 2026-01-32: not a day"),
        ({"rebuild": {"from_week": "2026-W46", "to_week": "2026-W40"}}, "--from-week 2026-W46: later than --to-week 2026-W40"),
    ],
)  # fmt: skip
def test_an_event_outside_the_closed_form_starts_nothing_and_is_answered_with_what_is_allowed(
    cloud: Cloud, event: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(problem)):
        _kick(event)
    assert (cloud.job_runs(), cloud.items(), cloud.subjects()) == ([], [], [])


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        (
            {"week": "2026-W46", "again": True, "accept": ["people_kept", "fields_as_before.critical"]},
            {"--week": "2026-W46", "--trigger": "manual", "--accept": "people_kept,fields_as_before.critical"},
        ),
        (
            {"backfill": {"from": "2026-01-01", "to": "2026-03-31"}, "accept": ["people_kept"]},
            {"--command": "backfill", "--from": "2026-01-01", "--to": "2026-03-31", "--accept": "people_kept"},
        ),
        (
            {"backfill": {"from": "2026-01-01", "to": "2026-03-31", "old": True}},
            {"--command": "backfill", "--from": "2026-01-01", "--to": "2026-03-31", "--old": "true"},
        ),
        (
            {"rebuild": {"from_week": "2026-W40", "to_week": "2026-W46"}},
            {"--command": "rebuild", "--from-week": "2026-W40", "--to-week": "2026-W46"},
        ),
        ({"rebuild": {}}, {"--command": "rebuild"}),
        ({"erase": True}, {"--command": "erase"}),
    ],
)
def test_an_operators_event_becomes_the_arguments_of_its_command_and_no_others(
    cloud: Cloud, event: dict[str, Any], arguments: dict[str, str]
) -> None:
    assert _kick(event)["started"] is True
    [run] = cloud.job_runs()
    assert run.arguments == arguments
    assert arguments.keys() <= set(kick.ARGUMENTS)


def test_a_backfill_that_could_not_be_started_is_told_with_the_command_that_starts_it(cloud: Cloud) -> None:
    cloud.start_run(trigger="manual", now="")
    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        _kick({"backfill": {"from": "2026-01-01", "to": "2026-03-31"}})
    [(subject, text)] = cloud.mails()
    assert subject == "[prod] QoL Lake: backfill could not be started"
    assert """--payload '{"backfill": {"from": "2026-01-01", "to": "2026-03-31"}}' /dev/stdout""" in text
    assert cloud.items() == ["notice#kick#request-1"]


@pytest.mark.parametrize("later", [timedelta(seconds=2), timedelta(days=3)])
def test_a_second_delivery_of_an_execution_starts_no_second_run(cloud: Cloud, later: timedelta) -> None:
    first = _kick()
    second = _kick(now=NOW + later, request="request-2")
    assert second == {"started": False, "week": "2026-W46", "job_run_id": first["job_run_id"]}
    assert len(cloud.job_runs()) == 1
    assert cloud.mails() == []


def test_a_delivery_while_another_is_starting_the_run_starts_nothing(cloud: Cloud) -> None:
    kick._take(kick.read_order(EVENT, "request-1"), NOW)
    assert _kick(now=NOW + timedelta(seconds=1)) == {"started": False, "week": "2026-W46", "job_run_id": None}
    assert cloud.job_runs() == []


def test_a_function_that_died_before_the_start_leaves_the_week_to_the_next_delivery(cloud: Cloud) -> None:
    kick._take(kick.read_order(EVENT, "request-1"), NOW)
    assert _kick(now=NOW + timedelta(seconds=60))["started"] is True
    assert len(cloud.job_runs()) == 1


def test_a_function_that_died_after_the_start_leaves_a_run_that_the_next_delivery_finds(cloud: Cloud) -> None:
    order = kick.read_order(EVENT, "request-1")
    kick._take(order, NOW)
    run_id = jobs.start_job(order.job, order.arguments)
    answer = _kick(now=NOW + timedelta(seconds=60))
    assert answer == {"started": True, "week": "2026-W46", "job_run_id": run_id}
    assert cloud.item("run#2026-W46")["job_run_id"] == run_id


def test_a_lost_answer_of_the_start_is_no_failure(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    start = jobs.start_job

    def start_and_lose(job: str, arguments: dict[str, str]) -> str:
        start(job, arguments)
        raise ReadTimeoutError(endpoint_url="glue")

    monkeypatch.setattr(jobs, "start_job", start_and_lose)
    answer = _kick()
    [run] = cloud.job_runs()
    assert answer == {"started": True, "week": "2026-W46", "job_run_id": run.job_run_id}
    assert cloud.mails() == []


def test_a_busy_job_gives_the_lock_back_to_the_next_kick_and_is_told_once_and_raised(cloud: Cloud) -> None:
    busy = cloud.start_run(trigger="manual", now="")
    for seconds in (0, 60):
        with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
            _kick(now=NOW + timedelta(seconds=seconds))
    assert cloud.items() == ["alert#2026-W46", "notice#kick#d32c5dc2-ab51-4fe6-8d1b-0a5e2bd7c4f1"]
    cloud.check_mail("kick_busy")
    cloud.set_run(busy, "SUCCEEDED")
    assert _kick(now=NOW + timedelta(minutes=2))["started"] is True
    assert len(cloud.job_runs()) == 2


def test_any_other_error_is_told_by_its_name_only(cloud: Cloud) -> None:
    client("glue").delete_job(JobName="qol-weekly-etl")
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        _kick()
    assert cloud.item("run#2026-W46") == {}
    cloud.check_mail("kick_failed")


def test_a_message_that_cannot_be_sent_does_not_hide_the_error_or_keep_the_lock(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QOL_TOPIC_ARN", "arn:aws:sns:ap-northeast-1:123456789012:gone")
    cloud.start_run(trigger="manual", now="")
    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        _kick()
    assert cloud.items() == []  # no alert either, so the watchdog speaks up


def test_an_operator_starts_a_week_again(cloud: Cloud) -> None:
    first = _kick()
    cloud.set_run(first["job_run_id"], "FAILED")
    again = _kick(AGAIN, NOW + timedelta(hours=1))
    assert again["started"] is True
    assert cloud.job_runs()[1].arguments == {"--week": "2026-W46", "--trigger": "manual"}
    assert cloud.item("run#2026-W46")["job_run_id"] == again["job_run_id"]
    assert _kick(now=NOW + timedelta(hours=2))["started"] is False
    cloud.set_run(again["job_run_id"], "FAILED")
    assert _kick(AGAIN, NOW + timedelta(hours=3))["job_run_id"] != again["job_run_id"]


def test_an_operator_who_could_not_start_it_leaves_the_lock_as_it_was(cloud: Cloud) -> None:
    first = _kick()
    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        _kick(AGAIN, NOW + timedelta(hours=1))
    assert cloud.item("run#2026-W46")["job_run_id"] == first["job_run_id"]
    assert _kick(now=NOW + timedelta(hours=2))["started"] is False
