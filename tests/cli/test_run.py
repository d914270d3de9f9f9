"""Runs end with a table, a path and the exit code of what happened."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qol.errors import UsageError
from qol.run.engine import keep_memory
from tests.builders import daily_record, write_lines
from tests.command_line import CLOCK, Qol, files, hashed, manifests

pytestmark = pytest.mark.usefixtures("no_gate")


def test_a_published_run_shows_rows_counts_nulled_values_and_its_manifest(run: Qol, lake: Path) -> None:
    ended = run()
    lines = [line.split() for line in ended.out.splitlines()]
    assert ended.code == 0
    assert re.match(r"\nRun \S+: published 3 files of 1 week\.\n", ended.out)
    assert ["weekly_metrics", "1"] in lines
    assert ["daily_metrics", "2"] in lines
    assert "Read 1 raw object of arrival days 2026-11-10 to 2026-11-18, 2 lines." in ended.out
    assert "2 items = 0 blank + 0 control + 0 rejected + 2 kept + 0 superseded" in ended.out
    assert ["garmin_dailies", "steps", "out_of_range", "1"] in lines
    assert f"Manifest   {next((lake / '_runs').iterdir())}" in ended.out


def test_the_run_names_a_person_and_week_that_a_nulled_value_touched(run: Qol, qol: Qol) -> None:
    line = next(line for line in run().out.splitlines() if line.startswith("What that did to a week: "))
    words = line.split("qol ")[1].split()
    assert words[-1] == "steps"
    assert "steps: dailies became null: steps: 123456 out_of_range" in qol(*words, "--now", CLOCK).out


def test_a_second_run_has_nothing_to_do_and_says_what_is_as_before(run: Qol) -> None:
    run()
    ended = run()
    assert ended.code == 0
    assert "nothing to do, every file is as it was." in ended.out
    passed = "Passed over 1 raw object that earlier runs read; --reread reads them too."
    assert [line for line in ended.out.splitlines() if line.startswith("Passed")] == [passed]
    ended = run("--reread")
    assert ["weekly_metrics", "1", "="] in [line.split() for line in ended.out.splitlines()]


def test_rejected_items_come_with_the_command_that_shows_them(run: Qol, lake: Path, qol: Qol) -> None:
    write_lines(lake, "2026-11-11", [b"{", b"[1"], name="bad.jsonl")
    ended = run()
    (line,) = [line for line in ended.out.splitlines() if line.lstrip().startswith("not_json")]
    assert (line.split()[1], line.split()[-1]) == ("2", f"{hashed('raw/daily/date=2026-11-11/bad.jsonl')}:2")
    assert f"Where each one is: qol rejects --lake {lake} --reason not_json" in ended.out


def test_objects_that_were_not_read_come_with_what_would_have_been(run: Qol, lake: Path) -> None:
    write_lines(lake, "2026-11-10", [], name="notes.txt")
    (lake / "raw/daily/loose.jsonl").write_text("{}")
    write_lines(lake, "2026-11-10", [], folder="raw/fitbit/steps")
    unknown = "unknown_record: no contract has this folder; see qol contracts list"
    assert [line for line in run().out.splitlines() if line.startswith("Skipped")] == [
        f"Skipped 1 object (no_date: allowed …/date=YYYY-MM-DD/), such as raw/daily/{hashed('raw/daily/loose.jsonl')}",
        "Skipped 1 object (not_jsonl: allowed .jsonl, .jsonl.gz), such as raw/daily/date=2026-11-10/"
        + hashed("raw/daily/date=2026-11-10/notes.txt"),
        f"Skipped 1 object ({unknown}), such as raw/(other)/date=2026-11-10/"
        + hashed("raw/fitbit/steps/date=2026-11-10/a.jsonl"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from-week", "2025-W01", "--to-week", "2025-W02"], "2025-W01 to 2025-W02"),
        (["--from-week", "2025-W02", "--to-week", "2025-W02"], "2025-W02"),
        (["--from-week", "2026-W48"], "2026-W48 or later"),
        (["--to-week", "2026-W44"], "2026-W44 or earlier"),
    ],
)
def test_a_rebuild_of_weeks_without_records_says_which_weeks_have_some(
    run: Qol, qol: Qol, lake: Path, words: list[str], said: str
) -> None:
    write_lines(lake, "2026-11-03", [daily_record("u1", -7, calendarDate="2026-11-02")], name="before.jsonl")
    run()
    ended = qol("rebuild", *words, "--lake", lake, "--now", CLOCK, "--no-docs")
    assert ended.code == 0
    assert ended.out.splitlines()[-1] == f"No records lie in {said}; the lake has 2026-W45 to 2026-W46."
    shutil.rmtree(lake / "processed")
    assert qol("rebuild", "--lake", lake, "--now", CLOCK).out.splitlines()[-1] == "No records lie in the lake."


def test_a_dry_run_writes_nothing(run: Qol, lake: Path) -> None:
    before = files(lake)
    ended = run("--dry-run")
    assert ended.code == 0
    assert "would replace 3 files; nothing was written." in ended.out
    assert "\x1b" not in ended.out + ended.err
    assert [name for name in files(lake) if not name.startswith("_locks/")] == before


def test_many_weeks_fit_a_narrow_screen(run: Qol, lake: Path) -> None:
    days = [daily_record(day=-7 * week) for week in range(1, 11)]
    write_lines(lake, "2026-11-12", days, name="old.jsonl")
    ended = run("--dry-run", COLUMNS="70")
    assert "7 earlier weeks not shown" in " ".join(ended.out.split())
    assert max(len(line) for line in ended.out.splitlines() if line.startswith(" records_")) <= 70


def test_a_lake_without_raw_objects_says_where_they_should_be(qol: Qol, tmp_path: Path) -> None:
    ended = qol("run", "--lake", tmp_path, "--now", CLOCK)
    assert ended.code == 0
    assert "raw objects lie below raw/<source>/<record>/date=YYYY-MM-DD/" in ended.out


def test_backfill_reads_chosen_arrival_days_and_rebuild_none(qol: Qol, lake: Path) -> None:
    write_lines(lake, "2026-11-12", [daily_record(day=2)])
    options = ("--lake", lake, "--now", CLOCK, "--no-docs")
    ended = qol("backfill", "--from", "2026-11-12", "--to", "2026-11-12", *options)
    assert "Read 1 raw object of arrival days 2026-11-12 to 2026-11-12, 1 line." in ended.out
    ended = qol("rebuild", "--from-week", "2026-W46", *options)
    assert (ended.code, "Read" in ended.out, "No records" in ended.out) == (0, False, False)
    assert [m["trigger"] for m in manifests(lake)] == ["backfill", "rebuild"]


def test_what_a_command_writes_is_for_its_user_alone(run: Qol, lake: Path) -> None:
    sent = set(lake.rglob("*"))
    os.umask(0o022)
    write_lines(lake, "2026-11-11", [b"nope"])
    assert run().code == 0
    written = set(lake.rglob("*")) - sent - set((lake / "raw").rglob("*"))
    assert {path.name for path in written} >= {"_runs", "processed", "quarantine", "part-00000.parquet", "lake.json"}
    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_options_reach_the_manifest(run: Qol, lake: Path) -> None:
    run("--week", "2026-W45", "--trigger", "schedule", "--job-run-id", "jr_1", "--accept", "people_kept")
    (manifest,) = manifests(lake)
    found = {name: manifest[name] for name in ("week", "trigger", "job_run_id", "accepted", "now")}
    assert found == {
        "week": "2026-W45",
        "trigger": "schedule",
        "job_run_id": "jr_1",
        "accepted": ["people_kept"],
        "now": CLOCK,
    }


def test_the_user_map_gives_ids_and_needs_the_key_too(run: Qol, lake: Path, tmp_path: Path, qol: Qol) -> None:
    people = tmp_path / "map.jsonl"
    people.write_text('{"source":"garmin","vendor_user_id":"u1","user_id":"P0001","timezone":"Asia/Tokyo"}\n')
    assert run("--user-map", people, QOL_PSEUDONYM_KEY="").code == 2
    assert run("--user-map", people).code == 0
    assert (
        qol("query", "SELECT user_id FROM weekly_metrics", "--lake", lake, "--format", "csv").out == "user_id\nP0001\n"
    )


def test_a_map_in_a_table_is_read_by_the_run_itself_once_raw_is_listed(run: Qol, lake: Path) -> None:
    ended = run("--user-map", "dynamodb:")
    assert ended.code == 2
    assert "--user-map dynamodb:: names no table; allowed: dynamodb:<table>" in ended.err
    assert "Stage: list." in ended.err
    assert run("--user-map", "").code == 2


@pytest.mark.parametrize(("engine", "begun"), [("spark", ["local[2]"]), ("local", [])])
def test_spark_begins_to_start_while_the_contracts_are_read(
    run: Qol, monkeypatch: pytest.MonkeyPatch, engine: str, begun: list[str]
) -> None:
    found: list[str | None] = []
    read: list[list[str | None]] = []

    def stop() -> None:
        read.append(list(found))
        raise UsageError("enough")

    monkeypatch.setattr("qol.run.spark_engine.begin_to_start", found.append)
    monkeypatch.setattr("qol.contracts.load.load_contracts", stop)
    assert run("--engine", engine, "--master", "local[2]").code == 2
    assert read == [begun]


LOADED = """
import sys
from qol.cli import run_commands

def stop():
    raise SystemExit("polars" in sys.modules)

run_commands.keep_memory = stop
run_commands.perform(None)
"""


def test_polars_keeps_memory_as_it_is_told_before_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = subprocess.run([sys.executable, "-c", LOADED], check=False, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    monkeypatch.delenv("_RJEM_MALLOC_CONF", raising=False)
    keep_memory()
    assert os.environ["_RJEM_MALLOC_CONF"] == "dirty_decay_ms:20000,muzzy_decay_ms:-1"
    monkeypatch.setenv("_RJEM_MALLOC_CONF", "of the user")
    keep_memory()
    assert os.environ["_RJEM_MALLOC_CONF"] == "of the user"
