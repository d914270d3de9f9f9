"""Whom to call, and what every participant wore, sent and answered: in a folder, in a bucket, and by the view of Athena."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto import mock_aws

from tests.builders import daily_record, night_record, user_id, write_lines
from tests.command_line import Ended, Qol
from tests.contracts.conftest import PROJECT
from tests.edges import ENVIRONMENT, make_bucket

NOW = "2026-11-21T00:05:00Z"
#: Participant, last day with data, first day that was not worn: days after Monday 2026-11-09.
PARTICIPANTS = (("P1", 11, 12), ("P2", 2, 12), ("P3", 10, 5), ("P4", 9, 12))
ROSTER = (
    "user_id,group,enrolled\nP1,a,2026-11-01\nP2,a,\nP3,b,2026-11-09\nP4,b,\nP5,b,2026-11-14\nP6,a,\nP7,a,2026-11-25\n"
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, qol_session: Qol) -> Path:
    """A folder with a lake, its user map and its roster: four participants, of whom one fell silent and one wears nothing."""
    folder = tmp_path_factory.mktemp("study")
    lake = folder / "lake"
    worn = [daily_record(name, day) for name, last, off in PARTICIPANTS for day in range(min(last + 1, off))]
    worn = [one for one in worn if one["userId"] != "P4" or not "2026-11-13" <= one["calendarDate"] <= "2026-11-15"]
    off = [daily_record("P3", day, durationInSeconds=18_000) for day in range(5, 11)]
    write_lines(lake, "2026-11-12", [one for one in worn if one["calendarDate"] < "2026-11-12"])
    late = [one for one in (*worn, *off) if one["calendarDate"] >= "2026-11-12"]
    write_lines(lake, "2026-11-20", [one for one in late if one["userId"] != "P4"])
    write_lines(lake, "2026-11-19", [one for one in late if one["userId"] == "P4"])
    write_lines(lake, "2026-11-20", [night_record("P1", day) for day in (3, 5, 6, 10)], folder="raw/garmin/sleeps")
    answers: dict[str, Any] = {"user_id": "P1", "instrument": "WHOQOL-BREF"} | {f"q{item}": 3 for item in range(1, 27)}
    for day, arrival in (("2026-11-10", "2026-11-12"), ("2026-11-17", "2026-11-20")):
        answered = [answers | {"administered_at": f"{day}T21:30:00+09:00"}]
        write_lines(lake, arrival, answered, folder="raw/survey/whoqol26")
    ids = [("garmin", name, name) for name, *_ in PARTICIPANTS] + [("survey", "P1", "P1"), ("oura", "v-P6", "P6")]
    entries = [dict(zip(("source", "vendor_user_id", "user_id"), entry, strict=True)) for entry in ids]
    (folder / "map.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (folder / "roster.csv").write_text(ROSTER)
    ended = qol_session("run", "--lake", lake, "--user-map", folder / "map.jsonl", "--now", NOW, "--no-docs")
    assert ended.code == 0, ended.err
    return folder


def ask(qol: Qol, study: Path, *words: object) -> list[dict[str, str]]:
    ended = qol("adherence", "--lake", study / "lake", "--now", NOW, "--format", "csv", *words)
    assert (ended.code, ended.err) == (0, "")
    return list(csv.DictReader(io.StringIO(ended.out)))


def picked(rows: list[dict[str, str]], *names: str) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def test_whom_to_call_comes_first_with_the_reason_in_words(qol: Qol, study: Path) -> None:
    rows = ask(qol, study, "--roster", study / "roster.csv")
    assert picked(rows, "call_order", "user_id", "reason", "silent_since", "days_silent") == [
        ("1", "P5", "never sent anything since 2026-11-14 (6 days)", "2026-11-14", "6"),
        ("2", "P6", "never sent anything", "", ""),
        ("3", "P2", "no data since 2026-11-12 (8 days)", "2026-11-12", "8"),
        ("4", "P3", "sends data, not worn since 2026-11-14 (6 days)", "", "0"),
        ("", "P1", "", "", "0"),
        ("", "P4", "", "2026-11-19", "1"),
        ("", "P7", "", "", "0"),
    ]


def test_days_nights_last_sync_and_last_questionnaire_of_seven_days_before_the_newest_arrival(
    qol: Qol, study: Path
) -> None:
    counts = ("user_id", "days_worn", "nights", "last_sync", "last_questionnaire")
    rows = ask(qol, study)
    assert sorted(picked(rows, *counts)) == [
        ("P1", "7", "3", "2026-11-20", "2026-11-17"),
        ("P2", "0", "0", "2026-11-12", ""),
        ("P3", "1", "0", "2026-11-20", ""),
        ("P4", "3", "0", "2026-11-19", ""),
    ]
    assert set(picked(rows, "window_start", "window_end")) == {("2026-11-13", "2026-11-19")}
    later = ask(qol, study, "--now", "2026-12-24T00:00:00Z", "--days", "9")
    assert picked(later, "user_id", "reason") == picked(rows, "user_id", "reason")  # weeks without a run
    assert min(picked(later, *counts)) == ("P1", "9", "4", "2026-11-20", "2026-11-17")


def test_a_week_is_looked_at_as_on_its_sunday(qol: Qol, study: Path) -> None:
    rows = ask(qol, study, "--week", "2026-W46")
    assert picked(rows, "user_id", "reason", "days_worn", "nights", "window_start", "window_end") == [
        ("P2", "no data since 2026-11-12 (4 days)", "3", "0", "2026-11-09", "2026-11-15"),
        ("P4", "no data since 2026-11-13 (3 days)", "4", "0", "2026-11-09", "2026-11-15"),
        ("P1", "", "7", "3", "2026-11-09", "2026-11-15"),
        ("P3", "", "5", "0", "2026-11-09", "2026-11-15"),
    ]
    assert picked(rows, "user_id", "last_questionnaire")[2] == ("P1", "2026-11-10")


def test_a_week_that_arrived_whole_says_nothing_of_later_arrivals(qol: Qol, study: Path) -> None:
    ended = qol("adherence", "--lake", study / "lake", "--now", NOW, "--week", "2026-W46")
    assert ended.out.splitlines()[-1] == "2 participants to call. Counted: 2026-11-09 to 2026-11-15."


def test_who_never_wore_the_device_is_to_be_called_from_enrolment_or_the_first_day_on(qol: Qol, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    off = [daily_record("u1", day, durationInSeconds=18_000) for day in range(5)]
    write_lines(lake, "2026-11-14", [*off, daily_record("u2", 4)])
    assert qol("run", "--lake", lake, "--now", "2026-11-14T12:00:00Z", "--no-docs").code == 0
    (tmp_path / "roster.csv").write_text(f"user_id,enrolled\n{user_id('u1')},2026-11-11\n")
    ask = ("adherence", "--lake", lake, "--now", "2026-11-14T12:00:00Z", "--format", "csv")
    for words, reason in [
        ((), "sends data, never worn since 2026-11-09 (5 days)"),
        (("--roster", tmp_path / "roster.csv"), "sends data, never worn since 2026-11-11 (3 days)"),
    ]:
        first = next(csv.DictReader(io.StringIO(qol(*ask, *words).out)))
        assert (first["user_id"], first["reason"]) == (user_id("u1"), reason)


def test_the_user_map_is_a_roster_and_a_roster_may_be_a_list_of_ids(qol: Qol, study: Path, tmp_path: Path) -> None:
    assert ("P6", "never sent anything") in picked(
        ask(qol, study, "--user-map", study / "map.jsonl"), "user_id", "reason"
    )
    few = tmp_path / "roster.txt"
    few.write_text("\ufeffP1\n\nP6\n", encoding="utf-8")
    assert picked(ask(qol, study, "--roster", few), "user_id") == [("P6",), ("P1",)]


def test_a_table_says_what_was_counted_and_json_has_numbers(qol: Qol, study: Path) -> None:
    ended = qol("adherence", "--lake", study / "lake", "--now", "2026-11-22T00:00:00Z")
    assert ended.out.splitlines()[-3:] == [
        "4 rows",
        "2 participants to call. Counted: 2026-11-13 to 2026-11-19.",
        "The lake's newest data arrived on 2026-11-20, 2 days ago; silence is counted up to then.",
    ]
    first = json.loads(qol("adherence", "--lake", study / "lake", "--now", NOW, "--format", "json").out)[0]
    assert (first["call_order"], first["user_id"], first["days_worn"], first["last_sync"]) == (1, "P2", 0, "2026-11-12")


def test_the_view_of_athena_says_the_same_and_a_bucket_too(
    qol: Qol, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = ask(qol, study)
    view = yaml.safe_load((PROJECT / "schemas/views/adherence.yaml").read_text(encoding="utf-8"))
    sql = view["sql"].replace("current_date", "DATE '2026-11-21'")
    ended = qol("query", "--lake", study / "lake", "--format", "csv", "--", sql)
    assert list(csv.DictReader(io.StringIO(ended.out))) == expected
    assert [column["name"] for column in view["columns"]] == list(expected[0])
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        bucket = make_bucket("bucket")
        for file in (study / "lake").rglob("*.parquet"):
            key = str(file.relative_to(study / "lake"))
            bucket.put_object(Bucket="bucket", Key=key, Body=file.read_bytes())
        ended = qol("adherence", "--lake", "s3://bucket", "--now", NOW, "--format", "csv")
    assert list(csv.DictReader(io.StringIO(ended.out))) == expected


@pytest.mark.parametrize(
    ("words", "roster", "message"),
    [
        (["--week", "2026-W48"], None, "--week 2026-W48: no data of it has arrived; allowed: a week up to 2026-W47"),
        (["--week", "2026-W46", "--days", "3"], None, "--days: given with --week"),
        (["--user-map", "map.jsonl"], "P1\n", "--roster: given with --user-map"),
        (["--user-map", os.devnull], None, "--user-map: it has no entry"),
        ([], "", "no participant"),
        ([], "P1\nuser@example.org\n", "line 2: its user_id does not match"),
        ([], "user_id,from\nP1,1.11.2026\n", "line 2: its day of enrolment is not YYYY-MM-DD"),
        ([], "id,name\nP1,Ada\n", "line 1 names no column user_id"),
        ([], "P1\nP2\nP1\n", "line 3: its user_id is in an earlier line"),
    ],
)
def test_wrong_usage_names_what_is_allowed_and_never_an_id(
    qol: Qol, study: Path, tmp_path: Path, words: list[str], roster: str | None, message: str
) -> None:
    file = tmp_path / "roster.csv"
    if roster is not None:
        file.write_text(roster)
        words = [*words, "--roster", str(file)]
    ended: Ended = qol("adherence", "--lake", study / "lake", "--now", NOW, *words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert "allowed: " in ended.err
    assert "example.org" not in ended.err


def test_a_user_who_keeps_the_keyed_hash_is_found_by_the_map(qol: Qol, tmp_path: Path) -> None:
    lake, user_map = tmp_path / "lake", tmp_path / "map.jsonl"
    write_lines(lake, "2026-11-10", [daily_record("u1", 0)])
    assert qol("run", "--lake", lake, "--now", NOW, "--no-docs").code == 0
    write_lines(lake, "2026-11-11", [daily_record("u1", 1)])
    user_map.write_text('{"source": "garmin", "vendor_user_id": "u1", "user_id": "P1"}\n')
    assert qol("run", "--lake", lake, "--user-map", user_map, "--now", NOW, "--no-docs").code == 0
    ended = qol("adherence", "--lake", lake, "--user-map", user_map, "--now", NOW, "--format", "csv")
    [row] = csv.DictReader(io.StringIO(ended.out))
    assert (row["user_id"], row["reason"], row["last_sync"]) == (user_id("u1"), "", "2026-11-11")
