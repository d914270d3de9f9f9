"""`qol-watchdog`: two attempts after the schedule there must be a result for the week, or people are told, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

from aws_lambda_powertools import Logger

from qol.errors import QolError
from qol.tables.weeks import parse_week
from qol_lambda import jobs, lock_table
from qol_lambda.clients import error_words
from qol_lambda.kick_messages import Found, check_failed, not_published, not_started, still_running
from qol_lambda.messages import Message
from qol_lambda.place import this_place
from qol_lambda.published import published_words
from qol_lambda.runs import RunRecord, last_good_run, runs_of_week
from qol_lambda.schedule import business_week, execution_id, local_day, local_time, scheduled_time, utc_text
from qol_lambda.send import send_once

logger = Logger()


def handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """Lambda's entry: an input of the schedule."""
    return watch(event, datetime.now(UTC))


def watch(event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Tell people when the week has no result and nobody told them today; `{"week": …, "told": …}`.

    A watchdog that cannot look tells that, and raises.
    """
    week = ""
    try:
        due = scheduled_time(event)
        week = business_week(due)
        told = _watch_week(week, due, now)
    except Exception as err:
        # Lambda tries once more with the same input; people hear of it once.
        asked_by = execution_id(event, utc_text(now))
        send_once(f"watchdog-failed#{asked_by}", check_failed(this_place(), week, error_words(err)), now)
        raise
    logger.info("looked", extra={"week": week, "told": told})
    return {"week": week, "told": told}


def _watch_week(week: str, due: datetime, now: datetime) -> bool:
    since = datetime.combine(parse_week(week), time(), UTC)
    records, unread = runs_of_week(week, since)
    if any(record.is_good for record in records):
        return False
    runs = [run for run in jobs.all_job_runs() if run.week == week and run.trigger in {"schedule", "manual"}]
    if _is_told(week, due, runs):
        return False
    if unread:
        raise QolError(unread[0].words)
    message = _message(week, records, runs, due)
    return send_once(f"watchdog#{utc_text(due)}", message, now, week)


def _is_told(week: str, due: datetime, runs: list[jobs.JobRun]) -> bool:
    """Whether people were told about the week today, and nothing has ended since.

    An alert of an earlier day is about an earlier try, and one before a run's end cannot be about that end.
    """
    told_at = lock_table.alerted_at(week)
    if told_at is None or local_day(told_at) < local_day(due):
        return False
    if any(run.is_in_progress for run in runs):
        return True
    return not any(run.ended and run.ended > told_at for run in runs)


def _message(week: str, records: list[RunRecord], runs: list[jobs.JobRun], due: datetime) -> Message:
    last = next((run for run in runs if run.is_in_progress), runs[0] if runs else None)
    record = records[0] if records else None
    found = Found(
        week=week,
        looked_at=local_time(due),
        job_run_id=last.id if last else "",
        state=last.state if last else "",
        since=local_time(last.started) if last and last.started else "",
        status=record.status if record else "",
        error=(record.error or "") if record else "",
        published=published_words(last_good_run()),
    )
    if last is None and record is None:
        return not_started(this_place(), found)
    return (still_running if last and last.is_in_progress else not_published)(this_place(), found)
