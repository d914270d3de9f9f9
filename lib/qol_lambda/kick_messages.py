"""Notifications about a weekly run that was not started, has no result, or could not be checked."""

from datetime import datetime

from qol_lambda.jobs import JobRun
from qol_lambda.messages import Message, compose, one_line, rerun_command
from qol_lambda.runs import RunRecord
from qol_lambda.schedule import local_time
from qol_lambda.settings import Installation


def kick_failed(installation: Installation, name: str, reason: str, command: str, *, is_busy: bool) -> Message:
    """The notification that a run, such as `weekly run 2026-W46`, could not be started; `command` starts it again."""
    wait = "Another run of the job is in progress. Wait until it has ended; if it is not about the same, then:"
    return compose(
        installation,
        f"{name} could not be started",
        [("Job", installation.job), ("Reason", one_line(reason))],
        [f"{wait if is_busy else 'Start it again:'}\n{command}"],
        "The weekly run could not be started",
    )


def schedule_unreadable(installation: Installation, reason: str, week: str) -> Message:
    """The notification that the schedule's input names no time; `week` is the week by the clock."""
    return compose(
        installation,
        "the weekly schedule names no week",
        [("Job", installation.job), ("Reason", one_line(reason))],
        [
            "Correct the schedule's input in terraform/ and apply it again.",
            f"Start the week by hand:\n{rerun_command(installation, week)}",
        ],
        "The weekly run could not be started",
    )


def no_result(
    installation: Installation, week: str, run: JobRun | None, record: RunRecord | None, published: str, due: datetime
) -> Message:
    """The notification that a week has no result; `run` and `record` are its last job run and manifest, checked at `due`."""
    what, steps = _state_and_steps(installation, week, run, record)
    since = f" since {local_time(run.started)}" if run and run.started else ""
    facts = [
        ("Job", installation.job),
        ("Week", week),
        ("Run", f"{run.id}, {run.state}{since}" if run else "none"),
        ("Manifest", record.status if record else "none for this week"),
        ("Reason", one_line(record.error or "") if record else ""),
        ("Published", published),
        ("Checked at", local_time(due)),
    ]
    return compose(installation, f"weekly run {week} {what}", facts, steps, "No result by 11:30")


def _state_and_steps(
    installation: Installation, week: str, run: JobRun | None, record: RunRecord | None
) -> tuple[str, list[str]]:
    again = rerun_command(installation, week)
    if run is None and record is None:
        return "was never started", [
            f"Check whether the schedule {installation.kick} is enabled, and read the function's log.",
            f"Start the week by hand:\n{again}",
        ]
    if run and run.is_in_progress:
        look = f"aws glue get-job-run --job-name {installation.job} --run-id {run.id}"
        return "is late, it is still running", [
            f"Nothing yet: a failed end is reported. To check the run:\n{look}",
            "If it does not end, stop it in the console and start the week again as the runbook describes.",
        ]
    return "published nothing", [
        "Check how the run ended: the runbook has a section for each status.",
        f"Start the week again:\n{again}",
    ]


def check_failed(installation: Installation, week: str, reason: str) -> Message:
    """The notification that the watchdog failed."""
    return compose(
        installation,
        f"whether {week or 'the week'} is published is not known",
        [("Job", installation.job), ("Week", week), ("Reason", one_line(reason))],
        ["Check what is published, as the runbook describes.", "Fix the reason, so that the watchdog works again."],
        "The watchdog could not check the week",
    )


def gaps_failed(installation: Installation, reason: str) -> Message:
    """The notification that the table of users without data was not written."""
    return compose(
        installation,
        "the table of users without data was not written",
        [("Reason", one_line(reason))],
        ["Nothing is lost: the published tables are unchanged, and next week's check writes the table again."],
        "The table of users without data was not written",
    )
