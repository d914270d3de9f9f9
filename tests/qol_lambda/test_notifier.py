"""One readable message per job run that ended badly, none for one that Glue starts again by itself or that is good."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qol.errors import UsageError
from qol.glue.run_metrics import emf_lines
from qol.run.job import RunOutcome
from qol_lambda import notifier
from qol_lambda.clients import client
from qol_lambda.kick import kick
from tests.qol_lambda.conftest import NOW, Cloud, case
from tests.qol_lambda.notices import FAILED, FIRST, LAST, REFUSED, RUN, SECOND, SUCCEEDED, last_week, notify

WARNED = case("manifest_warned.json")


def test_a_first_attempt_that_fails_before_a_good_second_one_gives_no_message(cloud: Cloud) -> None:
    cloud.start_run("FAILED", RUN)
    cloud.put_manifest(status="failed", error="S3 did not answer")
    assert notify(FIRST) == {"notified": False, "why": "another attempt comes"}
    cloud.start_run("SUCCEEDED", SECOND)
    cloud.put_manifest(run_id="20261118T000500Z-18790c3e5f1a2b3d-schedule-0001", job_run_id=SECOND)
    assert notify(LAST, state="SUCCEEDED") == {"notified": False, "why": "good"}
    assert (cloud.mails(), cloud.items()) == ([], [])


def test_the_last_attempt_that_fails_gives_one_message_however_often_its_event_comes(cloud: Cloud) -> None:
    last_week(cloud)
    cloud.start_run("FAILED", RUN)
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(**FAILED)
    assert notify(FIRST)["notified"] is False
    assert notify() == {"notified": True, "why": "ended badly"}
    assert notify(minutes=5) == {"notified": False, "why": "notified earlier"}
    cloud.check_mail("failed")
    assert cloud.items() == ["alert#2026-W46", f"notice#{RUN}"]


@pytest.mark.parametrize(
    ("message", "manifest"),
    [
        ("refused", REFUSED),
        ("locked", {**FAILED, "status": "locked", "error": "lake: another run holds the lock"}),
        ("published_then_failed", {"job_run_id": SECOND}),
    ],
)
def test_a_run_that_ended_badly_is_told_with_its_reason_and_what_to_do(
    cloud: Cloud, message: str, manifest: dict[str, Any]
) -> None:
    last_week(cloud)
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(**manifest)
    notify()
    cloud.check_mail(message)


@pytest.mark.parametrize(
    "error",
    [
        "published folders contain 1 other file(s): processed/weekly/date=2026-11-09/strange.parquet; allowed: …",
        "processed/weekly/date=2026-11-09/part-00000.parquet: damaged, cannot be read; move it aside",
    ],
    ids=["foreign", "damaged"],
)
def test_a_file_that_no_run_wrote_is_told_with_what_it_does_to_readers(cloud: Cloud, error: str) -> None:
    last_week(cloud)
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(**{**FAILED, "error": error})
    notify()
    cloud.check_mail("file_foreign" if "other file" in error else "file_damaged")


OURS = "JobFailedError: exit code 2 (usage or contract error): --accept nobody"


def test_a_run_without_a_manifest_gives_the_reason_of_our_own_job(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND)
    notify(message=OURS)
    cloud.check_mail("no_manifest")


def test_a_reason_that_glue_keeps_with_the_run_alone_is_given_too(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.start_run("FAILED", SECOND)
    real = client("glue").get_job_run

    def get_job_run(**asked: Any) -> Any:
        return {"JobRun": {**real(**asked)["JobRun"], "ErrorMessage": f"Error Category: UNCLASSIFIED_ERROR; {OURS}"}}

    monkeypatch.setattr(client("glue"), "get_job_run", get_job_run)
    notify()
    cloud.check_mail("no_manifest")


def test_a_run_without_a_manifest_and_without_a_reason_of_ours_points_to_the_log(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND)
    notify()
    [(_, text)] = cloud.mails()
    assert "Reason: exit code 1 (the run failed)\n" in text
    assert "1. Read the log: the run ended before it could say why" in text


@pytest.mark.parametrize("end", ["timeout", "stopped"])
def test_a_run_over_its_time_limit_or_stopped_is_told_at_once_because_glue_does_not_start_it_again(
    cloud: Cloud, end: str
) -> None:
    last_week(cloud)
    cloud.start_run(end.upper(), RUN)
    assert notify(case(f"glue_{end}.json"))["notified"] is True
    cloud.check_mail(end)


def test_a_run_of_a_job_that_is_gone_is_told(cloud: Cloud) -> None:
    assert notify(case("glue_error.json"))["notified"] is True
    assert cloud.subjects() == ["[prod] QoL Lake: weekly run ended without a manifest"]


def test_a_failed_backfill_is_told_and_stands_for_no_week(cloud: Cloud) -> None:
    last_week(cloud)
    cloud.start_run("FAILED", SECOND, command="backfill")
    cloud.put_manifest(**{**FAILED, "trigger": "backfill", "error": "S3 did not answer"})
    notify()
    cloud.check_mail("backfill_failed")
    assert cloud.items() == [f"notice#{RUN}"]


def test_a_failed_backfill_without_a_manifest_is_known_by_its_arguments(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND, command="backfill")
    notify()
    assert cloud.subjects() == ["[prod] QoL Lake: backfill ended without a manifest"]
    assert cloud.items() == [f"notice#{RUN}"]


def test_a_manifest_of_an_earlier_attempt_does_not_stand_for_the_last_one(cloud: Cloud) -> None:
    cloud.put_manifest(**{**REFUSED, "job_run_id": RUN})
    cloud.start_run("TIMEOUT", SECOND)
    cloud.job_runs()[-1].started_on = datetime.now(UTC) + timedelta(minutes=5)
    notify(state="TIMEOUT")
    assert cloud.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 took longer than allowed"]


@pytest.mark.parametrize("has_manifest", [True, False])
def test_a_good_run_gives_no_message(cloud: Cloud, *, has_manifest: bool) -> None:
    cloud.start_run("SUCCEEDED", RUN)
    if has_manifest:
        cloud.put_manifest()
    assert notify(SUCCEEDED) == {"notified": False, "why": "good"}
    assert cloud.mails() == []


def test_a_run_published_with_warnings_gives_one_message_with_the_warnings(cloud: Cloud) -> None:
    cloud.start_run("SUCCEEDED", RUN)
    cloud.put_manifest(**WARNED)
    assert notify(SUCCEEDED) == {"notified": True, "why": "warnings"}
    assert notify(SUCCEEDED)["notified"] is False
    cloud.check_mail("warnings")
    assert cloud.items() == [f"notice#{RUN}"]


def test_a_run_with_nothing_to_do_tells_what_a_warning_found_in_at_most_600_characters(cloud: Cloud) -> None:
    cloud.start_run("SUCCEEDED", RUN)
    check = {"id": "data_is_fresh.warning", "severity": "warning", "success": False, "message": "M."}
    cloud.put_manifest(status="nothing_to_do", checks=[{**check, "observed": "", "finding": "x" * 5_000}])
    assert notify(SUCCEEDED) == {"notified": True, "why": "warnings"}
    [(subject, body)] = cloud.mails()
    assert "weekly run 2026-W46 had nothing to do, and ended with 1 warning" in subject
    assert f"- {'x' * 599}… (data_is_fresh.warning)\n" in body


@pytest.mark.parametrize("state", ["FAILED", "TIMEOUT", "STOPPED", "ERROR"])
def test_every_bad_end_is_counted_before_anybody_is_asked_or_told(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    monkeypatch.setenv("QOL_TOPIC_ARN", "arn:aws:sns:ap-northeast-1:123456789012:gone")
    with pytest.raises(ClientError):
        notify(state=state)
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    of_the_job = json.loads(next(emf_lines("qol-weekly-etl", NOW, 1.0, RunOutcome(None, 1))))
    facts = {"failed_runs": [1.0], "job": "qol-weekly-etl", "job_run_id": SECOND, "state": state}
    assert {name: line[name] for name in facts} == facts
    [directive], [of_the_jobs_directive] = (found["_aws"]["CloudWatchMetrics"] for found in (line, of_the_job))
    assert directive == {**of_the_jobs_directive, "Metrics": [{"Name": "failed_runs", "Unit": "Count"}]}
    assert line["_aws"]["Timestamp"] == of_the_job["_aws"]["Timestamp"]


def test_an_attempt_that_glue_repeats_is_counted_and_a_good_run_or_another_job_is_not(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.start_run("FAILED", RUN)
    assert notify(FIRST)["notified"] is False
    assert capsys.readouterr().out.count("failed_runs") == 2  # the metric's name and its value
    cloud.set_run(RUN, "SUCCEEDED")
    notify(SUCCEEDED)
    notify(FIRST, jobName="another")
    assert "failed_runs" not in capsys.readouterr().out


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "STOPPING", "WAITING"])
def test_a_run_that_has_not_ended_gives_no_message(cloud: Cloud, state: str) -> None:
    assert notify(FIRST, state=state) == {"notified": False, "why": "no end"}


def test_another_job_is_none_of_our_business(cloud: Cloud) -> None:
    other = {**LAST, "detail": {**LAST["detail"], "jobName": "another"}}
    assert notifier.handler(other, None) == {"notified": False, "why": "another job"}
    assert cloud.mails() == []


def test_an_event_of_another_kind_is_an_error(cloud: Cloud) -> None:
    with pytest.raises(UsageError, match="no job run's state change"):
        notify(case("glue_run_status.json"))


@pytest.mark.parametrize(("message", "checks"), [("left", []), ("left_and_warnings", WARNED["checks"])])
def test_a_good_run_that_could_not_remove_items_of_users_who_left_is_told_with_the_command_that_does(
    cloud: Cloud, message: str, checks: list[dict[str, Any]]
) -> None:
    cloud.start_run("SUCCEEDED", RUN)
    cloud.put_manifest(job_run_id=RUN, not_removed=2, checks=checks)
    assert notify(SUCCEEDED) == {"notified": True, "why": "warnings"}
    cloud.check_mail(message)


def test_an_erasure_run_gives_one_message_with_its_counts_and_none_when_nothing_was_asked(cloud: Cloud) -> None:
    last_week(cloud)
    run = cloud.set_run(kick({"erase": True}, "request-1", NOW)["job_run_id"], "SUCCEEDED", RUN)
    erasures = {"requested": 2, "ended": 2, "unknown": 0}
    removed = {"raw items": 14, "daily_metrics": 7, "rejects": 0}
    own = {"run_id": "20261118T000500Z-18-erase-0001", "trigger": "erase", "job_run_id": run, "weeks": []}
    cloud.put_manifest(**own, erasures=erasures, removed=removed, not_removed=0)

    def ended() -> dict[str, Any]:
        return notify(SUCCEEDED, jobName="qol-eraser", jobRunId=run)

    assert ended() == {"notified": True, "why": "erased"}
    assert ended()["notified"] is False
    cloud.check_mail("erased")
    cloud.put_manifest(**own, status="nothing_to_do")
    assert ended() == {"notified": False, "why": "good"}


def test_a_failed_erasure_run_is_told_with_its_counts_and_how_to_start_it_again(cloud: Cloud) -> None:
    last_week(cloud)
    run = cloud.set_run(kick({"erase": True}, "request-1", NOW)["job_run_id"], "FAILED", SECOND)
    erasures = {"requested": 2, "ended": 1, "unknown": 1}
    error = "_erasures/requests/: 1 request cannot be read, or the lake holds nothing on the id; allowed: …"
    own = {**FAILED, "run_id": "20261118T000500Z-18-erase-0001", "trigger": "erase", "job_run_id": run}
    cloud.put_manifest(**{**own, "error": error}, erasures=erasures, removed={"raw items": 14}, not_removed=0)
    notify(LAST, jobName="qol-eraser", jobRunId=run)
    cloud.check_mail("erase_failed")
