"""The rest of Garmin: slots, measurements, activities, and what is not to be read."""

from __future__ import annotations

from collections import defaultdict

from .conftest import Lake


def test_the_types_of_an_epoch_slot_arrive_together_and_their_active_times_add_up_to_its_duration(
    everything: Lake,
) -> None:
    slots: dict[tuple[str, int, str], list[dict[str, int]]] = defaultdict(list)
    for r in everything.records("epochs"):
        slots[r["userId"], r["startTimeInSeconds"], r["_received_at"]].append(r)
    two = [parts for parts in slots.values() if len({p["activityType"] for p in parts}) == 2]
    assert len(two) > 200
    assert all(sum(p["activeTimeInSeconds"] for p in parts) == parts[0]["durationInSeconds"] for parts in two)


def test_a_slot_cut_by_a_sync_comes_again_whole(everything: Lake) -> None:
    sends: dict[tuple[str, int, str], list[int]] = defaultdict(list)
    for r in everything.records("epochs"):
        sends[r["userId"], r["startTimeInSeconds"], r["activityType"]].append(r["durationInSeconds"])
    again = [durations for durations in sends.values() if len(durations) > 1]
    assert len(again) > 20
    assert all(durations[-1] == 900 > durations[0] for durations in again)


def test_steps_of_the_epochs_are_those_of_the_day(everything: Lake) -> None:
    final = {
        (r["userId"], r["startTimeInSeconds"], r["activityType"]): r
        for r in everything.records("epochs")
        if r["durationInSeconds"] == 900
    }
    by_day: dict[tuple[str, int], list[int]] = defaultdict(list)
    for (user, start, _), r in final.items():
        by_day[user, (start + r["startTimeOffsetInSeconds"]) // 86_400].append(r["steps"])
    daily = {
        (r["userId"], (r["startTimeInSeconds"] + r["startTimeOffsetInSeconds"]) // 86_400): r["steps"]
        for r in everything.records("dailies")
        if r["durationInSeconds"] == 86_400
    }
    # 96 slots, most of the waking ones twice; the watch misses what was walked without it.
    whole = [(sum(steps), daily[key]) for key, steps in by_day.items() if len(steps) > 110 and key in daily]
    assert len(whole) > 5
    assert sum(0.99 < counted / max(told, 1) < 1.2 for counted, told in whole) > 0.7 * len(whole)


def test_a_weight_typed_in_lies_at_midnight_utc_and_measures_no_fat(everything: Lake) -> None:
    typed = [r for r in everything.records("bodyComps") if r["measurementTimeInSeconds"] % 86_400 == 0]
    weighed = [r for r in everything.records("bodyComps") if r["measurementTimeInSeconds"] % 86_400]
    assert {(r["bodyFatInPercent"], "muscleMassInGrams" in r) for r in typed} == {(0.0, False)}
    assert weighed
    assert all(r["bodyFatInPercent"] > 5 for r in weighed)


def test_pulse_oximetry_grows_and_on_demand_readings_have_no_duration(everything: Lake) -> None:
    readings = everything.records("pulseox")
    assert {r["durationInSeconds"] for r in readings if r["onDemand"]} == {0}
    assert len({r["durationInSeconds"] for r in readings}) > 3
    assert {90 <= v <= 100 for r in readings for v in r["timeOffsetSpo2Values"].values()} == {True}


def test_activities_have_details_and_changes_under_one_activity_id(everything: Lake) -> None:
    known = {r["activityId"] for r in everything.records("activities")}
    details = everything.records("activityDetails")
    assert details
    assert {r["activityId"] for r in details} <= known
    assert all(r["summaryId"] == f"{r['activityId']}-detail" and r["samples"] for r in details)


def test_all_further_types_are_there(everything: Lake) -> None:
    names = {path.parts[-3] for path in everything.objects() if path.is_relative_to(everything.root / "raw/garmin")}
    assert names >= {
        *("epochs", "pulseox", "allDayRespiration", "bodyComps", "bloodPressures", "skinTemp", "healthSnapshot"),
        *("moveIQActivities", "activities", "activityDetails", "manuallyUpdatedActivities"),
    }


def test_some_days_without_the_watch_are_told_by_another_maker(everything: Lake) -> None:
    others = [r for r in everything.records("dailies") if "source" in r]
    own = {(r["userId"], r["calendarDate"]) for r in everything.records("dailies") if "source" not in r}
    assert {r["source"] for r in others} == {"FITBIT"}
    assert not own & {(r["userId"], r["calendarDate"]) for r in others}


def test_cycles_come_as_messages_of_their_own(everything: Lake) -> None:
    pushes = [line for line in everything.bodies("daily") if "mct" in line]
    assert pushes
    assert all(set(push) == {"mct", "_received_at"} for push in pushes)
