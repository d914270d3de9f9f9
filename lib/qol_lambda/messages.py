"""Texts of notifications: what happened, what readers see now, what to do."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from qol_lambda.settings import Installation

#: SNS takes fewer than 100 characters, ASCII, no line ends.
SUBJECT_CHARACTERS = 99
REASON_CHARACTERS = 600

_PHRASES = (
    re.compile(r"\bexit code \d{1,3}\b", re.IGNORECASE),
    re.compile(r"\bSystemExit: \d{1,3}\b"),
    re.compile(r"\bNo module named '[A-Za-z_][\w.]{0,60}'"),
    re.compile(r"\b[A-Z][A-Za-z]{2,60}(?:Error|Exception|Interrupt|Denied)\b"),
    re.compile(r"\b(?:out of memory|timed out|time ?out|access denied|resource unavailable|internal service)\b", re.IGNORECASE),
)  # fmt: skip
#: The text of `qol.glue.glue_job.JobFailedError`, whose reason holds no value of a record.
_JOB_FAILED = re.compile(
    r"(?:^|[;:] )JobFailedError: (?P<reason>exit code [1-4] \((?:failed|usage or contract error|refused by the gate"
    r"|another run holds the lock)\): \S.*)"
)
_MEANING = {
    "1": "the run failed",
    "2": "an option, a setting or a contract is wrong",
    "3": "refused by the checks",
    "4": "another run holds the lock",
}


@dataclass(frozen=True)
class Message:
    """An SNS message: an ASCII subject of one short line, and a body."""

    subject: str
    body: str


def compose(
    installation: Installation,
    title: str,
    facts: Sequence[str],
    steps: Sequence[str],
    section: str,
    links: Iterable[str] = (),
) -> Message:
    """The SNS message of a notification, at most twelve lines.

    The title as a sentence, beside it the first fact, the other facts (what happened, then what readers see), numbered
    steps with their commands, links, and the section of the runbook. Empty texts are left out.
    """
    lines = [f"{title[:1].upper()}{title[1:]}. {facts[0]}".rstrip(), *filter(None, facts[1:]), "", *_numbered(steps)]
    lines += [*filter(None, links), f"Runbook: {installation.runbook}#{anchor(section)}"]
    subject = "".join(c if 32 <= ord(c) < 127 else "?" for c in f"[{installation.stage}] QoL Lake: {title}")
    return Message(subject[:SUBJECT_CHARACTERS], "\n".join(lines) + "\n")


def anchor(section: str) -> str:
    """The anchor of a heading, as pages of Markdown make it."""
    return re.sub(r"[^a-z0-9 -]", "", section.lower()).replace(" ", "-")


def manifest_command(installation: Installation, run_id: str) -> str:
    """The command that shows a run whole, by the id of its manifest; empty without one."""
    return f"Details: qol runs {run_id} --lake {installation.lake}" if run_id else ""


def kick_command(installation: Installation, event: Mapping[str, Any]) -> str:
    """The command that starts the run an event asks for."""
    return (
        f"aws lambda invoke --function-name {installation.kick} --cli-binary-format raw-in-base64-out"
        f" --payload '{json.dumps(event)}' /dev/stdout"
    )


def rerun_command(installation: Installation, week: str | None) -> str:
    """The command that starts a week's run again."""
    return kick_command(installation, {"week": week or "YYYY-Www", "again": True})


def accept_command(installation: Installation, week: str, checks: Iterable[str]) -> str:
    """The command that publishes a refused week in spite of its failed checks."""
    return kick_command(installation, {"week": week, "again": True, "accept": [*checks]})


def erase_command(installation: Installation) -> str:
    """The command that carries out every erasure that was asked for, and removes from raw what runs could not."""
    return kick_command(installation, {"erase": True})


def log_link(installation: Installation, log_group: str, run_id: str = "") -> str:
    """The console's address of a log group, of a job run's streams in it where one is named; empty without a group."""
    if not log_group:
        return ""
    home = f"https://{installation.region}.console.aws.amazon.com/cloudwatch/home?region={installation.region}"
    streams = f"$3FlogStreamNameFilter$3D{_twice_quoted(run_id)}" if run_id else ""
    return f"Log: {home}#logsV2:log-groups/log-group/{_twice_quoted(log_group)}{streams}"


def safe_reason(text: str | None) -> str:
    """The parts of an error text that hold no values: known phrases and names of errors."""
    found = sorted((match.start(), match.group()) for phrase in _PHRASES for match in phrase.finditer(text or ""))
    reasons = [_explained(phrase) for _, phrase in found]
    return ", ".join(dict.fromkeys(reasons)) or "not known; see the log"


def job_failed_reason(text: str | None) -> str:
    """The job's own reason in Glue's error message; empty when the message is not of JobFailedError."""
    found = _JOB_FAILED.search((text or "").partition("\n")[0])
    return one_line(found["reason"]) if found else ""


def one_line(text: str) -> str:
    """A text as one printable line of bounded length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= REASON_CHARACTERS else line[: REASON_CHARACTERS - 1].rstrip() + "…"


def _explained(phrase: str) -> str:
    code = re.search(r"\d+$", phrase)
    meaning = _MEANING.get(code.group()) if code else None
    return f"{phrase} ({meaning})" if meaning else phrase


def _numbered(steps: Sequence[str]) -> Iterable[str]:
    """Numbered sentences; what follows a line end in a step is a command on a line of its own, to be copied."""
    for number, step in enumerate(steps, 1):
        sentence, _, command = step.partition("\n")
        yield f"{number}. {sentence}"
        if command:
            yield f"   {command}"


def _twice_quoted(text: str) -> str:
    """As the console's address wants it: percent signs of a text quoted twice are dollar signs."""
    return quote(quote(text, safe=""), safe="").replace("%", "$")
