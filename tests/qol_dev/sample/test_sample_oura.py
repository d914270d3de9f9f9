"""Oura: documents that agree with each other, first tentative, then final, some revised, some in pages."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from .conftest import Lake


def test_documents_come_alone_or_in_pages_whose_owner_stands_beside_the_data(everything: Lake) -> None:
    lines = [line for line in everything.bodies("oura/daily_sleep") if "wellnessMoments" not in line]
    pages = [line for line in lines if "data" in line]
    assert 0 < len(pages) < len(lines)
    assert all("user_id" not in document for page in pages for document in page["data"])
    assert all(page["next_token"] is None for page in pages)


def test_a_day_of_activity_is_tentative_until_it_has_ended(everything: Lake) -> None:
    versions: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for r in everything.documents("daily_activity"):
        versions[r["user_id"], r["day"]].append(r)
    pairs = [v for v in versions.values() if len({r["steps"] for r in v}) == 2]
    assert len(pairs) > 10
    for first, *_, last in pairs:
        assert first["id"] == last["id"]
        assert first["steps"] < last["steps"]
        if "meta" in first:
            assert first["meta"]["updated_at"] < last["meta"]["updated_at"] <= last["_received_at"]


def test_the_seconds_of_a_finished_day_add_up(everything: Lake) -> None:
    names = ("high_activity", "medium_activity", "low_activity", "sedentary", "resting", "non_wear")
    finished = [r for r in everything.documents("daily_activity") if len(r["class_5_min"]) == 288]
    assert finished
    assert {sum(r[f"{name}_time"] for name in names) for r in finished} == {86_400}
    assert {len(r["met"]["items"]) for r in finished} == {1_440}
    assert all(r["total_calories"] >= r["active_calories"] for r in finished)


def test_a_long_sleep_adds_up_and_belongs_to_the_day_of_waking(everything: Lake) -> None:
    nights = [r for r in everything.documents("sleep") if r["type"] == "long_sleep"]
    assert nights
    for r in nights:
        slept = r["deep_sleep_duration"] + r["light_sleep_duration"] + r["rem_sleep_duration"]
        start, end = (dt.datetime.fromisoformat(r[f"bedtime_{which}"]) for which in ("start", "end"))
        assert r["total_sleep_duration"] == slept
        assert r["awake_time"] == r["time_in_bed"] - slept == (end - start).total_seconds() - slept
        assert (end + dt.timedelta(hours=6)).date().isoformat() == r["day"]
        assert set(r["sleep_phase_5_min"]) <= set("1234")


def test_naps_and_falsely_seen_rest_are_short_and_evaluate_little(everything: Lake) -> None:
    short = [r for r in everything.documents("sleep") if r["type"] != "long_sleep"]
    assert {r["type"] for r in short} == {"sleep", "rest"}
    assert {r["average_hrv"] for r in short} == {None}
    assert {r["total_sleep_duration"] for r in short if r["type"] == "rest"} == {0}


def test_some_short_periods_are_deleted_after_they_were_fetched(everything: Lake) -> None:
    fetched: dict[tuple[str, str], str] = {}
    for r in everything.documents("sleep"):
        fetched.setdefault((r["user_id"], r["id"]), r["_received_at"])
    said = [m for m in everything.bodies("oura/deleted") if {"user_id", "object_id"} <= set(m)]
    assert 1 < len(said) < len([r for r in everything.documents("sleep") if r["type"] != "long_sleep"]) / 2
    assert {(m["event_type"], m["data_type"]) for m in said} == {("delete", "sleep")}
    assert all(fetched[m["user_id"], m["object_id"]] < m["_received_at"] > m["event_time"] for m in said)


def test_some_summaries_are_revised_under_a_new_id(everything: Lake) -> None:
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    for r in everything.documents("daily_readiness"):
        ids[r["user_id"], r["day"]].add(r["id"])
    assert {len(found) for found in ids.values()} == {1, 2}


def test_older_recordings_know_no_updates(everything: Lake) -> None:
    has_meta: dict[str, set[bool]] = defaultdict(set)
    for r in everything.documents("daily_sleep"):
        has_meta[r["user_id"]].add("meta" in r)
    assert {True} in has_meta.values()
    assert all(len(kinds) == 1 for kinds in has_meta.values())


def test_heart_rates_are_utc_and_one_second_may_have_two_sources(everything: Lake) -> None:
    sources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for r in everything.documents("heartrate"):
        assert r["timestamp"].endswith("Z")
        assert r["timestamp_unix"] == 1_000 * dt.datetime.fromisoformat(r["timestamp"]).timestamp()
        sources[r["user_id"], r["timestamp"]].add(r["source"])
    assert {"awake", "workout"} in sources.values()


def test_ring_and_watch_of_one_person_tell_of_the_same_nights(everything: Lake) -> None:
    ids = {(e["source"], e["user_id"]): e["vendor_user_id"] for e in everything.user_map}
    both = [
        (ids["garmin", user], ids["oura", user]) for source, user in ids if source == "oura" and ("garmin", user) in ids
    ]
    assert both
    watch = {
        (r["userId"], r["calendarDate"]): r["durationInSeconds"]
        for r in everything.records("sleeps")
        if r["durationInSeconds"] > 3 * 3_600 and r["validation"].endswith("FINAL")
    }
    ring = {
        (r["user_id"], r["day"]): r["total_sleep_duration"]
        for r in everything.documents("sleep")
        if r["type"] == "long_sleep"
    }
    apart = [
        abs(ring[o, day] - seconds)
        for g, o in both
        for (user, day), seconds in watch.items()
        if user == g and (o, day) in ring
    ]
    assert len(apart) > 10
    assert max(apart) <= 20 * 60
