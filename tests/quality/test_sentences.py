"""A failed check is told as what is wrong, with who and how many, in one wording."""

from pathlib import Path

import pytest

from qol.quality.comparison import Comparison
from qol.quality.gate import run_gate
from qol.quality.gate_input import GateInput
from qol.quality.row_suites import row_suites
from qol.quality.suites import every_check
from qol.tables.manifest import CheckResult
from tests.builders import CONTRACTS
from tests.quality.test_gate import _counted, _day, _week

OURA, WEEKLY, W45, W46 = "records_oura_daily_activity", "weekly_metrics", "2026-11-02", "2026-11-09"


def _told(given: GateInput) -> dict[str, str]:
    return {check.id: check.finding for check in run_gate(CONTRACTS, given, None) if check.finding}


@pytest.mark.parametrize(
    ("check", "compared", "table", "found", "told"),
    [
        ("rows_as_expected", "rows_as_expected", WEEKLY, "39 rows staged, 40 computed",
         "weekly_metrics in 2026-W46: the file does not have the rows of the run, 39 rows staged, 40 computed."),
        ("people_kept", "people_kept", WEEKLY, "21 of 100 users lost",
         "weekly_metrics in 2026-W46: 21 of 100 users lost."),
        ("metrics_not_emptied", "metrics_not_emptied", WEEKLY, "steps 0 of 40 users (before 160 of 160 rows)",
         "weekly_metrics in 2026-W46: almost no values are left, steps 0 of 40 users (before 160 of 160 rows)."),
        ("old_weeks_kept", "old_weeks_kept", WEEKLY, "other values for 5 of 20 users",
         "weekly_metrics in 2026-W46: other values for 5 of 20 users."),
        ("rows_per_person_as_before.warning", "rows_per_person", OURA, "3.0 rows per user, 6.0 in the week before",
         "Oura daily activity in 2026-W46: users have too many or too few rows, 3.0 rows per user, 6.0 in the week before."),
        ("fields_as_before.warning", "fields", OURA, "steps null in 100% of 60 rows, 0% in the week before",
         "Oura daily activity in 2026-W46: values are missing, steps null in 100% of 60 rows, 0% in the week before."),
        ("people_as_before.warning", "people", OURA, "18 of 21 users have no Oura daily activity in 2026-W46",
         "18 of 21 users have no Oura daily activity in 2026-W46."),
        ("data_is_fresh.warning", "fresh", OURA, "None of 21 users has Oura daily activity after 2026-11-12",
         "None of 21 users has Oura daily activity after 2026-11-12."),
    ],
)  # fmt: skip
def test_a_difference_between_files_is_a_sentence(
    tmp_path: Path, check: str, compared: str, table: str, found: str, told: str
) -> None:
    severity = next(c.severity for c in every_check(CONTRACTS) if c.id == check)
    comparison = Comparison(compared, table, W46, {severity: found})
    assert _told(GateInput([comparison], 0, 1_000)) == {check: told}


def test_of_many_files_three_are_told_and_the_rest_is_counted(tmp_path: Path) -> None:
    days = ("2026-10-12", "2026-10-19", "2026-10-26", W45, W46)
    lost = [Comparison("people_kept", WEEKLY, day, {"critical": "9 of 30 users lost"}) for day in days]
    assert _told(GateInput(lost, 0, 1_000))["people_kept"] == (
        "weekly_metrics in 2026-W46: 9 of 30 users lost. weekly_metrics in 2026-W45: 9 of 30 users lost. "
        "weekly_metrics in 2026-W44: 9 of 30 users lost. And 2 more files."
    )


def test_rows_that_break_a_check_are_a_sentence_of_what_is_wrong_where_and_how_many(tmp_path: Path) -> None:
    wrong = _day(min_hr_bpm=80, resting_hr_bpm=60, steps=100_001)
    days = [wrong, {**wrong, "user_id": None}, {**wrong, "user_id": None}]
    week = _week(steps_min=1_000, steps_mean=999, steps_max=3_000)
    observed = [_counted(tmp_path, "daily_metrics", days), _counted(tmp_path, "weekly_metrics", [week])]
    told = _told(GateInput([], 0, 1, rows=observed))
    assert told["daily_metrics.min_hr_up_to_resting_hr"] == (
        "min_hr_bpm is above resting_hr_bpm in daily_metrics 2026-W46: 3 rows of 1 user."
    )
    assert told["daily_metrics.activity_in_range"] == (
        "Values are outside their range in daily_metrics 2026-W46: 3 rows of 1 user (steps)."
    )
    assert told["daily_metrics.user_id_known"] == "user_id is null in daily_metrics 2026-W46: 2 rows of 0 users."
    assert told["weekly_metrics.activity_min_mean_max"] == (
        "A mean is outside its min and max in weekly_metrics 2026-W46: 1 row of 1 user (steps)."
    )


def test_a_broken_sum_is_told_without_the_zeros_of_its_nulls() -> None:
    told = {check.id: check.wrong for suite in row_suites(CONTRACTS).values() for check in suite}
    assert told["daily_metrics.sleep_stages_within_time_in_bed"] == (
        "deep_minutes + light_minutes + rem_minutes + awake_minutes is above time_in_bed_minutes + 1"
    )
    assert told["daily_metrics.diastolic_below_systolic"] == "diastolic_mmhg is not below systolic_mmhg"


def test_every_check_of_rows_says_what_is_wrong() -> None:
    assert [check.id for suite in row_suites(CONTRACTS).values() for check in suite if not check.wrong] == []


def test_rejected_items_and_second_ids_are_told_in_numbers(tmp_path: Path) -> None:
    assert _told(GateInput([], 4_373, 12_475, two_ids=2)) == {
        "rejected_share": "4373 of 12475 items (35 %) could not be used and were rejected.",
        "people_with_two_ids": "New entries of the user map would have given 2 users a second id; the keyed hash is kept.",
    }
    assert _told(GateInput([], 0, 1, two_ids=1)) == {
        "people_with_two_ids": "A new entry of the user map would have given 1 user a second id; the keyed hash is kept."
    }


def test_a_manifest_of_an_earlier_version_has_the_claim() -> None:
    check = CheckResult("people_kept", "critical", success=False, observed="1 of 1 file", message="Users stay.")
    assert check.what_is_wrong == "Users stay. Observed: 1 of 1 file."
