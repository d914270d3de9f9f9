"""Days of HealthKit: a watch and a phone count once, nights are of one device, an export never adds to samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.builders import run_lake, write_lines

STEPS, SLEEP = "HKQuantityTypeIdentifierStepCount", "HKCategoryTypeIdentifierSleepAnalysis"


pytestmark = pytest.mark.usefixtures("no_gate")


def sample(kind: str, start: str, end: str, device: str, **values: object) -> dict[str, Any]:
    """A sample of 2026-11-09 in Tokyo (of the evening before when the start says so)."""
    day = "2026-11-08" if start >= "18:00" else "2026-11-09"
    return {
        "uuid": f"{kind}-{start}-{device}-{values}",
        "type": kind,
        "start": f"{day}T{start}:00+09:00",
        "end": f"2026-11-09T{end}:00+09:00",
        "device": {"model": device},
        **values,
    }


def steps(start: str, end: str, device: str, count: float) -> dict[str, Any]:
    return sample(STEPS, start, end, device, value=count, unit="count")


def night(start: str, end: str, device: str, stage: int) -> dict[str, Any]:
    return sample(SLEEP, start, end, device, category_value=stage)


def day_of(lake: Path, **lists: list[dict[str, Any]]) -> dict[str, Any]:
    """The daily row of 2026-11-09 after one batch."""
    write_lines(lake, "2026-11-10", [{"user_id": "u1", **lists}], folder="raw/healthkit/measurements")
    run_lake(lake)
    rows = pq.read_table(lake / "processed/daily/date=2026-11-09/part-00000.parquet").to_pylist()
    (row,) = [row for row in rows if str(row["day"]) == "2026-11-09"]
    return dict(row)


def test_a_phone_in_the_pocket_of_whoever_wears_a_watch_adds_nothing(tmp_path: Path) -> None:
    row = day_of(
        tmp_path,
        measurements=[steps("08:00", "20:00", "iPhone14,2", 12_500), steps("08:00", "20:00", "Watch6,1", 12_200)],
    )
    assert (row["steps"], row["dropped_overlap_minutes"]) == (12_200, 720.0)


def test_a_phone_counts_while_the_watch_charges(tmp_path: Path) -> None:
    row = day_of(
        tmp_path,
        measurements=[steps("08:00", "10:00", "Watch6,1", 1_000), steps("09:00", "11:00", "iPhone14,2", 600)],
    )
    assert (row["steps"], row["dropped_overlap_minutes"]) == (1_300, 60.0)


def test_a_watch_that_tells_nothing_usable_takes_no_time_from_the_phone(tmp_path: Path) -> None:
    row = day_of(
        tmp_path,
        measurements=[steps("08:00", "10:00", "Watch6,1", 900_000), steps("09:00", "11:00", "iPhone14,2", 600)],
    )
    assert (row["steps"], row["dropped_overlap_minutes"]) == (600, 0.0)


def test_an_export_of_more_devices_replaces_the_one_before(tmp_path: Path) -> None:
    bucket = {"qty": 3_000, "date": "2026-11-09 00:00:00 +0900", "source": "Ann's iPhone"}
    later = {**bucket, "qty": 8_000, "source": "Ann's iPhone|Ann's Apple Watch"}
    for number, one in enumerate([bucket, later]):
        batch = {"user_id": "u1", "data": {"metrics": [{"name": "step_count", "units": "count", "data": [one]}]}}
        stamped = batch | {"_received_at": f"2026-11-10T0{number}:00:00Z"}
        write_lines(
            tmp_path, "2026-11-10", [stamped], folder="raw/healthkit/health_auto_export", name=f"{number}.jsonl"
        )
    run_lake(tmp_path)
    (row,) = pq.read_table(tmp_path / "processed/daily/date=2026-11-09/part-00000.parquet").to_pylist()
    assert row["steps"] == 8_000


def test_a_night_in_two_parts_is_a_night_and_a_nap(tmp_path: Path) -> None:
    row = day_of(
        tmp_path, measurements=[night("22:00", "01:00", "Watch6,1", 3), night("03:30", "06:31", "Watch6,1", 3)]
    )
    assert (row["sleep_minutes"], row["nap_minutes"]) == (181.0, 180.0)


def test_an_export_never_adds_to_samples_of_the_same_day(tmp_path: Path) -> None:
    bucket = {"qty": 9_999, "date": "2026-11-09 08:00:00 +0900"}
    row = day_of(
        tmp_path,
        measurements=[steps("08:00", "10:00", "Watch6,1", 1_000)],
        metrics=[
            {"name": "step_count", "units": "count", "data": [bucket]},
            {"name": "flights_climbed", "units": "count", "data": [{**bucket, "qty": 3}]},
        ],
    )
    assert (row["steps"], row["floors"]) == (1_000, 3)


def test_units_of_the_phones_region_and_fractions_come_out_in_one_unit(tmp_path: Path) -> None:
    at = ("07:00", "07:00", "iPhone14,2")
    row = day_of(
        tmp_path,
        measurements=[
            sample("HKQuantityTypeIdentifierBodyMass", *at, value=150, unit="lb"),
            sample("HKQuantityTypeIdentifierDistanceWalkingRunning", "07:00", "08:00", "Watch6,1", value=2, unit="mi"),
            sample("HKQuantityTypeIdentifierActiveEnergyBurned", "07:00", "08:00", "Watch6,1", value=418.4, unit="kJ"),
            sample("HKQuantityTypeIdentifierOxygenSaturation", *at, value=0.97, unit="%"),
            sample("HKQuantityTypeIdentifierOxygenSaturation", "07:05", "07:05", "iPhone14,2", value=95, unit="%"),
            sample("HKQuantityTypeIdentifierHeartRateVariabilitySDNN", *at, value=0.0423, unit="s"),
            sample("HKQuantityTypeIdentifierAppleExerciseTime", "07:00", "08:00", "Watch6,1", value=25, unit="min"),
        ],
    )
    assert (row["weight_kg"], row["distance_m"], row["active_kcal"]) == (68.04, 3218.69, 100)
    assert (row["spo2_mean_pct"], row["spo2_min_pct"], row["hrv_sdnn_ms"]) == (96.0, 95.0, 42.3)
    assert (row["moderate_minutes"], row["vigorous_minutes"]) == (25.0, None)


def test_menstrual_and_sexual_health_is_counted_as_control_and_stored_nowhere(tmp_path: Path) -> None:
    flow = sample("HKCategoryTypeIdentifierMenstrualFlow", "08:00", "08:00", "iPhone14,2", category_value=4)
    batch = {"user_id": "u1", "measurements": [flow, steps("08:00", "10:00", "Watch6,1", 1_000)]}
    batch["metrics"] = [
        {"name": "sexual_activity", "units": "count", "data": [{"qty": 1, "date": "2026-11-09 08:00:00 +0900"}]}
    ]
    write_lines(tmp_path, "2026-11-10", [batch], folder="raw/healthkit/measurements")
    manifest = run_lake(tmp_path)
    assert (manifest.totals["control"], manifest.totals["kept"], manifest.totals["rejected"]) == (2, 1, 0)


def test_a_night_is_the_union_of_the_stages_of_one_device(tmp_path: Path) -> None:
    row = day_of(
        tmp_path,
        measurements=[
            night("22:30", "06:30", "iPhone14,2", 0),
            night("22:30", "06:30", "iPhone14,2", 1),
            night("23:00", "01:00", "Watch6,1", 3),
            night("01:00", "02:00", "Watch6,1", 4),
            night("02:00", "02:30", "Watch6,1", 2),
            night("02:30", "03:30", "Watch6,1", 5),
            night("03:00", "06:00", "Watch6,1", 3),
        ],
    )
    # Asleep 23:00 to 2:00 and 2:30 to 6:00; half an hour is both REM and core.
    assert (row["sleep_minutes"], row["awake_minutes"], row["time_in_bed_minutes"]) == (390.0, 30.0, 420.0)
    assert (row["deep_minutes"], row["light_minutes"], row["rem_minutes"]) == (60.0, 300.0, 60.0)
    assert (row["bedtime_minute"], row["wake_minute"], row["midsleep_minute"]) == (1380.0, 360.0, 150.0)
    assert row["asleep_intervals"] == [-60, 120, 150, 360]


@pytest.mark.parametrize("first", ["sample", "deletion"])
def test_a_deleted_sample_no_longer_counts_whichever_came_first(tmp_path: Path, first: str) -> None:
    kept, gone = steps("08:00", "10:00", "Watch6,1", 1_000), steps("12:00", "13:00", "Watch6,1", 500)
    samples = {"user_id": "u1", "measurements": [kept, gone]}
    deletion = {"user_id": "u1", "deleted": [{"uuid": gone["uuid"]}]}
    batches = [samples, deletion] if first == "sample" else [deletion, samples]
    for number, batch in enumerate(batches):
        write_lines(tmp_path, "2026-11-10", [batch], folder="raw/healthkit/measurements", name=f"{number}.jsonl")
        run_lake(tmp_path)
    (row,) = pq.read_table(tmp_path / "processed/daily/date=2026-11-09/part-00000.parquet").to_pylist()[:1]
    assert row["steps"] == 1_000
