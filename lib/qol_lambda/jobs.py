"""Runs of the Glue job as Glue reports them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qol_lambda.clients import ONE_ATTEMPT, client
from qol_lambda.settings import setting

IN_PROGRESS = frozenset({"STARTING", "RUNNING", "STOPPING", "WAITING"})
#: The only state after which Glue starts another attempt. A run over its time limit, or stopped by a person, is not
#: started again; should Glue ever do so, there is one notification too many, not one too few.
RETRIED = frozenset({"FAILED"})

_ATTEMPT = re.compile(r"_attempt_(\d+)$")
_WEEK = re.compile(r"\d{4}-W\d{2}")


@dataclass(frozen=True)
class JobRun:
    """One attempt of a job run, and its arguments."""

    id: str
    state: str
    attempt: int
    started: datetime | None
    ended: datetime | None
    arguments: Mapping[str, str]
    error: str = ""

    @property
    def week(self) -> str | None:
        """The business week it was started for."""
        week = self.arguments.get("--week", "")
        return week if _WEEK.fullmatch(week) else None

    @property
    def trigger(self) -> str:
        """What started it, or which other command it runs; `manual` by default."""
        command = self.arguments.get("--command", "run")
        if command != "run":
            return command if command in {"backfill", "rebuild", "erase"} else "other"
        return "schedule" if self.arguments.get("--trigger") == "schedule" else "manual"

    @property
    def is_in_progress(self) -> bool:
        """Whether it has not ended."""
        return self.state in IN_PROGRESS


def base_id(run_id: str) -> str:
    """The id that all attempts of a run share."""
    return _ATTEMPT.sub("", run_id)


def attempts_ended(run_id: str, run: JobRun | None) -> int:
    """How many attempts of the run have ended, this one included: by its id or by Glue, whichever is more."""
    suffix = _ATTEMPT.search(run_id)
    return 1 + max(int(suffix.group(1)) if suffix else 0, run.attempt if run else 0)


def weekly_job() -> str:
    """The job of runs, backfills and rebuilds."""
    return setting("QOL_JOB_NAME")


def erase_job() -> str:
    """The job of erasures, whose role nothing else has; empty without one."""
    return setting("QOL_ERASE_JOB_NAME", "")


def find_job_run(run_id: str, job: str) -> JobRun:
    """An attempt of a job by its id; ClientError when Glue does not know it."""
    return _job_run(client("glue").get_job_run(JobName=job, RunId=run_id)["JobRun"])


def all_job_runs(job: str) -> list[JobRun]:
    """All runs of a job that Glue keeps (90 days), newest first."""
    pages = client("glue").get_paginator("get_job_runs").paginate(JobName=job)
    runs = [_job_run(found) for page in pages for found in page["JobRuns"]]
    return sorted(runs, key=lambda run: run.started.timestamp() if run.started else 0.0, reverse=True)


def start_job(job: str, arguments: Mapping[str, str]) -> str:
    """Start a run and return its id, by one request: a second could start a second run or be refused because of the first."""
    started = client("glue", ONE_ATTEMPT).start_job_run(JobName=job, Arguments=dict(arguments))
    return str(started["JobRunId"])


def _job_run(found: Mapping[str, Any]) -> JobRun:
    return JobRun(
        id=found["Id"],
        state=found.get("JobRunState", "unknown"),
        attempt=int(found.get("Attempt", 0)),
        started=found.get("StartedOn"),
        ended=found.get("CompletedOn"),
        arguments=found.get("Arguments") or {},
        error=found.get("ErrorMessage") or "",
    )
