"""Notifications about a weekly run that was not started, has no result, or could not be checked."""

from datetime import datetime

from qol_lambda.jobs import JobRun
from qol_lambda.messages import Message, compose, log_link, manifest_command, one_line, rerun_command
from qol_lambda.runs import RunRecord
from qol_lambda.schedule import local_time
from qol_lambda.settings import Installation

#: What readers see when no function looked at the bucket.
_AS_BEFORE = "Readers see what was published before."


def kick_failed(installation: Installation, name: str, reason: str, command: str, *, is_busy: bool) -> Message:
    """The notification that a run, such as `weekly run 2026-W46`, could not be started; `command` starts it again."""
    wait = "Another run of the job is in progress. Wait until it has ended; if it is not about the same, then:"
    return compose(
        installation,
        f"{name} could not be started",
        ["", f"Reason: {one_line(reason)}", _AS_BEFORE],
        [f"{wait if is_busy else 'Start it again when the reason is removed:'}\n{command}"],
        "The weekly run could not be started",
        [_own_log(installation)],
    )


def schedule_unreadable(installation: Installation, reason: str, week: str) -> Message:
    """The notification that the schedule's input names no time; `week` is the week by the clock."""
    return compose(
        installation,
        "the weekly schedule names no week",
        ["So no run was started.", f"Reason: {one_line(reason)}", _AS_BEFORE],
        [
            "Correct the schedule's input in terraform/ and apply it again.",
            f"Start the week by hand:\n{rerun_command(installation, week)}",
        ],
        "The weekly run could not be started",
        [_own_log(installation)],
    )


def no_result(
    installation: Installation, week: str, run: JobRun | None, record: RunRecord | None, published: str, due: datetime
) -> Message:
    """The notification that a week has no result; `run` and `record` are its last job run and manifest, checked at `due`."""
    what, steps = _state_and_steps(installation, week, run, record)
    since = f", started {local_time(run.started)}" if run and run.started else ""
    state = f"Job run {run.id}: {run.state}{since}." if run else "Glue has no job run of this week."
    status = f"Its manifest says: {record.status}." if record else "There is no manifest of this week."
    return compose(
        installation,
        f"weekly run {week} {what}",
        [
            f"Checked at {local_time(due)}.",
            f"{state} {status}",
            f"Reason: {one_line(record.error)}" if record and record.error else "",
            published,
        ],
        steps,
        "No result by 11:30",
        [
            manifest_command(installation, record.run_id if record else ""),
            log_link(installation, installation.log_group, run.id) if run else "",
        ],
    )


def _state_and_steps(
    installation: Installation, week: str, run: JobRun | None, record: RunRecord | None
) -> tuple[str, list[str]]:
    again = rerun_command(installation, week)
    if run is None and record is None:
        schedule = f"aws scheduler get-schedule --group-name qol --name {installation.kick}"
        return "was never started", [
            f"Check whether the schedule is enabled:\n{schedule}",
            f"Start the week by hand:\n{again}",
        ]
    if run and run.is_in_progress:
        look = f"aws glue get-job-run --job-name {installation.job} --run-id {run.id}"
        return "is late, it is still running", [
            f"Nothing yet: a failed end is reported. To check the run:\n{look}",
            "If it does not end, stop it in the console and start the week again as the runbook describes.",
        ]
    return "published nothing", [
        "Find the status above in the runbook: each has a section of its own.",
        f"When the reason is removed, start the week again:\n{again}",
    ]


def check_failed(installation: Installation, week: str, reason: str) -> Message:
    """The notification that the watchdog failed."""
    return compose(
        installation,
        f"whether {week or 'the week'} is published is not known",
        [
            "The watchdog could not check it.",
            f"Reason: {one_line(reason)}",
            "Readers see what was published last; which week that is, is not known.",
        ],
        [
            f"See what is published:\nqol runs --lake {installation.lake}",
            "Remove the reason, so that the watchdog works again.",
        ],
        "The watchdog could not check the week",
        [_own_log(installation)],
    )


def gaps_failed(installation: Installation, reason: str) -> Message:
    """The notification that the table of users without data was not written."""
    return compose(
        installation,
        "the table of users without data was not written",
        [
            "",
            f"Reason: {one_line(reason)}",
            "Readers see last week's table of users without data; all other tables are unchanged.",
        ],
        [
            "Nothing has to be done at once: next week's check writes the table again. The runbook says how to write it now."
        ],
        "The table of users without data was not written",
        [_own_log(installation)],
    )


def _own_log(installation: Installation) -> str:
    return log_link(installation, installation.own_log_group)
