"""`qol-weekly-survey-kick`: the only starter of the jobs, once for the business week of the schedule or as an operator's event says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from qol.errors import UsageError
from qol.run.request import Command, read_request
from qol_lambda import jobs, lock_table
from qol_lambda.clients import error_code, error_summary, log_errors
from qol_lambda.kick_messages import kick_failed, schedule_unreadable
from qol_lambda.messages import kick_command
from qol_lambda.schedule import business_week, execution_id, scheduled_time, utc_text
from qol_lambda.send import send_once
from qol_lambda.settings import this_installation

#: Glue's clock may be behind by this much.
SLACK = timedelta(seconds=30)

#: Every argument that an order can have. Nothing else of an event reaches the job: its lake, key and code are Terraform's.
ARGUMENTS = (
    "--command",
    "--week",
    "--trigger",
    "--now",
    "--from",
    "--to",
    "--from-week",
    "--to-week",
    "--old",
    "--accept",
)
_OPERATORS_KEYS = frozenset({"week", "again", "accept", "backfill", "rebuild", "erase"})
_TEXT = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_ALLOWED = """{"week": "2026-W46", "again": true}, {"backfill": {"from": "2026-01-01", "to": "2026-03-31", "old": true}} or \
{"rebuild": {"from_week": "2026-W40", "to_week": "2026-W46"}}, each also with "accept": ["CHECK_ID"]; or {"erase": true}"""

logger = Logger()


@dataclass(frozen=True)
class Order:
    """A run to start: its arguments, the id of the request, and the operator's event, which starts a week again."""

    arguments: Mapping[str, str]
    requested_by: str
    event: Mapping[str, Any] | None = None

    @property
    def week(self) -> str | None:
        """The business week of a weekly run."""
        return self.arguments.get("--week")

    @property
    def name(self) -> str:
        """`weekly run 2026-W46`, or the command."""
        return self.arguments.get("--command", f"weekly run {self.week}")

    @property
    def job(self) -> str:
        """The job that does it."""
        return jobs.erase_job() if self.arguments.get("--command") == "erase" else jobs.weekly_job()

    @property
    def lock(self) -> str:
        """The lock item that lets the schedule start a week once."""
        return f"run#{self.week or self.name}"


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """The Lambda handler: the schedule's input, or an operator's event such as `{"week": "2026-W46", "again": true}`."""
    return kick(event, str(context.aws_request_id), datetime.now(UTC))


def kick(event: Mapping[str, Any], request_id: str, now: datetime) -> dict[str, Any]:
    """Start the run the event asks for; `{"started": …, "week": …, "job_run_id": …}`, the week null for other commands.

    A started week is started again only by an operator. When the start fails, the lock is released, a notification sent,
    and the error raised.
    """
    try:
        order = read_order(event, request_id)
    except UsageError as err:
        logger.error("no order", extra={"reason": str(err)})  # noqa: TRY400 (a traceback would say no more)
        if not _OPERATORS_KEYS & event.keys():  # an operator reads the error of the call
            requested_by = execution_id(event, request_id)
            message = schedule_unreadable(this_installation(), str(err), business_week(now))
            send_once(f"kick-unreadable#{requested_by}", message, now)
        raise
    is_ours, before = _take(order, now)
    if not is_ours:
        logger.info("already started", extra={"run": order.name, "job_run_id": before.get("job_run_id")})
        return {"started": False, "week": order.week, "job_run_id": before.get("job_run_id")}
    try:
        # A function that died after the start has left a run without recording its id.
        orphaned = _run_of(order, now) if before and not order.event else None
        job_run_id = orphaned or _start(order, now)
    except Exception as err:
        _fail(order, before, err, now)
        raise
    with log_errors("the run's id was not recorded", run=order.name):  # the next delivery finds it by its arguments
        lock_table.complete(order.lock, now, "job_run_id", job_run_id)
    logger.info("started", extra={"run": order.name, "job_run_id": job_run_id})
    return {"started": True, "week": order.week, "job_run_id": job_run_id}


def read_order(event: Mapping[str, Any], request_id: str) -> Order:
    """The order in an event of the schedule or of an operator; UsageError names what is wrong in it and what is allowed."""
    if _OPERATORS_KEYS & event.keys():
        return _operators_order(event, request_id)
    due = scheduled_time(event)
    arguments = {"--week": business_week(due), "--trigger": "schedule", "--now": utc_text(due)}
    return Order(arguments, execution_id(event, request_id))


def _operators_order(event: Mapping[str, Any], request_id: str) -> Order:
    command: Command
    match dict(event):
        case {"week": str(week), "again": True, **rest}:
            command, given = "run", {"week": week, "trigger": "manual"}
        case {"backfill": dict(span), **rest} if (
            span.keys() - {"old"} == {"from", "to"} and span.get("old", True) is True
        ):
            command, given = "backfill", dict(span) | ({"old": "true"} if "old" in span else {})
        case {"rebuild": dict(span), **rest} if span.keys() <= {"from_week", "to_week"}:
            command, given = "rebuild", {name.replace("_", "-"): week for name, week in span.items()}
        case {"erase": True, **rest}:  # whom, only objects in the bucket and the map say: arguments are logged
            command, given = "erase", {}
        case _:
            raise UsageError(f"event: found {', '.join(event)}; allowed: {_ALLOWED}")
    checks = rest.pop("accept", [])
    if rest or not isinstance(checks, list) or not all(_is_text(text) for text in [*checks, *given.values()]):
        raise UsageError(f"event: found {', '.join(event)}; allowed: {_ALLOWED}")
    given |= {"accept": ",".join(checks)} if checks else {}
    read_request(command, given)
    arguments = {"--command": command} if command != "run" else {}
    return Order(arguments | {f"--{name}": text for name, text in given.items()}, request_id, event)


def _is_text(value: object) -> bool:
    """Whether it is a week, a day or the id of a check, as far as its characters say."""
    return isinstance(value, str) and _TEXT.fullmatch(value) is not None


def _take(order: Order, now: datetime) -> tuple[bool, lock_table.Item]:
    if order.event:
        return True, lock_table.replace(order.lock, now, requested_by=order.requested_by)
    return lock_table.take(order.lock, now, done="job_run_id", requested_by=order.requested_by)


def _start(order: Order, now: datetime) -> str:
    """The id of the started run; one whose start was answered with an error may run, although its answer was lost."""
    try:
        return jobs.start_job(order.job, order.arguments)
    except Exception as err:
        logger.warning("not started", extra={"run": order.name, "reason": error_summary(err)})
        with log_errors("whether it runs is not known", run=order.name):
            if found := _run_of(order, now):
                return found
        raise


def _run_of(order: Order, now: datetime) -> str | None:
    """A run with this order's arguments; for an operator's order, which names no time, one that just began."""
    since = now - SLACK if order.event else datetime.min.replace(tzinfo=UTC)
    for run in jobs.all_job_runs(order.job):
        is_same = all(run.arguments.get(name) == order.arguments.get(name) for name in ARGUMENTS)
        if is_same and run.started and run.started >= since:
            return jobs.base_id(run.id)
    return None


def _fail(order: Order, before: lock_table.Item, err: Exception, now: datetime) -> None:
    """Release the lock and send a notification; one that fails does not prevent the other."""
    logger.error("not started", extra={"run": order.name, "reason": error_summary(err)})
    is_busy = error_code(err) == "ConcurrentRunsExceededException"
    installation = this_installation()
    command = kick_command(installation, order.event or {"week": order.week, "again": True})
    message = kick_failed(installation, order.name, error_summary(err), command, is_busy=is_busy)
    with log_errors("after a failed start", run=order.name):
        lock_table.release(order.lock, now, before if order.event else {})
    with log_errors("after a failed start", run=order.name):
        send_once(f"kick#{order.requested_by}", message, now, order.week)
