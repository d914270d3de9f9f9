"""What a day of Oura's documents says."""

from functools import partial
from typing import Any

import pytest

from tests.builders import CONTRACTS

from . import builders
from .builders import Row, local, picked, utc

the_day = partial(builders.the_day, "oura")


def a_period(bed: str, up: str, minutes: float | None, kind: str | None = "long_sleep", **fields: Any) -> Row:
    """A sleep period of 2026-11-10: local times of going to bed and getting up, minutes asleep."""
    start, end = local(bed), local(up)
    row: Row = {"day": "2026-11-10", "document_id": bed, "type": kind, "bedtime_start": start, "bedtime_end": end}
    asleep = None if minutes is None else round(60 * minutes)
    return row | {"time_in_bed": end - start, "total_sleep_duration": asleep} | fields


NIGHT = a_period(
    "2026-11-09 22:30", "2026-11-10 06:08", 387, efficiency=84, average_hrv=38.0, lowest_heart_rate=60,
    average_breath=14.5, deep_sleep_duration=3060, light_sleep_duration=17160, rem_sleep_duration=3000, awake_time=4260,
)  # fmt: skip


def test_a_night_gives_stages_times_and_what_was_measured_in_it() -> None:
    row = the_day(sleep=[NIGHT])
    assert picked(row, "sleep_minutes", "deep_minutes", "light_minutes", "rem_minutes") == (387.0, 51.0, 286.0, 50.0)
    assert picked(row, "awake_minutes", "time_in_bed_minutes", "sleep_efficiency_pct") == (71.0, 458.0, 84.0)
    assert picked(row, "bedtime_minute", "wake_minute", "midsleep_minute") == (1350.0, 368.0, 139.0)
    assert picked(row, "resting_hr_bpm", "hrv_rmssd_ms", "respiration_mean_brpm") == (60, 38.0, 14.5)
    assert row["nap_minutes"] is None


def test_zeros_beside_time_asleep_are_not_known() -> None:
    zeros = dict.fromkeys(("deep_sleep_duration", "light_sleep_duration", "rem_sleep_duration"), 0)
    row = the_day(sleep=[NIGHT | zeros | {"time_in_bed": 0, "efficiency": 0}])
    assert picked(row, "sleep_minutes", "deep_minutes", "light_minutes", "rem_minutes") == (387.0, None, None, None)
    assert picked(row, "time_in_bed_minutes", "sleep_efficiency_pct") == (458.0, None)


def test_rest_and_deleted_periods_are_no_sleep_however_long() -> None:
    rest = a_period("2026-11-10 12:00", "2026-11-10 21:00", 500, "rest")
    deleted = a_period("2026-11-09 21:00", "2026-11-10 09:00", 600, "deleted")
    assert picked(the_day(sleep=[NIGHT, rest, deleted]), "sleep_minutes", "nap_minutes") == (387.0, None)
    assert picked(the_day(sleep=[rest, deleted]), "sleep_minutes", "bedtime_minute") == (None, None)


def test_shorter_sleep_of_a_day_is_a_nap_from_a_quarter_of_an_hour_on() -> None:
    nap = a_period("2026-11-10 13:00", "2026-11-10 13:40", 30, "sleep")
    late = a_period("2026-11-10 16:00", "2026-11-10 16:20", 15, "late_nap")
    too_short = a_period("2026-11-10 15:00", "2026-11-10 15:16", 14.9, "sleep")
    assert picked(the_day(sleep=[nap, NIGHT, late, too_short]), "sleep_minutes", "nap_minutes") == (387.0, 45.0)


def test_a_new_analysis_under_another_id_replaces_the_night_it_overlaps() -> None:
    first = NIGHT | {"received_at": utc("2026-11-10 00:00")}
    moved = a_period("2026-11-09 23:00", "2026-11-10 06:20", 170, "sleep", received_at=utc("2026-11-10 03:00"))
    assert picked(the_day(sleep=[first, moved]), "sleep_minutes", "nap_minutes") == (170.0, None)


def test_a_period_within_another_is_part_of_it_unless_it_says_that_it_is_an_update() -> None:
    first = NIGHT | {"received_at": utc("2026-11-10 00:00")}
    part = a_period("2026-11-09 23:00", "2026-11-10 06:08", 170, "sleep", received_at=utc("2026-11-10 03:00"))
    update = part | {"meta_updated_at": local("2026-11-10 02:00", 0)}
    assert picked(the_day(sleep=[first, part]), "sleep_minutes", "nap_minutes") == (387.0, None)
    assert picked(the_day(sleep=[first, update]), "sleep_minutes", "nap_minutes") == (170.0, None)


@pytest.mark.parametrize(
    ("updated", "minutes"), [("2026-11-10 03:00", 387.0), ("2026-11-10 05:00", 170.0), (None, 387.0)]
)
def test_of_two_analyses_of_a_night_the_one_updated_last_counts_not_the_one_fetched_last(
    updated: str | None, minutes: float
) -> None:
    analysed = {"meta_updated_at": local("2026-11-10 04:00", 0), "received_at": utc("2026-11-10 06:00")}
    fetched_last = {
        "meta_updated_at": None if updated is None else local(updated, 0),
        "received_at": utc("2026-11-10 09:00"),
    }
    other = a_period("2026-11-09 23:00", "2026-11-10 06:08", 170, "sleep", **fetched_last)
    assert the_day(sleep=[NIGHT | analysed, other])["sleep_minutes"] == minutes


def test_a_period_of_a_type_oura_has_not_named_is_sleep() -> None:
    unnamed = a_period("2026-11-09 22:30", "2026-11-10 06:08", 387, None)
    new = a_period("2026-11-09 22:30", "2026-11-10 06:08", 387, "deep_nap")
    assert the_day(sleep=[unnamed])["sleep_minutes"] == the_day(sleep=[new])["sleep_minutes"] == 387.0


def test_a_night_in_which_clocks_go_back_has_each_end_in_its_own_time() -> None:
    night = a_period("2026-11-09 22:30", "2026-11-10 06:08", 387) | {
        "bedtime_start": local("2026-10-24 23:00", 7200), "bedtime_end": local("2026-10-25 07:00", 3600),
        "bedtime_start_offset_seconds": 7200, "bedtime_end_offset_seconds": 3600, "utc_offset_seconds": 3600,
        "time_in_bed": None,
    }  # fmt: skip
    assert picked(the_day(sleep=[night]), "bedtime_minute", "wake_minute", "time_in_bed_minutes") == (1380, 420, 540)


def an_activity(**fields: Any) -> Row:
    """A whole day as Oura recorded one: the six times add up to 86,400 seconds."""
    times = {"high_activity_time": 2460, "medium_activity_time": 4860, "low_activity_time": 18060}
    row: Row = {"day": "2026-11-09", "steps": 15185, "active_calories": 1153, "equivalent_walking_distance": 17850}
    return row | times | {"sedentary_time": 38100, "resting_time": 22860, "non_wear_time": 60, "score": 95} | fields


def test_times_that_are_all_0_beside_steps_are_not_known() -> None:
    times = [
        f"{of}_time" for of in ("high_activity", "medium_activity", "low_activity", "sedentary", "resting", "non_wear")
    ]
    zeros = {"day": "2026-11-09", **dict.fromkeys(times, 0)}
    minutes = ("moderate_minutes", "vigorous_minutes", "sedentary_minutes", "wear_minutes", "worn")
    walked = the_day(daily_activity=[zeros | {"steps": 9000}])
    assert picked(walked, "steps", *minutes) == (9000, None, None, None, None, True)
    assert picked(the_day(daily_activity=[zeros | {"steps": 0}]), *minutes) == (0.0, 0.0, 0.0, 0.0, False)


def test_a_day_of_activity_gives_minutes_and_no_distance() -> None:
    row = the_day(daily_activity=[an_activity()])
    assert picked(row, "steps", "active_kcal", "activity_score", "worn") == (15185, 1153, 95, True)
    assert picked(row, "moderate_minutes", "vigorous_minutes", "mvpa_equivalent_minutes") == (81.0, 41.0, 163.0)
    assert picked(row, "sedentary_minutes", "wear_minutes", "distance_m") == (635.0, 1439.0, None)


@pytest.mark.parametrize(("non_wear", "worn"), [(50_400, True), (50_460, False)])
def test_a_day_is_worn_from_ten_hours_on(non_wear: int, worn: bool) -> None:
    assert the_day(daily_activity=[an_activity(non_wear_time=non_wear)])["worn"] is worn


def test_a_day_that_has_only_begun_was_not_worn_longer_than_it_is_told_of() -> None:
    begun = an_activity(
        high_activity_time=0, medium_activity_time=600, low_activity_time=3000, sedentary_time=7200, resting_time=3600
    )
    assert picked(the_day(daily_activity=[begun]), "wear_minutes", "worn") == (240.0, False)


@pytest.mark.parametrize(
    ("stress", "recovery", "summary", "minutes"),
    [
        (1800, 7200, "normal", (30.0, 120.0)),
        (0, 7200, None, (0.0, 120.0)),
        (0, 0, "normal", (0.0, 0.0)),
        (0, 0, None, (None, None)),
        (None, None, "normal", (None, None)),
    ],
)
def test_no_stress_and_no_recovery_without_a_summary_is_no_data(
    stress: int | None, recovery: int | None, summary: str | None, minutes: tuple[float | None, float | None]
) -> None:
    row = the_day(
        daily_stress=[{"day": "2026-11-09", "stress_high": stress, "recovery_high": recovery, "day_summary": summary}]
    )
    assert picked(row, "high_stress_minutes", "recovery_high_minutes") == minutes


@pytest.mark.parametrize(
    ("level", "number"),
    [("limited", 1), ("adequate", 2), ("solid", 3), ("strong", 4), ("exceptional", 5), ("unheard_of", None)],
)
def test_levels_of_resilience_are_numbers_from_1_to_5(level: str, number: int | None) -> None:
    assert the_day(daily_resilience=[{"day": "2026-11-09", "level": level}])["resilience_level"] == number


def test_dense_series_do_not_move_the_mean_heart_rate_but_the_highest_is_theirs() -> None:
    series = [("awake", 60, 0), ("rest", 50, 300), ("sleep", 52, 600), ("workout", 180, 601), ("live", 90, 602)]
    rows = [{"day": "2026-11-09", "source": s, "bpm": bpm, "timestamp": 1_794_182_400 + at} for s, bpm, at in series]
    assert picked(the_day(heartrate=rows), "mean_hr_bpm", "max_hr_bpm", "min_hr_bpm") == (54.0, 180, None)


def test_scores_states_and_deviations_of_a_day_stand_in_one_row() -> None:
    at = {"day": "2026-11-09"}
    row = the_day(
        daily_sleep=[at | {"score": 77}],
        daily_readiness=[at | {"score": 86, "temperature_deviation": -0.29}],
        daily_spo2=[at | {"spo2_percentage_average": 98.072}],
        daily_cardiovascular_age=[at | {"vascular_age": 39}],
        vO2_max=[at | {"timestamp": n, "source_timestamp": utc(f"2026-11-09 0{n}:00"), "vo2_max": 60.0 + n} for n in (2, 1)],
    )  # fmt: skip
    assert picked(row, "sleep_score", "readiness_score", "skin_temp_deviation_c") == (77, 86, -0.29)
    assert picked(row, "spo2_mean_pct", "spo2_min_pct", "vascular_age_years", "vo2max") == (98.072, None, 39, 62.0)


@pytest.mark.parametrize("name", ["workout", "session", "sleep_time", "tag", "enhanced_tag", "rest_mode_period"])
def test_what_only_labels_or_advises_gives_no_metric(name: str) -> None:
    row = the_day(**{name: [{"day": "2026-11-09", "calories": 300.0, "distance": 5000.0, "heart_rate_mean": 60.0}]})
    assert {metric for metric in CONTRACTS.metric if row[metric] is not None} == set()
