"""Columns of the tables: names, types and comments people read in Athena."""

from collections import Counter
from pathlib import Path

import pyarrow as pa

from qol.contracts.columns import (
    arrow_schema,
    daily_columns,
    short,
    table_schemas,
    weekly_columns,
)
from qol.contracts.load import load_contracts
from qol.contracts.model import Column, Contracts
from tests.contracts.conftest import Edit


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

    assert comments["deep_minutes_sd"] == (
        "Standard deviation (n-1) of deep_minutes (min) over the valid days that have it; null below 2 days."
    )
    assert comments["distance_m_min"] == "Lowest distance_m (m) of the days of the week."
    assert comments["distance_m_days"] == "Days of the week that have distance_m."
    assert comments["mvpa_equivalent_minutes"] == (
        "Moderate plus twice vigorous activity (WHO 2020 equivalence); null when neither is known, one missing counts "
        "0. Unit: min. Formula: moderate_minutes + 2 * vigorous_minutes."
    )
    assert comments["hrv_ln_rmssd_cv"] == (
        "100 SD(n-1) / mean of the natural logarithms of hrv_rmssd_ms, from 5 nights on (Flatt and Esco 2015, "
        "IJSPP 10(8):994). Unit: %."
    )


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
