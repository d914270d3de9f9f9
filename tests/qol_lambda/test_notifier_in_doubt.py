"""Where Glue, the bucket, SNS or a table does not answer, people hear of a bad end all the same, and what is not known is said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qol_lambda import jobs, send
from qol_lambda.clients import client
from tests.qol_lambda.conftest import NOW, Cloud, case
from tests.qol_lambda.golden import check_golden
from tests.qol_lambda.notices import (
    FIRST,
    LAST,
    REFUSED,
    RUN,
    SECOND,
    last_week,
    notify,
    notify_and_fail,
    refuse_to_read,
)


@pytest.mark.parametrize("code", ["AccessDenied", "KMS.DisabledException"])
def test_a_manifest_that_may_not_be_read_is_passed_over_and_named_in_the_message(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    last_week(cloud)
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(**REFUSED)
    refuse_to_read(monkeypatch, case("manifest.json")["run_id"], code)
    assert notify(LAST)["notified"] is True
    [(subject, text)] = cloud.mails()
    assert subject == "[prod] QoL Lake: weekly run 2026-W46 failed, and its manifest could not be read"
    assert f"Manifest   a manifest could not be read (GetObject answered {code})\n" in text
    assert "Published  the tables up to 2026-W45" in text


def test_another_runs_manifest_that_may_not_be_read_is_no_part_of_the_message(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    last_week(cloud)
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(**REFUSED)
    cloud.put_manifest(run_id="20261118T010000Z-9-manual-0009")
    refuse_to_read(monkeypatch, "manual-0009")
    assert notify(LAST)["notified"] is True
    [mail] = cloud.mails()
    check_golden("refused", mail)


def test_a_bucket_that_fails_otherwise_is_still_said_to_have_failed(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(**REFUSED)
    refuse_to_read(monkeypatch, "", "InternalError")
    notify(LAST)
    [(_, text)] = cloud.mails()
    assert "Published  not known, the bucket could not be read: GetObject answered InternalError\n" in text


def test_glue_tells_the_attempt_where_the_id_does_not() -> None:
    run = jobs.JobRun(id=RUN, state="FAILED", attempt=1, started=None, ended=None, arguments={})
    assert jobs.attempts_ended(RUN, run) == 2
    assert jobs.attempts_ended(SECOND, None) == 2
    assert jobs.attempts_ended(RUN, None) == 1


def test_a_second_attempt_that_glue_knows_by_the_first_ones_id_only_keeps_its_week(cloud: Cloud) -> None:
    cloud.start_run("FAILED", RUN)
    assert notify(LAST)["notified"] is True
    assert cloud.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 ended without a manifest"]
    assert cloud.items() == ["alert#2026-W46", f"notice#{RUN}"]


def test_a_manifest_of_a_newer_version_is_no_reason_for_silence(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(status="postponed", job_run_id=SECOND)
    assert notify(LAST)["notified"] is True


def test_a_failed_attempt_that_glue_does_not_know_is_told_in_doubt(cloud: Cloud) -> None:
    assert notify(FIRST)["notified"] is True
    [(_, body)] = cloud.mails()
    assert "Attempts   not known, Glue did not answer; the last one ended FAILED\n" in body


def test_a_message_that_sns_did_not_take_is_sent_by_the_next_try(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.start_run("FAILED", SECOND)
    with monkeypatch.context() as broken:
        broken.setenv("QOL_TOPIC_ARN", "arn:aws:sns:ap-northeast-1:123456789012:gone")
        with pytest.raises(ClientError, match="NotFound"):
            notify(LAST)
    assert cloud.items() == []
    assert notify(LAST, NOW + timedelta(minutes=1))["notified"] is True
    assert len(cloud.mails()) == 1


def test_a_lost_answer_of_sns_gives_two_messages_rather_than_none(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.start_run("FAILED", SECOND)
    publish = send.send

    def publish_and_lose(message: Any) -> str:
        publish(message)
        raise ConnectionError

    notify_and_fail(monkeypatch, publish_and_lose, ConnectionError)
    assert notify(LAST, NOW + timedelta(minutes=1))["notified"] is True
    assert len(cloud.mails()) == 2


def test_a_function_that_died_while_sending_leaves_the_message_to_the_next_try(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.start_run("FAILED", SECOND)

    def die(message: Any) -> str:
        raise KeyboardInterrupt  # no handler of ours runs, as when Lambda ends a function

    notify_and_fail(monkeypatch, die, KeyboardInterrupt)
    assert notify(LAST, NOW + timedelta(seconds=10))["notified"] is False
    assert notify(LAST, NOW + timedelta(seconds=60))["notified"] is True
    assert len(cloud.mails()) == 1


def test_without_the_lock_table_the_message_still_goes_out(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND)
    client("dynamodb").delete_table(TableName="qol_run_locks")
    assert notify(LAST)["notified"] is True
    assert len(cloud.mails()) == 1


def test_without_the_bucket_the_message_says_what_it_does_not_know(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.start_run("FAILED", SECOND)
    monkeypatch.setenv("QOL_BUCKET", "gone")
    assert notify(LAST)["notified"] is True
    [(_, body)] = cloud.mails()
    assert "Published  not known, the bucket could not be read: ListObjectsV2 answered NoSuchBucket\n" in body


def test_a_broken_file_among_the_manifests_is_passed_over(cloud: Cloud) -> None:
    cloud.start_run("FAILED", SECOND)
    cloud.put_manifest(**REFUSED)
    for name, body in (("z.json", b"{"), ("y.json", b"[]"), ("x.json", b"\xff"), ("w.txt", b"no")):
        client("s3").put_object(Bucket="lake", Key=f"p/_runs/{name}", Body=body)
    notify(LAST)
    assert cloud.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 was refused by the checks"]
