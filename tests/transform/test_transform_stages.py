"""Samples of sleep stages become sessions of one device, and these the nights of a day."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol.contracts.many_records import Stage, Stages
from qol.transform.stages import sessions

from .builders import MEASUREMENTS, Row, after_midnight, contract_of, days_of, picked, records, the_day_of, utc

VALUES: dict[Stage, tuple[str, ...]] = {
    "deep": ("DEEP",),
    "light": ("CORE",),
    "rem": ("REM",),
    "asleep": ("ASLEEP",),
    "awake": ("AWAKE",),
}
RULE = Stages(
    start="start_seconds", end="end_seconds", stage="kind", by="device", device="app", order=("WATCH", "PHONE"),
    end_offset="value", gap_minutes=120,
    values={**VALUES, "in_bed": ("IN_BED",)},
)  # fmt: skip
SLEEP = """
stages:
  start: start_seconds
  end: end_seconds
  stage: kind
  by: device
  order: [WATCH, PHONE]
  gap_minutes: least_pause
  values: {deep: [DEEP], light: [CORE], rem: [REM], asleep: [ASLEEP], awake: [AWAKE], in_bed: [IN_BED]}
parameters: {minute: {value: 60, description: Seconds of a minute.}}
derived:
  is_sleep: kind IS NOT NULL
  minutes_asleep: asleep_seconds_total / minute
daily:
  where: is_sleep
  sleep_minutes: minutes_asleep
  deep_minutes: deep_seconds / 60
  rem_minutes: rem_seconds / 60
  bedtime_minute: (session_start_seconds + utc_offset_seconds) % 86400 / 60
  nap_minutes: 0
  asleep_intervals: asleep_intervals
  floors: {value: minutes_asleep, over: count}
episodes:
  start: session_start_seconds
  end: session_end_seconds
  rank: {field: session_rank, tiers: [[PHONE], [WATCH]], unlisted: 0}
  main: sleep_minutes
  rest_to: nap_minutes
""".replace("least_pause", "120")


def a_stage(kind: str | None, start: float, end: float, device: str | None = "WATCH", **fields: Any) -> Row:
    """A sample of minutes after midnight in Tokyo."""
    times = {"start_seconds": after_midnight(start), "end_seconds": after_midnight(end)}
    return {"uuid": f"{device}{kind}{start}", "kind": kind, "device": device} | times | fields


def found(*rows: Row) -> list[Row]:
    return sessions(RULE, records(contract_of(MEASUREMENTS), rows)).to_dicts()


def a_night() -> list[Row]:
    """In bed from 23:00 to 07:00, asleep from 23:30 to 06:30 but for ten minutes at 3."""
    stages = [("CORE", -30, 60), ("DEEP", 60, 180), ("AWAKE", 180, 190), ("REM", 190, 250), ("CORE", 250, 390)]
    return [a_stage("IN_BED", -60, 420), *(a_stage(*stage) for stage in stages)]


def test_a_night_of_one_device_is_one_session_with_the_time_of_each_stage() -> None:
    (night,) = found(*a_night())
    times = picked(night, "session_start_seconds", "session_end_seconds")
    assert times == (after_midnight(-60), after_midnight(420))
    assert picked(night, "deep_seconds", "light_seconds", "rem_seconds", "awake_seconds", "in_bed_seconds") == (
        7200, (90 + 140) * 60, 3600, 600, 8 * 3600,
    )  # fmt: skip
    assert picked(night, "asleep_seconds_total", "asleep_seconds") == ((420 - 10) * 60, None)
    assert night["asleep_intervals"] == [-30, 180, 190, 390]
    assert picked(night, "session_rank", "user_id", "day") == ("WATCH", "p1", date(2026, 11, 9))


def test_a_pause_longer_than_the_gap_begins_a_new_session() -> None:
    assert len(found(a_stage("CORE", 0, 60), a_stage("CORE", 180, 240))) == 1
    late = a_stage("CORE", 180, 240, start_seconds=after_midnight(180) + 1)
    starts = [picked(row, "session_start_seconds", "record_key") for row in found(a_stage("CORE", 0, 60), late)]
    assert starts == [(after_midnight(0), "WATCHCORE0"), (after_midnight(180) + 1, "WATCHCORE180")]


@pytest.mark.parametrize("other", [{"device": "PHONE"}, {"device": None}, {"app": "b"}, {"user_id": "p2"}])
def test_a_session_is_of_one_user_and_device(other: Row) -> None:
    assert len(found(a_stage("CORE", 0, 60), a_stage("CORE", 30, 90) | other)) == 2


def test_a_sleep_that_goes_on_into_the_next_week_is_one_session() -> None:
    (session,) = found(a_stage("CORE", -60, 0, day=date(2026, 11, 8)), a_stage("CORE", 0, 60))
    assert picked(session, "day", "asleep_seconds_total") == (date(2026, 11, 9), 7200)


#: What begins after 18:00 on Tuesday is of Wednesday.
TUESDAY, WEDNESDAY = date(2026, 11, 10), date(2026, 11, 11)


def an_evening() -> list[Row]:
    """Core from 17:30 on Tuesday, awake at 18:00, core from 18:10 and deep from 20:00 to 22:00; minutes after Wednesday."""
    stages = [("CORE", -390, -360), ("AWAKE", -360, -350), ("CORE", -350, -240), ("DEEP", -240, -120)]
    rows = [a_stage(kind, 2880 + start, 2880 + end) for kind, start, end in stages]
    return [row | {"day": TUESDAY if row["uuid"] == "WATCHCORE2490" else WEDNESDAY} for row in rows]


def test_a_sleep_that_goes_on_after_18_is_one_and_of_the_day_of_its_last_sample() -> None:
    first, *others = an_evening()
    (night,) = found(first | {"day_rule": "zone"}, *others)
    assert picked(night, "day", "day_rule", "record_key") == (WEDNESDAY, "provider", "WATCHCORE2490")
    assert picked(night, "session_start_seconds", "session_end_seconds", "asleep_seconds_total") == (
        after_midnight(-390, WEDNESDAY), after_midnight(-120, WEDNESDAY), (30 + 110 + 120) * 60,
    )  # fmt: skip
    assert night["asleep_intervals"] == [-390, -360, -350, -120]


def test_a_day_whose_only_sleep_is_of_the_next_day_has_a_row_without_a_night() -> None:
    rows = days_of(contract_of(MEASUREMENTS, SLEEP), an_evening())
    assert [picked(row, "day", "worn", "sleep_minutes", "asleep_intervals") for row in rows] == [
        (TUESDAY, True, None, None),
        (WEDNESDAY, True, 260.0, [-390, -360, -350, -120]),
    ]


def test_stages_that_do_not_end_within_a_day_are_cut_between_days() -> None:
    """Awake around the clock: 24 hours are one session, a minute more is one per day of the samples."""
    day = [a_stage("AWAKE", start, start + 360) | {"day": TUESDAY} for start in (0, 360, 720)]
    last = a_stage("AWAKE", 1080, 1440) | {"day": WEDNESDAY}
    assert [row["day"] for row in found(*day, last)] == [WEDNESDAY]
    longer = last | {"end_seconds": after_midnight(1441)}
    assert [picked(row, "day", "session_start_seconds") for row in found(*day, longer)] == [
        (TUESDAY, after_midnight(0)),
        (WEDNESDAY, after_midnight(1080)),
    ]


def test_codes_that_are_not_listed_and_samples_of_no_time_are_ignored() -> None:
    odd = [a_stage("DREAM", -300, 900), a_stage(None, -300, 0), a_stage("CORE", 500, 500), a_stage("REM", 700, 600)]
    (night,) = found(*odd, a_stage("CORE", 0, 60, end_seconds=None), a_stage("CORE", 0, 60, uuid="good"))
    assert picked(night, "record_key", "session_end_seconds") == ("good", after_midnight(60))
    assert found(odd[0]) == []


def test_a_session_was_received_with_its_last_sample_and_is_where_its_first_one_was() -> None:
    early, late = utc("2026-11-09 08:00"), utc("2026-11-10 08:00")
    rows = [
        a_stage("CORE", 0, 60, received_at=late, utc_offset_seconds=None),
        a_stage("CORE", 60, 90, received_at=early),
        a_stage("CORE", 90, 99, received_at=early, utc_offset_seconds=0),
    ]
    (night,) = found(*rows)
    assert picked(night, "received_at", "utc_offset_seconds", "record_key") == (late, 32_400, "WATCHCORE0")


def test_a_session_ends_by_the_offset_of_the_sample_that_ends_last() -> None:
    rows = [
        a_stage("IN_BED", -60, 420, value=-18_000),
        a_stage("CORE", -30, 200, value=-14_400),
        a_stage("CORE", 300, 400, value=None, utc_offset_seconds=-14_400),
    ]
    assert found(*rows)[0]["session_end_offset_seconds"] == -18_000
    assert found(*rows[1:])[0]["session_end_offset_seconds"] == -14_400


def test_seconds_are_cut_to_the_minutes_they_begin_in() -> None:
    start = after_midnight(0)
    rows = [
        a_stage("CORE", 0, 1, start_seconds=start - 61, end_seconds=start + 59),
        a_stage("REM", 1, 2, start_seconds=start + 59, end_seconds=start + 150),
        a_stage("DEEP", 3, 4, start_seconds=start + 181, end_seconds=start + 239),
    ]
    assert found(*rows)[0]["asleep_intervals"] == [-2, 2]


def test_sessions_go_through_derived_columns_episodes_and_days_as_records_do() -> None:
    """The phone's night lies within the watch's and is dropped; the nap on the phone counts as a nap."""
    phone = [a_stage("ASLEEP", 0, 500, "PHONE"), a_stage("ASLEEP", 800, 830, "PHONE")]
    day = the_day_of(contract_of(MEASUREMENTS, SLEEP), [*phone, *a_night(), a_stage(None, 430, 460)])
    assert picked(day, "sleep_minutes", "deep_minutes", "rem_minutes", "nap_minutes") == (410.0, 120.0, 60.0, 30.0)
    assert picked(day, "bedtime_minute", "asleep_intervals", "floors") == (1380.0, [-30, 180, 190, 390], 3)


def test_two_apps_of_one_class_are_two_judgements_of_a_night_of_which_one_counts_whole() -> None:
    whole = a_stage("ASLEEP", -60, 420, "PHONE", app="a")
    staged = [a_stage("CORE", -30, 180, "PHONE", app="b"), a_stage("CORE", 210, 390, "PHONE", app="b")]
    day = the_day_of(contract_of(MEASUREMENTS, BY_APP), [whole, *staged])
    assert picked(day, "sleep_minutes", "nap_minutes", "bedtime_minute") == (480.0, 0.0, 1380.0)


BY_APP = SLEEP.replace("by: device", "by: device\n  device: app")
JOINED = """
stages:
  start: start_seconds
  end: end_seconds
  stage: kind
  by: device
  order: [WATCH, PHONE]
  gap_minutes: 120
  joined: true
  values: {deep: [DEEP], light: [CORE]}
derived:
  begin: coalesce(session_start_seconds, start_seconds)
  finish: coalesce(session_end_seconds, end_seconds)
daily:
  sleep_minutes: coalesce(asleep_seconds_total / 60, value)
  deep_minutes: deep_seconds / 60
episodes: {start: begin, end: finish, rank: {field: session_rank, tiers: [[PHONE], [WATCH]], unlisted: 0}, main: sleep_minutes}
"""


def test_a_night_that_its_sender_joined_stands_beside_sessions_of_stages() -> None:
    contract = contract_of(MEASUREMENTS, JOINED)
    joined = a_stage(None, -60, 420, "PHONE", value=470.0)
    stages = [a_stage("CORE", 0, 60), a_stage("DEEP", 60, 90)]
    assert picked(the_day_of(contract, [joined]), "sleep_minutes", "deep_minutes") == (470.0, None)
    assert picked(the_day_of(contract, stages), "sleep_minutes", "deep_minutes") == (90.0, 30.0)
    assert picked(the_day_of(contract, [*stages, joined]), "sleep_minutes", "deep_minutes") == (90.0, 30.0)


def test_a_day_without_any_session_has_no_night() -> None:
    (day,) = days_of(contract_of(MEASUREMENTS, SLEEP), [a_stage("DREAM", 0, 60)])
    assert picked(day, "sleep_minutes", "asleep_intervals", "floors") == (None, None, None)
    assert days_of(contract_of(MEASUREMENTS, SLEEP), []) == []


samples = st.builds(
    lambda minute, length, **fields: (
        {"start_seconds": after_midnight(minute), "end_seconds": after_midnight(minute) + length}
        | {"day": TUESDAY if minute < 300 else WEDNESDAY}
        | fields
    ),
    st.integers(0, 600),
    st.integers(1, 60).map(lambda minutes: minutes * 60),
    kind=st.sampled_from(["DEEP", "CORE", "REM", "ASLEEP", "AWAKE", "IN_BED", "DREAM"]),
    device=st.sampled_from(["WATCH", None]),
    user_id=st.sampled_from(["p1", "p2"]),
)


def starts_at(row: Row) -> int:
    """Its first minute after Monday's midnight."""
    minute: int = (row["start_seconds"] - after_midnight(0)) // 60
    return minute


def by_hand(rows: list[Row]) -> list[tuple[Any, ...]]:
    """Minute by minute: (person, device, day, first minute, end, minutes deep, minutes asleep, stretches asleep).

    Of a sleep without a sample of Wednesday the day is Tuesday. Stretches are told of the midnight of that day.
    """
    told: list[tuple[Any, ...]] = []
    for person, device in sorted({(row["user_id"], row["device"] or "") for row in rows}):
        mine = [row for row in rows if (row["user_id"], row["device"] or "") == (person, device)]
        minutes: dict[str, set[int]] = {}
        for row in mine:
            first, last = ((row[at] - after_midnight(0)) // 60 for at in ("start_seconds", "end_seconds"))
            minutes.setdefault(row["kind"], set()).update(range(first, last))
        listed = sorted(set().union(*(found for kind, found in minutes.items() if kind != "DREAM")))
        groups: list[list[int]] = []
        for minute in listed:
            if groups and minute - groups[-1][-1] - 1 <= 120:
                groups[-1].append(minute)
            else:
                groups.append([minute])
        for group in groups:
            inside = range(group[0], group[-1] + 1)
            asleep = [m for m in inside if any(m in minutes.get(k, ()) for k in ("DEEP", "CORE", "REM", "ASLEEP"))]
            starts = [m for m in asleep if m - 1 not in asleep]
            ends = [m + 1 for m in asleep if m + 1 not in asleep]
            late = any(row["kind"] != "DREAM" and starts_at(row) in inside and starts_at(row) >= 300 for row in mine)
            day, midnight = (WEDNESDAY, 2880) if late else (TUESDAY, 1440)
            stretches = [edge - midnight for pair in zip(starts, ends, strict=True) for edge in pair]
            deep = len([m for m in inside if m in minutes.get("DEEP", ())])
            told.append((person, device, day, group[0], group[-1] + 1, deep, len(asleep), stretches))
    return told


@settings(max_examples=50)
@given(st.lists(samples, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_sessions_are_those_of_counting_minute_by_minute_in_any_order(rows: list[Row], random: Any) -> None:
    named = [row | {"uuid": f"id{n:02}"} for n, row in enumerate(rows)]
    told = [
        (
            row["user_id"], row["session_rank"] or "", row["day"], (row["session_start_seconds"] - after_midnight(0)) // 60,
            (row["session_end_seconds"] - after_midnight(0)) // 60, (row["deep_seconds"] or 0) // 60,
            (row["asleep_seconds_total"] or 0) // 60, row["asleep_intervals"] or [],
        )
        for row in found(*named)
    ]  # fmt: skip
    assert sorted(told) == by_hand(named)
    mixed = random.sample(named, len(named))
    assert sorted(map(repr, found(*mixed))) == sorted(map(repr, found(*named)))
