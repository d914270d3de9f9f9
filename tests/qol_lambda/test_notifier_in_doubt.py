"""Where Glue, the bucket, SNS or a table does not answer, people hear of a bad end all the same, and what is not known is said."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qol.errors import QolError
from qol_lambda import jobs, send, watchdog
from qol_lambda.clients import client
from tests.qol_lambda.conftest import Cloud, case
from tests.qol_lambda.notices import FIRST, REFUSED, RUN, SECOND, last_week, notify, refuse_to_read

GOOD, OTHER = str(case("manifest.json")["run_id"]), "20261118T010000Z-9-manual-0009"


def watch() -> dict[str, Any]:
    return watchdog.watch(case("scheduler_watchdog.json"), datetime(2026, 11, 18, 2, 30, 4, tzinfo=UTC))


@pytest.fixture
def failed(cloud: Cloud) -> Cloud:
    """The cloud after the last attempt failed."""
    cloud.start_run("FAILED", SECOND)
    return cloud


@pytest.fixture
def refused(failed: Cloud) -> Cloud:
    """The cloud after the checks refused the last attempt, a week after a good one."""
    last_week(failed)
    failed.put_manifest(**REFUSED)
    return failed


@pytest.mark.parametrize("code", ["AccessDenied", "KMS.DisabledException"])
def test_a_manifest_that_may_not_be_read_is_passed_over_and_named_in_the_message(
    refused: Cloud, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    refuse_to_read(monkeypatch, GOOD, code)
    assert notify()["notified"] is True
    [(subject, text)] = refused.mails()
    assert subject == "[prod] QoL Lake: weekly run 2026-W46 failed, and its manifest could not be read"
    assert f" A manifest could not be read (GetObject answered {code}).\n" in text
    assert "Readers see the tables up to 2026-W45" in text


def test_a_run_over_its_time_limit_is_told_as_that_when_its_manifest_may_not_be_read(
    refused: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_to_read(monkeypatch, GOOD)
    notify(state="TIMEOUT")
    assert refused.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 took longer than allowed"]


def test_another_runs_manifest_that_may_not_be_read_is_no_part_of_the_message(
    refused: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused.put_manifest(run_id=OTHER)
    refuse_to_read(monkeypatch, OTHER)
    assert notify()["notified"] is True
    refused.check_mail("refused")


def test_an_older_manifest_that_may_not_be_read_is_no_part_of_the_message_either(
    failed: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed.put_manifest(run_id=OTHER)
    failed.job_runs()[-1].started_on = datetime.now(UTC) + timedelta(minutes=5)
    refuse_to_read(monkeypatch, OTHER)
    notify()
    assert failed.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 ended without a manifest"]


def test_a_good_week_is_found_behind_a_manifest_that_may_not_be_read(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.put_manifest()
    cloud.put_manifest(run_id=OTHER, status="failed")
    refuse_to_read(monkeypatch, OTHER)
    assert watch()["notified"] is False
    assert cloud.mails() == []


def test_a_week_whose_only_manifest_may_not_be_read_is_not_called_unpublished(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.put_manifest()
    refuse_to_read(monkeypatch, GOOD)
    with pytest.raises(QolError, match="a manifest could not be read"):
        watch()
    [(subject, text)] = cloud.mails()
    assert subject == "[prod] QoL Lake: whether 2026-W46 is published is not known"
    assert "Reason: a manifest could not be read (GetObject answered AccessDenied)\n" in text


def test_a_bucket_that_fails_otherwise_is_still_said_to_have_failed(
    refused: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_to_read(monkeypatch, "", "InternalError")
    notify()
    [(_, text)] = refused.mails()
    assert "What readers see is not known, the bucket could not be read: GetObject answered InternalError.\n" in text


def test_glue_tells_the_attempt_where_the_id_does_not() -> None:
    run = jobs.JobRun(id=RUN, state="FAILED", attempt=1, started=None, ended=None, arguments={})
    assert jobs.attempts_ended(RUN, run) == 2
    assert jobs.attempts_ended(SECOND, None) == 2
    assert jobs.attempts_ended(RUN, None) == 1


def test_a_second_attempt_that_glue_knows_by_the_first_ones_id_only_keeps_its_week(cloud: Cloud) -> None:
    cloud.start_run("FAILED", RUN)
    assert notify()["notified"] is True
    assert cloud.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 ended without a manifest"]
    assert cloud.items() == ["alert#2026-W46", f"notice#{RUN}"]


def test_a_manifest_of_a_newer_version_is_no_reason_for_silence(failed: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    failed.put_manifest(status="postponed", job_run_id=SECOND)
    failed.put_manifest(run_id=OTHER)
    refuse_to_read(monkeypatch, OTHER)
    notify()
    assert failed.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 ended without a manifest"]


def test_a_failed_attempt_that_glue_does_not_know_is_told_in_doubt(cloud: Cloud) -> None:
    assert notify(FIRST)["notified"] is True
    [(_, body)] = cloud.mails()
    assert " An attempt (Glue did not say how many there were) ended, the last one FAILED.\n" in body


def test_a_message_that_sns_did_not_take_is_sent_by_the_next_try(
    failed: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setenv("QOL_TOPIC_ARN", "arn:aws:sns:ap-northeast-1:123456789012:gone")
        with pytest.raises(ClientError, match="NotFound"):
            notify()
    assert failed.items() == []
    assert notify(minutes=1)["notified"] is True
    assert len(failed.mails()) == 1


def test_a_lost_answer_of_sns_gives_two_messages_rather_than_none(
    failed: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = send.send

    def publish_and_lose(message: Any) -> str:
        publish(message)
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(send, "send", publish_and_lose)
        with pytest.raises(ConnectionError):
            notify()
    assert notify(minutes=1)["notified"] is True
    assert len(failed.mails()) == 2


def test_a_function_that_died_while_sending_leaves_the_message_to_the_next_try(
    failed: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(message: Any) -> str:
        raise KeyboardInterrupt  # no handler of ours runs, as when Lambda ends a function

    with monkeypatch.context() as broken:
        broken.setattr(send, "send", die)
        with pytest.raises(KeyboardInterrupt):
            notify()
    assert notify(minutes=0.5)["notified"] is False
    assert notify(minutes=1)["notified"] is True
    assert len(failed.mails()) == 1


def test_without_the_lock_table_the_message_still_goes_out(failed: Cloud) -> None:
    client("dynamodb").delete_table(TableName="qol_run_locks")
    assert notify()["notified"] is True
    assert len(failed.mails()) == 1


def test_without_the_bucket_the_message_says_what_it_does_not_know(
    failed: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QOL_BUCKET", "gone")
    assert notify()["notified"] is True
    [(_, body)] = failed.mails()
    assert "What readers see is not known, the bucket could not be read: ListObjectsV2 answered NoSuchBucket.\n" in body


def test_a_broken_file_among_the_manifests_is_passed_over(refused: Cloud) -> None:
    for name, body in (("z.json", b"{"), ("y.json", b"[]"), ("x.json", b"\xff"), ("w.txt", b"no")):
        client("s3").put_object(Bucket="lake", Key=f"p/_runs/{name}", Body=body)
    notify()
    assert refused.subjects() == ["[prod] QoL Lake: weekly run 2026-W46 was refused by the checks"]
