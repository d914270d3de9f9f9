"""Runs end with a table, a path and the exit code of what happened."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from qol.lake import LocalLake
from tests.builders import daily_record, write_lines
from tests.cli.conftest import CLOCK, Ended, Qol

_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]+-[a-z]+-[0-9a-f]{4}")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    write_lines(folder, "2026-11-10", [daily_record(day=0), daily_record(day=1, steps=123_456)])
    return folder


@pytest.fixture
def run(qol: Qol, lake: Path) -> Qol:
    def go(*words: object, **env: str) -> Ended:
        return qol("run", "--lake", lake, "--now", CLOCK, "--no-docs", *words, **env)

    return go


@pytest.fixture
def no_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qol.pipeline.run_gate", lambda *_: [])


def files(lake: Path) -> list[str]:
    return sorted(str(path.relative_to(lake)) for path in lake.rglob("*") if path.is_file())


def manifests(lake: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted((lake / "_runs").glob("*.json"))]


@pytest.mark.usefixtures("no_gate")
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


@pytest.mark.usefixtures("no_gate")
def test_the_run_names_a_person_and_week_that_a_nulled_value_touched(run: Qol, qol: Qol) -> None:
    line = next(line for line in run().out.splitlines() if line.startswith("What that did to a week: "))
    words = line.split("qol ")[1].split()
    assert words[-1] == "steps"
    assert "steps: dailies became null: steps: 123456 out_of_range" in qol(*words, "--now", CLOCK).out


@pytest.mark.usefixtures("no_gate")
def test_a_second_run_has_nothing_to_do_and_says_what_is_as_before(run: Qol) -> None:
    run()
    ended = run()
    assert ended.code == 0
    assert "nothing to do, every file is as it was." in ended.out
    assert ["weekly_metrics", "1", "="] in [line.split() for line in ended.out.splitlines()]


@pytest.mark.usefixtures("no_gate")
def test_rejected_items_come_with_the_command_that_shows_them(run: Qol, lake: Path, qol: Qol) -> None:
    write_lines(lake, "2026-11-11", [b"{", b"[1"], name="bad.jsonl")
    ended = run()
    (line,) = [line for line in ended.out.splitlines() if line.lstrip().startswith("not_json")]
    assert (line.split()[1], line.split()[-1]) == ("2", "raw/daily/date=2026-11-11/bad.jsonl:2")
    assert f"Where each one is: qol rejects --lake {lake} --reason not_json" in ended.out


def test_a_check_that_only_warns_is_shown_and_stops_nothing(run: Qol, lake: Path) -> None:
    write_lines(lake, "2026-11-11", [b"{"], name="bad.jsonl")
    ended = run()
    assert ended.code == 0
    assert "Checks that did not hold" in ended.out
    assert "metrics_not_emptied: not checked: fewer than 20 people (2026-W46)\n" in ended.out
    (line,) = [line.split() for line in ended.out.splitlines() if line.split()[:1] == ["rejected_share"]]
    assert line[1:8] == ["warning", "1", "of", "3", "items,", "33", "%"]


@pytest.mark.usefixtures("no_gate")
def test_objects_that_were_not_read_come_with_what_would_have_been(run: Qol, lake: Path) -> None:
    write_lines(lake, "2026-11-10", [], name="notes.txt")
    (lake / "raw/daily/loose.jsonl").write_text("{}")
    write_lines(lake, "2026-11-10", [], folder="raw/fitbit/steps")
    unknown = "unknown_record: no contract has this folder; see qol contracts list"
    assert [line for line in run().out.splitlines() if line.startswith("Skipped")] == [
        "Skipped 1 object (no_date: allowed …/date=YYYY-MM-DD/), such as raw/daily/loose.jsonl",
        "Skipped 1 object (not_jsonl: allowed .jsonl, .jsonl.gz), such as raw/daily/date=2026-11-10/notes.txt",
        f"Skipped 1 object ({unknown}), such as raw/fitbit/steps/date=2026-11-10/a.jsonl",
    ]


@pytest.mark.usefixtures("no_gate")
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


@pytest.mark.usefixtures("no_gate")
def test_a_rebuild_of_a_lake_without_records_says_so(qol: Qol, tmp_path: Path) -> None:
    ended = qol("rebuild", "--lake", tmp_path, "--now", CLOCK, "--no-docs")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "No records lie in the lake.")


@pytest.mark.usefixtures("no_gate")
def test_a_rebuild_of_weeks_with_records_says_nothing_of_the_kind(run: Qol, qol: Qol, lake: Path) -> None:
    run()
    assert "No records" not in qol("rebuild", "--lake", lake, "--now", CLOCK, "--no-docs").out


def test_a_dry_run_writes_nothing(run: Qol, lake: Path) -> None:
    before = files(lake)
    ended = run("--dry-run")
    assert ended.code == 0
    assert "would replace 3 files; nothing was written." in ended.out
    assert [name for name in files(lake) if not name.startswith("_locks/")] == before


def test_output_to_a_pipe_has_no_escape_sequence(run: Qol) -> None:
    ended = run("--dry-run")
    assert "\x1b" not in ended.out + ended.err


def test_many_weeks_fit_a_narrow_screen(run: Qol, lake: Path) -> None:
    days = [{**daily_record(), "calendarDate": f"2026-{month:02d}-05"} for month in range(1, 11)]
    write_lines(lake, "2026-11-12", days, name="old.jsonl")
    ended = run("--dry-run", COLUMNS="70")
    assert "7 earlier weeks not shown" in " ".join(ended.out.split())
    assert max(len(line) for line in ended.out.splitlines() if line.startswith(" records_")) <= 70


def test_a_lake_without_raw_objects_says_where_they_should_be(qol: Qol, tmp_path: Path) -> None:
    ended = qol("run", "--lake", tmp_path, "--now", CLOCK)
    assert ended.code == 0
    assert "raw objects lie below raw/<source>/<record>/date=YYYY-MM-DD/" in ended.out


@pytest.mark.usefixtures("no_gate")
def test_backfill_reads_chosen_arrival_days_and_rebuild_none(qol: Qol, lake: Path) -> None:
    write_lines(lake, "2026-11-12", [daily_record(day=2)])
    options = ("--lake", lake, "--now", CLOCK, "--no-docs")
    ended = qol("backfill", "--from", "2026-11-12", "--to", "2026-11-12", *options)
    assert "Read 1 raw object of arrival days 2026-11-12 to 2026-11-12, 1 line." in ended.out
    ended = qol("rebuild", "--from-week", "2026-W46", *options)
    assert (ended.code, "Read" in ended.out) == (0, False)
    assert [m["trigger"] for m in manifests(lake)] == ["backfill", "rebuild"]


@pytest.mark.usefixtures("no_gate")
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


@pytest.mark.usefixtures("no_gate")
def test_the_business_week_is_the_last_closed_one_by_default(run: Qol, lake: Path) -> None:
    run()
    assert manifests(lake)[0]["week"] == "2026-W46"


@pytest.mark.usefixtures("no_gate")
def test_the_user_map_gives_ids_and_needs_the_key_too(run: Qol, lake: Path, tmp_path: Path, qol: Qol) -> None:
    people = tmp_path / "map.jsonl"
    people.write_text('{"source":"garmin","vendor_user_id":"u1","user_id":"P0001","timezone":"Asia/Tokyo"}\n')
    assert run("--user-map", people, QOL_PSEUDONYM_KEY="").code == 2
    assert run("--user-map", people).code == 0
    assert (
        qol("query", "SELECT user_id FROM weekly_metrics", "--lake", lake, "--format", "csv").out == "user_id\nP0001\n"
    )


@pytest.mark.usefixtures("no_gate")
def test_a_map_in_a_table_is_read_by_the_run_itself_once_raw_is_listed(run: Qol, lake: Path) -> None:
    ended = run("--user-map", "dynamodb:")
    assert ended.code == 2
    assert "--user-map dynamodb:: names no table; allowed: dynamodb:<table>" in ended.err
    assert "Stage: list." in ended.err
    assert run("--user-map", "").code == 2


def test_a_refused_run_exits_3_names_the_check_and_how_to_overrule_it(qol: Qol, tmp_path: Path) -> None:
    lake, options = tmp_path / "lake", ("--now", CLOCK)
    write_lines(lake, "2026-11-10", [daily_record(f"u{number}") for number in range(25)])
    assert qol("run", "--lake", lake, *options).code == 0
    (lake / "processed/records/garmin_dailies/date=2026-11-09/part-00000.parquet").unlink()
    write_lines(lake, "2026-11-10", [daily_record(f"u{number}") for number in range(5)])
    ended = qol("run", "--lake", lake, *options)
    assert ended.code == 3
    refused = (
        "refused, nothing was published; 1 critical check failed:\n"
        "  people_kept: A published week keeps at least 80% of its people (from 20 people on). Observed: 1 of 1 weeks;"
        " weekly_metrics 2026-W46: 20 of 25 people lost.\n"
        "To publish in spite of that, the same command again with --accept: qol run --accept people_kept"
    )
    assert ended.err.split("\nStage: ")[0].endswith(refused)
    assert manifests(lake)[-1]["error"] == refused
    assert "its manifest is at " in ended.err
    assert f"All results: {lake}/_docs/index.html" in ended.err
    accepted = qol("run", "--lake", lake, *options, "--accept", "people_kept")
    assert (accepted.code, "Accepted: people_kept" in accepted.out) == (0, True)
    assert f"Data Docs  {lake}/_docs/index.html" in accepted.out


def test_a_run_that_finds_the_lock_exits_4_and_names_its_holder(run: Qol, lake: Path) -> None:
    with LocalLake(lake).lock("20261118T000500Z-schedule-00000000"):
        ended = run()
    assert ended.code == 4
    assert "held by run 20261118T000500Z-schedule-00000000; wait until it has ended" in ended.err
    assert manifests(lake)[0]["status"] == "locked"


def test_an_unexpected_error_shows_its_type_and_place_and_never_its_text(
    run: Qol, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("steps of vendor-alice")

    monkeypatch.setattr("qol.pipeline.list_raw", fail)
    ended = run()
    assert ended.code == 1
    assert re.search(r"unexpected error: ValueError at qol/pipeline\.py:\d+ \(_run_locked\)", ended.err)
    assert "vendor-alice" not in ended.out + ended.err
    run_id = _RUN_ID.search(ended.err)
    assert run_id is not None
    assert f"Run {run_id[0]}; its manifest is at {lake}/_runs/{run_id[0]}.json" in ended.err
    assert "Stage: list." in ended.err
    assert "vendor-alice" in run(QOL_DEBUG="1").err


def test_a_file_of_others_among_published_ones_exits_1(run: Qol, lake: Path) -> None:
    stray = lake / "processed/weekly/date=2026-11-09/part-0.snappy.parquet"
    stray.parent.mkdir(parents=True)
    stray.touch()
    ended = run()
    assert ended.code == 1
    assert "processed/weekly/date=2026-11-09/part-0.snappy.parquet" in ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--accept", "steps"], "--accept steps: no such check; allowed: rows_as_expected, people_kept,"),
        (["--zone", "Tokyo"], "--zone Tokyo: unknown; allowed: an IANA time zone such as Asia/Tokyo"),
        (["--week", "2026-46"], "--week 2026-46: not an ISO week; allowed: YYYY-Www such as 2026-W46"),
        (["--now", "2026-11-18"], "--now 2026-11-18: not a time with its zone; allowed: ISO 8601 such as"),
        (["--user-map", "/no/map"], "--user-map /no/map: cannot be read; allowed: a JSON lines file"),
    ],
)
def test_wrong_usage_exits_2_with_the_value_and_what_is_allowed(
    run: Qol, lake: Path, words: list[str], message: str
) -> None:
    before = files(lake)
    ended = run(*words)
    assert ended.code == 2
    assert ended.err.startswith(message)
    assert files(lake) == before


@pytest.mark.parametrize("words", [["--nosuch"], ["--engine", "flink"], ["--workers", "0"], ["--trigger", "backfill"]])
def test_options_that_are_none_exit_2(run: Qol, words: list[str]) -> None:
    assert run(*words).code == 2


@pytest.mark.parametrize("words", [["backfill", "--from", "2026-11-12", "--to", "2026-11-12"], ["rebuild"]])
def test_a_backfill_and_a_rebuild_are_triggers_of_their_own(qol: Qol, lake: Path, words: list[str]) -> None:
    ended = qol(*words, "--lake", lake, "--now", CLOCK, "--trigger", "manual")
    assert (ended.code, "No such option: --trigger" in ended.err) == (2, True)
    assert manifests(lake) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["backfill", "--from", "2026-11-12", "--to", "2026-11-11"], "--from 2026-11-12: later than --to 2026-11-11"),
        (
            ["backfill", "--from", "12.11.2026", "--to", "2026-11-12"],
            "--from 12.11.2026: not a day; allowed: YYYY-MM-DD",
        ),
        (["rebuild", "--from-week", "2026-W46", "--to-week", "2026-W45"], "--from-week 2026-W46: later than --to-week"),
        (["rebuild", "--from-week", "2026-W54"], "--from-week 2026-W54: 2026 has weeks W01 to W53; allowed: YYYY-Www"),
        (["rebuild", "--to-week", "2021-W53"], "--to-week 2021-W53: 2021 has weeks W01 to W52; allowed: YYYY-Www"),
        (["restore", "--week", "2026-W54"], "--week 2026-W54: 2026 has weeks W01 to W53; allowed: YYYY-Www"),
    ],
)
def test_a_scope_the_wrong_way_round_exits_2(qol: Qol, lake: Path, words: list[str], message: str) -> None:
    ended = qol(*words, "--lake", lake)
    assert (ended.code, ended.err[: len(message)]) == (2, message)


def test_no_lake_and_a_lake_that_is_not_there_exit_2(qol: Qol, tmp_path: Path) -> None:
    assert qol("run").err == (
        "--lake: not given; allowed: a folder or s3://bucket[/prefix], by --lake or the environment variable QOL_LAKE\n"
    )
    ended = qol("run", "--lake", tmp_path / "typo")
    assert (ended.code, "no such folder" in ended.err) == (2, True)
    assert not (tmp_path / "typo").exists()


def test_a_key_that_is_missing_or_short_exits_2_and_is_never_shown(run: Qol, lake: Path) -> None:
    missing, short = run(QOL_PSEUDONYM_KEY=""), run(QOL_PSEUDONYM_KEY="only-31-bytes-of-a-secret-key!!")
    assert (missing.code, missing.err[:28]) == (2, "QOL_PSEUDONYM_KEY: not set; ")
    assert (short.code, short.err) == (2, "QOL_PSEUDONYM_KEY: found 31 bytes; allowed: at least 32 (UTF-8)\n")


@pytest.mark.usefixtures("no_gate")
def test_a_lake_may_bring_its_key_and_a_later_other_key_is_refused(run: Qol, lake: Path, qol: Qol) -> None:
    (lake / "_keys").mkdir()
    (lake / "_keys/pseudonym.key").write_text("k" * 32 + "\n")
    assert run(QOL_PSEUDONYM_KEY="").code == 0
    people = ("query", "SELECT count(DISTINCT user_id) n FROM daily_metrics", "--lake", lake, "--format", "csv")
    assert qol(*people).out == "n\n1\n"
    other = run()  # the environment wins over the lake's file, and would make somebody else of the same vendor id
    assert (other.code, "not the key that earlier runs of this lake used" in other.err) == (2, True)
    assert "k" * 32 not in run(QOL_PSEUDONYM_KEY="").out
