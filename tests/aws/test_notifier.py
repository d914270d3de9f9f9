"""One readable message per job run that ended badly, none for one that Glue starts again by itself or that is good."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qol.aws import jobs, notifier, send
from qol.aws.clients import client
from qol.errors import UsageError
from qol.metrics import Ending, emf_lines
from tests.aws.conftest import NOW, Cloud, case
from tests.aws.golden import check_golden

FIRST = case("glue_failed_first_attempt.json")
LAST = case("glue_failed_last_attempt.json")
SUCCEEDED = case("glue_succeeded.json")
RUN = str(FIRST["detail"]["jobRunId"])
SECOND = f"{RUN}_attempt_1"
REFUSED = {
    "status": "refused",
    "job_run_id": SECOND,
    "weeks": [],
    "error": "refused by 1 critical check(s): people_kept",
    "checks": [
        {"id": "people_kept", "severity": "critical", "success": False, "observed": "1 of 2 rows",
         "message": "A published week keeps at least 80% of its people (from 20 people on)."},
        {"id": "rejected_share", "severity": "warning", "success": True, "observed": "0 of 1 rows",
         "message": "At most 1% of the items are rejected."},
    ],
}  # fmt: skip
WARNED = {
    "checks": [
        {"id": "rejected_share", "severity": "warning", "success": False, "observed": "1 of 1 rows",
         "message": "At most 1% of the items are rejected."},
        {"id": "people_kept", "severity": "critical", "success": False, "observed": "1 of 2 rows", "message": "Accepted."},
    ],
    "accepted": ["people_kept"],
}  # fmt: skip


def _notify(event: dict[str, Any], now: datetime = NOW) -> dict[str, Any]:
    return notifier.notify(event, now)


def _last_week(cloud: Cloud) -> None:
    """The good run of the week before."""
    cloud.put_manifest(
        run_id="20261111T000500Z-1876e9a1b2c3d4e5-schedule-1b2c", job_run_id="jr_before", now="2026-11-11T00:05:00Z",
        week="2026-W45", weeks=["2026-W44", "2026-W45"],
    )  # fmt: skip


def _ended(event: dict[str, Any], state: str) -> dict[str, Any]:
    return {**event, "detail": {**event["detail"], "state": state}}


def test_a_first_attempt_that_fails_before_a_good_second_one_gives_no_message(cloud: Cloud) -> None:
    cloud.start_run("FAILED", RUN)
    cloud.put_manifest(status="failed", error="S3 did not answer")
    assert _notify(FIRST) == {"told": False, "why": "another attempt comes"}
    cloud.start_run("SUCCEEDED", SECOND)
    cloud.put_manifest(run_id="20261118T000500Z-18790c3e5f1a2b3d-schedule-0001", job_run_id=SECOND)
    good = _ended(LAST, "SUCCEEDED")
    assert _notify(good) == {"told": False, "why": "good"}
    assert cloud.mails() == []
    assert cloud.items() == []


def test_the_last_attempt_that_fails_gives_one_message_however_often_its_event_comes(cloud: Cloud) -> None:
    _last_week(cloud)
    cloud.start_run("FAILED", RUN)
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(
        status="failed", job_run_id=SECOND, weeks=[], error="raw/daily: the request failed with SlowDown"
    )
    assert _notify(FIRST)["told"] is False
    assert _notify(LAST) == {"told": True, "why": "ended badly"}
    assert _notify(LAST, NOW + timedelta(minutes=5)) == {"told": False, "why": "told before"}
    [mail] = cloud.mails()
    check_golden("failed", mail)
    assert cloud.items() == ["alert#2026-W46", f"notice#{RUN}"]


def test_a_refused_run_names_its_checks_and_the_command_that_overrules_them(cloud: Cloud) -> None:
    _last_week(cloud)
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(**REFUSED)
    _notify(LAST)
    [mail] = cloud.mails()
    check_golden("refused", mail)


def test_a_run_that_found_the_lock_taken_is_told_to_wait(cloud: Cloud) -> None:
    _last_week(cloud)
    cloud.start_run("FAILED", SECOND)
    error = "lake: another run holds the lock"
    cloud.put_manifest(status="locked", job_run_id=SECOND, weeks=[], error=error)
    _notify(LAST)
    [mail] = cloud.mails()
    check_golden("locked", mail)


def test_a_run_without_a_manifest_gives_the_reason_of_our_own_job(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND)
    detail = {**LAST["detail"], "message": "JobFailedError: exit code 2 (usage or contract error): --accept nobody"}
    _notify({**LAST, "detail": detail})
    [mail] = cloud.mails()
    check_golden("no_manifest", mail)


def test_a_reason_that_glue_keeps_with_the_run_alone_is_given_too(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.start_run("FAILED", SECOND)
    said = "Error Category: UNCLASSIFIED_ERROR; JobFailedError: exit code 2 (usage or contract error): --accept nobody"
    real = client("glue").get_job_run

    def get_job_run(**asked: Any) -> Any:
        return {"JobRun": {**real(**asked)["JobRun"], "ErrorMessage": said}}

    monkeypatch.setattr(client("glue"), "get_job_run", get_job_run)
    _notify(LAST)
    [mail] = cloud.mails()
    check_golden("no_manifest", mail)


def test_a_run_without_a_manifest_and_without_a_reason_of_ours_points_to_the_log(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND)
    _notify(LAST)
    [(_, text)] = cloud.mails()
    assert "Reason     exit code 1 (the run failed)\n" in text
    assert "1. Read the log: the run ended before it could say why" in text


def test_a_run_over_its_time_limit_is_told_at_once_because_glue_does_not_start_it_again(cloud: Cloud) -> None:
    _last_week(cloud)
    cloud.start_run("TIMEOUT", RUN)
    assert _notify(case("glue_timeout.json"))["told"] is True
    [mail] = cloud.mails()
    check_golden("timeout", mail)


def test_a_stopped_run_is_told_at_once(cloud: Cloud) -> None:
    _last_week(cloud)
    cloud.start_run("STOPPED", RUN)
    assert _notify(case("glue_stopped.json"))["told"] is True
    [mail] = cloud.mails()
    check_golden("stopped", mail)


def test_a_run_of_a_job_that_is_gone_is_told(cloud: Cloud) -> None:
    assert _notify(case("glue_error.json"))["told"] is True
    assert cloud.subjects() == ["[prod] QoL Lake: weekly run ended without a manifest"]


def test_a_run_that_published_before_it_failed_says_so(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(job_run_id=SECOND)
    _notify(LAST)
    [mail] = cloud.mails()
    check_golden("published_then_failed", mail)


def test_a_failed_backfill_is_told_and_stands_for_no_week(cloud: Cloud) -> None:
    _last_week(cloud)
    cloud.start_run("FAILED", SECOND, command="backfill")
    cloud.put_manifest(status="failed", trigger="backfill", job_run_id=SECOND, weeks=[], error="S3 did not answer")
    _notify(LAST)
    [mail] = cloud.mails()
    check_golden("backfill_failed", mail)
    assert cloud.items() == [f"notice#{RUN}"]


def test_a_failed_backfill_without_a_manifest_is_known_by_its_arguments(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND, command="backfill")
    _notify(LAST)
    assert cloud.subjects() == ["[prod] QoL Lake: backfill ended without a manifest"]
    assert cloud.items() == [f"notice#{RUN}"]


def test_a_manifest_of_an_earlier_attempt_does_not_stand_for_the_last_one(cloud: Cloud) -> None:
    cloud.put_manifest(**{**REFUSED, "job_run_id": RUN})
    run_id = cloud.start_run("TIMEOUT", SECOND)
    next(run for run in cloud.job_runs() if run.job_run_id == run_id).started_on = datetime.now(UTC) + timedelta(
        minutes=5
    )
    _notify(_ended(LAST, "TIMEOUT"))
    assert cloud.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 took longer than allowed"]


def test_a_good_run_gives_no_message(cloud: Cloud) -> None:
    cloud.start_run("SUCCEEDED", RUN)
    cloud.put_manifest()
    assert _notify(SUCCEEDED) == {"told": False, "why": "good"}
    assert cloud.mails() == []


def test_a_good_run_without_a_manifest_gives_no_message(cloud: Cloud) -> None:
    cloud.start_run("SUCCEEDED", RUN)
    assert _notify(SUCCEEDED)["told"] is False
    assert cloud.mails() == []


def test_a_run_published_with_warnings_gives_one_message_with_the_warnings(cloud: Cloud) -> None:
    cloud.start_run("SUCCEEDED", RUN)
    cloud.put_manifest(**WARNED)
    assert _notify(SUCCEEDED) == {"told": True, "why": "warnings"}
    assert _notify(SUCCEEDED)["told"] is False
    [mail] = cloud.mails()
    check_golden("warnings", mail)
    assert cloud.items() == [f"notice#{RUN}"]


def test_a_run_with_nothing_to_do_tells_that_a_source_has_stopped(cloud: Cloud) -> None:
    cloud.start_run("SUCCEEDED", RUN)
    stopped = (
        "1 of 3 files; records_garmin_dailies 2026-W46: newest day 2026-11-14, 4 days before 2026-11-18, 3 allowed"
    )
    check = {
        "id": "data_is_fresh.warning",
        "severity": "warning",
        "success": False,
        "observed": stopped,
        "message": "M.",
    }
    cloud.put_manifest(status="nothing_to_do", checks=[check])
    assert _notify(SUCCEEDED) == {"told": True, "why": "warnings"}
    [(subject, body)] = cloud.mails()
    assert "weekly run 2026-W46 had nothing to do, and ended with 1 warning" in subject
    assert f"observed: {stopped}" in body


def test_what_a_warning_observed_is_told_within_six_hundred_characters(cloud: Cloud) -> None:
    cloud.start_run("SUCCEEDED", RUN)
    check = {"id": "a", "severity": "warning", "success": False, "observed": "x" * 5_000, "message": "M."}
    cloud.put_manifest(checks=[check])
    _notify(SUCCEEDED)
    [(_, body)] = cloud.mails()
    assert "x" * 599 + "…" in body
    assert "x" * 600 not in body


@pytest.mark.parametrize("state", ["FAILED", "TIMEOUT", "STOPPED", "ERROR"])
def test_every_bad_end_is_counted_before_anybody_is_asked_or_told(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    monkeypatch.setenv("QOL_TOPIC_ARN", "arn:aws:sns:ap-northeast-1:123456789012:gone")
    with pytest.raises(ClientError):
        _notify(_ended(LAST, state))
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    [of_the_job] = [
        json.loads(line) for line in emf_lines(Ending("qol-weekly-etl", NOW, 1.0, exit_code=1)) if "failed" in line
    ]
    directive, of_the_jobs_directive = (found["_aws"]["CloudWatchMetrics"][0] for found in (line, of_the_job))
    assert (line["failed_runs"], line["job"], line["job_run_id"], line["state"]) == (1, "qol-weekly-etl", SECOND, state)
    assert directive["Metrics"] == [{"Name": "failed_runs", "Unit": "Count"}]
    for name in ("Namespace", "Dimensions"):
        assert directive[name] == of_the_jobs_directive[name]
    assert line["_aws"]["Timestamp"] == of_the_job["_aws"]["Timestamp"]


def test_an_attempt_that_glue_repeats_is_counted_and_a_good_run_or_another_job_is_not(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.start_run("FAILED", RUN)
    assert _notify(FIRST)["told"] is False
    assert capsys.readouterr().out.count("failed_runs") == 2  # the metric's name and its value
    cloud.set_run(RUN, "SUCCEEDED")
    _notify(SUCCEEDED)
    _notify({**FIRST, "detail": {**FIRST["detail"], "jobName": "another"}})
    assert "failed_runs" not in capsys.readouterr().out


def refuse_to_read(monkeypatch: pytest.MonkeyPatch, run_id: str, code: str = "AccessDenied") -> None:
    """Let the bucket refuse a manifest, as it does to a role that lacks the key it was encrypted with."""
    real = client("s3").get_object

    def get_object(**asked: Any) -> Any:
        if run_id in asked["Key"]:
            raise ClientError({"Error": {"Code": code, "Message": "CANARY"}}, "GetObject")
        return real(**asked)

    monkeypatch.setattr(client("s3"), "get_object", get_object)


@pytest.mark.parametrize("code", ["AccessDenied", "KMS.DisabledException"])
def test_a_manifest_that_may_not_be_read_is_passed_over_and_named_in_the_message(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    _last_week(cloud)
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(**REFUSED)
    refuse_to_read(monkeypatch, case("manifest.json")["run_id"], code)
    assert _notify(LAST)["told"] is True
    [(subject, text)] = cloud.mails()
    assert subject == "[prod] QoL Lake: weekly run 2026-W46 ended badly, its manifest could not be read"
    assert f"Manifest   a manifest could not be read (GetObject answered {code})\n" in text
    assert "Published  the tables up to 2026-W45" in text


def test_another_runs_manifest_that_may_not_be_read_is_no_part_of_the_message(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    _last_week(cloud)
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(**REFUSED)
    cloud.put_manifest(run_id="20261118T010000Z-9-manual-0009")
    refuse_to_read(monkeypatch, "manual-0009")
    assert _notify(LAST)["told"] is True
    [mail] = cloud.mails()
    check_golden("refused", mail)


def test_a_bucket_that_fails_otherwise_is_still_said_to_have_failed(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(**REFUSED)
    refuse_to_read(monkeypatch, "", "InternalError")
    _notify(LAST)
    [(_, text)] = cloud.mails()
    assert "Published  not known, the bucket could not be read: GetObject answered InternalError\n" in text


def test_glue_tells_the_attempt_where_the_id_does_not() -> None:
    run = jobs.JobRun(id=RUN, state="FAILED", attempt=1, started=None, ended=None, arguments={})
    assert jobs.attempts_ended(RUN, run) == 2
    assert jobs.attempts_ended(SECOND, None) == 2
    assert jobs.attempts_ended(RUN, None) == 1


def test_a_second_attempt_that_glue_knows_by_the_first_ones_id_only_keeps_its_week(cloud: Cloud) -> None:
    cloud.start_run("FAILED", RUN)
    assert _notify(LAST)["told"] is True
    assert cloud.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 ended without a manifest"]
    assert cloud.items() == ["alert#2026-W46", f"notice#{RUN}"]


def test_a_manifest_of_a_newer_version_is_no_reason_for_silence(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(status="postponed", job_run_id=SECOND)
    assert _notify(LAST)["told"] is True


def test_a_failed_attempt_that_glue_does_not_know_is_told_in_doubt(cloud: Cloud) -> None:
    assert _notify(FIRST)["told"] is True
    [(_, body)] = cloud.mails()
    assert "Attempts   not known, Glue could not be asked; the last one ended FAILED\n" in body


def test_a_message_that_sns_did_not_take_is_sent_by_the_next_try(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.start_run("FAILED", SECOND)
    with monkeypatch.context() as broken:
        broken.setenv("QOL_TOPIC_ARN", "arn:aws:sns:ap-northeast-1:123456789012:gone")
        with pytest.raises(ClientError, match="NotFound"):
            _notify(LAST)
    assert cloud.items() == []
    assert _notify(LAST, NOW + timedelta(minutes=1))["told"] is True
    assert len(cloud.mails()) == 1


def test_a_lost_answer_of_sns_gives_two_messages_rather_than_none(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.start_run("FAILED", SECOND)
    publish = send.send

    def publish_and_lose(message: Any) -> str:
        publish(message)
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(send, "send", publish_and_lose)
        with pytest.raises(ConnectionError):
            _notify(LAST)
    assert _notify(LAST, NOW + timedelta(minutes=1))["told"] is True
    assert len(cloud.mails()) == 2


def test_a_function_that_died_while_sending_leaves_the_message_to_the_next_try(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.start_run("FAILED", SECOND)

    def die(message: Any) -> str:
        raise KeyboardInterrupt  # no handler of ours runs, as when Lambda ends a function

    with monkeypatch.context() as broken:
        broken.setattr(send, "send", die)
        with pytest.raises(KeyboardInterrupt):
            _notify(LAST)
    assert _notify(LAST, NOW + timedelta(seconds=10))["told"] is False
    assert _notify(LAST, NOW + timedelta(seconds=60))["told"] is True
    assert len(cloud.mails()) == 1


def test_without_the_lock_table_the_message_still_goes_out(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND)
    client("dynamodb").delete_table(TableName="qol_run_locks")
    assert _notify(LAST)["told"] is True
    assert len(cloud.mails()) == 1


def test_without_the_bucket_the_message_says_what_it_does_not_know(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.start_run("FAILED", SECOND)
    monkeypatch.setenv("QOL_BUCKET", "gone")
    assert _notify(LAST)["told"] is True
    [(_, body)] = cloud.mails()
    assert "Published  not known, the bucket could not be read: ListObjectsV2 answered NoSuchBucket\n" in body


def test_a_broken_file_among_the_manifests_is_passed_over(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(**REFUSED)
    for name, body in (("z.json", b"{"), ("y.json", b"[]"), ("x.json", b"\xff"), ("w.txt", b"no")):
        client("s3").put_object(Bucket="lake", Key=f"p/_runs/{name}", Body=body)
    _notify(LAST)
    assert cloud.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 was refused by the checks"]


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "STOPPING", "WAITING"])
def test_a_run_that_has_not_ended_gives_no_message(cloud: Cloud, state: str) -> None:
    assert _notify(_ended(FIRST, state)) == {"told": False, "why": "no end"}


def test_another_job_is_none_of_our_business(cloud: Cloud) -> None:
    other = {**LAST, "detail": {**LAST["detail"], "jobName": "another"}}
    assert notifier.handler(other, None) == {"told": False, "why": "another job"}
    assert cloud.mails() == []


def test_an_event_of_another_kind_is_an_error(cloud: Cloud) -> None:
    with pytest.raises(UsageError, match="no job run's state change"):
        _notify(case("glue_run_status.json"))
