"""Columns of the tables: names, types and comments people read in Athena."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from qol.contracts.columns import (
    arrow_schema,
    daily_columns,
    fixed,
    record_columns,
    short,
    table_schemas,
    weekly_columns,
)
from qol.contracts.load import load_contracts
from qol.contracts.model import Column, Contracts

Edit = Callable[[str, str, str], None]


def test_the_week_begins_with_who_and_when(contracts: Contracts) -> None:
    assert [(c.name, c.type) for c in weekly_columns(contracts)[:5]] == [
        ("user_id", "string"),
        ("week_start", "date"),
        ("week_end", "date"),
        ("iso_week", "string"),
        ("days_observed", "int"),
    ]


def test_a_group_is_its_source_its_days_its_metrics_and_its_own_formulas(contracts: Contracts) -> None:
    names = [c.name for c in weekly_columns(contracts)]
    activity = names[names.index("activity_source") : names.index("heart_source")]

    assert activity[:13] == [
        "activity_source",
        "activity_valid_days",
        "activity_valid",
        "steps_mean",
        "steps_median",
        "steps_sd",
        "steps_min",
        "steps_max",
        "steps_sum",
        "steps_weekday_mean",
        "steps_weekend_mean",
        "steps_weighted_mean",
        "steps_days",
    ]
    assert activity[-3:] == ["mvpa_meets_who", "steps_mean_change", "mvpa_equivalent_minutes_mean_change"]
    fitness = names[names.index("fitness_source") : names.index("temperature_source")]
    assert fitness == [
        "fitness_source",
        "fitness_valid_days",
        "fitness_valid",
        "vo2max_last",
        "vo2max_days",
        "fitness_age_years_last",
        "fitness_age_years_days",
        "vo2max_last_change",
    ]


def test_whole_numbers_stay_whole_where_the_formula_allows_it(contracts: Contracts) -> None:
    kinds = {c.name: c.type for c in weekly_columns(contracts)}

    assert {name: kinds[name] for name in ("steps_sum", "steps_min", "steps_mean", "steps_days")} == {
        "steps_sum": "bigint",
        "steps_min": "bigint",
        "steps_mean": "double",
        "steps_days": "int",
    }
    assert kinds["distance_m_sum"] == "double"
    assert kinds["fitness_age_years_last"] == "bigint"
    assert kinds["bedtime_minute_circular_mean"] == "double"
    assert (kinds["mvpa_meets_who"], kinds["stress_high_share"]) == ("boolean", "double")


def test_comments_hold_unit_and_formula(contracts: Contracts) -> None:
    comments = {c.name: c.comment for c in (*daily_columns(contracts), *weekly_columns(contracts))}

    assert comments["distance_m_sd"] == (
        "Standard deviation (n-1) of distance_m (m) over the valid days that have it; null below 2 days."
    )
    assert comments["mvpa_equivalent_minutes"] == (
        "Moderate plus twice vigorous activity (WHO 2020 equivalence); null when neither is known, one missing counts "
        "0. Unit: min. Formula: moderate_minutes + 2 * vigorous_minutes."
    )
    assert comments["hrv_ln_rmssd_cv"] == (
        "100 SD(n-1) / mean of the natural logarithms of hrv_rmssd_ms, from 5 nights on (Flatt and Esco 2015, "
        "IJSPP 10(8):994). Unit: %."
    )


def test_days_begin_with_their_grain(contracts: Contracts) -> None:
    assert [(c.name, c.type) for c in daily_columns(contracts)[:6]] == [
        ("user_id", "string"),
        ("day", "date"),
        ("source", "string"),
        ("worn", "boolean"),
        ("steps", "bigint"),
        ("distance_m", "double"),
    ]


def test_a_record_keeps_what_every_record_has_around_its_fields(contracts: Contracts) -> None:
    columns = record_columns(contracts.by_name["garmin_userMetrics"])

    assert [(c.name, c.type) for c in columns] == [
        ("user_id", "string"),
        ("record_key", "string"),
        ("day", "date"),
        ("day_rule", "string"),
        ("source_timestamp", "timestamp"),
        ("received_at", "timestamp"),
        ("arrival_date", "date"),
        ("utc_offset_seconds", "bigint"),
        ("summary_id", "string"),
        ("calendar_date", "date"),
        ("vo2_max", "double"),
        ("vo2_max_cycling", "double"),
        ("fitness_age", "bigint"),
        ("enhanced", "boolean"),
        ("value_issues", "array<string>"),
        ("raw_object", "string"),
        ("line_number", "bigint"),
    ]


def test_a_vendors_id_is_said_to_be_stored_as_a_keyed_hash(contracts: Contracts) -> None:
    ids = [(c, f.name) for c in contracts.sources for f in c.fields if f.type == "document_id"]
    comments = {c.name: {column.name: column.comment for column in record_columns(c)} for c, _ in ids}

    assert len(ids) > 40
    assert comments["garmin_hrv"]["summary_id"] == "Vendor's document id. Stored as a keyed hash, never as it was sent."
    for contract, name in ids:
        assert comments[contract.name][name].endswith(" Stored as a keyed hash, never as it was sent.")


def test_helpers_are_not_stored(contracts: Contracts) -> None:
    assert "asleep_seconds" not in [c.name for c in record_columns(contracts.by_name["garmin_sleeps"])]


def test_rejects_hold_the_bytes_and_their_place() -> None:
    assert [(c.name, c.type) for c in fixed("rejects")] == [
        ("reason", "string"),
        ("message", "string"),
        ("source", "string"),
        ("record", "string"),
        ("raw_object", "string"),
        ("line_number", "bigint"),
        ("item", "bigint"),
        ("raw", "binary"),
        ("raw_bytes", "bigint"),
    ]


def test_every_type_has_an_arrow_type() -> None:
    kinds = ("bigint", "int", "double", "string", "boolean", "date", "timestamp", "binary", "array<string>")

    assert arrow_schema([Column(f"c{i}", kind, "") for i, kind in enumerate(kinds)]).types == [
        pa.int64(),
        pa.int32(),
        pa.float64(),
        pa.string(),
        pa.bool_(),
        pa.date32(),
        pa.timestamp("us", tz="UTC"),
        pa.binary(),
        pa.list_(pa.string()),
    ]


def test_no_table_has_two_columns_of_one_name_or_a_partition_column_in_its_files(contracts: Contracts) -> None:
    for columns in table_schemas(contracts).values():
        times = Counter(c.name for c in columns)
        assert max(times.values()) == 1
        assert "date" not in times


def test_a_long_comment_is_cut_to_what_the_catalog_takes() -> None:
    assert short("two  words\n") == "two words"
    assert len(short("x" * 300)) == 255


def test_the_fingerprint_follows_columns_and_not_words(schemas: Path, edit: Edit) -> None:
    before = load_contracts(schemas).fingerprint

    edit("metrics/daily.yaml", "description: Steps.", "description: Steps taken.")
    assert load_contracts(schemas).fingerprint == before

    edit("metrics/weekly.yaml", "vo2max: [last]", "vo2max: [last, mean]")
    assert load_contracts(schemas).fingerprint != before
