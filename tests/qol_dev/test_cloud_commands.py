"""`qol cloud sql` and `qol cloud work` say what there is, in the forms that `qol query` has, and how it ended."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qol.quality.comparison import MIN_USERS
from qol_dev.cloud import glue_runs as runs
from qol_dev.cloud import trino
from qol_dev.cloud.glue_runs import Attempt
from qol_dev.cloud.trino import Answer
from qol_dev.cloud.webhook import chosen_folder
from qol_dev.cloud_commands import USERS
from tests.command_line import Qol

STATEMENT = "CREATE TABLE db_qol.weekly_metrics (\n   user_id varchar COMMENT 'the internal id'\n)"


def answers(monkeypatch: pytest.MonkeyPatch, columns: tuple[str, ...], *rows: tuple[Any, ...]) -> None:
    monkeypatch.setattr(trino, "ask", lambda *_: Answer(columns, list(rows)))


def ends(monkeypatch: pytest.MonkeyPatch, *states: str) -> None:
    """One waiting run whose attempts end so."""

    def execute(*_: object) -> Iterator[Attempt]:
        for number, state in enumerate(states):
            yield Attempt(f"jr_1_attempt_{number}", state, int(state == "FAILED"), 1.0, Path("x.log"))

    monkeypatch.setattr(runs, "waiting_runs", lambda _: ["jr_1"])
    monkeypatch.setattr(runs, "execute", execute)


def test_a_repaired_run_of_the_local_cloud_sends_no_message_about_the_age_of_its_sample() -> None:
    assert USERS < MIN_USERS


def test_a_wide_row_is_a_list_of_columns_and_values(qol: Qol, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = tuple(f"metric_{number}" for number in range(281))
    answers(monkeypatch, columns, (*range(280), None), (*range(1000, 1280), None))
    ended = qol("cloud", "sql", "SELECT * FROM weekly_metrics")
    words = [line.split() for line in ended.out.splitlines()]
    assert ["metric_279", "279"] in words
    assert ["metric_279", "1279"] in words
    assert "Row 2, 1 column null" in ended.out
    assert ended.out.endswith("2 rows\n")


def test_a_statement_is_shown_without_a_frame(qol: Qol, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ("Create Table",), (STATEMENT,))
    assert qol("cloud", "sql", "SHOW CREATE TABLE weekly_metrics").out == f"{STATEMENT}\n1 row\n"


def test_answers_come_as_csv_and_json_whole_and_as_a_table_up_to_the_limit(
    qol: Qol, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, ("iso_week", "people"), ("2026-W45", 3), ("2026-W46", None))
    asked = ("cloud", "sql", "SELECT", "--limit", "1")
    assert qol(*asked, "--format", "csv").out == "iso_week,people\n2026-W45,3\n2026-W46,\n"
    assert json.loads(qol(*asked, "--format", "json").out)[1] == {"iso_week": "2026-W46", "people": None}
    shown = qol(*asked).out
    assert "2026-W45" in shown
    assert "2026-W46" not in shown
    assert "The first 1 row; --limit shows more." in shown


@pytest.mark.parametrize(
    ("states", "code"), [(["SUCCEEDED"], 0), (["FAILED", "FAILED"], 1), (["FAILED", "SUCCEEDED"], 1)]
)
def test_work_exits_with_1_when_an_attempt_failed(
    qol: Qol, monkeypatch: pytest.MonkeyPatch, states: list[str], code: int
) -> None:
    ends(monkeypatch, *states)
    ended = qol("cloud", "work")
    assert ended.code == code, ended.err
    assert ended.out.count("with exit code") == len(states)


def test_the_webhook_serves_the_cloud_that_the_other_commands_mean(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("QOL_CLOUD", raising=False)
    assert chosen_folder([]).name == ".cloud"
    monkeypatch.setenv("QOL_CLOUD", str(tmp_path))
    assert chosen_folder([]) == tmp_path.resolve()
    assert chosen_folder(["/elsewhere"]) == Path("/elsewhere")
