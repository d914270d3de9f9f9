"""What a run makes of the sample: everything a study can meet is in it, and what it publishes looks like people."""

import json
from collections import defaultdict
from itertools import pairwise

import polars as pl
import pytest

from qol_dev.sample.mishaps import LINE_FAULTS
from tests.builders import CONTRACTS

from .conftest import OPTIONS, SampleLake, content

#: Of records that few people have, three weeks of 20 users may hold none; meals are never sent.
RARE = {"oura_tag", "oura_rest_mode_period", "oura_deleted", "oura_meal"}
#: Types of the sources that the sample has by itself; any other is written when it is asked for.
SAMPLED = [contract for contract in CONTRACTS.sources if contract.source in OPTIONS.sources]
#: Lowest and highest mean of a person's week that anybody should see.
PLAUSIBLE = {
    "steps_mean": (500, 25_000),
    "resting_hr_bpm_mean": (40, 90),
    "mean_hr_bpm_mean": (45, 120),
    "sleep_minutes_mean": (200, 640),
    "sleep_efficiency_pct_mean": (70, 100),
    "stress_mean_mean": (5, 80),
    "hrv_rmssd_ms_mean": (8, 200),
    "spo2_mean_pct_mean": (90, 100),
    "respiration_mean_brpm_mean": (10, 18),
    "weight_kg_last": (35, 150),
    "systolic_mmhg_last": (85, 170),
    "temperature_mean_c_mean": (15, 30),
    "humidity_mean_pct_mean": (20, 90),
    "whoqol_physical_t100_last": (0, 100),
    "vo2max_last": (18, 70),
    "skin_temp_deviation_c_mean": (-2, 2),
}


def test_the_gate_finds_nothing_critical_and_every_item_is_accounted_for(sample: SampleLake) -> None:
    totals = sample.manifest.totals
    assert sample.manifest.status == "published"
    assert [c.id for c in sample.manifest.checks if not c.success and c.severity == "critical"] == []
    assert totals["lines"] == sum(totals[name] for name in ("blank", "control", "rejected", "kept", "superseded"))
    assert totals["kept"] > 15_000


def test_every_record_type_with_a_contract_is_there(sample: SampleLake) -> None:
    there = {path.name for path in (sample.root / "processed/records").iterdir()}
    assert {contract.name for contract in SAMPLED} - there <= RARE


def test_every_weekly_column_is_filled_for_somebody(sample: SampleLake) -> None:
    weekly = sample.table("weekly")
    given = [name for contract in SAMPLED for name in contract.gives]
    elsewhere = [name for contract in CONTRACTS.sources for name in contract.gives if name not in given]
    columns = [name for name in weekly.columns if not name.startswith(tuple(f"{metric}_" for metric in elsewhere))]
    empty = {name for name in columns if weekly[name].null_count() == len(weekly)}
    assert {name for name in empty if not name.endswith(("_sd", "_slope", "_change"))} == set()


@pytest.mark.parametrize("column", PLAUSIBLE)
def test_a_week_looks_like_a_person_s(sample: SampleLake, column: str) -> None:
    values = sample.table("weekly")[column].drop_nulls()
    low, high = PLAUSIBLE[column]
    assert len(values) >= 2
    assert low <= float(values.min()) <= float(values.max()) <= high  # type: ignore[arg-type]


def test_users_differ_more_from_each_other_than_from_themselves(sample: SampleLake) -> None:
    weekly = sample.table("weekly").select("user_id", "resting_hr_bpm_mean").drop_nulls()
    within = weekly.group_by("user_id").agg(pl.col("resting_hr_bpm_mean").std())["resting_hr_bpm_mean"].mean()
    assert float(weekly["resting_hr_bpm_mean"].std()) > 2 * float(within)  # type: ignore[arg-type]


def test_bad_lines_are_rejected_for_every_reason_a_line_can_have(sample: SampleLake) -> None:
    assert set(sample.manifest.rejects_by_reason) == {
        *("not_json", "not_utf8", "not_an_object", "too_deep", "truncated_object"),
        *("unknown_record", "missing_key", "day_out_of_range"),
    }
    assert set(sample.summary.faults) == {*LINE_FAULTS, "bom_at_object_start", "truncated_gzip_object"}
    assert sample.manifest.totals["rejected"] < 0.002 * sample.manifest.totals["lines"]


def test_values_become_null_for_the_reasons_devices_give(sample: SampleLake) -> None:
    reasons = {reason for fields in sample.manifest.field_issues.values() for of in fields.values() for reason in of}
    assert reasons >= {"sentinel", "out_of_range", "wrong_type", "too_large", "invalid_date", "milliseconds"}


def test_pings_leavers_permissions_and_cycles_are_messages(sample: SampleLake) -> None:
    keys = {name for folder, line in sample.lines if folder == "daily" for name in line}
    assert keys >= {"deregistrations", "userPermissionsChange", "mct"}
    assert any("callbackURL" in line["dailies"][0] for line in sample.of("daily") if "dailies" in line)
    assert sample.manifest.totals["control"] > 5


def test_nobody_s_data_comes_after_they_left(sample: SampleLake) -> None:
    [left] = [line for line in sample.of("daily") if "deregistrations" in line]
    theirs = [line for _, line in sample.lines if line.get("userId") == left["deregistrations"][0]["userId"]]
    assert theirs
    assert max(line.get("_received_at", "") for line in theirs) <= left["_received_at"]


def dailies(sample: SampleLake) -> dict[tuple[str, str], list[dict[str, object]]]:
    """Garmin's own whole dailies by user and day, in order of arrival."""
    found = defaultdict(list)
    for line in sample.of("daily"):
        if {"userId", "calendarDate", "timeOffsetHeartRateSamples", "_received_at"} <= line.keys():
            found[line["userId"], line["calendarDate"]].append(line)
    return found


def test_a_day_grows_with_every_sync_and_is_sometimes_sent_again_unchanged(sample: SampleLake) -> None:
    grown = resent = 0
    for sends in dailies(sample).values():
        durations = [int(str(send["durationInSeconds"])) for send in sends]
        bodies = [json.dumps({**send, "_received_at": ""}) for send in sends]
        grown += len(set(durations)) >= 3 and 86_400 in durations
        resent += len(set(bodies)) < len(bodies)
    assert grown > 40
    assert resent > 10


def test_some_lines_have_no_stamp_some_come_late_and_some_in_pushes_of_several(sample: SampleLake) -> None:
    unstamped = [line for _, line in sample.lines if "_received_at" not in line]
    assert 5 < len(unstamped) < 0.01 * len(sample.lines)
    assert any({"dailies", "stressDetails"} <= line.keys() for line in sample.of("daily"))
    assert any(len(line.get("sleeps", ())) > 1 for line in sample.of("garmin/sleeps"))
    arrival, day = sample.table("records/garmin_dailies")["arrival_date"], sample.table("records/garmin_dailies")["day"]
    assert (arrival - day).dt.total_days().max() > 3  # type: ignore[operator]


def test_a_tentative_night_comes_before_the_final_one_and_only_that_counts(sample: SampleLake) -> None:
    nights = sample.table("records/garmin_sleeps")
    validations = set(nights["validation"])
    assert validations >= {"ENHANCED_TENTATIVE", "ENHANCED_FINAL", "AUTO_FINAL", "AUTO_MANUAL"}
    tentative = nights.filter(pl.col("validation").str.ends_with("TENTATIVE"))
    final = nights.filter(pl.col("validation").str.ends_with("FINAL"))
    both = tentative.join(final, on=["user_id", "day"], suffix="_final")
    assert len(both) > 50
    # A tentative night that is sent again may come last.
    assert (both["received_at"] < both["received_at_final"]).mean() > 0.95  # type: ignore[operator]
    daily = sample.table("daily").filter(pl.col("source") == "garmin").select("user_id", "day", "deep_minutes")
    counted = both.join(daily, on=["user_id", "day"]).filter(
        pl.col("deep_minutes") * 60 == pl.col("deep_seconds_final")
    )
    assert len(counted) > 0.9 * len(both)


def test_users_travel_and_take_their_watch_off(sample: SampleLake) -> None:
    offsets = sample.table("records/garmin_dailies").group_by("user_id").agg(pl.col("utc_offset_seconds").n_unique())
    assert (offsets["utc_offset_seconds"] > 1).any()
    assert (~sample.table("daily")["worn"]).any()
    assert set(sample.table("daily")["source"]) == {"garmin", "oura", "healthkit", "sensor", "survey"}


def test_phone_and_watch_count_the_same_steps_and_some_documents_come_in_pages(sample: SampleLake) -> None:
    steps = sample.table("records/healthkit_measurements").filter(pl.col("metric_type").str.ends_with("StepCount"))
    assert set(steps["device_class"]) == {"PHONE", "WATCH"}
    assert any("data" in line for line in sample.of("oura/sleep"))
    assert sample.table("records/oura_heartrate").height > 100


def test_a_deletion_names_a_sample_that_came(sample: SampleLake) -> None:
    deleted, stored = sample.table("records/healthkit_deleted"), sample.table("records/healthkit_measurements")
    assert len(deleted) > 2
    assert set(deleted["uuid"]) <= set(stored["uuid"])


def test_an_id_of_the_study_joins_what_the_sources_call_a_user(sample: SampleLake) -> None:
    entries = [json.loads(line) for line in (sample.root / "user_map.jsonl").read_bytes().splitlines()]
    sources = defaultdict(set)
    for entry in entries:
        sources[entry["user_id"]].add(entry["source"])
    assert any({"garmin", "oura"} <= known for known in sources.values())
    rooms = sorted((e["vendor_user_id"], e["from"], e["to"]) for e in entries if e["source"] == "sensor")
    handed_on = [(a, b) for a, b in pairwise(rooms) if a[0] == b[0]]
    assert handed_on
    assert all(first[2] < second[1] for first, second in handed_on)


def test_one_object_of_each_source_begins_with_a_mark_and_one_breaks_off(sample: SampleLake) -> None:
    marked = [path for path in sample.objects() if content(path).startswith(b"\xef\xbb\xbf")]
    assert len(marked) == 5
    broken = list(sample.root.glob("raw/*/*/date=*/*-again.jsonl.gz"))
    assert len(broken) == 5
    with pytest.raises(EOFError):
        content(broken[0])
