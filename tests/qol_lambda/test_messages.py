"""Texts of messages: short ASCII subjects, safe reasons, links that the console understands."""

import re
from pathlib import Path

import pytest

from qol.glue.glue_job import JobFailedError
from qol_lambda.kick_messages import kick_failed
from qol_lambda.messages import compose, job_failed_reason, log_link, one_line, rerun_command, safe_reason
from qol_lambda.settings import Installation

PLACE = Installation("prod", "qol-weekly-etl", "ap-northeast-1", "/aws-glue/jobs/qol weekly")
ROOT = Path(__file__).parents[2]


def test_a_subject_is_one_short_line_of_ascii_whatever_the_title() -> None:
    message = compose(PLACE, "週\n" + "long " * 40, [""], [], "A run failed")
    assert message.subject.startswith("[prod] QoL Lake: ??long long")
    assert len(message.subject) == 99
    assert message.subject.isascii()
    assert "\n" not in message.subject


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Command failed with exit code 1", "exit code 1 (the run failed)"),
        ("JobFailedError: exit code 3 (refused): people_kept", "JobFailedError, exit code 3 (refused by the checks)"),
        ("ModuleNotFoundError: No module named 'polars'", "ModuleNotFoundError, No module named 'polars'"),
        ("ValueError: invalid literal 'ann@example.org'", "ValueError"),
        ("user 4d3c2b1a has no token", "not known; see the log"),
        ("Command failed with exit code 137", "exit code 137"),
        ("", "not known; see the log"),
        (None, "not known; see the log"),
    ],
)
def test_of_a_foreign_error_text_only_known_words_are_told(text: str | None, told: str) -> None:
    assert safe_reason(text) == told


OURS = "JobFailedError: exit code 2 (usage or contract error): --accept nobody: unknown"


@pytest.mark.parametrize(
    "text",
    [OURS, f"Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 15; {OURS}", f"{OURS}\nCANARY in a second line"],
)
def test_a_reason_in_the_shape_of_our_jobs_exception_is_told_in_full(text: str) -> None:
    assert job_failed_reason(text) == "exit code 2 (usage or contract error): --accept nobody: unknown"


@pytest.mark.parametrize(
    "text",
    [
        "ValueError: exit code 2 (usage or contract error): ann@example.org",
        "exit code 2 (usage or contract error): ann@example.org",
        "JobFailedError: exit code 2 (of another program): ann@example.org",
        "JobFailedError: exit code 9 (failed): ann@example.org",
        "NotJobFailedError: exit code 1 (failed): ann@example.org",
        "JobFailedError: ann@example.org",
        "ann@example.org\nJobFailedError: exit code 1 (failed): ann@example.org",
        "",
        None,
    ],
)
def test_a_text_of_another_shape_is_no_reason_of_ours(text: str | None) -> None:
    assert job_failed_reason(text) == ""


def test_the_shape_is_that_of_the_jobs_own_exception() -> None:
    for code in range(1, 5):
        text = f"JobFailedError: {JobFailedError(code, 'a reason')}"
        assert job_failed_reason(text).endswith("): a reason")


def test_a_text_of_ours_becomes_one_printable_line_of_600_characters_at_most() -> None:
    assert one_line("a\n\tb\x00c") == "a b c"
    assert one_line("x" * 600) == "x" * 600
    assert one_line("x" * 601) == "x" * 599 + "…"


def test_the_link_names_log_group_and_run_as_the_console_quotes_them() -> None:
    assert log_link(PLACE, PLACE.log_group, "jr_1") == (
        "Log: https://ap-northeast-1.console.aws.amazon.com/cloudwatch/home?region=ap-northeast-1#logsV2:log-groups/log-group/"
        "$252Faws-glue$252Fjobs$252Fqol$2520weekly$3FlogStreamNameFilter$3Djr_1"
    )
    assert log_link(PLACE, "/aws/lambda/kick") == (
        "Log: https://ap-northeast-1.console.aws.amazon.com/cloudwatch/home?region=ap-northeast-1"
        "#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fkick"
    )
    assert log_link(PLACE, "", "jr_1") == ""


def test_the_other_stages_name_their_own_function() -> None:
    assert "--function-name qol-weekly-survey-kick " in rerun_command(PLACE, "2026-W46")
    assert "--function-name qol-weekly-survey-kick-staging " in rerun_command(Installation("staging", "j"), "2026-W46")
    assert '"week": "YYYY-Www"' in rerun_command(PLACE, None)


def test_a_kick_that_failed_for_another_reason_does_not_tell_people_to_wait() -> None:
    assert "Wait" not in kick_failed(PLACE, "weekly run 2026-W46", "AccessDeniedException", "", is_busy=False).body


def _mails() -> list[list[str]]:
    """Lines of the saved messages: subject, an empty line, the body."""
    folder = Path(__file__).parent / "cases" / "messages"
    return [file.read_text(encoding="utf-8").splitlines() for file in sorted(folder.glob("*.txt"))]


def test_every_message_has_at_most_twelve_lines_says_what_readers_see_and_what_to_do() -> None:
    for _, _, *body in _mails():
        assert len(body) <= 12
        assert sum(line.startswith("Readers see ") for line in body) == 1
        assert body[body.index("") + 1].startswith("1. ")


def test_every_section_a_message_points_to_is_in_the_runbook() -> None:
    """Anchors of headings as GitHub makes them: lower case, hyphens for spaces, no other marks."""
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    headings = re.findall(r"^##+ (.+)$", runbook, flags=re.MULTILINE)
    anchors = {"".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c == "-") for heading in headings}
    named = {lines[-1].removeprefix("Runbook: docs/runbook.md#") for lines in _mails()}
    assert len(named) == 15
    assert named - anchors == set()


def test_a_mail_links_to_the_runbook_where_the_installation_has_it() -> None:
    place = Installation("prod", "j", runbook="https://git.example/qol/docs/runbook.md")
    mail = compose(place, "the week is late", ["Nothing has started."], [], "No result by 11:30")
    assert mail.body.endswith("Runbook: https://git.example/qol/docs/runbook.md#no-result-by-1130\n")
