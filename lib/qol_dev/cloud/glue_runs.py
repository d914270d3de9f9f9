"""Runs of the Glue job: what Glue would do with a started run is done here, the script as a process, retries, events."""

import io
import shutil
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qol_dev.cloud.functions import invoke
from qol_dev.cloud.spark_session import spark_environment, spark_settings
from qol_dev.cloud.state import REGION, Cloud, client

_ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Attempt:
    """One attempt of a job run: its id, how it ended, how long it took, where its log is."""

    run_id: str
    state: str
    exit_code: int
    seconds: float
    log: Path


def waiting_runs(cloud: Cloud) -> list[str]:
    """Runs that were started and not executed yet, of both jobs, oldest first."""
    return [run_id for _, run_id, _ in sorted(_runs(cloud)) if not _folder(cloud, run_id).exists()]


def all_runs(cloud: Cloud) -> int:
    """How many runs were started."""
    return len(list(_runs(cloud)))


def _runs(cloud: Cloud) -> Iterator[tuple[datetime, str, str]]:
    """When each run was started, its id and its job: that of the weeks or that of erasures."""
    for job in (cloud.names["job"], cloud.names["eraser"]):
        for page in client(cloud, "glue").get_paginator("get_job_runs").paginate(JobName=job):
            yield from ((run["StartedOn"], run["Id"], job) for run in page["JobRuns"])


def execute(cloud: Cloud, run_id: str) -> Iterator[Attempt]:
    """Run the job's script for a started run, again after a failure as often as the job allows; each attempt as it ends.

    The notifier hears of every end before the attempt is handed out, as it would through EventBridge.
    """
    glue = client(cloud, "glue")
    name = next(job for _, found, job in _runs(cloud) if found == run_id)
    job, run = glue.get_job(JobName=name)["Job"], glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]
    folder = _folder(cloud, run_id)
    folder.mkdir(parents=True)
    for number in range(job.get("MaxRetries", 0) + 1):
        attempt_id = run_id if number == 0 else f"{run_id}_attempt_{number}"
        log = folder / f"attempt-{number}.log"
        own = {"--JOB_NAME": job["Name"], "--JOB_RUN_ID": attempt_id}
        started = time.monotonic()
        code = _run_script(cloud, job, {**run.get("Arguments", {}), **job["NonOverridableArguments"], **own}, log)
        state = "FAILED" if code else "SUCCEEDED"
        seconds = time.monotonic() - started
        event = state_change(job["Name"], attempt_id, state, _last_log_line(log) if code else "")
        invoke(cloud, "notifier", event)
        yield Attempt(attempt_id, state, code, seconds, log)
        if not code:
            return


def state_change(job: str, run_id: str, state: str, message: str) -> dict[str, Any]:
    """The event that Glue sends when a run has ended."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Glue Job State Change",
        "source": "aws.glue",
        "account": _ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [],
        "detail": {
            "jobName": job,
            "severity": "ERROR" if state == "FAILED" else "INFO",
            "state": state,
            "jobRunId": run_id,
            "message": message,
        },
    }


def _folder(cloud: Cloud, run_id: str) -> Path:
    return cloud.folder / "runs" / run_id


def _run_script(cloud: Cloud, job: Mapping[str, Any], arguments: Mapping[str, str], log: Path) -> int:
    """The uploaded script and wheel in a Python of the project's environment; its exit code."""
    code = _unpacked(cloud, job)
    given = [pair.partition("=") for pair in arguments.get("--conf", "").split(" --conf ")]
    settings = spark_settings(cloud) | {name: value for name, equals, value in given if equals}
    words = [word for pair in arguments.items() for word in pair]
    with log.open("wb") as out:
        done = subprocess.run(  # noqa: S603 (the deployed script)
            [sys.executable, "-P", code / "script.py", *words],
            env=spark_environment(cloud, settings, PYTHONPATH=str(code)),
            cwd=log.parent, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    return done.returncode


def _unpacked(cloud: Cloud, job: Mapping[str, Any]) -> Path:
    """Script and wheel as they lie in the bucket; the wheels of others are the environment's own, of the same versions."""
    script = str(job["Command"]["ScriptLocation"])
    folder = cloud.folder / "job" / script.split("/")[-2]
    if not folder.is_dir():
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        house = str(job["NonOverridableArguments"]["--additional-python-modules"])
        with zipfile.ZipFile(io.BytesIO(_object(cloud, house))) as wheels:
            ours = next(name for name in wheels.namelist() if name.startswith("wheels/qol_lake-"))
            with zipfile.ZipFile(io.BytesIO(wheels.read(ours))) as wheel:
                wheel.extractall(partial)
        (partial / "script.py").write_bytes(_object(cloud, script))
        partial.rename(folder)
    return folder


def _object(cloud: Cloud, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bytes(client(cloud, "s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def _last_log_line(log: Path) -> str:
    """What Glue shows as a run's error message: the last line of its log."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
