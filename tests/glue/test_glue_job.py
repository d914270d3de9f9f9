"""The job ends as Glue and its operators need it: published or an exception, metrics either way, no person named."""

import ast
import json
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from qol.errors import RefusedError
from qol.glue.glue_job import JobFailedError, _describe_spark
from qol.run.request import RunRequest
from tests.builders import user_id, write_lines
from tests.glue.conftest import Job

SCRIPT = Path(__file__).parents[2] / "glue_jobs" / "weekly_etl.py"


def metrics(out: str) -> list[dict[str, Any]]:
    """EMF documents with plain values: CloudWatch takes a value and a list of values alike."""
    read = [json.loads(line) for line in out.splitlines() if line.startswith('{"_aws"')]
    return [{name: found[0] if isinstance(found, list) else found for name, found in line.items()} for line in read]


def manifests(lake: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted((lake / "_runs").glob("*.json"))]


def test_a_run_publishes_and_its_log_begins_with_the_versions(
    job: Job, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job("--trigger", "schedule", "--week", "2026-W46")
    out = capsys.readouterr().out
    assert re.match(
        r"qol 0\.2\.0, Python 3\.11\.\d+, pyspark 3\.5\.6, pyarrow 22\.0\.0, polars 2\.1\.0, boto3 1\.", out
    )
    assert "published 4 files of 1 week." in out
    (manifest,) = manifests(lake)
    assert (manifest["job_run_id"], manifest["trigger"], manifest["week"]) == ("jr_1", "schedule", "2026-W46")
    assert manifest["lateness"] == {"records": 3, "p50_days": 1, "p95_days": 5, "max_days": 5}


def test_the_log_tells_rejects_and_nulled_values_and_names_no_person(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    job()
    printed = "".join(capsys.readouterr())
    assert "\nRejected 1 item: not_json\ngarmin_dailies.steps: out_of_range 1 times\n" in printed
    for person in (user_id("u1"), user_id("u2"), "u1", "u2"):
        assert person not in printed.replace("run_id", "")


def test_metrics_of_a_run_carry_the_jobs_name_and_come_last(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job()
    out = capsys.readouterr().out
    lines = metrics(out)
    assert out.splitlines()[-len(lines) :] == [line for line in out.splitlines() if line.startswith('{"_aws"')]
    assert {line["job"] for line in lines} == {"qol-weekly-etl-dev"}
    assert (lines[0]["succeeded"], lines[0]["items"], lines[0]["items_rejected"]) == (1, 4, 1)
    assert {line["table"]: line["rows"] for line in lines if "table" in line} == {
        "daily_metrics": 3, "records_garmin_dailies": 3, "rejects": 1, "weekly_metrics": 2,
    }  # fmt: skip


def test_an_unknown_argument_is_exit_code_2_and_nothing_is_read(
    job: Job, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        JobFailedError, match=r"exit code 2 \(usage or contract error\): --wek: unknown argument"
    ) as err:
        job("--wek", "2026-W46")
    assert err.value.exit_code == 2
    assert not (lake / "_runs").exists()
    (line,) = metrics(capsys.readouterr().out)
    assert (line["failed"], line["exit_code"]) == (1, 2)


def test_what_only_a_bucket_has_is_refused_for_a_folder(job: Job) -> None:
    with pytest.raises(JobFailedError, match="exit code 2 .*--database db_qol: only a lake on S3 has one"):
        job("--database", "db_qol")
    with pytest.raises(JobFailedError, match="exit code 2 .*--kms-key arn:aws:kms: only a lake on S3 has one"):
        job("--kms-key", "arn:aws:kms")


def test_a_secret_that_is_not_there_ends_the_job_before_it_reads_anything(
    job: Job, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-1")
    with (
        mock_aws(),
        pytest.raises(JobFailedError, match="exit code 2 .*--key-secret qol/nothing: there is no such secret"),
    ):
        job("--key-secret", "qol/nothing")
    assert not (lake / "_runs").exists()


def test_a_refused_run_is_exit_code_3_with_its_manifest_in_the_metrics(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise RefusedError("refused, nothing was published; 1 critical check(s) failed:\n  people_kept: …")

    monkeypatch.setattr("qol.run.pipeline.run_gate", refuse)
    with pytest.raises(JobFailedError, match=r"exit code 3 \(refused by the gate\): refused, nothing was published"):
        job()
    captured = capsys.readouterr()
    assert "people_kept" in captured.err
    assert [line["status"] for line in metrics(captured.out)][:1] == ["refused"]


def test_an_unexpected_error_is_exit_code_1_without_its_text(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("vendor-alice walked 7 steps")

    monkeypatch.setattr("qol.run.pipeline.run_gate", fail)
    with pytest.raises(JobFailedError, match=r"exit code 1 \(failed\): unexpected error: ValueError at qol/"):
        job()
    assert "alice" not in "".join(capsys.readouterr())


def test_a_spark_that_cannot_be_described_is_no_reason_to_fail(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("qol.run.spark_engine.start_spark", lambda *_: None)
    _describe_spark(RunRequest(engine="spark"))
    assert capsys.readouterr().err.startswith("Spark could not be described: AttributeError at qol/glue/runtime.py")


def test_backfill_and_rebuild_are_commands_of_the_job(job: Job, lake: Path) -> None:
    job("--command", "backfill", "--from", "2026-11-10", "--to", "2026-11-10")
    job("--command", "rebuild", "--from-week", "2026-W46")
    assert [manifest["trigger"] for manifest in manifests(lake)] == ["backfill", "rebuild"]


def test_the_process_ends_with_the_exit_code(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(JobFailedError) as failed:
        job("--wek", "x")
    with pytest.raises(SystemExit) as ended:
        sys.excepthook(JobFailedError, failed.value, None)
    assert ended.value.code == 2
    assert "JobFailedError: exit code 2" in capsys.readouterr().err


def test_the_script_calls_the_job_and_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []
    monkeypatch.setattr("qol.glue.glue_job.run_glue_job", lambda *arguments: called.append(arguments))
    monkeypatch.setattr(sys, "argv", ["weekly_etl.py", "--lake", "s3://b"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    assert called[0][0] == ["weekly_etl.py", "--lake", "s3://b"]
    assert called[0][1].__name__ == "getResolvedOptions"
    assert len(SCRIPT.read_text().splitlines()) <= 40
    assert ast.get_docstring(ast.parse(SCRIPT.read_text()))


def test_a_name_of_an_object_cannot_forge_a_line_of_metrics(
    job: Job, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lines(lake, "2026-11-10", [], name='x\n{"_aws": 1}\n.txt')
    job()
    assert [line for line in capsys.readouterr().out.splitlines() if line == '{"_aws": 1}'] == []
