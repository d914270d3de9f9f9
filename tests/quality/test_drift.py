"""`qol contracts drift`: unknown fields, fields without any value, null rates that changed."""

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from qol.lake import LocalLake
from qol.quality.drift import Drift, field_drift, unknown_drift
from qol.tables.layout import partition_key
from qol.tables.manifest import Manifest, Window
from tests.builders import CONTRACTS, daily_record, run_lake, write_lines

MONDAY = date(2026, 11, 9)


def _manifest(run_id: str, **seen: int) -> Manifest:
    issues = {"garmin_dailies": {name: {"unknown_field": count} for name, count in seen.items()}}
    window = Window(None, None)
    return Manifest(run_id, "published", "manual", None, "", "2026-W46", window, "local", "", field_issues=issues)


def _publish(folder: Path, table: str, back: int, **known: int) -> None:
    """A week of ten rows, `back` weeks before MONDAY; of a named column, the first so many have a value."""
    key = folder / partition_key(table, (MONDAY - timedelta(weeks=back)).isoformat())
    key.parent.mkdir(parents=True)
    rows = pl.select(pl.int_range(10).alias("row"))
    values = [pl.when(pl.col("row") < count).then(1).alias(name) for name, count in known.items()]
    rows.with_columns(*values).write_parquet(key)


def _found(folder: Path, *names: str) -> list[tuple[object, ...]]:
    found = field_drift(LocalLake(folder), CONTRACTS)
    return [(d.field, d.drift, d.week, d.null_now, d.null_before) for d in found if d.field in names]


def test_unknown_fields_have_the_newest_count_and_the_first_and_last_run_that_saw_them() -> None:
    newest_first = [_manifest("3", stepCount=9), _manifest("2", stepCount=5, hint=1), _manifest("1", stepCount=4)]
    assert unknown_drift(newest_first) == [
        Drift("garmin_dailies", "hint", "unknown field", 1, "2", "2"),
        Drift("garmin_dailies", "stepCount", "unknown field", 9, "1", "3"),
    ]


def test_a_field_that_no_published_week_has_was_never_seen(tmp_path: Path) -> None:
    _publish(tmp_path, "records_garmin_dailies", 0, steps=0, floors=0)
    _publish(tmp_path, "records_garmin_dailies", 9, steps=0, floors=1)
    assert _found(tmp_path, "steps", "floors") == [("steps", "never seen", "2026-W46", 1.0, None)]


@pytest.mark.parametrize(("now", "found"), [(9, []), (8, []), (7, [("steps", "more nulls", "2026-W46", 0.3, 0.15)])])
def test_a_tenth_of_the_rows_more_without_a_value_is_found(tmp_path: Path, now: int, found: list[object]) -> None:
    _publish(tmp_path, "records_garmin_dailies", 0, steps=now)
    _publish(tmp_path, "records_garmin_dailies", 1, steps=8)
    _publish(tmp_path, "records_garmin_dailies", 2, steps=9)
    assert _found(tmp_path, "steps") == found


def test_a_field_that_comes_more_often_is_found_too(tmp_path: Path) -> None:
    _publish(tmp_path, "records_garmin_dailies", 0, steps=10)
    _publish(tmp_path, "records_garmin_dailies", 4, steps=5)
    assert _found(tmp_path, "steps") == [("steps", "fewer nulls", "2026-W46", 0.0, 0.5)]


def test_of_lists_that_any_row_has_no_null_rate_is_known(tmp_path: Path) -> None:
    for back, count in ((0, 2), (1, 0)):
        _publish(tmp_path, "records_garmin_sleeps", back, validation=count)
    key = tmp_path / partition_key("records_garmin_sleeps", MONDAY.isoformat())
    lists = pl.Series("asleep_intervals", [[0, 60], *[None] * 9], dtype=pl.List(pl.Int32))
    pl.read_parquet(key, hive_partitioning=False).with_columns(lists).write_parquet(key)
    assert _found(tmp_path, "asleep_intervals", "validation") == [("validation", "fewer nulls", "2026-W46", 0.8, 1.0)]


def test_record_types_a_study_does_not_have_are_left_out(tmp_path: Path) -> None:
    _publish(tmp_path, "records_garmin_dailies", 0, steps=10)
    assert {found.record for found in field_drift(LocalLake(tmp_path), CONTRACTS)} == {"garmin_dailies"}


def test_the_command_prints_names_and_numbers_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from qol.cli.app import app

    write_lines(tmp_path, "2026-11-10", [daily_record(f"u{user}", stepCount=43_217) for user in range(20)])
    manifest = run_lake(tmp_path)
    app(["contracts", "drift", "--lake", str(tmp_path), "--format", "json"], standalone_mode=False)
    printed = capsys.readouterr().out
    rows = {(row["field"], row["drift"]): row for row in json.loads(printed)}
    unknown = rows["stepCount", "unknown field"]
    assert (unknown["records"], unknown["first_run"], unknown["last_run"]) == (20, manifest.run_id, manifest.run_id)
    assert rows["floors", "never seen"]["null_now"] == 1.0
    assert ("steps", "never seen") not in rows
    assert "43217" not in printed
