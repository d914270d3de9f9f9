"""Runs and rejects are listed, counted and shown; raw items only on request."""

import json
from pathlib import Path

import pytest

from qol.lake import LocalLake
from tests.builders import KEY, write_lines
from tests.command_line import CLOCK, Qol, hashed


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_runs_are_listed_newest_first(qol: Qol, own_week: Path) -> None:
    assert qol("run", "--lake", own_week, "--now", "2026-11-25T00:05:00Z", "--no-docs").code == 0
    listed = [row for row in rows(qol("runs", "--lake", own_week).out) if row and row[0].startswith("2026")]
    assert [(row[0][:16], *row[1:4]) for row in listed] == [
        ("20261125T000500Z", "published", "manual", "2026-W47"),
        ("20261118T000500Z", "published", "manual", "2026-W46"),
    ]
    assert listed[1][4:10] == ["2026-W45", "to", "2026-W47", "(3)", "18", "2"]


def test_one_run_is_shown_whole_by_the_start_of_its_id(qol: Qol, week_lake: Path) -> None:
    out = qol("runs", "20261118T", "--lake", week_lake).out
    assert ["status", "published"] in rows(out)
    assert ["weeks", "replaced", "2026-W45,", "2026-W46,", "2026-W47"] in rows(out)
    assert ["engine", "local"] in rows(out)
    assert ["user", "map", "none"] in rows(out)
    assert ["rows_as_expected", "critical", "yes"] in [row[:3] for row in rows(out)]
    few = "metrics_not_emptied critical not checked not checked: fewer than 20 users"
    assert few in [" ".join(row[:10]) for row in rows(out)]
    assert (
        "Skipped 1 object (unknown_record: no contract has this folder; see qol contracts list),"
        f" such as raw/(other)/date=2026-11-17/{hashed('raw/garmin/unheardof/date=2026-11-17/a.jsonl')}"
    ) in out


def test_raw_objects_of_a_run_are_summed_by_folder_and_each_is_listed_on_request(qol: Qol, week_lake: Path) -> None:
    out = qol("runs", "20261118T", "--lake", week_lake).out
    assert [
        "folder",
        "objects",
        "physical_lines",
        "lines",
        "blank",
        "control",
        "rejected",
        "kept",
        "superseded",
    ] in rows(out)
    assert ["raw/daily", "4", "15", "16", "0", "0", "2", "13", "1"] in rows(out)
    assert ["raw/garmin/sleeps", "1", "2", "2", "0", "0", "0", "2", "0"] in rows(out)
    assert "early.jsonl" not in out
    each = [line for line in out.splitlines() if line.startswith("Each of them: qol runs 20261118T")]
    listed = qol(*each[0].split("qol ")[1].split()).out
    assert [
        f"raw/daily/date=2026-11-11/{hashed('raw/daily/date=2026-11-11/early.jsonl')}",
        "1",
        "1",
        "0",
        "0",
        "0",
        "0",
        "1",
    ] in rows(listed)
    assert ["raw/daily", "4"] not in [row[:2] for row in rows(listed)]


def test_objects_are_those_of_one_run(qol: Qol, week_lake: Path) -> None:
    ended = qol("runs", "--objects", "--lake", week_lake)
    assert (ended.code, ended.err) == (2, "--objects: no run given; allowed: qol runs RUN_ID --objects\n")


@pytest.mark.parametrize(
    ("status", "failed_stage", "listed", "label"),
    [
        ("refused", "gate", "would have: 2026-W46 (1)", "weeks it would have replaced"),
        ("failed", "gate", "would have: 2026-W46 (1)", "weeks it would have replaced"),
        ("failed", "publish", "perhaps: 2026-W46 (1)", "weeks perhaps replaced"),
        ("failed", None, "perhaps: 2026-W46 (1)", "weeks perhaps replaced"),
        ("published", None, "2026-W46 2026-W46 (1)", "weeks replaced"),
    ],
)
def test_weeks_of_a_run_that_did_not_publish_are_not_shown_as_replaced(
    qol: Qol, own_week: Path, status: str, failed_stage: str | None, listed: str, label: str
) -> None:
    (run,) = (own_week / "_runs").glob("*.json")
    changed = {
        "run_id": "20270101T000000Z-x",
        "status": status,
        "failed_stage": failed_stage,
        "weeks": ["2026-W46"],
    }
    (own_week / "_runs/20270101T000000Z-x.json").write_text(json.dumps(json.loads(run.read_bytes()) | changed))
    row = next(row for row in rows(qol("runs", "--lake", own_week).out) if row[:1] == ["20270101T000000Z-x"])
    assert f" {listed} " in f" {' '.join(row)} "
    assert [*label.split(), "2026-W46"] in rows(qol("runs", "20270101", "--lake", own_week).out)


def test_what_a_run_did_not_reach_is_not_known(qol: Qol, own_week: Path) -> None:
    with LocalLake(own_week).lock("20261118T000500Z-schedule-00000000"):
        assert qol("run", "--lake", own_week, "--now", "2026-12-02T00:05:00Z", "--no-docs").code == 4
    out = [" ".join(row) for row in rows(qol("runs", "20261202", "--lake", own_week).out)]
    assert "arrival days not known: the run ended before it listed them" in out
    assert "user map not known: the run ended before it read one" in out


def test_an_unknown_run_is_a_usage_error_that_names_the_newest(qol: Qol, week_lake: Path) -> None:
    ended = qol("runs", "1999", "--lake", week_lake)
    assert ended.code == 2
    assert ended.err.startswith("run 1999: no such run; allowed: 20261118T000500Z-")


def test_a_manifest_that_is_damaged_is_listed_as_such(qol: Qol, own_week: Path) -> None:
    (own_week / "_runs/20270101T000000Z-manual-00000000.json").write_bytes(b"{")
    assert ["20270101T000000Z-manual-00000000", "not", "readable"] in rows(qol("runs", "--lake", own_week).out)


def test_a_lake_without_runs_says_how_to_start_one(qol: Qol, tmp_path: Path) -> None:
    assert qol("runs", "--lake", tmp_path).out == f"No run yet. qol run --lake {tmp_path}\n"


def test_rejects_are_counted_by_reason_record_and_day(qol: Qol, week_lake: Path) -> None:
    out = rows(qol("rejects", "--lake", week_lake).out)
    assert ["missing_key", "garmin_dailies", "2026-11-15", "1"] in [row[:4] for row in out]
    assert ["not_json", "garmin_dailies", "2026-11-15", "1"] in [row[:4] for row in out]


def test_one_reason_lists_the_place_and_message_without_the_item(qol: Qol, week_lake: Path) -> None:
    ended = qol("rejects", "--lake", week_lake, "--reason", "not_json")
    place = "raw/daily/date=2026-11-15/late.jsonl:7"
    assert [place, "0", "not_json", "not", "one", "valid", "JSON", "document"] in rows(ended.out)
    assert "vendor-alice" not in ended.out + ended.err


def test_raw_items_are_shown_on_request_with_a_warning_escaped_and_cut(qol: Qol, tmp_path: Path) -> None:
    write_lines(tmp_path, "2026-11-10", [b"\x1b[31mred\xff" + b"x" * 600])
    qol("run", "--lake", tmp_path, "--now", CLOCK, "--no-docs")
    ended = qol("rejects", "--lake", tmp_path, "--reason", "not_utf8", "--show-raw")
    assert r"\x1b[31mred\xff" + "x" * 485 + "… (115 more characters)\n" in ended.out
    assert ended.err == "Raw items may hold personal data: do not share them.\n"


def test_rejects_can_be_those_of_a_day_or_of_a_run(qol: Qol, week_lake: Path) -> None:
    assert qol("rejects", "--lake", week_lake, "--date", "2026-11-10").out == "No rejected items.\n"
    assert "not_json" in qol("rejects", "--lake", week_lake, "--run", "20261118T").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--reason", "bad"], "--reason bad: unknown; allowed: not_utf8, not_json,"),
        (["--date", "2026-11-31"], "--date 2026-11-31: not a day; allowed: YYYY-MM-DD"),
        (["--run", "1999"], "run 1999: no such run; allowed: 2026"),
    ],
)
def test_wrong_usage_names_what_is_allowed(qol: Qol, week_lake: Path, words: list[str], message: str) -> None:
    ended = qol("rejects", "--lake", week_lake, *words)
    assert (ended.code, ended.err[: len(message)]) == (2, message)


def test_no_command_that_reads_a_lake_shows_a_vendors_id_a_token_or_the_key(qol: Qol, week_lake: Path) -> None:
    for words in (["runs"], ["runs", "2026"], ["rejects"], ["rejects", "--reason", "not_json"], ["doctor"]):
        ended = qol(*words, "--lake", week_lake)
        shown = ended.out + ended.err
        assert [secret for secret in ("vendor-", "token-of-nobody", KEY.decode()) if secret in shown] == []
