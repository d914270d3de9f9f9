"""Notifications about an ended job run: failed, or published with warnings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qol_lambda.messages import (
    Installation,
    Message,
    Notification,
    accept_command,
    compose,
    job_failed_reason,
    log_link,
    one_line,
    rerun_command,
    safe_reason,
)
from qol_lambda.runs import FailedCheck, RunRecord

_ENDS = {
    "refused": "was refused by the checks",
    "locked": "found another run in progress",
    "failed": "failed",
    "published": "published, then ended badly",
    "nothing_to_do": "had nothing to do, then ended badly",
}
_SECTIONS = {
    "refused": "A run was refused",
    "locked": "A run found another run in progress",
    "failed": "A run failed",
    "published": "A run published, then ended badly",
    "nothing_to_do": "A run published, then ended badly",
    "TIMEOUT": "A run took too long",
    "STOPPED": "A run was stopped",
    "": "A run ended without a manifest",
}


@dataclass(frozen=True)
class Ended:
    """A job run after its last attempt: Glue's error, its manifest (None: it has none), what is published.

    `unread` says which manifest could not be read, because it may be the run's.
    """

    run_id: str
    state: str
    attempts: str
    week: str | None
    trigger: str | None
    glue_error: str
    record: RunRecord | None
    published: str
    unread: str = ""

    @property
    def name(self) -> str:
        """`weekly run 2026-W46`, or `backfill` or `rebuild`."""
        kind = self.trigger if self.trigger in {"backfill", "rebuild"} else "weekly run"
        return f"{kind} {self.week}" if self.week and kind == "weekly run" else kind

    @property
    def status(self) -> str:
        """The manifest's status, else TIMEOUT or STOPPED when Glue ended the run, else empty."""
        if self.record is not None and self.record.status in _ENDS:
            return self.record.status
        return self.state if self.state in {"TIMEOUT", "STOPPED"} else ""


def run_failed(installation: Installation, ended: Ended) -> Message:
    """The notification about a run that failed."""
    ends = _ENDS | {"TIMEOUT": "took longer than allowed", "STOPPED": "was stopped", "": "ended without a manifest"}
    if ended.unread:
        ends[""] = "failed, and its manifest could not be read"
    checks = ended.record.checks("critical") if ended.record and ended.status == "refused" else []
    facts = [
        *_facts(installation, ended),
        ("Published", ended.published),
        ("Log", log_link(installation, ended.run_id)),
    ]
    notification = Notification(
        f"{ended.name} {ends[ended.status]}", facts, _steps(installation, ended), _SECTIONS[ended.status], list(_checks("Failed checks", checks))
    )  # fmt: skip
    return compose(installation, notification)


def run_warned(installation: Installation, ended: Ended) -> Message:
    """The notification about a run that published with warnings."""
    warnings = ended.record.checks("warning") if ended.record else []
    did = "had nothing to do, and ended" if ended.status == "nothing_to_do" else "published"
    facts = [
        *_facts(installation, ended)[:-1],
        ("Published", ended.published),
        ("Log", log_link(installation, ended.run_id)),
    ]
    steps = [
        "The data is published; nothing has to be done for it. The warnings are in qol runs and qol rejects.",
        "When the cause is fixed in raw/ or in a contract, the next run repairs the weeks.",
    ]
    notification = Notification(
        f"{ended.name} {did} with {len(warnings)} warning{'' if len(warnings) == 1 else 's'}",
        facts, steps, "A run published with warnings", list(_checks("Warnings", warnings)),
    )  # fmt: skip
    return compose(installation, notification)


def _facts(installation: Installation, ended: Ended) -> list[tuple[str, str]]:
    manifest = ended.record.run_id if ended.record else ended.unread or "none"
    return [
        ("Job", installation.job),
        ("Run", ended.run_id),
        ("Attempts", f"{ended.attempts}; the last one ended {ended.state}"),
        ("Week", ended.week or "not known"),
        ("Manifest", manifest),
        ("Reason", _reason(ended)),
    ]


def _reason(ended: Ended) -> str:
    """The manifest's error, which holds no value of a record, else the safe parts of Glue's."""
    if ended.record and ended.record.error:
        return one_line(ended.record.error)
    if ended.state == "TIMEOUT":
        return "the run took longer than the job's time limit; Glue ended it"
    if ended.state == "STOPPED":
        return "a person or a program stopped the run"
    return job_failed_reason(ended.glue_error) or safe_reason(ended.glue_error)


def _checks(title: str, checks: Sequence[FailedCheck]) -> Iterable[str]:
    if checks:
        yield title
    for check in checks:
        yield f"- {check.id}: {one_line(check.message)}"
        yield f"  observed: {one_line(check.observed)}"


def _steps(installation: Installation, ended: Ended) -> list[str]:
    if ended.trigger in {"backfill", "rebuild"}:
        return [
            f"Every published file is whole. Fix the reason, then start the {ended.trigger} again with the same arguments."
        ]
    again = rerun_command(installation, ended.week)
    if ended.status == "refused" and ended.record:
        overrule = accept_command(
            installation, ended.record.week, [check.id for check in ended.record.checks("critical")]
        )
        return [
            "Nothing was changed. Decide by the failed checks whether the data is wrong or is right and unusual.",
            f"If the data is wrong, fix raw/ or the contract, then start the week again:\n{again}",
            f"If the data is right, publish it although the checks failed:\n{overrule}",
        ]
    afterwards = ["The data is published; nothing has to be done for it. The log says what failed afterwards."]
    return {
        "locked": [f"Wait until the other run has ended. If it was not about this week, then:\n{again}"],
        "failed": [
            f"Another run repairs the week. When the reason is fixed, or may have passed:\n{again}",
            "If it fails again with the same reason, read the log.",
        ],
        "published": afterwards,
        "nothing_to_do": afterwards,
        "TIMEOUT": [
            "The log says which stage took so long; far more raw data than usual needs more workers.",
            f"Start the week again; another run repairs it:\n{again}",
        ],
        "STOPPED": [f"If the week is still wanted:\n{again}"],
        "": [
            "Fix what the reason names; the log says more."
            if job_failed_reason(ended.glue_error)
            else "Read the log: the run ended before it could say why (wrong option, missing module, lost machine).",
            f"When the reason is fixed:\n{again}",
        ],
    }[ended.status]
