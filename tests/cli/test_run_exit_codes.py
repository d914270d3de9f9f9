"""Runs that are stopped or warned of: their exit code, and a message with the place, the value and what is allowed."""

import re
from pathlib import Path

import pytest

from qol.lake import LocalLake
from tests.builders import daily_record, write_lines
from tests.command_line import CLOCK, Qol, files, manifests

_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]+-[a-z]+-[0-9a-f]{4}")


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
        "  people_kept: weekly_metrics in 2026-W46: 20 of 25 users lost.\n"
        "To publish in spite of this, accept the checks: qol run --accept people_kept"
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

    monkeypatch.setattr("qol.run.pipeline.list_raw", fail)
    ended = run()
    assert ended.code == 1
    assert re.search(r"unexpected error: ValueError at qol/run/pipeline\.py:\d+ \(_list\)", ended.err)
    assert "vendor-alice" not in ended.out + ended.err
    run_id = _RUN_ID.search(ended.err)
    assert run_id is not None
    assert f"Run {run_id[0]}; its manifest is at {lake}/_runs/{run_id[0]}.json" in ended.err
    assert "Stage: list." in ended.err
    assert "vendor-alice" in run(QOL_DEBUG="1").err


def test_data_docs_that_cannot_be_written_exit_1_with_the_place_and_the_way_out(qol: Qol, lake: Path) -> None:
    (lake / "_docs").touch()
    ended = qol("run", "--lake", lake, "--now", CLOCK)
    assert ended.code == 1
    assert (
        f"{lake}/_docs: Data Docs cannot be written there (File exists);"
        " make it a writable folder, or leave them out with --no-docs\n"
    ) in ended.err
    assert not (lake / "processed").exists()


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


def test_a_check_that_only_warns_is_shown_and_stops_nothing(run: Qol, lake: Path) -> None:
    write_lines(lake, "2026-11-11", [b"{"], name="bad.jsonl")
    (lake / "_docs").mkdir()
    (lake / "_docs/index.html").touch()  # of a run before
    ended = run()
    assert ended.code == 0
    assert "Failed checks" in ended.out
    assert "Data Docs" not in ended.out
    assert "metrics_not_emptied: not checked: fewer than 20 users (weekly_metrics 2026-W46)\n" in ended.out
    (line,) = [line.split() for line in ended.out.splitlines() if line.split()[:1] == ["rejected_share"]]
    assert line[1:8] == ["warning", "1", "of", "3", "items,", "33", "%"]
