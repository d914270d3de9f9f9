"""HealthKit: two devices measure the same, batches overlap, what is deleted stays deleted; and Health Auto Export."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict

from .conftest import Lake


def test_batches_send_some_samples_again_without_a_change(everything: Lake) -> None:
    sends: dict[str, list[str]] = defaultdict(list)
    for r in everything.samples("StepCount"):
        sends[r["uuid"]].append(str({**r, "_received_at": None, "user_id": None}))
    assert sum(len(copies) > 1 for copies in sends.values()) > 50
    assert all(len(set(copies)) == 1 for copies in sends.values())


def test_phone_and_watch_count_the_same_steps(everything: Lake) -> None:
    totals: Counter[tuple[str, str, str]] = Counter()
    for r in {r["uuid"]: r for r in everything.samples("StepCount")}.values():
        totals[str(r["user_id"]), r["start"][:10], r["device"]["model"]] += r["value"]
    pairs = [(total, totals[user, day, "Watch"]) for (user, day, device), total in totals.items() if device == "iPhone"]
    close = sum(0.7 < phone / watch < 1.1 for phone, watch in pairs if watch)
    assert len(pairs) > 50
    assert close > 0.6 * len(pairs)


def test_a_deleted_sample_is_not_sent_once_it_is_gone(everything: Lake) -> None:
    deleted: dict[str, str] = {}
    for batch in everything.bodies("healthkit/measurements"):
        for gone in batch.get("deleted", []):
            deleted.setdefault(gone["uuid"], str(batch["sent_at"]))
    sent = defaultdict(list)
    for batch in everything.bodies("healthkit/measurements"):
        for sample in batch.get("measurements", []):
            sent[sample["uuid"]].append(str(batch["sent_at"]))
    assert deleted
    assert any(uuid in sent for uuid in deleted)
    assert all(moment < deleted[uuid] for uuid in deleted for moment in sent[uuid])


def test_units_follow_the_phone_s_region(everything: Lake) -> None:
    distances = {r["unit"] for r in everything.samples("DistanceWalkingRunning")}
    assert distances >= {"mi", "km"}
    masses = {(r["user_id"], r["unit"]) for r in everything.samples("BodyMass") if r["device"]["model"] == "Scale"}
    assert {unit for _, unit in masses} == {"kg", "lb"}
    assert len({user for user, _ in masses}) == len(masses)
    assert {0.9 < r["value"] <= 1 for r in everything.samples("OxygenSaturation")} == {True}


def test_sleep_stages_of_the_watch_lie_within_the_time_in_bed_of_the_phone(everything: Lake) -> None:
    bed = {(r["user_id"], r["end"][:10]): r for r in everything.samples("SleepAnalysis") if r["category_value"] == 0}
    stages = [r for r in everything.samples("SleepAnalysis") if r["category_value"] != 0]
    values = {r["category_value"] for r in stages}
    assert {2, 3, 4, 5} <= values
    assert any(isinstance(value, str) for value in values)
    inside = 0
    for r in stages:
        around = bed.get((r["user_id"], r["end"][:10]))
        if around:
            start, end = (dt.datetime.fromisoformat(r[which]) for which in ("start", "end"))
            inside += (
                dt.datetime.fromisoformat(around["start"]) < start < end < dt.datetime.fromisoformat(around["end"])
            )
    assert inside > 0.9 * len(stages)


def test_no_measurement_begins_before_the_first_day(everything: Lake) -> None:
    starts = [r["start"] for r in everything.samples("") if not r["type"].endswith("SleepAnalysis")]
    assert min(starts)[:10] == "2026-10-19"


def test_a_day_has_few_batches(everything: Lake) -> None:
    batches = [b for b in everything.bodies("healthkit/measurements") if "user_id" in b and "batch_id" in b]
    per_day = Counter((b["user_id"], b["sent_at"][:10]) for b in {b["batch_id"]: b for b in batches}.values())
    assert max(per_day.values()) <= 5


def test_blood_pressure_comes_as_a_pair_or_as_one_correlation(everything: Lake) -> None:
    pairs = everything.samples("BloodPressure")
    assert {r["systolic"] > r["diastolic"] for r in pairs} == {True}
    assert everything.samples("BloodPressureSystolic")


def test_health_auto_export_lists_points_per_metric_and_tells_each_day_twice(everything: Lake) -> None:
    posts = [b for b in everything.bodies("healthkit/health_auto_export") if "data" in b]
    metrics = {m["name"]: m["units"] for post in posts for m in post["data"]["metrics"]}
    assert metrics.items() >= {("step_count", "count"), ("active_energy", "kJ"), ("sleep_analysis", "hr")}
    days = Counter(
        point["date"][:10]
        for post in {p["data"]["metrics"][0]["data"][-1]["date"]: p for p in posts}.values()
        for day in [
            {
                point["date"][:10]: point
                for m in post["data"]["metrics"]
                if m["name"] == "sleep_analysis"
                for point in m["data"]
            }
        ]
        for point in day.values()
    )
    assert set(days.values()) <= {1, 2}
    assert 2 in days.values()
