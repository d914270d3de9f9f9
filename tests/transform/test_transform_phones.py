"""Days of HealthKit: a watch and a phone count once, nights are of one device, an export never adds to samples."""

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


def session(start: str, end: str, app: str, *stages: tuple[str, str, int], changed: str = "08:00") -> dict[str, Any]:
    """A sleep session of Health Connect with its stages, each of a start, an end and a number."""

    def at(time: str) -> str:
        return f"2026-11-{'08' if time >= '18:00' else '09'}T{time}:00+09:00"

    told = [{"startTime": at(start), "endTime": at(end), "stage": stage} for start, end, stage in stages]
    metadata = {"id": f"{app}-{start}", "dataOrigin": app, "lastModifiedTime": f"2026-11-09T{changed}:00Z"}
    kind = {"recordType": "SleepSession", "title": "Anna's night", "metadata": metadata}
    return {**kind, "startTime": at(start), "endTime": at(end), "stages": told}


def day_of(lake: Path, **lists: Any) -> dict[str, Any]:
    """The daily row of 2026-11-09 after one batch."""
    write_lines(lake, "2026-11-10", [{"user_id": "u1", **lists}], folder="raw/healthkit/measurements")
    run_lake(lake)
    rows = pq.read_table(lake / "processed/daily/date=2026-11-09/part-00000.parquet").to_pylist()
    (row,) = [row for row in rows if str(row["day"]) == "2026-11-09"]
    return dict(row)


PRESSURE = "HKCorrelationTypeIdentifierBloodPressure"
EIGHT, WATCH, PHONE = "2026-11-09 08:00:00 +0900", "Watch6,1", "iPhone14,2"
AT = ("07:00", "07:00", PHONE)
HOUR = ("07:00", "08:00", WATCH)
CASES = {
    "a phone in the pocket of whoever wears a watch adds nothing": (
        {"measurements": [steps("08:00", "20:00", PHONE, 12_500), steps("08:00", "20:00", WATCH, 12_200)]},
        {"steps": 12_200, "dropped_overlap_minutes": 720.0},
    ),
    "a phone counts while the watch charges": (
        {"measurements": [steps("08:00", "10:00", WATCH, 1_000), steps("09:00", "11:00", PHONE, 600)]},
        {"steps": 1_300, "dropped_overlap_minutes": 60.0},
    ),
    "a watch that tells nothing usable takes no time from the phone": (
        {"measurements": [steps("08:00", "10:00", WATCH, 900_000), steps("09:00", "11:00", PHONE, 600)]},
        {"steps": 600, "dropped_overlap_minutes": 0.0},
    ),
    "a night in two parts is a night and a nap": (
        {"measurements": [night("22:00", "01:00", WATCH, 3), night("03:30", "06:31", WATCH, 3)]},
        {"sleep_minutes": 181.0, "nap_minutes": 180.0},
    ),
    "an export never adds to samples of the same day": (
        {
            "measurements": [steps("08:00", "10:00", WATCH, 1_000)],
            "metrics": [
                {"name": "step_count", "units": "count", "data": [{"qty": 9_999, "date": EIGHT}]},
                {"name": "flights_climbed", "units": "count", "data": [{"qty": 3, "date": EIGHT}]},
            ],
        },
        {"steps": 1_000, "floors": 3},
    ),
    "units of the phone's region and fractions come out in one unit": (
        {
            "measurements": [
                sample("HKQuantityTypeIdentifierBodyMass", *AT, value=150, unit="lb"),
                sample("HKQuantityTypeIdentifierDistanceWalkingRunning", *HOUR, value=2, unit="mi"),
                sample("HKQuantityTypeIdentifierActiveEnergyBurned", *HOUR, value=418.4, unit="kJ"),
                sample("HKQuantityTypeIdentifierOxygenSaturation", *AT, value=0.97, unit="%"),
                sample("HKQuantityTypeIdentifierOxygenSaturation", "07:05", "07:05", PHONE, value=95, unit="%"),
                sample("HKQuantityTypeIdentifierHeartRateVariabilitySDNN", *AT, value=0.0423, unit="s"),
                sample("HKQuantityTypeIdentifierAppleExerciseTime", *HOUR, value=25, unit="min"),
            ]
        },
        {
            "weight_kg": 68.0388555,
            "distance_m": 3218.688,
            "active_kcal": 100,
            "spo2_mean_pct": 96.0,
            "spo2_min_pct": 95.0,
        }
        | {"hrv_sdnn_ms": 42.3, "moderate_minutes": 25.0, "vigorous_minutes": None},
    ),
    "a day in one sample is plausible, as much in ten minutes is not": (
        {
            "measurements": [
                sample(STEPS, "00:00", "23:59", PHONE, value=26_450, unit="count"),
                sample("HKQuantityTypeIdentifierFlightsClimbed", "08:00", "08:10", PHONE, value=400, unit="count"),
                sample("HKQuantityTypeIdentifierActiveEnergyBurned", "00:00", "17:00", PHONE, value=6_000, unit="kcal"),
                sample("HKQuantityTypeIdentifierDistanceWalkingRunning", "08:00", "08:10", PHONE, value=26, unit="km"),
            ]
        },
        {"steps": 26_450, "floors": None, "active_kcal": 6_000, "distance_m": None},
    ),
    "numbers that a conversion left beside whole ones, and pressures in kilopascal, are what was measured": (
        {
            "measurements": [
                sample(PRESSURE, *AT, systolic=128.99999999999997, diastolic=82.00000000000001, unit="mmHg"),
                sample(PRESSURE, "09:00", "09:00", PHONE, systolic=17.2, diastolic=10.9, unit="kPa"),
                sample("HKQuantityTypeIdentifierRestingHeartRate", *AT, value=61.999999999999993, unit="count/min"),
            ]
        },
        # 17.2 and 10.9 kPa are 129.010591 and 81.756712 mmHg.
        {"systolic_mmhg": 129.0052955228, "diastolic_mmhg": 81.8783558836, "resting_hr_bpm": 62},
    ),
    "times of the 12-hour clock name their moments": (
        {
            "metrics": [
                {
                    "name": "step_count",
                    "units": "count",
                    "data": [
                        {"qty": 120, "date": "2026-11-09 7:57:00\u202fam +0900"},
                        {"qty": 80, "date": "2026-11-09 12:30:00\u00a0PM +0900"},
                        {"qty": 11, "date": "2026-11-09 12:05:00 AM +0900"},
                        {"qty": 7, "date": "2026-11-09 午後3:00:00 +0900"},
                        {"qty": 1_000, "date": "2026-11-09 16:00:00 +0900"},
                        {"qty": 5_000, "date": "2026-11-09 4:00:00 PM"},
                    ],
                }
            ]
        },
        {"steps": 1_218},
    ),
    "22:00 UTC is a morning in Tokyo however the phone there writes it": (
        {
            "device_tz": "Asia/Tokyo",
            "measurements": [
                {
                    **steps("08:00", "08:10", PHONE, n),
                    "start": f"2026-11-08T22:{n}:00{utc}",
                    "end": f"2026-11-08T22:{n + 1}:00{utc}",
                }
                for n, utc in ((10, "Z"), (20, "+00:00"), (30, "+0000"))
            ],
        },
        {"steps": 60},
    ),
    # Asleep 23:00 to 2:00 and 2:30 to 6:00; half an hour is both REM and core.
    "a night is the union of the stages of one device": (
        {
            "measurements": [
                night("22:30", "06:30", PHONE, 0),
                night("22:30", "06:30", PHONE, 1),
                night("23:00", "01:00", WATCH, 3),
                night("01:00", "02:00", WATCH, 4),
                night("02:00", "02:30", WATCH, 2),
                night("02:30", "03:30", WATCH, 5),
                night("03:00", "06:00", WATCH, 3),
            ]
        },
        {"sleep_minutes": 390.0, "awake_minutes": 30.0, "time_in_bed_minutes": 420.0, "deep_minutes": 60.0}
        | {"light_minutes": 300.0, "rem_minutes": 60.0, "bedtime_minute": 1380.0, "wake_minute": 360.0}
        | {"midsleep_minute": 150.0, "asleep_intervals": [-60, 120, 150, 360]},
    ),
    "of two apps' sessions of a night the one with stages counts, and an afternoon's is a nap": (
        {
            "measurements": [
                session(
                    "23:00", "07:00", "com.app", ("23:00", "23:30", 1), ("23:30", "06:00", 4), ("06:00", "07:00", 5)
                ),
                session("22:30", "07:30", "watch", changed="09:00"),
                session("14:00", "15:00", "band"),
            ]
        },
        {"sleep_minutes": 450.0, "deep_minutes": 60.0, "light_minutes": 390.0, "rem_minutes": None}
        | {"awake_minutes": 30.0, "time_in_bed_minutes": 480.0, "nap_minutes": 60.0, "bedtime_minute": 1380.0},
    ),
    "a session that was changed counts as it was changed last": (
        {
            "measurements": [
                session("23:00", "06:00", "band", changed="10:00"),
                session("23:00", "07:00", "band", changed="09:00"),
            ]
        },
        {"sleep_minutes": 420.0, "deep_minutes": None, "awake_minutes": None, "sleep_efficiency_pct": None},
    ),
    "a session that was deleted, that ends before it begins, or that is all awake, is no sleep": (
        {
            "measurements": [
                steps("08:00", "10:00", WATCH, 1_000),
                session("23:00", "06:00", "band"),
                session("07:00", "06:00", "band"),
                session("12:00", "13:00", "band", ("12:00", "13:00", 7)),
            ],
            "deleted": [{"uuid": "band-23:00"}],
        },
        {"steps": 1_000, "sleep_minutes": None, "nap_minutes": None},
    ),
    "of a day with sleep in HealthKit's samples a session counts nothing": (
        {"measurements": [night("00:00", "05:00", WATCH, 3), session("23:00", "07:00", "band")]},
        {"sleep_minutes": 300.0, "time_in_bed_minutes": 300.0, "nap_minutes": None},
    ),
}


@pytest.mark.parametrize(("batch", "expected"), CASES.values(), ids=CASES)
def test_a_day_of_a_phone_and_a_watch(tmp_path: Path, batch: dict[str, Any], expected: dict[str, Any]) -> None:
    row = day_of(tmp_path, **batch)
    assert {name: row[name] for name in expected} == expected


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


def test_menstrual_and_sexual_health_is_counted_as_control_and_stored_nowhere(tmp_path: Path) -> None:
    flow = sample("HKCategoryTypeIdentifierMenstrualFlow", "08:00", "08:00", "iPhone14,2", category_value=4)
    batch = {"user_id": "u1", "measurements": [flow, steps("08:00", "10:00", "Watch6,1", 1_000)]}
    batch["metrics"] = [
        {"name": "sexual_activity", "units": "count", "data": [{"qty": 1, "date": "2026-11-09 08:00:00 +0900"}]}
    ]
    write_lines(tmp_path, "2026-11-10", [batch], folder="raw/healthkit/measurements")
    manifest = run_lake(tmp_path)
    assert (manifest.totals["control"], manifest.totals["kept"], manifest.totals["rejected"]) == (2, 1, 0)


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


@pytest.mark.parametrize("start", ["Nov 9, 2026 8:00 AM +0900", "2026-11-09T08:00:00", "09/11/2026 08:00"])
def test_a_sample_whose_time_is_refused_gives_no_day(tmp_path: Path, start: str) -> None:
    refused = steps("08:00", "09:00", WATCH, 700) | {"start": start, "uuid": "refused"}
    weight = sample("HKQuantityTypeIdentifierBodyMass", *AT, value=70, unit="kg") | {"start": start}
    row = day_of(tmp_path, measurements=[steps("10:00", "11:00", WATCH, 300), refused, weight])
    assert (row["steps"], row["weight_kg"]) == (300, None)
    (daily,) = (tmp_path / "processed/daily").rglob("*.parquet")
    assert [str(day) for day in pq.read_table(daily)["day"].to_pylist()] == ["2026-11-09"]
    (stored,) = (tmp_path / "processed/records/healthkit_measurements").rglob("*.parquet")
    assert sorted(pq.read_table(stored)["day_rule"].to_pylist()) == ["arrival", "arrival", "offset"]


def test_two_apps_of_one_name_make_no_night_together(tmp_path: Path) -> None:
    def asleep(start: str, end: str, bundle: str) -> dict[str, Any]:
        app = {"source": {"name": "Sleep", "bundle_id": bundle}, "uuid": f"{bundle}{start}"}
        return night(start, end, PHONE, 1) | app

    told = [asleep("00:00", "05:00", "com.a.sleep"), asleep("03:00", "08:00", "com.b.sleep")]
    more = asleep("05:30", "08:30", "com.a.sleep")
    assert day_of(tmp_path, sleep_samples=[], measurements=[*told, more])["sleep_minutes"] == 480.0
