"""`job_failure_notifier`: one readable message per job run that ended badly, once its last attempt has ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger

from qol.errors import UsageError
from qol_lambda import jobs
from qol_lambda.clients import error_words
from qol_lambda.messages import reason_of_our_job
from qol_lambda.place import this_place
from qol_lambda.published import published_words
from qol_lambda.run_messages import Ended, run_ended_badly, run_warned
from qol_lambda.run_metrics import count_bad_end
from qol_lambda.runs import WEEKLY, Runs, find_runs
from qol_lambda.send import send_once
from qol_lambda.settings import setting

BAD_ENDS = frozenset({"FAILED", "TIMEOUT", "STOPPED", "ERROR"})
_RUN_ID = re.compile(r"[A-Za-z0-9_.-]{1,255}")

logger = Logger()


@dataclass(frozen=True)
class Change:
    """A `Glue Job State Change`: which attempt is now in which state, and Glue's words for it."""

    job: str
    run_id: str
    state: str
    message: str
    region: str


def handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """Lambda's entry: an event of EventBridge."""
    return notify(event, datetime.now(UTC))


def notify(event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Count a bad end, send the message the event is worth, if any; `{"told": …, "why": …}`. Raises when SNS or a table does not answer."""
    change = read_change(event)
    if change.job != setting("QOL_JOB_NAME"):
        return _done(change, "another job", told=False)
    if change.state == "SUCCEEDED":
        return _after_success(change, now)
    if change.state not in BAD_ENDS:
        return _done(change, "no end", told=False)
    count_bad_end(change.job, change.run_id, change.state, now)
    run = _asked(change.run_id)
    if _another_attempt_comes(change, run):
        return _done(change, "another attempt comes", told=False)
    return _after_failure(change, run, now)


def read_change(event: Mapping[str, Any]) -> Change:
    """The event's parts; UsageError when it is no state change of a job run."""
    detail = event.get("detail") or {}
    job, run_id, state = (str(detail.get(name, "")) for name in ("jobName", "jobRunId", "state"))
    if event.get("detail-type") != "Glue Job State Change" or not _RUN_ID.fullmatch(run_id):
        raise UsageError("event: found no job run's state change; allowed: detail-type 'Glue Job State Change'")
    region = str(event.get("region", ""))
    return Change(job, run_id, state, str(detail.get("message") or ""), region if _RUN_ID.fullmatch(region) else "")


def _asked(run_id: str) -> jobs.JobRun | None:
    """What Glue says of the attempt, else of the run it belongs to; None when it says nothing."""
    for known_as in dict.fromkeys((run_id, jobs.base_id(run_id))):
        try:
            return jobs.find_job_run(known_as)
        except Exception as err:  # noqa: BLE001 (in doubt the message goes out)
            logger.warning("Glue was asked in vain", extra={"job_run_id": known_as, "reason": error_words(err)})
    return None


def _another_attempt_comes(change: Change, run: jobs.JobRun | None) -> bool:
    """Whether Glue starts the run again by itself. When Glue could not be asked about a first attempt, it counts as the last."""
    if change.state not in jobs.RETRIED or run is None:
        return False
    return jobs.attempts_ended(change.run_id, run) < _allowed()


def _after_failure(change: Change, run: jobs.JobRun | None, now: datetime) -> dict[str, Any]:
    ended = _ended_as_far_as_known(change, run)
    week = ended.week if ended.trigger in WEEKLY else None
    told = send_once(jobs.base_id(change.run_id), run_ended_badly(this_place(change.region), ended), now, week)
    return _done(change, "ended badly" if told else "told before", told=told)


def _after_success(change: Change, now: datetime) -> dict[str, Any]:
    run = _asked(change.run_id)
    found = find_runs(change.run_id, run.started if run else None)
    if found.mine is None or not found.mine.is_good or not found.mine.checks("warning"):
        return _done(change, "good", told=False)
    ended = _ended(change, run, found, published_words(found.good))
    told = send_once(jobs.base_id(change.run_id), run_warned(this_place(change.region), ended), now)
    return _done(change, "warnings" if told else "told before", told=told)


def _ended_as_far_as_known(change: Change, run: jobs.JobRun | None) -> Ended:
    """The end of the run, without its manifest when the bucket does not answer: a message with less is better than none."""
    try:
        found = find_runs(change.run_id, run.started if run else None)
    except Exception as err:  # noqa: BLE001 (the message goes out in any case, and says what it does not know)
        logger.warning("no manifest could be read", extra={"reason": error_words(err)})
        return _ended(change, run, Runs(None, None, []), f"not known, the bucket could not be read: {error_words(err)}")
    return _ended(change, run, found, published_words(found.good))


def _ended(change: Change, run: jobs.JobRun | None, found: Runs, published: str) -> Ended:
    record = found.mine
    count = jobs.attempts_ended(change.run_id, run)
    return Ended(
        run_id=change.run_id,
        state=change.state,
        attempts=f"{count} of {_allowed()}" if run or count > 1 else "not known, Glue could not be asked",
        week=record.week if record else run.week if run else None,
        trigger=record.trigger if record else run.trigger if run else None,
        glue_says=_said(change, run),
        record=record,
        published=published,
        unread=found.unread[0].words if found.unread else "",
    )


def _said(change: Change, run: jobs.JobRun | None) -> str:
    """Glue's words for the end: the run's own where they are our job's, which the event may have shortened."""
    return run.error if run and reason_of_our_job(run.error) else change.message


def _allowed() -> int:
    return int(setting("QOL_MAX_ATTEMPTS", "2"))


def _done(change: Change, why: str, *, told: bool) -> dict[str, Any]:
    facts = {"job_run_id": change.run_id, "state": change.state if change.state.isalpha() else "?"}
    logger.info(why, extra={**facts, "told": told})
    return {"told": told, "why": why}
