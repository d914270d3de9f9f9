"""A weekly value is explained down to the raw line; a missing one says why."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.builders import CONTRACTS
from tests.command_line import CLOCK, WEEK, Qol, pseudonym

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


def test_a_value_comes_with_its_formula_its_source_and_its_valid_days(why: Why) -> None:
    out = why("alice", "steps_mean")
    assert "steps_mean 3000 Mean of steps (count) over the valid days of the week that have it." in out
    assert "Source of the activity columns: garmin (garmin 5 valid days; 4 make a valid week)." in out
    assert "A valid day is a day not known to be unworn with steps." in out
    assert "Null:" not in out


def test_every_day_of_the_week_says_whether_it_counts(why: Why) -> None:
    out = why("alice", "steps_mean")
    assert "Mon 2026-11-09 garmin 1000 yes yes" in out
    assert "Fri 2026-11-13 garmin 5000 yes yes" in out
    assert "Sat 2026-11-14 garmin 50 no no not worn: 300 minutes, 600 needed" in out
    assert "Sun 2026-11-15 garmin yes no steps: dailies became null: steps: 250000 out_of_range" in out


def test_a_day_without_any_record_says_so(why: Why) -> None:
    assert "Tue 2026-11-10 garmin no no record of this day" in why("bob", "steps_mean")


def test_a_day_with_records_of_other_types_only_names_the_missing_one(why: Why) -> None:
    out = why("alice", "sleep_minutes")
    assert "Mon 2026-11-09 garmin yes no sleep_minutes: no sleeps record" in out


def test_each_record_names_its_raw_line_key_day_rule_and_issues(why: Why) -> None:
    out = why("alice", "steps")
    assert (
        "Tue 2026-11-10 records_garmin_dailies: gives the value raw/daily/date=2026-11-15/late.jsonl:1 steps 2000"
        in out
    )
    assert "key start_time_seconds 1794236400, third_party_source null · day by provider · arrived 2026-11-15" in out
    assert "became null or was corrected: averageStressLevel: -1 sentinel" in out
    assert (
        "raw/daily/date=2026-11-10/a.jsonl:1 steps 1000 key start_time_seconds 1794150000, third_party_source null · day by provider · received 2026-11-10 01:00:00"
        in out
    )


def test_of_two_nights_the_one_that_was_not_taken_is_distinguished_from_the_one_that_was(why: Why) -> None:
    out = why("alice", "sleep_minutes_mean")
    assert (
        "records_garmin_sleeps: a better record of the day came first raw/garmin/sleeps/date=2026-11-11/a.jsonl:1"
        in out
    )
    assert "records_garmin_sleeps: gives the value raw/garmin/sleeps/date=2026-11-11/a.jsonl:2" in out


def test_a_key_of_an_older_contract_is_shown_as_it_is_stored(qol: Qol, own_week: Path) -> None:
    for file in (own_week / "processed/records/garmin_dailies").rglob("*.parquet"):
        rows = pl.read_parquet(file, hive_partitioning=False)
        rows.with_columns(record_key=pl.lit("a|b|c")).write_parquet(file)
    ended = qol("why", "--lake", own_week, "--user", ALICE, "--week", WEEK, "--metric", "steps", "--now", CLOCK)
    assert "key a|b|c · day by provider" in squeezed(ended.out)


def test_days_of_a_source_that_gives_nothing_of_the_group_are_one_line(why: Why) -> None:
    out = why("alice", "survey_valid")
    assert "Source of the survey columns: none (no day of a source that gives any; 1 makes a valid week)." in out
    assert "Days of garmin are not listed: no record type of garmin gives any survey metric." in out
    assert "2026-11-10 garmin" not in out


def test_another_vendors_device_is_left_out_by_name_of_the_rule(why: Why) -> None:
    out = why("frank", "steps_mean")
    assert "Null: steps_mean: no valid day. A valid day is a day not known to be unworn with steps." in out
    assert "steps: dailies left out, because own_device does not hold" in out
    assert "records_garmin_dailies: left out (own_device does not hold)" in out


def test_null_because_no_day_was_worn(why: Why) -> None:
    out = why("carol", "steps_sum")
    assert "Null: steps_sum: no valid day." in out
    assert "Mon 2026-11-09 garmin 1000 no no not worn: 300 minutes, 600 needed" in out


def test_null_because_the_week_before_is_not_there(why: Why) -> None:
    expected = "needs the week before, valid and from the same source: it has no row of this user."
    assert f"steps_mean_change: {expected}" in why("alice", "steps_mean_change")


def test_null_because_the_formula_needs_more_days(why: Why) -> None:
    assert "Null: steps_sd: needs 2 days, found 1." in why("bob", "steps_sd")
    assert "Null: resting_hr_bpm_slope: no valid day." in why("bob", "resting_hr_bpm_slope")


def test_null_because_the_value_was_a_sentinel(why: Why) -> None:
    out = why("alice", "stress_mean_mean")
    assert (
        "Null: stress_mean_mean: no valid day. A valid day is a day not known to be unworn with stress_mean or" in out
    )
    assert "stress_mean: dailies became null: averageStressLevel: -1 sentinel; no stressDetails record" in out
    assert "stress_mean: dailies has no averageStressLevel or averageStresslevel; no stressDetails record" in out


def test_null_because_valid_days_do_not_have_this_metric(why: Why) -> None:
    out = why("bob", "floors_mean")
    assert "Null: floors_mean: none of the 1 valid day has floors; the days below say why." in out
    assert "floors: dailies has no floorsClimbed" in out


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


def test_neither_true_nor_false_because_the_week_is_not_valid(why: Why) -> None:
    out = why("bob", "mvpa_meets_who")
    assert "the sum is below 150, which is false only from 4 valid days on, found 1." in out


def test_null_because_the_week_is_not_closed(why: Why) -> None:
    out = why("erin", "steps_mean", "2026-W47")
    assert "2026-W47 is not closed at 2026-11-18 00:05 UTC: it gets weekly rows from 2026-11-23 12:00 UTC on." in out
    assert "Mon 2026-11-16 garmin 1000 yes yes" in out


def test_null_because_the_records_lie_in_other_weeks(why: Why) -> None:
    assert "this user has no record in 2026-W46, but has some in 2026-W45." in why("dave", "steps_mean")


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


@pytest.mark.parametrize(
    ("name", "metric"), [("frank", "steps_mean"), ("carol", "steps_sum"), ("bob", "floors_mean"), ("bob", "steps_sd")]
)
def test_a_sentence_ends_with_one_full_stop(why: Why, name: str, metric: str) -> None:
    out = why(name, metric)
    assert "Null: " in out
    assert ".." not in out


def test_a_closed_week_whose_weekly_file_is_not_there_waits_for_a_run(qol: Qol, own_week: Path) -> None:
    (own_week / "processed/weekly/date=2026-11-09/part-00000.parquet").unlink()
    ended = qol("why", "--lake", own_week, "--user", ALICE, "--week", WEEK, "--metric", "steps", "--now", CLOCK)
    assert "Null: 2026-W46 has no weekly file; `qol run` publishes it.\n" in ended.out
    assert qol("run", "--lake", own_week, "--now", CLOCK, "--no-docs").code == 0
    ended = qol("why", "--lake", own_week, "--user", ALICE, "--week", WEEK, "--metric", "steps", "--now", CLOCK)
    assert "weekly file" not in ended.out


def test_a_daily_metric_shows_all_its_columns_and_a_group_column_its_anchors(why: Why) -> None:
    out = why("alice", "steps")
    assert all(f"steps_{name} " in out for name in ("mean", "median", "sd", "min", "max", "sum", "days"))
    assert "activity_valid_days 5 Valid days in the week." in why("alice", "activity_valid_days")


def test_a_metric_of_no_week_is_still_traced(why: Why) -> None:
    out = why("alice", "dropped_overlap_minutes")
    assert "Null: dropped_overlap_minutes is a daily metric; weekly_metrics has no column of it." in out


def test_missing_days_point_to_the_rejects_of_those_days(why: Why) -> None:
    out = why("bob", "steps_mean")
    assert (
        "2 rejected items of garmin_dailies that arrived on 2026-11-15 could not be assigned to a user (missing_key, not_json)."
        in out
    )


def test_an_unknown_metric_is_a_usage_error_that_names_the_closest(qol: Qol, week_lake: Path) -> None:
    ended = qol("why", "--lake", week_lake, "--user", ALICE, "--week", WEEK, "--metric", "step_mean")
    assert ended.code == 2
    assert ended.err.startswith("--metric step_mean: unknown; allowed: a daily metric or a weekly column: steps_mean,")


def test_an_invalid_week_is_a_usage_error(qol: Qol, week_lake: Path) -> None:
    ended = qol("why", "--lake", week_lake, "--user", ALICE, "--week", "2026-W60", "--metric", "steps")
    assert (ended.code, ended.err.split(":")[0]) == (2, "--week 2026-W60")


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
