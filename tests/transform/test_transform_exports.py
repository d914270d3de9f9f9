"""Nights that an app exports already joined: one version of them counts, and samples of the same night come first."""

from datetime import UTC, date, datetime

import pytest

from qol.explain.metric_target import find_target
from qol.explain.trace import Tracer
from qol.explain.trace_model import UserWeek
from qol.transform.daily_rows import daily
from tests.builders import CONTRACTS

from .builders import (
    MEASUREMENTS,
    Row,
    after_midnight,
    contract_named,
    contract_of,
    contracts_of,
    picked,
    records,
    the_day_of,
    utc,
)

EXPORT, SAMPLES = contract_named("healthkit_health_auto_export_nights"), contract_named("healthkit_sleep_samples")
MONDAY, TUESDAY = date(2026, 11, 9), date(2026, 11, 10)
STAGES = ("sleep_minutes", "deep_minutes", "light_minutes", "rem_minutes", "awake_minutes")


def exported(start: float, end: float, *, day: date = MONDAY, **fields: object) -> Row:
    """A night from falling asleep to waking up, minutes after the day's midnight; fields in seconds."""
    times = {"sleep_start_seconds": after_midnight(start, day), "time_seconds": after_midnight(end, day)}
    return {"day": day, "device_class": "WATCH", "asleep_seconds": 0.0} | times | fields


def sampled(stage: str, start: float, end: float, *, day: date = MONDAY) -> Row:
    times = {"start_seconds": after_midnight(start, day), "end_seconds": after_midnight(end, day)}
    return {"uuid": f"{stage}{start}", "day": day, "stage": stage, "device_class": "WATCH"} | times


def test_of_two_exports_of_a_night_the_later_one_counts_whole() -> None:
    """The app tells a night again as it goes on; the longest of each stage would be a night nobody slept."""
    early = exported(20, 390, deep_seconds=3600.0, core_seconds=12_600.0, rem_seconds=5400.0, awake_seconds=900.0)
    final = exported(20, 420, deep_seconds=1800.0, core_seconds=16_200.0, rem_seconds=4500.0, awake_seconds=600.0)
    rows = [early | {"received_at": utc("2026-11-09 01:00")}, final | {"received_at": utc("2026-11-09 02:00")}]
    for order in (rows, rows[::-1]):
        row = the_day_of(EXPORT, order)
        assert picked(row, *STAGES) == (375.0, 30.0, 270.0, 75.0, 10.0)
        assert picked(row, "bedtime_minute", "wake_minute", "time_in_bed_minutes", "nap_minutes") == (
            20.0, 420.0, 400.0, None,
        )  # fmt: skip


def test_the_longest_sleep_is_the_night_and_the_others_are_naps() -> None:
    night = exported(20, 390, asleep_seconds=19_800.0, in_bed_start_seconds=after_midnight(5))
    nap = exported(780, 840, asleep_seconds=2880.0, in_bed_end_seconds=after_midnight(850))
    row = the_day_of(EXPORT, [nap, night])
    assert picked(row, "sleep_minutes", "nap_minutes", "bedtime_minute", "wake_minute") == (330.0, 48.0, 5.0, 390.0)
    assert picked(row, "time_in_bed_minutes", "midsleep_minute") == (385.0, 197.5)


def test_a_single_stretch_and_a_sleep_of_no_time_make_no_night() -> None:
    stretch = {"time_seconds": after_midnight(180), "stage": "Core", "stretch_seconds": 3600.0}
    assert the_day_of(EXPORT, [stretch, exported(20, 390)])["sleep_minutes"] is None


def test_a_night_comes_whole_from_the_samples_where_they_have_one_and_else_from_the_export() -> None:
    """The watch told no REM on Monday: the export's REM is of another night, and is not put beside the rest."""
    of_stages: Row = {"deep_seconds": 1800.0, "core_seconds": 16_200.0, "rem_seconds": 4500.0, "awake_seconds": 600.0}
    samples = [sampled("3", 60, 360), sampled("4", 360, 390), sampled("0", 0, 400, day=TUESDAY)]
    nights = [exported(20, 420, **of_stages), exported(30, 430, day=TUESDAY, **of_stages)]
    frames = {SAMPLES.name: records(SAMPLES, samples), EXPORT.name: records(EXPORT, nights)}
    found = [picked(row, "day", *STAGES, "bedtime_minute") for row in daily(CONTRACTS, frames, {}).to_dicts()]
    assert found == [(MONDAY, 330.0, 30.0, 300.0, None, None, 60.0), (TUESDAY, 375.0, 30.0, 270.0, 75.0, 10.0, 30.0)]


EPISODES = """
daily: {{sleep_minutes: value, {more}: value + 1}}
episodes: {{start: start_seconds, end: end_seconds, rank: {{field: device, tiers: [[WATCH]], unlisted: 0}}, main: sleep_minutes}}
"""


@pytest.mark.parametrize(("first", "others"), [(1, 2), (2, 1)])
def test_only_main_episodes_are_whole_other_records_fill_what_is_missing(first: int, others: int) -> None:
    night = contract_of(MEASUREMENTS, f"{{record: nights, priority: {first}}}", EPISODES.format(more="deep_minutes"))
    again = contract_of(MEASUREMENTS, f"{{record: again, priority: {others}}}", EPISODES.format(more="rem_minutes"))
    score = contract_of(MEASUREMENTS, "{record: scores, priority: 3, daily: {rem_minutes: value, sleep_score: value}}")
    one = [{"uuid": "a", "start_seconds": 0, "end_seconds": 60}]
    frames = {c.name: records(c, [one[0] | {"value": v}]) for c, v in ((night, 400.0), (again, 300.0), (score, 50.0))}
    (row,) = daily(contracts_of(night, again, score), frames, {}).to_dicts()
    names = ("sleep_minutes", "deep_minutes", "rem_minutes", "sleep_score")
    assert picked(row, *names) == ((400.0, 401.0, 50.0, 50) if first == 1 else (300.0, None, 301.0, 50))


def test_why_tells_which_night_comes_first() -> None:
    frames = {
        SAMPLES.name: records(SAMPLES, [sampled("3", 60, 360)]),
        EXPORT.name: records(EXPORT, [exported(20, 420, core_seconds=16_200.0, rem_seconds=4500.0)]),
    }
    days = daily(CONTRACTS, frames, {})
    found = UserWeek("p1", MONDAY, datetime(2026, 11, 18, tzinfo=UTC), None, False, days, frames)
    told = Tracer(CONTRACTS, find_target(CONTRACTS, "sleep_minutes"), found).trace()
    assert {record.table: record.role for record in told.records} == {
        "records_healthkit_sleep_samples": "its session gives the value",
        "records_healthkit_health_auto_export_nights": "healthkit_sleep_samples comes first",
    }
    told = Tracer(CONTRACTS, find_target(CONTRACTS, "rem_minutes"), found).trace()
    assert [day.why_not for day in told.days if day.day == MONDAY] == [
        "rem_minutes: health_auto_export_nights has another night, healthkit_sleep_samples comes first"
    ]
