"""The data dictionary as CSV and JSON, and the search of columns by English and Japanese words."""

import csv
import io
import json

import pytest

from qol.contracts.columns import table_schemas
from tests.builders import CONTRACTS
from tests.command_line import Qol


def _rows(qol: Qol, *words: str) -> dict[str, dict[str, str]]:
    ended = qol("contracts", *words, "--format", "csv")
    assert ended.code == 0, ended.err
    return {row["column"]: row for row in csv.DictReader(io.StringIO(ended.out))}


def test_every_column_of_every_table_is_in_its_dictionary(qol: Qol) -> None:
    for table, columns in table_schemas(CONTRACTS).items():
        rows = json.loads(qol("contracts", "show", table, "--format", "json").out)
        assert [(row["column"], row["type"], row["meaning"]) for row in rows] == [
            (column.name, column.type, column.comment) for column in columns
        ]


def test_a_weekly_column_has_its_unit_group_formula_source_and_labels(qol: Qol) -> None:
    rows = _rows(qol, "show", "weekly_metrics")
    row = rows["spo2_mean_pct_mean"]
    assert (row["unit"], row["group"], row["formula"]) == ("%", "respiration", "mean of spo2_mean_pct")
    assert (
        row["source"] == "garmin_sleeps, garmin_pulseox, healthkit_measurements, healthkit_health_connect, "
        "healthkit_health_auto_export, oura_daily_spo2"
    )
    assert row["label_ja"].startswith("睡眠中の平均酸素飽和度")
    assert rows["resting_hr_bpm_slope"]["formula"] == "slope of resting_hr_bpm"
    assert rows["mvpa_meets_who"]["source"].startswith("garmin_dailies, ")
    assert (rows["steps_days"]["unit"], rows["activity_valid_days"]["unit"]) == ("d", "d")


def test_a_daily_column_has_the_formula_of_each_record_type_and_a_record_column_its_raw_place(qol: Qol) -> None:
    daily = _rows(qol, "show", "daily_metrics")
    assert daily["hrv_rmssd_ms"]["formula"].startswith(
        "garmin_hrv: last_night_avg; healthkit_health_connect: mean of hrv_ms "
    )
    assert daily["mvpa_equivalent_minutes"]["formula"] == "moderate_minutes + 2 * vigorous_minutes"
    record = _rows(qol, "show", "garmin_hrv")
    assert record == _rows(qol, "show", "records_garmin_hrv")
    assert (record["last_night_avg"]["unit"], record["last_night_avg"]["formula"]) == ("ms", "lastNightAvg")
    assert record["hrv_value_count"]["formula"] == "count of hrvValues"


@pytest.mark.parametrize(
    ("words", "column"),
    [
        (["oxygen", "lowest"], "spo2_min_pct"),
        (["歩数", "週末"], "steps_weekend_mean"),
        (["lastNightAvg"], "last_night_avg"),
        (["Time asleep"], "sleep_minutes_mean"),
    ],
)
def test_columns_are_found_by_words_of_both_languages(qol: Qol, words: list[str], column: str) -> None:
    found = _rows(qol, "find", *words)
    assert column in found
    assert len(found) < 40
    assert column in qol("contracts", "find", *words).out


def test_a_word_that_no_column_has_is_told_with_the_nearest_names(qol: Qol) -> None:
    ended = qol("contracts", "find", "stepz_mean")
    assert (ended.code, "nearest names: steps_mean, " in ended.err) == (2, True)
