"""A weekly value is explained down to the raw line; a missing one says why."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from qol.explain.metric_target import find_target
from qol.explain.raw_lines import masked_json
from qol.explain.trace_model import DayTrace, Trace
from qol.explain.why import _near_rejects
from qol.lake import LocalLake
from tests.builders import CONTRACTS
from tests.command_line import CLOCK, WEEK, Qol, pseudonym
from tests.explain.builders import user_week
from tests.transform.builders import MONDAY, daily_frame

ALICE = pseudonym("alice")
#: What `qol why` prints for a person, a metric, perhaps another week and more options.
Why = Callable[..., str]


@pytest.fixture
def why(qol: Qol, week_lake: Path) -> Why:
    def ask(name: str, metric: str, week: str = WEEK, *more: str) -> str:
        words = ("--lake", week_lake, "--user", pseudonym(name), "--week", week, "--metric", metric, "--now", CLOCK)
        ended = qol("why", *words, *more)
        assert ended.code == 0, ended.err
        assert "vendor-" not in ended.out + ended.err
        return squeezed(ended.out)

    return ask


def squeezed(text: str) -> str:
    """Runs of blanks as one, so that a test reads cells side by side."""
    return re.sub(r"[ \n]+", " ", text)


CASES = {
    "a value comes with its formula, its source and its valid days": (
        ("alice", "steps_mean"),
        "steps_mean 3000 Mean of steps (count) over the valid days of the week that have it.",
        "Source of the activity columns: garmin (garmin 5 valid days; 4 make a valid week).",
        "A valid day is a day not known to be unworn with steps.",
    ),
    "every day of the week says whether it counts": (
        ("alice", "steps_mean"),
        "Mon 2026-11-09 garmin 1000 yes yes",
        "Fri 2026-11-13 garmin 5000 yes yes",
        "Sat 2026-11-14 garmin 50 no no not worn: 300 minutes, 600 needed",
        "Sun 2026-11-15 garmin yes no steps: dailies became null: steps: 250000 out_of_range",
    ),
    "a day without any record says so": (("bob", "steps_mean"), "Tue 2026-11-10 garmin no no record of this day"),
    "a day with records of other types only names the missing one": (
        ("alice", "sleep_minutes"),
        "Mon 2026-11-09 garmin yes no sleep_minutes: no sleeps record",
    ),
    "each record names its raw line, key, day rule and issues": (
        ("alice", "steps"),
        "Tue 2026-11-10 records_garmin_dailies: gives the value raw/daily/date=2026-11-15/late.jsonl:1 steps 2000",
        "key start_time_seconds 1794236400, third_party_source null · day by provider · arrived 2026-11-15",
        "became null or was corrected: averageStressLevel: -1 sentinel",
        "raw/daily/date=2026-11-10/a.jsonl:1 steps 1000 key start_time_seconds 1794150000, third_party_source null ·",
        "day by provider · received 2026-11-10 01:00:00",
    ),
    "of two nights, the one that was not taken is distinguished from the one that was": (
        ("alice", "sleep_minutes_mean"),
        "records_garmin_sleeps: a better record of the day came first raw/garmin/sleeps/date=2026-11-11/a.jsonl:1",
        "records_garmin_sleeps: gives the value raw/garmin/sleeps/date=2026-11-11/a.jsonl:2",
    ),
    "days of a source that gives nothing of the group are one line": (
        ("alice", "survey_valid"),
        "Source of the survey columns: none (no day of a source that gives any; 1 makes a valid week).",
        "Days of garmin are not listed: no record type of garmin gives any survey metric.",
    ),
    "another vendor's device is left out by the name of the rule": (
        ("frank", "steps_mean"),
        "Null: steps_mean: no valid day. A valid day is a day not known to be unworn with steps.",
        "steps: dailies left out, because own_device does not hold",
        "records_garmin_dailies: left out (own_device does not hold)",
    ),
    "null because no day was worn": (
        ("carol", "steps_sum"),
        "Null: steps_sum: no valid day.",
        "Mon 2026-11-09 garmin 1000 no no not worn: 300 minutes, 600 needed",
    ),
    "null because the value was a sentinel": (
        ("alice", "stress_mean_mean"),
        "Null: stress_mean_mean: no valid day. A valid day is a day not known to be unworn with stress_mean or",
        "stress_mean: dailies became null: averageStressLevel: -1 sentinel; no stressDetails record",
        "stress_mean: dailies has no averageStressLevel or averageStresslevel; no stressDetails record",
    ),
    "null because valid days do not have this metric": (
        ("bob", "floors_mean"),
        "Null: floors_mean: none of the 1 valid day has floors; the days below say why.",
        "floors: dailies has no floorsClimbed",
    ),
    "neither true nor false because the week is not valid": (
        ("bob", "mvpa_meets_who"),
        "the sum is below 150, which is false only from 4 valid days on, found 1.",
    ),
    "null because the week is not closed": (
        ("erin", "steps_mean", "2026-W47"),
        "2026-W47 is not closed at 2026-11-18 00:05 UTC: it gets weekly rows from 2026-11-23 12:00 UTC on.",
        "Mon 2026-11-16 garmin 1000 yes yes",
    ),
    "null because the records lie in other weeks": (
        ("dave", "steps_mean"),
        "this user has no record in 2026-W46, but has some in 2026-W45.",
    ),
    "a daily metric shows all its columns": (
        ("alice", "steps"),
        *(f" steps_{name} " for name in ("mean", "median", "sd", "min", "max", "sum", "days")),
    ),
    "a column of a group shows its anchors": (
        ("alice", "activity_valid_days"),
        "activity_valid_days 5 Valid days in the week.",
    ),
    "a metric of no week is still traced": (
        ("alice", "dropped_overlap_minutes"),
        "Null: dropped_overlap_minutes is a daily metric; weekly_metrics has no column of it.",
    ),
    "missing days point to the rejects of those days": (
        ("bob", "steps_mean"),
        "2 rejected items of garmin_dailies that arrived on 2026-11-15 could not be assigned to a user (missing_key,",
        "missing_key, not_json).",
    ),
}


@pytest.mark.parametrize(("asked", "sentences"), [(asked, said) for asked, *said in CASES.values()], ids=CASES)
def test_an_explanation_has_these_sentences(why: Why, asked: tuple[str, ...], sentences: list[str]) -> None:
    out = why(*asked)
    assert [sentence for sentence in sentences if sentence not in out] == []
    assert ".." not in out


def test_what_does_not_apply_is_not_printed(why: Why) -> None:
    assert "Null:" not in why("alice", "steps_mean")
    assert "2026-11-10 garmin" not in why("alice", "survey_valid")


@pytest.mark.parametrize(
    ("why_not", "record_type", "number"),
    [("no record of this day", "garmin_dailies", 2), ("", "garmin_dailies", 0), ("no record", "garmin_sleeps", 0)],
)
def test_rejects_are_those_of_the_record_types_of_a_week_with_a_missing_day(
    week_lake: Path, why_not: str, record_type: str, number: int
) -> None:
    days = (DayTrace(MONDAY, "garmin", (), None, why_not),)
    traced = Trace(find_target(CONTRACTS, "steps"), {}, "garmin", {}, days, ())
    week = user_week(daily_frame([]))
    assert _near_rejects(LocalLake(week_lake), CONTRACTS, week, traced, (record_type,)).height == number


def test_a_key_of_an_older_contract_is_shown_as_it_is_stored(qol: Qol, own_week: Path) -> None:
    for file in (own_week / "processed/records/garmin_dailies").rglob("*.parquet"):
        rows = pl.read_parquet(file, hive_partitioning=False)
        rows.with_columns(record_key=pl.lit("a|b|c")).write_parquet(file)
    ended = qol("why", "--lake", own_week, "--user", ALICE, "--week", WEEK, "--metric", "steps", "--now", CLOCK)
    assert "key a|b|c · day by provider" in squeezed(ended.out)


def test_null_because_no_contract_gives_the_metric(qol: Qol, week_lake: Path, tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    shutil.copytree(CONTRACTS.root, schemas)
    shutil.rmtree(schemas / "sources/oura")
    words = ("--lake", week_lake, "--user", ALICE, "--week", WEEK, "--metric", "sedentary_minutes_mean", "--now", CLOCK)
    out = squeezed(qol("why", *words, QOL_SCHEMAS=str(schemas)).out)
    assert (
        "sedentary_minutes_mean: no contract gives sedentary_minutes (a `daily:` entry in schemas/sources/ would)."
        in out
    )
    assert "Days" not in out


@pytest.mark.parametrize("typed", [pseudonym("nobody"), "vendor-alice"])
def test_an_unknown_user_is_a_usage_error_that_repeats_no_id_and_says_where_ids_are(
    qol: Qol, week_lake: Path, typed: str
) -> None:
    ended = qol("why", "--lake", week_lake, "--user", typed, "--week", WEEK, "--metric", "steps", "--now", CLOCK)
    assert (ended.code, ended.out, typed in ended.err) == (2, "", False)
    query = f"qol query --lake {week_lake} 'SELECT DISTINCT user_id FROM daily_metrics'"
    assert ended.err == f"--user: the lake has no user with this user_id; allowed: a user_id that `{query}` lists\n"
    assert ALICE in qol("query", "--lake", week_lake, "SELECT DISTINCT user_id FROM daily_metrics").out


def test_records_without_daily_rows_wait_for_a_run(qol: Qol, own_week: Path) -> None:
    for table in ("daily", "weekly"):
        shutil.rmtree(own_week / f"processed/{table}")
    ended = qol("why", "--lake", own_week, "--user", ALICE, "--week", WEEK, "--metric", "steps", "--now", CLOCK)
    assert ended.code == 0
    assert "Null: this user has records in 2026-W46, but no daily row yet; `qol run` computes it." in ended.out


def test_days_of_another_week_are_found_in_a_file_that_someone_wrote_again(qol: Qol, own_week: Path) -> None:
    days = own_week / "processed/daily/date=2026-11-02/part-00000.parquet"
    rows = pl.read_parquet(days, hive_partitioning=False)
    words = ("--lake", own_week, "--user", pseudonym("dave"), "--week", WEEK, "--metric", "steps_mean", "--now", CLOCK)
    rows.select(reversed(rows.columns)).write_parquet(days, statistics=False)
    assert "no record in 2026-W46, but has some in 2026-W45." in squeezed(qol("why", *words).out)
    rows.drop("user_id").write_parquet(days)
    assert "date=2026-11-02/part-00000.parquet: damaged, cannot be read" in qol("why", *words).err


def test_a_closed_week_whose_weekly_file_is_not_there_waits_for_a_run(qol: Qol, own_week: Path) -> None:
    (own_week / "processed/weekly/date=2026-11-09/part-00000.parquet").unlink()
    ended = qol("why", "--lake", own_week, "--user", ALICE, "--week", WEEK, "--metric", "steps", "--now", CLOCK)
    assert "Null: 2026-W46 has no weekly file; `qol run` publishes it.\n" in ended.out
    assert qol("run", "--lake", own_week, "--now", CLOCK, "--no-docs").code == 0
    ended = qol("why", "--lake", own_week, "--user", ALICE, "--week", WEEK, "--metric", "steps", "--now", CLOCK)
    assert "weekly file" not in ended.out


@pytest.mark.parametrize(
    ("week", "metric", "message"),
    [
        (WEEK, "step_mean", "--metric step_mean: unknown; nearest: steps_mean, "),
        ("2026-W60", "steps", "--week 2026-W60: "),
    ],
)
def test_an_unknown_metric_or_week_is_a_usage_error(
    qol: Qol, week_lake: Path, week: str, metric: str, message: str
) -> None:
    ended = qol("why", "--lake", week_lake, "--user", ALICE, "--week", week, "--metric", metric)
    assert (ended.code, ended.err[: len(message)]) == (2, message)


def test_ids_and_secrets_are_masked_in_any_spelling_and_texts_are_shown_by_their_length() -> None:
    values = {
        "calendarDate": "2026-11-09",
        "steps": 1_000,
        "at": "2026-11-09 07:00:00 +0900",
        "summary": {"units": "bpm"},
    }
    secrets = {
        "userId": "TOK1", "UserID": "TOK1", "user_id": "TOK1", "SUMMARYID": "TOK1", "user_access_token": "TOK1",
        "x-signature": "TOK1", "uuid": "TOK1", "startingLatitudeInDegree": 35.6, "latitude": 35.6, "E-Mail": "TOK1",
    }  # fmt: skip
    texts = {"extra": '{"token": "TOK1"}', "link": "https://example.org?tok=TOK1", "who": "a@TOK1", "note": "Taro TOK1"}
    shown = json.loads(masked_json(CONTRACTS, CONTRACTS.by_name["garmin_dailies"], {**values, **secrets, **texts}))
    assert {name: shown[name] for name in values} == {**values, "summary": {"units": "***"}}
    assert {shown[name] for name in secrets} == {"***"}
    assert [shown[name] for name in texts] == ["… 17 characters", "… 28 characters", "… 6 characters", "… 9 characters"]
    workout = masked_json(CONTRACTS, CONTRACTS.by_name["healthkit_health_auto_export"], {"units": "bpm"})
    assert json.loads(workout) == {"units": "bpm"}


def test_raw_records_are_shown_on_request_without_secrets_or_records_of_other_users(why: Why) -> None:
    out = why("bob", "steps_mean", WEEK, "--show-raw")
    assert '"steps": 700' in out
    assert '"steps": 1000' not in out  # Alice's, on the same line
    assert "token-of-nobody" not in out
    assert '"userId": "***", "summaryId": "***"' in out


def test_a_raw_object_that_is_gone_keeps_its_name_from_the_manifest(qol: Qol, own_week: Path) -> None:
    (own_week / "raw/daily/date=2026-11-15/late.jsonl").unlink()
    ended = qol("why", "--lake", own_week, "--user", ALICE, "--week", WEEK, "--metric", "steps", "--show-raw")
    assert "raw/daily/date=2026-11-15/late.jsonl:1: the record is no longer on this line" in ended.out
