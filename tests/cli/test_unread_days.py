"""Arrival days that no run has read are told with the command that reads them; a lake without published weeks reads all."""

import shlex
from datetime import date, timedelta
from pathlib import Path

import pytest

from qol.lake import LocalLake
from tests.builders import daily_record, write_lines
from tests.command_line import CLOCK, Qol, manifests

pytestmark = pytest.mark.usefixtures("no_gate")
OLD = ["2026-09-01", "2026-09-02", "2026-09-05"]


def _write(lake: Path, *days: str, name: str = "old.jsonl") -> None:
    for day in days:
        back = (date.fromisoformat(day) - date(2026, 11, 9)).days
        write_lines(lake, day, [daily_record("u9", back)], name=name)


def test_days_put_below_an_old_date_are_told_with_the_command_that_reads_them(run: Qol, qol: Qol, lake: Path) -> None:
    _write(lake, "2026-09-03", name="known.jsonl")
    run()
    _write(lake, *OLD)
    _write(lake, "2026-09-01", name="second.jsonl")
    said, options = "no run has read them. To read them: qol backfill", f"--lake {lake} --no-docs"
    assert [line for line in run("--dry-run").out.splitlines() if "no run has read" in line] == [
        f"3 raw objects of 2 arrival days 2026-09-01 to 2026-09-02 wait: {said} --from 2026-09-01 --to 2026-09-02 {options}",
        f"1 raw object of arrival day 2026-09-05 waits: {said} --from 2026-09-05 --to 2026-09-05 {options}",
    ]
    told = run()
    assert manifests(lake)[-1]["unread_days"] == [
        {"from": "2026-09-01", "to": "2026-09-02", "days": 2, "objects": 3},
        {"from": "2026-09-05", "to": "2026-09-05", "days": 1, "objects": 1},
    ]
    for line in (line for line in told.out.splitlines() if "no run has read" in line):
        assert qol(*shlex.split(line.split("To read them: qol ")[1]), "--now", CLOCK).code == 0
    assert "no run has read" not in run().out
    assert manifests(lake)[-1]["unread_days"] == []


def test_a_lake_that_published_nothing_reads_every_day_however_often_it_ran(qol: Qol, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    words = ("run", "--lake", tmp_path, "--now", CLOCK, "--no-docs")
    assert "nothing to do" in qol(*words).out
    _write(tmp_path, "2026-09-01")
    ended = qol(*words)
    assert "Read 1 raw object of arrival days 2026-09-01 to 2026-11-18, 1 line." in ended.out
    assert "published" in ended.out


def test_many_unread_days_are_few_lines_and_are_not_counted(run: Qol, lake: Path) -> None:
    days = [date(2020, 1, 1) + timedelta(days=2 * number) for number in range(202)]
    for day in days:  # all about one day: weeks take longer than arrival days
        line = daily_record("u9", (days[0] - date(2026, 11, 9)).days)
        write_lines(lake, str(day + timedelta(days=1)), [line], name="old.jsonl")
    run()
    for day in days:
        (lake / f"raw/daily/date={day}").mkdir()
    run()
    spans = manifests(lake)[-1]["unread_days"]
    assert len(spans) == 5
    assert spans[0] == {"from": "2020-01-01", "to": "2020-01-01", "days": 1, "objects": None}
    assert spans[-1] == {"from": "2020-01-09", "to": "2021-02-06", "days": 198, "objects": None}


def test_a_run_that_a_scheduler_started_names_the_event_that_reads_them(run: Qol, lake: Path) -> None:
    run()
    _write(lake, "2026-09-01")
    event = '{"backfill": {"from": "2026-09-01", "to": "2026-09-01"}} (docs/runbook.md#start-a-week-again)'
    assert f"To read them: the kick function's event {event}\n" in run("--job-run-id", "jr_1").out


def test_folders_of_no_record_type_are_not_told(run: Qol, lake: Path) -> None:
    run()
    write_lines(lake, "2026-09-01", [daily_record()], folder="raw/fitbit/steps")
    assert LocalLake(lake).children("raw/fitbit/steps/").folders == ("date=2026-09-01/",)
    assert "no run has read" not in run().out
