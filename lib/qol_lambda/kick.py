"""`qol-weekly-survey-kick`: starts the weekly job once for the business week of the schedule, or notifies why not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from qol.errors import UsageError
from qol.tables.weeks import parse_week
from qol_lambda import jobs, lock_table
from qol_lambda.clients import error_code, error_summary, log_errors
from qol_lambda.kick_messages import kick_failed, schedule_unreadable
from qol_lambda.schedule import business_week, execution_id, scheduled_time, utc_text
from qol_lambda.send import send_once
from qol_lambda.settings import this_installation

#: Glue's clock may be behind by this much.
SLACK = timedelta(seconds=30)

logger = Logger()


@dataclass(frozen=True)
class Order:
    """A run to start: its business week, its arguments, the id of the request, and whether to start it again."""

    week: str
    arguments: Mapping[str, str]
    requested_by: str
    again: bool = False

    @property
    def lock(self) -> str:
        """The lock item that lets the week start once."""
        return f"run#{self.week}"


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """The Lambda handler: the schedule's input, or `{"week": "2026-W46", "again": true}` of an operator."""
    return kick(event, str(context.aws_request_id), datetime.now(UTC))


def kick(event: Mapping[str, Any], request_id: str, now: datetime) -> dict[str, Any]:
    """Start the run the event asks for; `{"started": …, "week": …, "job_run_id": …}`.

    A started week is started again only by an operator. When the start fails, the lock is released, a notification sent,
    and the error raised.
    """
    try:
        order = read_order(event, request_id, now)
    except UsageError as err:
        logger.error("no order", extra={"reason": str(err)})  # noqa: TRY400 (a traceback would say no more)
        if "week" not in event and "again" not in event:  # an operator reads the error of the call
            requested_by = execution_id(event, request_id)
            message = schedule_unreadable(this_installation(), str(err), business_week(now))
            send_once(f"kick-unreadable#{requested_by}", message, now)
        raise
    is_ours, before = _take(order, now)
    if not is_ours:
        logger.info("already started", extra={"week": order.week, "job_run_id": before.get("job_run_id")})
        return {"started": False, "week": order.week, "job_run_id": before.get("job_run_id")}
    try:
        # A function that died after the start has left a run without recording its id.
        orphaned = _run_of(order, now) if before and not order.again else None
        job_run_id = orphaned or _start(order, now)
    except Exception as err:
        _fail(order, before, err, now)
        raise
    with log_errors("the run's id was not recorded", week=order.week):  # the next delivery finds it by its arguments
        lock_table.complete(order.lock, now, "job_run_id", job_run_id)
    logger.info("started", extra={"week": order.week, "job_run_id": job_run_id})
    return {"started": True, "week": order.week, "job_run_id": job_run_id}


def read_order(event: Mapping[str, Any], request_id: str, now: datetime) -> Order:
    """The order in an event; UsageError when it is neither of the two kinds. `now` is used for the example in the message."""
    if "week" not in event and "again" not in event:
        due = scheduled_time(event)
        week = business_week(due)
        arguments = {"--week": week, "--trigger": "schedule", "--now": utc_text(due)}
        return Order(week, arguments, execution_id(event, request_id))
    if event.get("again") is not True or set(event) != {"week", "again"}:
        raise UsageError(f'event: found a week without "again"; allowed: {_example(event, now)}')
    week = str(event["week"])
    parse_week(week)
    return Order(week, {"--week": week, "--trigger": "manual"}, request_id, again=True)


def _example(event: Mapping[str, Any], now: datetime) -> str:
    """A valid event for the requested week, else for the current business week."""
    week = str(event.get("week"))
    try:
        parse_week(week)
    except UsageError:
        week = business_week(now)
    return json.dumps({"week": week, "again": True})


def _take(order: Order, now: datetime) -> tuple[bool, lock_table.Item]:
    if order.again:
        return True, lock_table.replace(order.lock, now, requested_by=order.requested_by)
    return lock_table.take(order.lock, now, done="job_run_id", requested_by=order.requested_by)


def _start(order: Order, now: datetime) -> str:
    """The id of the started run; one whose start was answered with an error may run, although its answer was lost."""
    try:
        return jobs.start_job(order.arguments)
    except Exception as err:
        logger.warning("not started", extra={"week": order.week, "reason": error_summary(err)})
        with log_errors("whether it runs is not known", week=order.week):
            if found := _run_of(order, now):
                return found
        raise


def _run_of(order: Order, now: datetime) -> str | None:
    """A run with this order's arguments; for a manual order, which names no time, one that just began."""
    since = now - SLACK if order.again else datetime.min.replace(tzinfo=UTC)
    for run in jobs.all_job_runs():
        arguments = {name: run.arguments.get(name) for name in ("--week", "--trigger", "--now")}
        if arguments == {"--now": None, **order.arguments} and run.started and run.started >= since:
            return jobs.base_id(run.id)
    return None


def _fail(order: Order, before: lock_table.Item, err: Exception, now: datetime) -> None:
    """Release the lock and send a notification; one that fails does not prevent the other."""
    logger.error("not started", extra={"week": order.week, "reason": error_summary(err)})
    is_busy = error_code(err) == "ConcurrentRunsExceededException"
    message = kick_failed(this_installation(), order.week, error_summary(err), is_busy=is_busy)
    with log_errors("after a failed start", week=order.week):
        lock_table.release(order.lock, now, before if order.again else {})
    with log_errors("after a failed start", week=order.week):
        send_once(f"kick#{order.requested_by}", message, now, order.week)
