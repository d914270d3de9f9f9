from datetime import date
from typing import Any

import pytest

from .builders import Row, a_night, days, local, picked, the_day, utc

TUESDAY = "2026-11-10"
BED = "2026-11-09 23:00"


def nights(*rows: Row) -> list[tuple[Any, ...]]:
    """Day, minutes asleep and nap minutes of each daily row."""
    return [picked(row, "day", "sleep_minutes", "nap_minutes") for row in days(sleeps=rows)]


def tuesday(minutes: float | None, naps: float | None = None) -> list[tuple[Any, ...]]:
    """What `nights` gives for Tuesday alone."""
    return [(date(2026, 11, 10), minutes, naps)]


def heard(minutes: float, validation: str | None, received: str, bed: str = BED) -> Row:
    """A version of Tuesday's night, received at some time of that day."""
    return a_night(TUESDAY, bed, minutes, validation, received_at=utc(f"2026-11-10 {received}"))


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("loser", "winner"),
    [
        (heard(300, "AUTO_TENTATIVE", "07:00"), heard(420, "AUTO_FINAL", "09:00")),
        (heard(300, "ENHANCED_TENTATIVE", "12:00"), heard(420, "ENHANCED_FINAL", "07:00")),
        (heard(300, "AUTO_FINAL", "07:00"), heard(420, "ENHANCED_FINAL", "07:01")),
        (heard(300, "ENHANCED_FINAL", "07:00"), heard(420, "AUTO_FINAL", "07:01")),
        (heard(300, "ENHANCED_FINAL", "07:00"), heard(420, "MANUAL", "12:00")),
        (heard(300, "MANUAL", "07:00"), heard(420, "ENHANCED_FINAL", "12:00")),
        (heard(500, "ENHANCED_FINAL", "07:00"), heard(420, "MANUAL", "07:00")),
        (heard(500, "DEVICE", "07:00"), heard(420, "AUTO_FINAL", "07:00")),
        (heard(500, "SOMETHING_NEW", "12:00"), heard(420, "AUTO_TENTATIVE", "07:00")),
        (heard(500, None, "12:00"), heard(420, "AUTO_TENTATIVE", "07:00")),
        (heard(500, "OFF_WRIST", "12:00"), heard(420, "ENHANCED_TENTATIVE", "07:00")),
        (heard(300, "ENHANCED_FINAL", "07:00"), heard(420, "ENHANCED_FINAL", "07:00")),
        (heard(300, None, "07:00"), heard(420, "SOMETHING_NEW", "08:00")),
    ],
    ids=[
        "final over tentative",
        "an earlier final over a later tentative",
        "later final",
        "later final of a simpler kind",
        "a manual edit that came later",
        "a final that came after a manual edit",
        "manual over automatic of the same moment",
        "final over a device's own of the same moment",
        "tentative over an unlisted code",
        "tentative over no code",
        "tentative over off wrist",
        "the longer of the same moment",
        "the later of two unlisted codes",
    ],
)
def test_of_two_versions_of_a_night_the_better_one_is_the_night(loser: Row, winner: Row, order: int) -> None:
    assert nights(*[loser, winner][::order]) == tuesday(420.0)


FINAL = heard(400, "ENHANCED_FINAL", "09:00")
LONG = heard(480, "AUTO_FINAL", "09:00", "2026-11-09 22:00")
#: Sleeps that ended on Tuesday, its minutes asleep and of naps.
CASES: dict[str, tuple[list[Row], float, float | None]] = {
    "a night without validation is still a night": ([heard(420, None, "07:00")], 420.0, None),
    "refined versions that start at another minute are one night": (
        [
            heard(100, "AUTO_TENTATIVE", "05:00", "2026-11-10 00:10"),
            heard(390, "ENHANCED_TENTATIVE", "07:00", "2026-11-09 23:05"),
            heard(400, "ENHANCED_FINAL", "09:00", "2026-11-09 22:50"),
        ],
        400.0, None,
    ),
    "of naps listed with the night the total counts": ([FINAL | {"total_nap_seconds": 3000, "nap_seconds": 1200}], 400.0, 50.0),
    "naps of their own are added": (
        [FINAL | {"total_nap_seconds": 3000}, heard(20, "ENHANCED_FINAL", "16:00", "2026-11-10 14:00")], 400.0, 70.0,
    ),
    "listed naps count where their total is not given": ([FINAL | {"nap_seconds": 1500}], 400.0, 25.0),
    "a total of no naps is zero": ([FINAL | {"total_nap_seconds": 0}], 400.0, 0.0),
    "without a total naps are not known": ([FINAL], 400.0, None),
    "naps of a version that lost are not counted": (
        [heard(380, "AUTO_TENTATIVE", "07:00") | {"total_nap_seconds": 3600}, FINAL], 400.0, None,
    ),
    "the longer of two sleeps is the night even when it ranks lower": (
        [heard(200, "ENHANCED_FINAL", "09:00", "2026-11-09 22:00"), heard(240, "ENHANCED_TENTATIVE", "07:00", "2026-11-10 03:00")],
        240.0, 200.0,
    ),
    "a sleep may begin when another ends": (
        [heard(200, "ENHANCED_FINAL", "09:00"), heard(100, "ENHANCED_FINAL", "09:00", "2026-11-10 02:20")], 200.0, 100.0,
    ),
    "a minute earlier they overlap": (
        [heard(200, "ENHANCED_FINAL", "09:00"), heard(100, "ENHANCED_FINAL", "09:00", "2026-11-10 02:19")], 200.0, None,
    ),
    "in a chain of overlaps only what a better one overlaps goes": (
        [
            heard(200, "ENHANCED_FINAL", "11:00", "2026-11-10 01:00"),
            heard(150, "ENHANCED_FINAL", "10:00", "2026-11-10 04:00"),
            heard(200, "ENHANCED_FINAL", "12:00", "2026-11-09 22:00"),
        ],
        200.0, 150.0,
    ),
    "in a chain the middle one takes both its neighbours when it is the best": (
        [
            heard(200, "ENHANCED_FINAL", "10:00", "2026-11-09 22:00"),
            heard(150, "ENHANCED_FINAL", "11:00", "2026-11-10 04:00"),
            heard(190, "ENHANCED_FINAL", "12:00", "2026-11-10 01:00"),
        ],
        190.0, None,
    ),
    "a short sleep inside a better one goes": ([LONG, heard(30, "AUTO_TENTATIVE", "05:00", "2026-11-10 02:00")], 480.0, None),
    "a later part of the night is part of it, whichever final it is": (
        [LONG, heard(200, "AUTO_FINAL", "12:00", "2026-11-10 02:00"), heard(30, "DEVICE", "13:00", "2026-11-10 02:30")], 480.0, None,
    ),
    "a later sleep that ends later is no part of it": ([LONG, heard(400, "AUTO_FINAL", "12:00", "2026-11-10 02:00")], 400.0, None),
    "a later sleep within it that is longer is no part of it": (
        [LONG | {"duration_seconds": 60, "awake_seconds": 28_740}, heard(200, "AUTO_FINAL", "12:00", "2026-11-10 02:00")], 200.0, None,
    ),
    "a better short one takes the long one": ([LONG, heard(30, "MANUAL", "12:00", "2026-11-10 02:00")], 30.0, None),
}  # fmt: skip


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(("sleeps", "asleep", "naps"), CASES.values(), ids=CASES)
def test_the_sleeps_of_a_day(sleeps: list[Row], asleep: float, naps: float | None, order: int) -> None:
    assert nights(*sleeps[::order]) == tuesday(asleep, naps)


def test_of_two_sleeps_of_the_same_length_the_better_ranked_is_the_night() -> None:
    first = heard(200, "ENHANCED_TENTATIVE", "09:00", "2026-11-09 22:00") | {"overall_score": 50}
    second = heard(200, "ENHANCED_FINAL", "07:00", "2026-11-10 03:00") | {"overall_score": 60}
    assert the_day(sleeps=[first, second])["sleep_score"] == 60


def test_versions_of_a_night_under_two_days_are_one_night() -> None:
    wrong = a_night("2026-11-09", BED, 390, "AUTO_TENTATIVE")
    assert nights(wrong, heard(400, "AUTO_FINAL", "09:00")) == [(date(2026, 11, 9), None, None), *tuesday(400.0)]


def test_the_nights_of_two_users_do_not_meet() -> None:
    rows = [heard(400, "AUTO_FINAL", "09:00"), heard(300, "AUTO_TENTATIVE", "07:00") | {"user_id": "p2"}]
    assert [row["sleep_minutes"] for row in days(sleeps=rows)] == [400.0, 300.0]


def test_a_night_told_on_sunday_and_then_with_its_whole_length_on_monday_counts_once() -> None:
    sunday = a_night("2026-11-15", "2026-11-15 22:00", 60, "AUTO_TENTATIVE")
    on_monday = a_night("2026-11-16", "2026-11-15 22:00", 400, "AUTO_FINAL")
    assert nights(sunday, on_monday) == [(date(2026, 11, 15), None, None), (date(2026, 11, 16), 400.0, None)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_sleep_of_no_length_at_the_same_bedtime_is_a_version_not_a_nap(order: int) -> None:
    rows = [heard(0, "OFF_WRIST", "07:00"), heard(400, "AUTO_FINAL", "09:00")]
    assert nights(*rows[::order]) == tuesday(400.0, None)


def test_time_in_bed_reaches_to_the_end_of_the_last_stage() -> None:
    night = heard(400, "AUTO_FINAL", "09:00") | {"levels_end_seconds": local("2026-11-10 07:00")}
    assert picked(the_day(sleeps=[night]), "time_in_bed_minutes", "wake_minute") == (480.0, 420.0)


@pytest.mark.parametrize("end", ["2026-11-10 05:00", "2026-11-10 23:01"], ids=["too early", "more than a day later"])
def test_stages_that_end_before_the_sleep_or_a_day_later_are_not_believed(end: str) -> None:
    night = heard(400, "AUTO_FINAL", "09:00") | {"levels_end_seconds": local(end), "awake_seconds": 600}
    assert the_day(sleeps=[night])["time_in_bed_minutes"] == 410.0


def test_asleep_is_the_sum_of_the_stages_or_else_the_duration() -> None:
    staged = heard(424, "DEVICE", "09:00") | {"deep_seconds": 3600, "light_seconds": 14_400, "awake_seconds": 1440}
    assert picked(the_day(sleeps=[staged]), "sleep_minutes", "deep_minutes", "rem_minutes") == (300.0, 60.0, None)
    assert the_day(sleeps=[heard(424, "DEVICE", "09:00")])["sleep_minutes"] == 424.0


def test_stages_that_are_all_0_are_not_known() -> None:
    night = heard(424, "DEVICE", "09:00") | {"deep_seconds": 0, "light_seconds": 0, "rem_seconds": 0}
    names = ("sleep_minutes", "deep_minutes", "light_minutes", "rem_minutes")
    assert picked(the_day(sleeps=[night]), *names) == (424.0, None, None, None)
    light = night | {"light_seconds": 25_440}
    assert picked(the_day(sleeps=[light]), *names) == (424.0, 0.0, 424.0, 0.0)


def test_without_time_awake_or_asleep_the_efficiency_is_not_known() -> None:
    for night in (heard(424, "DEVICE", "09:00"), heard(0, "DEVICE", "09:00") | {"awake_seconds": 0}):
        assert the_day(sleeps=[night])["sleep_efficiency_pct"] is None


def test_what_the_night_measured_comes_from_the_night_not_from_the_nap() -> None:
    night = heard(400, "AUTO_FINAL", "09:00") | {"spo2_mean_pct": 95.25, "respiration_mean_brpm": None}
    nap = heard(60, "MANUAL", "16:00", "2026-11-10 14:00") | {"spo2_mean_pct": 90.0, "respiration_mean_brpm": 14.0}
    assert picked(the_day(sleeps=[night, nap]), "spo2_mean_pct", "respiration_mean_brpm") == (95.25, None)


@pytest.mark.parametrize(
    ("bed", "minutes", "clocks"),
    [
        ("2026-11-09 23:59:59", 60, (1439.9833333333, 59.9833333333, 29.9833333333)),
        ("2026-11-10 00:00:00", 60, (0.0, 60.0, 30.0)),
        ("2026-11-09 18:00:00", 360, (1080.0, 0.0, 1260.0)),
        ("2026-11-10 08:59:59", 60, (539.9833333333, 599.9833333333, 569.9833333333)),
        ("2026-11-10 09:00:00", 60, (540.0, 600.0, 570.0)),
    ],
    ids=["before midnight", "midnight", "until midnight", "before midnight UTC", "midnight UTC"],
)
def test_clocks_are_local_minutes_after_midnight(bed: str, minutes: int, clocks: tuple[float, ...]) -> None:
    row = the_day(sleeps=[a_night(TUESDAY, bed, minutes)])
    assert picked(row, "bedtime_minute", "wake_minute", "midsleep_minute") == clocks


def test_a_traveller_goes_to_bed_by_the_clock_of_each_place() -> None:
    tokyo = a_night("2026-11-10", "2026-11-09 23:00", 420)
    los_angeles = a_night("2026-11-11", "2026-11-10 23:00", 420, utc_offset_seconds=-28_800)
    rows = days(sleeps=[tokyo, los_angeles])
    assert [picked(row, "bedtime_minute", "wake_minute") for row in rows] == [(1380.0, 360.0)] * 2


def test_in_the_night_the_clocks_change_waking_up_is_told_by_the_clock_of_going_to_bed() -> None:
    autumn = a_night("2026-11-01", "2026-10-31 23:00", 480, utc_offset_seconds=-14_400)
    assert picked(the_day(sleeps=[autumn]), "time_in_bed_minutes", "wake_minute") == (480.0, 420.0)
