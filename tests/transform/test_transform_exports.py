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
    local,
    merged,
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


def test_a_sleep_of_no_time_makes_no_night() -> None:
    assert the_day_of(EXPORT, [exported(20, 390)])["sleep_minutes"] is None


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("stamps", [(1, 2, 3), (3, 2, 1), (None, None, None)], ids=["later", "earlier", "unstamped"])
def test_the_rest_of_a_night_told_again_is_part_of_it(stamps: tuple[int | None, ...], order: int) -> None:
    """The app tells one awakening again with a later and later start."""
    whole = exported(-179, 371, deep_seconds=3240.0, core_seconds=14_400.0, rem_seconds=12_960.0)
    parts = [exported(27, 371, core_seconds=18_000.0), exported(110, 371, core_seconds=10_800.0)]
    rows = [row | {"device_id": "a"} for row in (whole, *parts)]
    rows = [row | {"received_at": n and utc(f"2026-11-09 0{n}:00")} for row, n in zip(rows, stamps, strict=True)]
    left = merged(EXPORT, *[[row] for row in rows[::order]]).records.drop("week")
    (row,) = daily(CONTRACTS, {EXPORT.name: left}, {}).to_dicts()
    assert picked(row, "sleep_minutes", "rem_minutes", "bedtime_minute", "nap_minutes") == (510.0, 216.0, 1261.0, None)


def test_a_nap_elsewhere_is_a_nap_and_of_two_devices_the_better_one_counts_however_short() -> None:
    phone = exported(-60, 420, device_class="PHONE", asleep_seconds=28_800.0, received_at=utc("2026-11-09 03:00"))
    watch = exported(0, 400, core_seconds=18_000.0, received_at=utc("2026-11-09 01:00"))
    nap = exported(780, 840, core_seconds=2400.0)
    assert picked(the_day_of(EXPORT, [phone, watch, nap]), "sleep_minutes", "nap_minutes") == (300.0, 40.0)


def test_stages_that_are_all_0_beside_time_asleep_are_not_known() -> None:
    zeros = {"deep_seconds": 0.0, "core_seconds": 0.0, "rem_seconds": 0.0}
    night = the_day_of(EXPORT, [exported(20, 390) | zeros | {"asleep_seconds": 18_000.0, "awake_seconds": 60.0}])
    assert picked(night, *STAGES) == (300.0, None, None, None, 1.0)
    light = the_day_of(EXPORT, [exported(20, 390) | zeros | {"core_seconds": 18_000.0}])
    assert picked(light, *STAGES) == (300.0, 0.0, 300.0, 0.0, None)


@pytest.mark.parametrize("deep", [0.0, 3600.0, None])
def test_of_two_times_asleep_and_the_sum_of_stages_the_largest_counts(deep: float | None) -> None:
    night = exported(20, 450, total_sleep_seconds=25_200.0, deep_seconds=deep)
    assert the_day_of(EXPORT, [night])["sleep_minutes"] == 420.0
    staged = exported(20, 450, total_sleep_seconds=0.0, core_seconds=18_000.0)
    assert the_day_of(EXPORT, [staged])["sleep_minutes"] == 300.0


def test_a_time_in_bed_that_ends_where_it_begins_is_not_known() -> None:
    bed = dict.fromkeys(("in_bed_start_seconds", "in_bed_end_seconds"), after_midnight(0))
    night = the_day_of(EXPORT, [exported(20, 450, asleep_seconds=25_200.0, in_bed_seconds=0.0) | bed])
    assert picked(night, "time_in_bed_minutes", "bedtime_minute", "wake_minute") == (430.0, 20.0, 450.0)


@pytest.mark.parametrize("core", ["core", "CORE", "asleepCore", "Asleep_Core", "ASLEEP_CORE"])
def test_stages_are_known_in_any_case_and_as_two_words(core: str) -> None:
    rows = [a_stretch(core, 0, 300), a_stretch("rem", 300, 360), a_stretch("DEEP", 360, 400), a_stretch("-1", 400, 410)]
    assert picked(the_day_of(EXPORT, rows), *STAGES) == (400.0, 40.0, 300.0, 60.0, None)


def a_stretch(stage: str, start: float, end: float, device: str = "WATCH") -> Row:
    """A single stretch of sleep of Monday."""
    times = {"stretch_start_seconds": after_midnight(start), "time_seconds": after_midnight(end)}
    return {"day": MONDAY, "stage": stage, "device_class": device, "device_id": device} | times


def stretches() -> list[Row]:
    """In bed from 23:00 to 7:00 by the phone; by the watch asleep from 23:20 to 6:50 but for ten minutes."""
    stages = [("Core", -40, 60), ("Deep", 60, 120), ("REM", 120, 180), ("Awake", 180, 190), ("Core", 190, 410)]
    return [a_stretch("In_Bed", -60, 420, "PHONE"), *(a_stretch(*stage) for stage in stages)]


def test_single_stretches_of_a_device_become_a_night_as_samples_do() -> None:
    row = the_day_of(EXPORT, [*stretches(), a_stretch("Core", 800, 830)])
    assert picked(row, *STAGES) == (440.0, 60.0, 320.0, 60.0, 10.0)
    assert picked(row, "bedtime_minute", "wake_minute", "midsleep_minute") == (1400.0, 410.0, 185.0)
    assert picked(row, "time_in_bed_minutes", "sleep_efficiency_pct", "nap_minutes") == (450.0, 97.7777777778, 30.0)
    assert row["asleep_intervals"] == [-40, 180, 190, 410]


def test_of_a_night_told_whole_and_in_stretches_one_counts_whole_and_samples_before_both() -> None:
    joined = exported(-40, 410, core_seconds=21_600.0)
    assert picked(the_day_of(EXPORT, [*stretches(), joined]), *STAGES) == (440.0, 60.0, 320.0, 60.0, 10.0)
    frames = {SAMPLES.name: records(SAMPLES, [sampled("3", 60, 360)]), EXPORT.name: records(EXPORT, stretches())}
    (row,) = daily(CONTRACTS, frames, {}).to_dicts()
    assert picked(row, *STAGES, "bedtime_minute") == (300.0, None, 300.0, None, None, 60.0)


def test_bedtime_is_by_the_clock_of_going_to_bed_and_waking_by_that_of_waking_up() -> None:
    """New York: the clocks go back an hour between 23:00 and 7:00."""
    offsets = {"start_offset_seconds": -14_400, "time_offset_seconds": -18_000, "utc_offset_seconds": -18_000}
    bed, up = local("2026-10-31 23:00", -14_400), local("2026-11-01 07:00", -18_000)
    told: Row = {"day": date(2026, 11, 1), "time_seconds": up} | offsets
    for row in (
        told | {"sleep_start_seconds": bed, "asleep_seconds": 28_800.0},
        told | {"stretch_start_seconds": bed, "stage": "Core"},
    ):
        night = the_day_of(EXPORT, [row])
        assert picked(night, "bedtime_minute", "wake_minute", "midsleep_minute") == (1380.0, 420.0, 210.0)
        assert night["time_in_bed_minutes"] == 540.0


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
    (why_not,) = [day.why_not for day in told.days if day.day == MONDAY]
    assert why_not == (
        "rem_minutes: no health_connect_sleep record; health_auto_export_nights has another night, "
        "healthkit_sleep_samples comes first"
    )
