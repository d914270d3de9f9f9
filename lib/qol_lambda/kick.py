"""`qol-weekly-survey-kick`: starts the weekly job once for the business week of the schedule, or notifies why not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger

from qol.errors import UsageError
from qol.tables.weeks import parse_week
from qol_lambda import jobs, lock_table
from qol_lambda.clients import error_code, error_summary
from qol_lambda.installation import this_installation
from qol_lambda.kick_messages import kick_failed, schedule_unreadable
from qol_lambda.schedule import business_week, execution_id, scheduled_time, utc_text
from qol_lambda.send import send_once

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
        job_run_id = _orphaned_run(order, before, now) or _start(order, now)
    except Exception as err:
        _fail(order, before, err, now)
        raise
    _record_run(order, job_run_id, now)
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


def _orphaned_run(order: Order, before: lock_table.Item, now: datetime) -> str | None:
    """The run that a function started before it died without recording the run's id."""
    return _run_of(order, now) if before and not order.again else None


def _start(order: Order, now: datetime) -> str:
    try:
        return jobs.start_job(order.arguments)
    except Exception as err:
        logger.warning("not started", extra={"week": order.week, "reason": error_summary(err)})
        found = _run_after_all(order, now)
        if found is None:
            raise
        return found


def _run_after_all(order: Order, now: datetime) -> str | None:
    """The run whose start was answered with an error: it may run although its answer was lost."""
    try:
        return _run_of(order, now)
    except Exception as err:  # noqa: BLE001 (the error of the start is raised)
        logger.warning("whether it runs is not known", extra={"week": order.week, "reason": error_summary(err)})
        return None


def _run_of(order: Order, now: datetime) -> str | None:
    """A run with this order's arguments; for a manual order, which names no time, one that just began."""
    since = now - SLACK if order.again else datetime.min.replace(tzinfo=UTC)
    for run in jobs.all_job_runs():
        arguments = {name: run.arguments.get(name) for name in ("--week", "--trigger", "--now")}
        if arguments == {"--now": None, **order.arguments} and run.started and run.started >= since:
            return jobs.base_id(run.id)
    return None


def _record_run(order: Order, job_run_id: str, now: datetime) -> None:
    try:
        lock_table.complete(order.lock, now, "job_run_id", job_run_id)
    except Exception as err:  # noqa: BLE001 (the run is started; the next delivery finds it by its arguments)
        logger.warning("the run's id was not recorded", extra={"week": order.week, "reason": error_summary(err)})


def _fail(order: Order, before: lock_table.Item, err: Exception, now: datetime) -> None:
    """Release the lock and send a notification; one that fails does not prevent the other."""
    logger.error("not started", extra={"week": order.week, "reason": error_summary(err)})
    is_busy = error_code(err) == "ConcurrentRunsExceededException"
    message = kick_failed(this_installation(), order.week, error_summary(err), is_busy=is_busy)
    previous = before if order.again else {}
    steps: list[Callable[[], object]] = [
        partial(lock_table.release, order.lock, now, previous),
        partial(send_once, f"kick#{order.requested_by}", message, now, order.week),
    ]
    for step in steps:
        try:
            step()
        except Exception as failure:  # noqa: BLE001 (the first error is the one that is raised)
            logger.warning("after a failed start", extra={"week": order.week, "reason": error_summary(failure)})
