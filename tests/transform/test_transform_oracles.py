"""Numbers that others published or worked out, each with its source, and what this project makes of them."""

import pytest

from .builders import a_day, a_night, each_day, picked, the_day, the_week

EST = -18_000


def test_three_real_nights_have_their_published_times_and_efficiency() -> None:
    """Rows of MyDataHelps' page on Garmin sleep exports; efficiency is asleep / (asleep + awake + unmeasurable)."""
    columns = [f"{name}_seconds" for name in ("start_time", "duration", "deep", "light", "rem", "awake")]
    real = {
        "2023-02-04": (1_675_481_400, 32_100, 3840, 22_980, 5280, 3060),
        "2022-12-31": (1_672_457_340, 29_400, 4680, 21_480, 3240, 900),
        "2023-02-03": (1_675_392_540, 35_640, 3600, 25_740, 6300, 960),
    }
    ordinary = {"utc_offset_seconds": EST, "unmeasurable_seconds": 0, "validation": "ENHANCED_FINAL"}
    rows = [{"day": day} | ordinary | dict(zip(columns, row, strict=True)) for day, row in real.items()]
    nights = [the_day(sleeps=[row]) for row in rows]
    assert [round(night["sleep_efficiency_pct"], 2) for night in nights] == [91.30, 97.03, 97.38]
    clocks = [picked(night, "bedtime_minute", "wake_minute") for night in nights]
    assert clocks == [(22 * 60 + 30, 8 * 60 + 16), (22 * 60 + 29, 6 * 60 + 54), (21 * 60 + 49, 7 * 60 + 59)]
    assert [night["sleep_minutes"] for night in nights] == [535.0, 490.0, 594.0]
    assert [night["midsleep_minute"] for night in nights] == [203.0, 161.5, 174.0]


def test_an_old_sample_whose_duration_includes_time_awake_is_not_counted_twice() -> None:
    """DTU OpenHealth's test data: 15264 s = 11231 + 3541 + 0 + 492 awake."""
    stages = {"deep_seconds": 11_231, "light_seconds": 3541, "rem_seconds": 0, "awake_seconds": 492}
    row = the_day(sleeps=[a_night("2026-11-10", "2026-11-10 01:00", 15_264 / 60, "DEVICE", **stages)])
    assert picked(row, "sleep_minutes", "time_in_bed_minutes", "sleep_efficiency_pct") == (246.2, 254.4, 96.7767295597)


def test_eleven_one_and_two_average_to_twenty_to_one() -> None:
    """00:40:31.7 with a circular deviation of 75.340 min (R = 0.94740); Fisher 1993, Circular Data, 2.2."""
    row = the_week(each_day("bedtime_minute", [23 * 60, 60, 120], sleep_minutes=400.0))
    assert picked(row, "bedtime_minute_circular_mean", "bedtime_minute_circular_sd") == (40.53, 75.34)


@pytest.mark.parametrize(
    ("values", "slope", "mean"),
    [([58, 57, 59, 56, 55, 56, 54], -0.642857, 56.43), ([58, 57, None, 56, 55, None, 54], -0.657895, 56.0)],
    ids=["every day", "days 3 and 6 missing"],
)
def test_the_resting_heart_rate_falls_by_least_squares(values: list[float | None], slope: float, mean: float) -> None:
    """Ordinary least squares on the day's index, days present only: -0.642857 and -0.6578947 bpm a day."""
    row = the_week(each_day("resting_hr_bpm", values))
    assert picked(row, "resting_hr_bpm_slope", "resting_hr_bpm_mean") == (slope, mean)


def test_hrv_is_averaged_and_spread_on_the_logarithm() -> None:
    """ln 44, ln 38, ln 51.5, ln 47.25, ln 40: mean 3.7815379, sd(n-1) 0.1228741 (Plews 2014, Flatt and Esco 2015)."""
    row = the_week(each_day("hrv_rmssd_ms", [44, 38, 51.5, 47.25, 40]))
    assert picked(row, "hrv_ln_rmssd_mean", "hrv_ln_rmssd_cv") == (3.781538, 3.249315)
    assert row["hrv_rmssd_ms_mean"] == 44.15


def test_stress_is_shared_out_over_the_scored_time() -> None:
    """DTU OpenHealth's daily: rest 2700 s, low 7800, medium 8280, high 3000, activity 7260."""
    seconds = {"rest": 2700, "low": 7800, "medium": 8280, "high": 3000, "activity": 7260}
    fields = {f"{band}_stress_seconds": length for band, length in seconds.items()}
    row = the_week([the_day(dailies=[a_day("2026-11-09", average_stress_level=40, **fields)])])
    shares = {band: row[f"stress_{band}_share"] for band in seconds}
    assert shares == {"rest": 0.092975, "low": 0.268595, "medium": 0.285124, "high": 0.103306, "activity": 0.25}
    assert shares["low"] + shares["medium"] + shares["high"] == pytest.approx(0.657025)
