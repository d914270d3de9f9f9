"""What people are told when the weekly run could not be started, was not found, or could not be looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qol_lambda.messages import Letter, Message, Place, compose, one_line, rekick


@dataclass(frozen=True)
class Found:
    """What a search for the week's run found: the last job run and its state, the last manifest, when it was looked."""

    week: str
    looked_at: str
    job_run_id: str = ""
    state: str = ""
    since: str = ""
    status: str = ""
    error: str = ""
    published: str = ""


def kick_failed(place: Place, week: str, reason: str, *, is_busy: bool) -> Message:
    """The job could not be started."""
    wait = "Another run of the job is in progress. Wait until it has ended; if it is not about this week, then:"
    return compose(
        place,
        Letter(
            f"weekly run {week} could not be started",
            [("Job", place.job), ("Week", week), ("Reason", one_line(reason))],
            [f"{wait if is_busy else 'Start it again:'}\n{rekick(place, week)}"],
            "The weekly run could not be started",
        ),
    )


def kick_unreadable(place: Place, reason: str, week: str) -> Message:
    """The schedule's input does not say which week to run; `week` is the one it would have been about by the clock."""
    return compose(
        place,
        Letter(
            "the weekly schedule asks for no week",
            [("Job", place.job), ("Reason", one_line(reason))],
            [
                "Put the schedule right: its input is in terraform/, apply it again.",
                f"Start the week by hand:\n{rekick(place, week)}",
            ],
            "The weekly run could not be started",
        ),
    )


def not_started(place: Place, found: Found) -> Message:
    """Nobody started the week."""
    return _missing(
        place,
        found,
        f"weekly run {found.week} was never started",
        [
            f"See whether the schedule {place.kick} is enabled, and what the function's log says.",
            f"Start the week by hand:\n{rekick(place, found.week)}",
        ],
    )


def still_running(place: Place, found: Found) -> Message:
    """The week's run has not ended."""
    look = f"aws glue get-job-run --job-name {place.job} --run-id {found.job_run_id}"
    return _missing(
        place,
        found,
        f"weekly run {found.week} is late, it is still running",
        [
            f"Nothing yet: its end is reported when it is not good. To look at it:\n{look}",
            "If it does not end, stop it in the console and start the week again as the runbook says.",
        ],
    )


def not_published(place: Place, found: Found) -> Message:
    """The week's run has ended, and nothing was published for the week."""
    return _missing(
        place,
        found,
        f"weekly run {found.week} published nothing",
        [
            "See how the run ended: the runbook has a section for each status.",
            f"Start the week again:\n{rekick(place, found.week)}",
        ],
    )


def check_failed(place: Place, week: str, reason: str) -> Message:
    """Whether the week is published could not be found out."""
    return compose(
        place,
        Letter(
            f"whether {week or 'the week'} is published is not known",
            [("Job", place.job), ("Week", week), ("Reason", one_line(reason))],
            [
                "Look yourself: the runbook says how to see what is published.",
                "Mend what keeps the watchdog from looking.",
            ],
            "The watchdog could not look",
        ),
    )


def gaps_failed(place: Place, reason: str) -> Message:
    """The table of people without data was not made."""
    return compose(
        place,
        Letter(
            "the table of people without data was not made",
            [("Reason", one_line(reason))],
            ["Nothing is lost: the tables are as they were, and next week's check makes the table again."],
            "The table of people without data was not made",
        ),
    )


def _missing(place: Place, found: Found, title: str, steps: Sequence[str]) -> Message:
    run = f"{found.job_run_id}, {found.state}" if found.job_run_id else "none"
    facts = [
        ("Job", place.job),
        ("Week", found.week),
        ("Run", run + (f" since {found.since}" if found.since else "")),
        ("Manifest", found.status or "none for this week"),
        ("Reason", one_line(found.error)),
        ("Published", found.published),
        ("Looked at", found.looked_at),
    ]
    return compose(place, Letter(title, facts, steps, "No result by 11:30"))
