"""Sample records: as the vendor sends them, in growing versions that agree with each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from .conftest import Lake

Record = dict[str, Any]


def by_start(records: Iterable[Record]) -> dict[tuple[str, int], list[Record]]:
    groups: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for record in records:
        groups[record["userId"], record["startTimeInSeconds"]].append(record)
    return groups


def test_a_day_is_sent_with_growing_durations_up_to_86400(lake: Lake) -> None:
    grown = 0
    for sends in by_start(lake.records("dailies")).values():
        first_seen = list(dict.fromkeys(r["durationInSeconds"] for r in sends))
        grown += len(first_seen) >= 3 and first_seen == sorted(first_seen) and first_seen[-1] == 86_400
        assert max(first_seen) <= 86_400
    assert grown > 50


def test_steps_never_shrink_while_a_day_grows(lake: Lake) -> None:
    for sends in by_start(lake.records("dailies")).values():
        steps = [r["steps"] for r in sorted(sends, key=lambda r: int(r["durationInSeconds"]))]
        assert steps == sorted(steps)


def test_the_summary_id_holds_start_and_duration_in_hexadecimal(lake: Lake) -> None:
    for kind in ("dailies", "stressDetails", "sleeps"):
        for r in lake.records(kind):
            prefix, start, duration = r["summaryId"].split("-")
            assert (int(start, 16), int(duration, 16)) == (r["startTimeInSeconds"], r["durationInSeconds"])
            assert len(prefix) == 8
            assert prefix.startswith("x")


def test_a_resend_has_the_same_body_and_a_later_stamp(lake: Lake) -> None:
    resends = 0
    for sends in by_start(lake.records("dailies")).values():
        for duration in {r["durationInSeconds"] for r in sends}:
            same = [r for r in sends if r["durationInSeconds"] == duration]
            bodies = [{k: v for k, v in r.items() if k != "_received_at"} for r in same]
            assert all(body["steps"] == bodies[0]["steps"] for body in bodies)
            resends += len(same) > 1 and bodies[0] == bodies[1]
    assert resends > 10


def test_stress_parts_add_up_and_fit_into_the_day(lake: Lake) -> None:
    for r in lake.records("dailies"):
        stress = r["stressDurationInSeconds"]
        bands = [r[f"{band}StressDurationInSeconds"] for band in ("low", "medium", "high")]
        assert stress == sum(bands)
        others = r["restStressDurationInSeconds"] + r["activityStressDurationInSeconds"]
        assert stress + others <= r["durationInSeconds"]


def test_resting_heart_rate_lies_between_the_day_s_extremes(lake: Lake) -> None:
    resting = [r for r in lake.records("dailies") if "restingHeartRateInBeatsPerMinute" in r]
    assert {45 <= r["restingHeartRateInBeatsPerMinute"] <= 75 for r in resting} == {True}
    for r in resting:
        low, high = r["minHeartRateInBeatsPerMinute"], r["maxHeartRateInBeatsPerMinute"]
        assert low <= r["restingHeartRateInBeatsPerMinute"] <= high
        assert {low <= bpm <= high for bpm in r["timeOffsetHeartRateSamples"].values()} == {True}


def test_heart_rate_maps_are_dense_on_some_finished_days_and_silent_about_wear_on_the_others(lake: Lake) -> None:
    sizes = [(r["durationInSeconds"], len(r.get("timeOffsetHeartRateSamples", {}))) for r in lake.records("dailies")]
    dense = [duration for duration, entries in sizes if entries >= 240]
    assert set(dense) == {86_400}
    assert max(entries for _, entries in sizes) == 5_760
    assert 0.1 < len(dense) / sum(duration == 86_400 for duration, _ in sizes) < 0.6


def test_days_off_the_wrist_have_no_steps_no_heart_rate_and_no_stress(lake: Lake) -> None:
    off = [r for r in lake.records("dailies") if "timeOffsetHeartRateSamples" not in r and r["steps"] == 0]
    assert {r["averageStressLevel"] for r in off} == {-1}


def test_dailies_and_stress_details_of_one_sync_agree(lake: Lake) -> None:
    details = {r["summaryId"]: list(r["timeOffsetStressLevelValues"].values()) for r in lake.records("stressDetails")}
    paired = [(r, details[r["summaryId"]]) for r in lake.records("dailies") if r["summaryId"] in details]
    assert len(paired) > 500
    for daily, values in paired:
        assert daily["activityStressDurationInSeconds"] == 180 * values.count(-2)
        assert daily["restStressDurationInSeconds"] == 180 * sum(1 <= v <= 25 for v in values)


def test_stress_values_are_scores_or_sentinels_on_a_grid_of_180_seconds(lake: Lake) -> None:
    values: set[int] = set()
    for r in lake.records("stressDetails"):
        offsets = [int(offset) for offset in r["timeOffsetStressLevelValues"]]
        assert offsets == list(range(0, r["durationInSeconds"] // 180 * 180, 180))
        values |= set(r["timeOffsetStressLevelValues"].values())
    assert {-1, -2, 1} < values
    assert (min(values), max(values)) == (-2, 100)
    assert 0 not in values


def test_a_tentative_night_comes_before_the_final_one_which_overlaps_it_under_another_key(lake: Lake) -> None:
    nights: dict[tuple[str, str], dict[str, Record]] = defaultdict(dict)
    for r in lake.records("sleeps"):
        if r["durationInSeconds"] > 3 * 3_600:
            nights[r["userId"], r["calendarDate"]].setdefault(r["validation"].split("_")[1], r)
    pairs = [(n["TENTATIVE"], n["FINAL"]) for n in nights.values() if {"TENTATIVE", "FINAL"} <= set(n)]
    assert len(pairs) > 100
    for tentative, final in pairs:
        assert tentative["_received_at"] < final["_received_at"]
        begins = tentative["startTimeInSeconds"]
        assert final["startTimeInSeconds"] < begins < final["startTimeInSeconds"] + final["durationInSeconds"]


def test_sleep_is_deep_light_and_rem_and_leaves_out_awake(lake: Lake) -> None:
    for r in lake.records("sleeps"):
        seconds = {
            level: sum(s["endTimeInSeconds"] - s["startTimeInSeconds"] for s in spans)
            for level, spans in r["sleepLevelsMap"].items()
        }
        assert r["awakeDurationInSeconds"] == seconds.pop("awake", 0)
        assert r["durationInSeconds"] == sum(seconds.values())
        assert r.get("remSleepInSeconds", 0) == seconds.get("rem", 0)


def test_nights_come_from_newer_and_older_watches_with_naps_and_edits(lake: Lake) -> None:
    sleeps = lake.records("sleeps")
    validations = {"ENHANCED_TENTATIVE", "ENHANCED_FINAL", "AUTO_TENTATIVE", "AUTO_FINAL", "AUTO_MANUAL"}
    assert {r["validation"] for r in sleeps} == validations
    assert any("naps" in r for r in sleeps)
    assert any(r["durationInSeconds"] < 6_000 for r in sleeps)
    assert all("remSleepInSeconds" not in r for r in sleeps if r["validation"].startswith("AUTO_F"))


def test_hrv_high_is_at_least_the_average(lake: Lake) -> None:
    for r in lake.records("hrv"):
        assert r["lastNight5MinHigh"] == max(r["lastNightAvg"], *r["hrvValues"].values())


def test_user_metrics_come_once_or_twice_a_week(lake: Lake) -> None:
    dates = sorted({r["calendarDate"] for r in lake.records("userMetrics")})
    assert dates == ["2026-10-27", "2026-10-30", "2026-11-03", "2026-11-06", "2026-11-10", "2026-11-13"]


def test_most_people_live_in_japan_and_some_travel(lake: Lake) -> None:
    offsets: dict[str, set[int]] = defaultdict(set)
    for r in lake.records("dailies"):
        offsets[r["userId"]].add(r["startTimeOffsetInSeconds"])
    assert sum(32_400 in seen for seen in offsets.values()) >= 15
    assert any(len(seen) > 1 for seen in offsets.values())


def test_a_day_starts_at_local_midnight_of_its_calendar_date(lake: Lake) -> None:
    for r in lake.records("dailies"):
        assert (r["startTimeInSeconds"] + r["startTimeOffsetInSeconds"]) % 86_400 == 0


def test_some_people_still_carry_a_fake_token(lake: Lake) -> None:
    tokens = {r.get("userAccessToken") for r in lake.records("dailies")}
    assert None in tokens
    assert len(tokens) > 2
    assert all(token is None or token.startswith("fake-") for token in tokens)
