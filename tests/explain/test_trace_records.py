"""`qol why` of values that several records made: what each gave, why others gave nothing, and why a day has no value."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from qol.contracts.source import SourceContract
from qol.explain.trace_model import Trace
from qol.transform.daily_rows import daily
from tests.builders import CONTRACTS, contracts_with, run_lake, without_gate, write_lines
from tests.command_line import Qol
from tests.explain import builders
from tests.explain.builders import user_week
from tests.run import test_deletions as phones
from tests.transform.builders import (
    MEASUREMENTS,
    MONDAY,
    Row,
    contract_named,
    contract_of,
    contracts_of,
    daily_frame,
    records,
)
from tests.transform.test_transform_deletions import DELETED
from tests.transform.test_transform_overlaps import STEPS, a_stretch
from tests.transform.test_transform_stages import BY_APP, JOINED, SLEEP, TUESDAY, a_night, a_stage, an_evening


def traced(metric: str, contract: SourceContract, rows: Sequence[Row], deleted: Sequence[Row] = ()) -> Trace:
    contracts = contracts_of(contract, DELETED)
    known = {contract.name: records(contract, rows), DELETED.name: records(DELETED, [])}
    deletions = {DELETED.name: records(DELETED, deleted)}
    week = user_week(daily(contracts, known, deletions), records=known, deletions=deletions)
    return builders.traced(contracts, metric, week)


def roles(result: Trace) -> Mapping[str, str]:
    return {record.row["record_key"]: record.role for record in result.records}


def test_every_record_of_a_sum_says_what_it_gave_and_what_a_better_device_has() -> None:
    rows = [
        a_stretch("PHONE", 0, 60, 600),
        a_stretch("WATCH", 15, 60, 700),
        a_stretch("PHONE", 20, 30, 90),
        a_stretch("WATCH", 90, 99) | {"value": None},
    ]
    result = traced("steps", contract_of(MEASUREMENTS, STEPS), rows)
    assert roles(result) == {
        "PHONE0-60": "150 of the sum over 3 for steps (25.0% of its time, a better device has the rest)",
        "WATCH15-60": "700 of the sum over 3 for steps",
        "PHONE20-30": "not counted for steps, as a better device measured the same time",
        "WATCH90-99": "not counted for steps",
    }
    assert {tuple(record.values) for record in result.records} == {
        ("kind", "device", "start_seconds", "end_seconds", "value")
    }


def test_a_record_of_a_mean_of_means_says_so() -> None:
    by_hour = "daily: {steps: {value: value, over: mean, each: start_seconds - start_seconds % 3600}}"
    result = traced(
        "steps", contract_of(MEASUREMENTS, by_hour), [a_stretch("WATCH", 0, 9, 5), a_stretch("WATCH", 5, 9, 7)]
    )
    assert roles(result) == {
        "WATCH0-9": "5 of the mean of means over 2 for steps",
        "WATCH5-9": "7 of the mean of means over 2 for steps",
    }


def test_records_that_count_come_first_and_the_others_are_one_line_per_reason() -> None:
    other_kind = [a_stretch("WATCH", n, n + 1) | {"value": None} for n in range(30)]
    covered = [a_stretch("PHONE", 100, 130, 90), a_stretch("PHONE", 110, 120, 30)]
    result = traced(
        "steps", contract_of(MEASUREMENTS, STEPS), [*other_kind, *covered, a_stretch("WATCH", 100, 130, 700)]
    )
    assert [(record.row["record_key"], record.counts, record.role, record.others) for record in result.records] == [
        ("WATCH100-130", True, "700 of the sum over 3 for steps", 0),
        ("WATCH0-1", False, "not counted for steps", 29),
        ("PHONE100-130", False, "not counted for steps, as a better device measured the same time", 1),
    ]


def test_of_very_many_records_of_a_day_the_first_are_listed_and_the_others_counted() -> None:
    rows = [a_stretch("WATCH", n, n + 1, 1) for n in range(25)]
    result = traced("steps", contract_of(MEASUREMENTS, STEPS), rows)
    assert [record.row["record_key"] for record in result.records] == [f"WATCH{n}-{n + 1}" for n in range(20)]
    assert [record.others for record in result.records] == [0] * 19 + [5]


def test_a_deleted_record_says_which_record_type_deleted_it() -> None:
    contract = contract_of(MEASUREMENTS, STEPS)
    result = traced(
        "steps", contract, [a_stretch("WATCH", 0, 9, 5), a_stretch("PHONE", 0, 9, 7)], [{"gone": "WATCH0-9"}]
    )
    assert roles(result) == {"WATCH0-9": "deleted by phone_deleted", "PHONE0-9": "7 of the sum over 1 for steps"}


def test_a_day_whose_records_are_all_deleted_is_a_day_without_a_row() -> None:
    result = traced("steps", contract_of(MEASUREMENTS, STEPS), [a_stretch("WATCH", 0, 9, 5)], [{"gone": "WATCH0-9"}])
    assert roles(result) == {"WATCH0-9": "deleted by phone_deleted"}
    assert result.days == ()


def test_a_record_type_whose_records_of_a_day_are_deleted_says_so_where_another_makes_the_day() -> None:
    weights = contract_of(MEASUREMENTS, "{record: weights, daily: {weight_kg: value}}")
    steps = contract_of(MEASUREMENTS, STEPS)
    contracts = contracts_of(steps, weights, DELETED)
    known = {
        steps.name: records(steps, [a_stretch("WATCH", 0, 9, 5)]),
        weights.name: records(weights, [a_stretch("SCALE", 0, 0, 70)]),
        DELETED.name: records(DELETED, [{"gone": "WATCH0-9"}]),
    }
    result = builders.traced(contracts, "steps", user_week(daily(contracts, known, known), records=known))
    assert [day.why_not for day in result.days if day.day == MONDAY] == ["steps: measurements deleted by phone_deleted"]


def test_a_record_without_a_time_says_so() -> None:
    timed = contract_of(MEASUREMENTS, STEPS, "day: {start: start_seconds}")
    untimed = a_stretch("PHONE", 0, 9, 5) | {"start_seconds": None, "day_rule": "arrival"}
    result = traced("steps", timed, [a_stretch("WATCH", 20, 29, 7), untimed])
    assert roles(result)["PHONE0-9"] == "left out (it has no usable time, so its day is not known)"
    alone = traced("steps", timed, [untimed])
    assert alone.days == ()


def test_samples_of_sleep_say_whether_their_session_is_the_night() -> None:
    rows = [
        *a_night(),
        a_stage("ASLEEP", 0, 500, "PHONE"),
        a_stage("ASLEEP", 800, 830, "PHONE"),
        a_stage("DREAM", 1, 2),
    ]
    result = roles(traced("sleep_minutes", contract_of(MEASUREMENTS, SLEEP), rows))
    assert {result[key] for key in ("WATCHIN_BED-60", "WATCHCORE-30", "WATCHREM190")} == {"its session gives the value"}
    assert result["PHONEASLEEP0"] == "its session was not the day's main one"
    assert (
        result["WATCHDREAM1"]
        == "left out (is_sleep does not hold or it is not a listed stage of sleep, or has no duration)"
    )


def test_a_night_joined_by_its_sender_says_whether_it_is_the_night_beside_sessions() -> None:
    rows = [a_stage("CORE", 0, 300), a_stage(None, 780, 840, value=30.0)]
    assert roles(traced("sleep_minutes", contract_of(MEASUREMENTS, JOINED), rows)) == {
        "WATCHCORE0": "its session gives the value",
        "WATCHNone780": "its session was not the day's main one",
    }


def test_samples_of_two_devices_of_a_class_belong_to_their_own_sessions() -> None:
    rows = [a_stage("ASLEEP", 0, 480, "PHONE", app="a"), a_stage("CORE", 30, 400, "PHONE", app="b")]
    assert roles(traced("sleep_minutes", contract_of(MEASUREMENTS, BY_APP), rows)) == {
        "PHONEASLEEP0": "its session gives the value",
        "PHONECORE30": "its session was not the day's main one",
    }


def test_a_reading_that_came_again_under_another_id_says_so() -> None:
    rows = [a_stretch("WATCH", 0, 9, 5), a_stretch("WATCH", 0, 9, 5, uuid="again")]
    result = traced(
        "steps", contract_of(MEASUREMENTS, STEPS, "same: [kind, device, start_seconds, end_seconds, value]"), rows
    )
    assert roles(result) == {
        "WATCH0-9": "5 of the sum over 1 for steps",
        "again": "left out (another record is the same reading)",
    }


def test_samples_of_a_sleep_that_ends_on_the_next_day_say_so_and_so_does_their_own_day() -> None:
    result = traced("sleep_minutes", contract_of(MEASUREMENTS, SLEEP), an_evening())
    assert roles(result) == {
        "WATCHCORE2490": "of 2026-11-11: its session gives the value",
        "WATCHAWAKE2520": "its session gives the value",
        "WATCHCORE2530": "its session gives the value",
        "WATCHDEEP2640": "its session gives the value",
    }
    (why_not,) = [day.why_not for day in result.days if day.day == TUESDAY]
    assert why_not == "sleep_minutes: measurements belongs to the sleep of 2026-11-11"


def test_a_night_counts_for_regularity_by_bedtime_and_waking_where_no_stretches_are_given() -> None:
    fields = "{sleep_minutes: 8 * 60, bedtime_minute: start_seconds % 1440, wake_minute: value}"
    nights = contract_of(MEASUREMENTS, f"{{record: nights, daily: {fields}}}")
    awake = a_stretch("WATCH", 0, 9) | {"day": date(2026, 11, 10), "value": None}
    result = traced("sleep_regularity_index", nights, [a_stretch("WATCH", 0, 9, 420), awake])
    assert [day.why_not for day in result.days[:2]] == [
        "",
        "wake_minute: nights has no value; asleep_intervals: no phone contract gives it",
    ]


def test_the_command_lists_records_and_places_of_a_sum_and_of_what_was_deleted(
    qol: Qol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracts = contracts_with(tmp_path, phones.MEASUREMENTS, phones.DELETED)
    lake = tmp_path / "lake"
    many = [phones.walked(f"m{n}", day=1, hour=n % 24, steps=1) for n in range(24)]
    gone = [phones.walked(name, hour=9, steps=7) for name in ("c", "b")]
    phones.deliver(lake, "2026-11-11", [*gone, phones.walked("a", hour=10, steps=10), *many])
    write_lines(lake, "2026-11-17", [phones.gone("b"), phones.gone("c")], folder="raw/phone/deleted")
    with without_gate():
        run_lake(lake, contracts)
    ended = qol(
        "why", "--lake", lake, "--user", phones.U1, "--week", "2026-W46", "--metric", "steps",
        QOL_SCHEMAS=str(contracts.root),
    )  # fmt: skip
    assert ended.code == 0, ended.err
    lines = "raw/phone/measurements/date=2026-11-11/a.jsonl"
    kept = f"records_phone_measurements: 10 of the sum over 1 for steps\n    {lines}:3\n"
    left_out = f"records_phone_measurements: 2 others: deleted by phone_deleted; the first is {lines}:1\n"
    assert kept in ended.out
    assert ended.out.index(kept) < ended.out.index(left_out)
    assert "Tue 2026-11-10  records_phone_measurements: and 4 more records of this day that count\n" in ended.out


def monday(target: str, of_types: dict[str, Row], *sources: str) -> Trace:
    """A Monday without any value, of each of the sources, with one record each of some types."""
    daily = daily_frame([{"day": MONDAY, "source": source} for source in sources])
    rows = {name: records(name, [row]) for name, row in of_types.items()}
    return builders.traced(CONTRACTS, target, user_week(daily, records=rows))


def test_metrics_of_a_record_at_hand_are_named_and_the_others_counted() -> None:
    result = monday("score_valid", {"oura_daily_readiness": {"calendar_date": MONDAY}}, "oura")
    assert result.days[0].why_not == (
        "readiness_score: daily_readiness has no score; 3 others: no oura record of this day gives them"
    )


def test_without_any_record_each_metric_says_which_one_gives_it() -> None:
    result = monday("body_valid", {}, "garmin")
    assert result.days[0].why_not == "weight_kg, body_fat_pct, bmi: no bodyComps record"


def test_a_source_without_a_record_type_of_the_group_has_no_days_in_the_list() -> None:
    result = monday("whoqol_overall", {}, "garmin", "survey")
    assert result.unrelated_sources == ("garmin",)
    assert {day.source for day in result.days} == {"survey"}


def test_a_walk_over_midnight_says_what_it_gave_to_each_day() -> None:
    walk = a_stretch("PHONE", 1430, 1450, 200)
    contract = contract_of(MEASUREMENTS, STEPS, "split: {start: start_seconds, end: end_seconds, values: [value]}")
    assert roles(traced("steps", contract, [walk])) == {
        "PHONE1430-1450": "100 of the sum over 1 for steps; of 2026-11-10: 100 of the sum over 1 for steps"
    }


def test_a_document_that_moved_to_sunday_says_where_its_better_version_is() -> None:
    contract = contract_named("oura_sleep")
    night = {"document_id": "a", "total_sleep_duration": 3600, "bedtime_start": 0, "bedtime_end": 3600}
    versions = [night | {"day": f"2026-11-{day:02d}", "meta_updated_at": at} for day, at in ((9, 1), (8, 2))]
    monday, sunday = (records(contract, [version]) for version in versions)
    contracts = contracts_of(contract)
    days = daily(contracts, {contract.name: pl.concat([monday, sunday])}, {})
    week = user_week(
        days.filter(pl.col("day") >= MONDAY), records={contract.name: monday}, beside={contract.name: sunday}
    )
    assert roles(builders.traced(contracts, "sleep_minutes", week)) == {"a": "a better version of it is of 2026-11-08"}
