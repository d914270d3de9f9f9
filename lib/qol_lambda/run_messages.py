"""Notifications about an ended job run: failed, or published with warnings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qol_lambda.messages import (
    Message,
    accept_command,
    compose,
    erase_command,
    job_failed_reason,
    log_link,
    manifest_command,
    one_line,
    rerun_command,
    safe_reason,
)
from qol_lambda.runs import FailedCheck, RunRecord
from qol_lambda.settings import Installation

#: How a run ended, by its status, and the runbook's section about that.
_ENDS = {
    "refused": ("was refused by the checks", "A run was refused"),
    "locked": ("found another run in progress", "A run found another run in progress"),
    "failed": ("failed", "A run failed"),
    "published": ("published, then ended badly", "A run published, then ended badly"),
    "nothing_to_do": ("had nothing to do, then ended badly", "A run published, then ended badly"),
    "TIMEOUT": ("took longer than allowed", "A run took too long"),
    "STOPPED": ("was stopped", "A run was stopped"),
    "": ("ended without a manifest", "A run ended without a manifest"),
}
#: What an error says of a file that no run wrote, or that cannot be read.
_FILES = re.compile(r"published folders contain \d+ other file|(?:processed|quarantine)/\S+: damaged")
#: Runs that are about no business week, as messages name them.
_OTHER = {"backfill": "backfill", "rebuild": "rebuild", "erase": "erasure run"}
_FAILING = "Athena and qol query fail on the table of the named file."


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
        """`weekly run 2026-W46`, or `backfill`, `rebuild` or `erasure run`."""
        kind = _OTHER.get(self.trigger or "", "weekly run")
        return f"{kind} {self.week}" if self.week and kind == "weekly run" else kind

    @property
    def status(self) -> str:
        """The manifest's status, else TIMEOUT or STOPPED when Glue ended the run, else empty."""
        if self.record and self.record.status in _ENDS:
            return self.record.status
        return self.state if self.state in _ENDS else ""

    @property
    def left(self) -> str:
        """How many raw objects still have items of users who left; empty for none."""
        number = self.record.not_removed if self.record else 0
        objects = "1 raw object still has" if number == 1 else f"{number} raw objects still have"
        return f"{objects} items of users who left (not_removed)." if number else ""

    def checks(self, severity: str) -> list[FailedCheck]:
        """The manifest's failed checks of a severity."""
        return [check for check in self.record.failed_checks if check.severity == severity] if self.record else []


def run_failed(installation: Installation, ended: Ended) -> Message:
    """The notification about a run that failed."""
    end, section = _ENDS[ended.status]
    if ended.unread and not ended.status:
        end = "failed, and its manifest could not be read"
    reason = _reason(ended)
    is_file = _FILES.search(reason) is not None
    happened = _checks(ended.checks("critical"), 2) if ended.status == "refused" else [f"Reason: {reason}"]
    return compose(
        installation,
        f"{ended.name} {end}",
        [_attempts(ended), *happened, _erased(ended) or ended.left, ended.published, _FAILING if is_file else ""],
        _file_steps(installation, ended) if is_file else _steps(installation, ended),
        "A published file is damaged" if is_file else section,
        _links(installation, ended),
    )


def run_warned(installation: Installation, ended: Ended) -> Message:
    """The notification about a run that published with warnings, or could not remove items of users who left."""
    warnings = ended.checks("warning")
    did = "had nothing to do, and ended" if ended.status == "nothing_to_do" else "published"
    title = f"{ended.name} {did} with {len(warnings)} warning{'' if len(warnings) == 1 else 's'}"
    title = title if warnings else f"{ended.name} could not remove items of users who left"
    steps = [
        "The data is published; nothing has to be done for it.",
        "When the cause is fixed in raw/ or in a contract, the next run repairs the weeks.",
    ]
    section, shown = "A run published with warnings", 4
    if ended.left:
        steps, shown = [f"Remove what the run may not change:\n{erase_command(installation)}"], 2
        section = section if warnings else "Raw objects still have items of users who left"
    facts = ["", *_checks(warnings, shown), ended.left, ended.published]
    return compose(installation, title, facts, steps, section, _links(installation, ended))


def run_erased(installation: Installation, ended: Ended) -> Message:
    """The notification about an erasure run that ended well."""
    steps = ["Nothing has to be done. `qol erase --verify` searches again; the page says what other places keep."]
    title, section = f"{ended.name} has ended", "An erasure run has ended"
    return compose(
        installation, title, ["", _erased(ended), ended.published], steps, section, _links(installation, ended)
    )


def _erased(ended: Ended) -> str:
    """What an erasure run did, in numbers; empty for other runs."""
    record = ended.record
    if record is None or not record.erasures:
        return ""
    asked, done, unknown = (record.erasures.get(name, 0) for name in ("requested", "ended", "unknown"))
    layers = ", ".join(f"{layer} {number}" for layer, number in sorted(record.removed.items()) if number)
    people = f"Users erased: {done} of {asked} asked for; unknown: {unknown}."
    return f"{people} Removed: {layers or 'nothing'}. Found by the last search: {record.not_removed} (not_removed)."


def _attempts(ended: Ended) -> str:
    unread = f" {ended.unread[:1].upper()}{ended.unread[1:]}." if ended.unread else ""
    unchanged = " Nothing was changed." if ended.status == "refused" else ""
    return f"{ended.attempts} ended, the last one {ended.state}.{unchanged}{unread}"


def _links(installation: Installation, ended: Ended) -> list[str]:
    run_id = ended.record.run_id if ended.record else ""
    log_group = installation.erase_log_group if ended.trigger == "erase" else installation.log_group
    return [manifest_command(installation, run_id), log_link(installation, log_group, ended.run_id)]


def _reason(ended: Ended) -> str:
    """The manifest's error, which holds no value of a record, else the safe parts of Glue's."""
    if ended.record and ended.record.error:
        return one_line(ended.record.error)
    if ended.state == "TIMEOUT":
        return "the run took longer than the job's time limit; Glue ended it"
    if ended.state == "STOPPED":
        return "a person or a program stopped the run"
    return job_failed_reason(ended.glue_error) or safe_reason(ended.glue_error)


def _checks(checks: Sequence[FailedCheck], limit: int) -> list[str]:
    """What is wrong by the first checks, one line each; the last line counts the others."""
    lines = [f"- {one_line(check.finding)} ({check.id})" for check in checks[:limit]]
    if len(checks) > limit:
        lines[-1] += f" And {len(checks) - limit} more."
    return lines


def _file_steps(installation: Installation, ended: Ended) -> list[str]:
    again = f"Then start the week again:\n{rerun_command(installation, ended.week)}"
    if ended.trigger == "erase":
        again = f"Then start it again:\n{erase_command(installation)}"
    elif ended.trigger in _OTHER:
        again = f"Then start the {ended.trigger} again with the same arguments."
    return [
        "Move the named file out of the lake. If it was damaged, write it again as the reason or the runbook says.",
        again,
    ]


def _steps(installation: Installation, ended: Ended) -> list[str]:
    if ended.trigger == "erase":
        return [f"Remove the reason, then start it again:\n{erase_command(installation)}"]
    if ended.trigger in _OTHER:
        return [f"Remove the reason, then start the {ended.trigger} again with the same arguments."]
    again = rerun_command(installation, ended.week)
    overrule = accept_command(installation, ended.week or "", [check.id for check in ended.checks("critical")])
    published = ["The data is published; nothing has to be done for it. The log says what failed afterwards."]
    return {
        "refused": [
            f"If the data is wrong, fix raw/ or the contract, then start the week again:\n{again}",
            f"If the data is right and unusual, publish it although the checks failed:\n{overrule}",
        ],
        "locked": [f"Wait until the other run has ended. If it was not about this week, then:\n{again}"],
        "failed": [
            f"When the reason is removed, or may have passed, start the week again; any run repairs it:\n{again}",
            "If it fails again with the same reason, read the log.",
        ],
        "published": published,
        "nothing_to_do": published,
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
