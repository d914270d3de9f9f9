"""`qol-watchdog`: notifies once when a week has no result after the time of two attempts."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

from aws_lambda_powertools import Logger

from qol.errors import QolError
from qol.tables.weeks import parse_week
from qol_lambda import jobs, lock_table
from qol_lambda.clients import error_summary
from qol_lambda.kick_messages import check_failed, no_result
from qol_lambda.runs import WEEKLY, last_published, runs_of_week
from qol_lambda.schedule import business_week, execution_id, local_day, scheduled_time, utc_text
from qol_lambda.send import send_once
from qol_lambda.settings import this_installation

logger = Logger()


def handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """The Lambda handler: the schedule's input in, the result of `watch` out."""
    return watch(event, datetime.now(UTC))


def watch(event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Notify when the week has no result and today had no notification about it; `{"week": …, "notified": …}`.

    A watchdog that fails sends a notification about that, and raises.
    """
    week = ""
    try:
        due = scheduled_time(event)
        week = business_week(due)
        notified = _watch_week(week, due, now)
    except Exception as err:
        # Lambda retries with the same input; the notification is sent once.
        asked_by = execution_id(event, utc_text(now))
        send_once(f"watchdog-failed#{asked_by}", check_failed(this_installation(), week, error_summary(err)), now)
        raise
    logger.info("checked", extra={"week": week, "notified": notified})
    return {"week": week, "notified": notified}


def _watch_week(week: str, due: datetime, now: datetime) -> bool:
    since = datetime.combine(parse_week(week), time(), UTC)
    records, unread = runs_of_week(week, since)
    if any(record.is_good for record in records):
        return False
    runs = [run for run in jobs.all_job_runs(jobs.weekly_job()) if run.week == week and run.trigger in WEEKLY]
    if _is_notified(week, due, runs):
        return False
    if unread:
        raise QolError(unread[0].summary)
    last = next((run for run in runs if run.is_in_progress), runs[0] if runs else None)
    record = records[0] if records else None
    message = no_result(this_installation(), week, last, record, last_published().summary(), due)
    return send_once(f"watchdog#{utc_text(due)}", message, now, week)


def _is_notified(week: str, due: datetime, runs: list[jobs.JobRun]) -> bool:
    """Whether a notification about the week was sent today, and no run has ended since.

    One of an earlier day is about an earlier run, and one before a run's end is not about that end.
    """
    notified_at = lock_table.alerted_at(week)
    if notified_at is None or local_day(notified_at) < local_day(due):
        return False
    if any(run.is_in_progress for run in runs):
        return True
    return not any(run.ended and run.ended > notified_at for run in runs)
