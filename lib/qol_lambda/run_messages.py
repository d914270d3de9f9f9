"""What people are told when a job run has ended: badly, or well with warnings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qol_lambda.messages import (
    Letter,
    Message,
    Place,
    accept,
    compose,
    log_link,
    one_line,
    reason_of_our_job,
    rekick,
    safe_reason,
)
from qol_lambda.runs import FailedCheck, RunRecord

_ENDS = {
    "refused": "was refused by the checks",
    "locked": "found another run at work",
    "failed": "failed",
    "published": "published, then ended badly",
    "nothing_to_do": "had nothing to do, then ended badly",
}
_SECTIONS = {
    "refused": "A run was refused",
    "locked": "A run found another one at work",
    "failed": "A run failed",
    "published": "A run published, then ended badly",
    "nothing_to_do": "A run published, then ended badly",
    "TIMEOUT": "A run took too long",
    "STOPPED": "A run was stopped",
    "": "A run ended without a manifest",
}


@dataclass(frozen=True)
class Ended:
    """A job run after its last attempt: what Glue says, what its manifest says (None: there is none), what is published.

    `unread` says that a manifest could not be read which may be the run's.
    """

    run_id: str
    state: str
    attempts: str
    week: str | None
    trigger: str | None
    glue_says: str
    record: RunRecord | None
    published: str
    unread: str = ""

    @property
    def name(self) -> str:
        """`weekly run 2026-W46`, or what other kind of run it was."""
        kind = self.trigger if self.trigger in {"backfill", "rebuild"} else "weekly run"
        return f"{kind} {self.week}" if self.week and kind == "weekly run" else kind

    @property
    def status(self) -> str:
        """The manifest's status; what Glue ended by itself has none, whatever an attempt before wrote."""
        if self.record is not None and self.record.status in _ENDS:
            return self.record.status
        return self.state if self.state in {"TIMEOUT", "STOPPED"} else ""


def run_ended_badly(place: Place, ended: Ended) -> Message:
    """One message for a run that did not succeed."""
    words = {"TIMEOUT": "took longer than allowed", "STOPPED": "was stopped", "": "ended without a manifest"}
    if ended.unread:
        words[""] = "ended badly, its manifest could not be read"
    end = {**_ENDS, **words}[ended.status]
    checks = ended.record.checks("critical") if ended.record and ended.status == "refused" else []
    facts = [*_facts(place, ended), ("Published", ended.published), ("Log", log_link(place, ended.run_id))]
    letter = Letter(
        f"{ended.name} {end}", facts, _steps(place, ended), _SECTIONS[ended.status], list(_checks("Failed checks", checks))
    )  # fmt: skip
    return compose(place, letter)


def run_warned(place: Place, ended: Ended) -> Message:
    """One message for a run that published in spite of warnings."""
    warnings = ended.record.checks("warning") if ended.record else []
    did = "had nothing to do, and ended" if ended.status == "nothing_to_do" else "published"
    facts = [*_facts(place, ended)[:-1], ("Published", ended.published), ("Log", log_link(place, ended.run_id))]
    steps = [
        "The data is published; nothing has to be done for it. Look at the warnings: qol runs, qol rejects.",
        "When the cause is mended in raw/ or in a contract, the next run repairs the weeks by itself.",
    ]
    letter = Letter(
        f"{ended.name} {did} with {len(warnings)} warning{'' if len(warnings) == 1 else 's'}",
        facts, steps, "A run published with warnings", list(_checks("Warnings", warnings)),
    )  # fmt: skip
    return compose(place, letter)


def _facts(place: Place, ended: Ended) -> list[tuple[str, str]]:
    manifest = ended.record.run_id if ended.record else ended.unread or "none"
    return [
        ("Job", place.job),
        ("Run", ended.run_id),
        ("Attempts", f"{ended.attempts}; the last one ended {ended.state}"),
        ("Week", ended.week or "not known"),
        ("Manifest", manifest),
        ("Reason", _reason(ended)),
    ]


def _reason(ended: Ended) -> str:
    """The manifest's own words, which hold no value of a record; of Glue's only what is safe to repeat."""
    if ended.record and ended.record.error:
        return one_line(ended.record.error)
    if ended.state == "TIMEOUT":
        return "the run took longer than the job's time limit; Glue ended it"
    if ended.state == "STOPPED":
        return "a person or a program stopped the run"
    return reason_of_our_job(ended.glue_says) or safe_reason(ended.glue_says)


def _checks(title: str, checks: Sequence[FailedCheck]) -> Iterable[str]:
    if checks:
        yield title
    for check in checks:
        yield f"- {check.id}: {one_line(check.message)}"
        yield f"  observed: {one_line(check.observed)}"


def _steps(place: Place, ended: Ended) -> list[str]:
    if ended.trigger in {"backfill", "rebuild"}:
        return [
            f"Every published file is whole. Mend the reason, then start the {ended.trigger} again with the same arguments."
        ]
    again = rekick(place, ended.week)
    if ended.status == "refused" and ended.record:
        overrule = accept(place, ended.record.week, [check.id for check in ended.record.checks("critical")])
        return [
            "Nothing was changed. Look at the checks: is the data wrong, or has the world changed?",
            f"If the data is wrong, mend raw/ or the contract, then start the week again:\n{again}",
            f"If the data is right, publish it in spite of the checks:\n{overrule}",
        ]
    afterwards = ["The data is published; nothing has to be done for it. The log tells what failed afterwards."]
    return {
        "locked": [f"Wait until the other run has ended. If it was not about this week, then:\n{again}"],
        "failed": [
            f"A plain run repairs. When the reason above is mended (or looks like bad luck):\n{again}",
            "If it fails the same way again, read the log.",
        ],
        "published": afterwards,
        "nothing_to_do": afterwards,
        "TIMEOUT": [
            "See in the log which stage took so long; far more raw data than usual needs more workers.",
            f"Start the week again; a plain run repairs:\n{again}",
        ],
        "STOPPED": [f"If the week is still wanted:\n{again}"],
        "": [
            "Mend what the reason names; the log says more."
            if reason_of_our_job(ended.glue_says)
            else "Read the log: the run ended before it could say why (wrong option, missing module, lost machine).",
            f"When the reason is mended:\n{again}",
        ],
    }[ended.status]
