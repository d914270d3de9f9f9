"""`job_failure_notifier`: one notification per job run that failed, after its last attempt."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger

from qol.aws.emf import emf_line
from qol.errors import UsageError
from qol_lambda import jobs
from qol_lambda.clients import error_summary, log_errors
from qol_lambda.messages import job_failed_reason
from qol_lambda.run_messages import Ended, run_erased, run_failed, run_warned
from qol_lambda.runs import WEEKLY, Published, Runs, find_runs
from qol_lambda.send import send_once
from qol_lambda.settings import setting, this_installation

FAILED_STATES = frozenset({"FAILED", "TIMEOUT", "STOPPED", "ERROR"})
_RUN_ID = re.compile(r"[A-Za-z0-9_.-]{1,255}")

logger = Logger()


@dataclass(frozen=True)
class Change:
    """A `Glue Job State Change`: an attempt, its new state, and Glue's message."""

    job: str
    run_id: str
    state: str
    message: str
    region: str


def handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """The Lambda handler: an EventBridge event in, the result of `notify` out."""
    return notify(event, datetime.now(UTC))


def notify(event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Count a failed attempt and notify when it was the last one; `{"notified": …, "why": …}`. Raises when SNS fails."""
    change = read_change(event)
    if change.job not in (jobs.weekly_job(), jobs.erase_job()):
        return _done(change, "another job", notified=False)
    if change.state == "SUCCEEDED":
        return _after_success(change, now)
    if change.state not in FAILED_STATES:
        return _done(change, "no end", notified=False)
    # A run that was killed or took too long prints no metrics of its own.
    properties = {"job_run_id": change.run_id, "state": change.state}
    line = emf_line({"job": change.job}, {"failed_runs": (1, "Count")}, properties, now)
    print(line, flush=True)  # noqa: T201 (CloudWatch reads it from there)
    run = _find_run(change)
    # An attempt that Glue does not return counts as the last.
    if run and change.state in jobs.RETRIED and jobs.attempts_ended(change.run_id, run) < _max_attempts():
        return _done(change, "another attempt comes", notified=False)
    return _after_failure(change, run, now)


def read_change(event: Mapping[str, Any]) -> Change:
    """The state change in an event; UsageError when it is another event."""
    detail = event.get("detail") or {}
    job, run_id, state = (str(detail.get(name, "")) for name in ("jobName", "jobRunId", "state"))
    if event.get("detail-type") != "Glue Job State Change" or not _RUN_ID.fullmatch(run_id):
        raise UsageError("event: found no job run's state change; allowed: detail-type 'Glue Job State Change'")
    region = str(event.get("region", ""))
    return Change(job, run_id, state, str(detail.get("message") or ""), region if _RUN_ID.fullmatch(region) else "")


def _find_run(change: Change) -> jobs.JobRun | None:
    """The attempt, else the run it belongs to; None when Glue returns neither."""
    for known_id in dict.fromkeys((change.run_id, jobs.base_id(change.run_id))):
        with log_errors("Glue did not return the run", job_run_id=known_id):  # in doubt a notification is sent
            return jobs.find_job_run(known_id, change.job)
    return None


def _after_failure(change: Change, run: jobs.JobRun | None, now: datetime) -> dict[str, Any]:
    try:
        found = find_runs(change.run_id, run.started if run else None)
        published = found.published.summary()
    except Exception as err:  # noqa: BLE001 (the notification is sent in any case, and says what is not known)
        logger.warning("no manifest could be read", extra={"reason": error_summary(err)})
        found, published = (
            Runs(None, Published(None), []),
            f"What readers see is not known, the bucket could not be read: {error_summary(err)}.",
        )
    ended = _ended(change, run, found, published)
    week = ended.week if ended.trigger in WEEKLY else None
    notified = send_once(jobs.base_id(change.run_id), run_failed(this_installation(change.region), ended), now, week)
    return _done(change, "ended badly" if notified else "notified earlier", notified=notified)


def _after_success(change: Change, now: datetime) -> dict[str, Any]:
    run = _find_run(change)
    found = find_runs(change.run_id, run.started if run else None)
    ended = _ended(change, run, found, found.published.summary())
    is_erasure = ended.trigger == "erase" and ended.status == "published"
    if found.own is None or not found.own.is_good or not (is_erasure or ended.left or ended.checks("warning")):
        return _done(change, "good", notified=False)
    message = (run_erased if is_erasure else run_warned)(this_installation(change.region), ended)
    notified = send_once(jobs.base_id(change.run_id), message, now)
    why = "erased" if is_erasure else "warnings"
    return _done(change, why if notified else "notified earlier", notified=notified)


def _ended(change: Change, run: jobs.JobRun | None, found: Runs, published: str) -> Ended:
    about = found.own or run
    count = jobs.attempts_ended(change.run_id, run)
    return Ended(
        run_id=change.run_id,
        state=change.state,
        attempts=f"{count} of {_max_attempts()} attempts"
        if run or count > 1
        else "An attempt (Glue did not say how many there were)",
        week=about.week if about else None,
        trigger="erase" if change.job == jobs.erase_job() else about.trigger if about else None,
        # The run's own message when it is this job's, because an event may hold it shortened.
        glue_error=run.error if run and job_failed_reason(run.error) else change.message,
        record=found.own,
        published=published,
        unread=found.unread[0].summary if found.unread else "",
    )


def _max_attempts() -> int:
    return int(setting("QOL_MAX_ATTEMPTS", "2"))


def _done(change: Change, why: str, *, notified: bool) -> dict[str, Any]:
    facts = {"job_run_id": change.run_id, "state": change.state if change.state.isalpha() else "?"}
    logger.info(why, extra={**facts, "notified": notified})
    return {"notified": notified, "why": why}
