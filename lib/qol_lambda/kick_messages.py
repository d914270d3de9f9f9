"""Notifications about a weekly run that was not started, has no result, or could not be checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qol_lambda.messages import Installation, Message, Notification, compose, one_line, rerun_command


@dataclass(frozen=True)
class WeekStatus:
    """State of a week: its last job run, its last manifest, what is published, and when that was checked."""

    week: str
    checked_at: str
    job_run_id: str = ""
    state: str = ""
    since: str = ""
    status: str = ""
    error: str = ""
    published: str = ""


def kick_failed(installation: Installation, week: str, reason: str, *, is_busy: bool) -> Message:
    """The notification that the job could not be started."""
    wait = "Another run of the job is in progress. Wait until it has ended; if it is not about this week, then:"
    return compose(
        installation,
        Notification(
            f"weekly run {week} could not be started",
            [("Job", installation.job), ("Week", week), ("Reason", one_line(reason))],
            [f"{wait if is_busy else 'Start it again:'}\n{rerun_command(installation, week)}"],
            "The weekly run could not be started",
        ),
    )


def schedule_unreadable(installation: Installation, reason: str, week: str) -> Message:
    """The notification that the schedule's input names no time; `week` is the week by the clock."""
    return compose(
        installation,
        Notification(
            "the weekly schedule names no week",
            [("Job", installation.job), ("Reason", one_line(reason))],
            [
                "Correct the schedule's input in terraform/ and apply it again.",
                f"Start the week by hand:\n{rerun_command(installation, week)}",
            ],
            "The weekly run could not be started",
        ),
    )


def not_started(installation: Installation, found: WeekStatus) -> Message:
    """The notification that the week's run was never started."""
    return _missing(
        installation,
        found,
        f"weekly run {found.week} was never started",
        [
            f"Check whether the schedule {installation.kick} is enabled, and read the function's log.",
            f"Start the week by hand:\n{rerun_command(installation, found.week)}",
        ],
    )


def still_running(installation: Installation, found: WeekStatus) -> Message:
    """The notification that the week's run has not ended."""
    look = f"aws glue get-job-run --job-name {installation.job} --run-id {found.job_run_id}"
    return _missing(
        installation,
        found,
        f"weekly run {found.week} is late, it is still running",
        [
            f"Nothing yet: a failed end is reported. To check the run:\n{look}",
            "If it does not end, stop it in the console and start the week again as the runbook describes.",
        ],
    )


def not_published(installation: Installation, found: WeekStatus) -> Message:
    """The notification that the week's run published nothing."""
    return _missing(
        installation,
        found,
        f"weekly run {found.week} published nothing",
        [
            "Check how the run ended: the runbook has a section for each status.",
            f"Start the week again:\n{rerun_command(installation, found.week)}",
        ],
    )


def check_failed(installation: Installation, week: str, reason: str) -> Message:
    """The notification that the watchdog failed."""
    return compose(
        installation,
        Notification(
            f"whether {week or 'the week'} is published is not known",
            [("Job", installation.job), ("Week", week), ("Reason", one_line(reason))],
            [
                "Check what is published, as the runbook describes.",
                "Fix the reason, so that the watchdog works again.",
            ],
            "The watchdog could not check the week",
        ),
    )


def gaps_failed(installation: Installation, reason: str) -> Message:
    """The notification that the table of users without data was not written."""
    return compose(
        installation,
        Notification(
            "the table of users without data was not written",
            [("Reason", one_line(reason))],
            ["Nothing is lost: the published tables are unchanged, and next week's check writes the table again."],
            "The table of users without data was not written",
        ),
    )


def _missing(installation: Installation, found: WeekStatus, title: str, steps: Sequence[str]) -> Message:
    run = f"{found.job_run_id}, {found.state}" if found.job_run_id else "none"
    facts = [
        ("Job", installation.job),
        ("Week", found.week),
        ("Run", run + (f" since {found.since}" if found.since else "")),
        ("Manifest", found.status or "none for this week"),
        ("Reason", one_line(found.error)),
        ("Published", found.published),
        ("Checked at", found.checked_at),
    ]
    return compose(installation, Notification(title, facts, steps, "No result by 11:30"))
