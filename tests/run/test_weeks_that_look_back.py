"""Weeks that look at the weeks before them are the same however those weeks came: at once, run by run, in any order."""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from qol.identity.user_map import UserMap
from tests.builders import MONDAY_START, daily_record, night_record, published_files, run_lake, split, write_lines
from tests.effort import examples

pytestmark = pytest.mark.usefixtures("no_gate", "edge")
PROPERTY = settings(
    max_examples=examples(4, 12),
    phases=[Phase.explicit, Phase.generate],  # shrinking whole runs takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
MONDAY = date(2026, 11, 9)
ANSWERS = {f"q{item}": 3 for item in range(1, 27)}
FOLDERS = {"daily": "raw/daily", "night": "raw/garmin/sleeps", "survey": "raw/survey/whoqol26"}

#: One user, whichever source a record is from.
USER_MAP = UserMap((("garmin", "u1", "P1", None), ("survey", "u1", "P1", None)))

Delivery = tuple[str, dict[str, Any]]


def on(day: int) -> str:
    """A date, counted from Monday 2026-11-09."""
    return f"{MONDAY + timedelta(days=day)}"


def a_day(day: int, steps: int) -> Delivery:
    """A day with steps."""
    shift = {"startTimeInSeconds": MONDAY_START + day * 86_400, "calendarDate": on(day)}
    return "daily", daily_record("u1", 0, **shift, summaryId=f"s{day}", steps=steps)


def a_night(day: int, later: int = 0) -> Delivery:
    """A night from 23:00, or some minutes later, to the morning of a day."""
    shift = {"startTimeInSeconds": MONDAY_START + day * 86_400 - 3600 + 60 * later, "calendarDate": on(day)}
    return "night", night_record("u1", 1, **shift)


def a_survey(day: int, answers: dict[str, int] = ANSWERS, submitted: str = "21:00") -> Delivery:
    times = {"administered_at": f"{on(day)}T20:00:00+09:00", "submitted_at": f"{on(day)}T{submitted}:00+09:00"}
    return "survey", {"user_id": "u1", "instrument": "WHOQOL-BREF", **times, **answers}


def deliver(lake: Path, name: str, deliveries: Iterable[Delivery], **how: Any) -> None:
    """One run for deliveries that arrived together."""
    given = list(deliveries)
    for kind, folder in FOLDERS.items():
        write_lines(lake, "2026-11-17", [record for of, record in given if of == kind], folder=folder, name=name)
    run_lake(lake, user_map=USER_MAP, **how)


def published(lake: Path, folder: str, monday: date = MONDAY) -> pl.DataFrame:
    """Rows of a published partition."""
    return pl.read_parquet(lake / f"processed/{folder}/date={monday}/part-00000.parquet")


def the_week(lake: Path) -> dict[str, Any]:
    return published(lake, "weekly").row(0, named=True)


LAST_WEEK = [a_day(day, 1000) for day in range(-7, 0)] + [a_night(-1)]
THIS_WEEK = [a_day(day, 1500) for day in range(7)] + [a_night(day) for day in range(4)]


def in_one_run(lake: Path) -> None:
    deliver(lake, "a.jsonl", LAST_WEEK + THIS_WEEK)


def in_order(lake: Path) -> None:
    deliver(lake, "a.jsonl", LAST_WEEK)
    deliver(lake, "b.jsonl", THIS_WEEK)


def late(lake: Path) -> None:
    deliver(lake, "a.jsonl", THIS_WEEK)
    deliver(lake, "b.jsonl", LAST_WEEK)


@pytest.mark.parametrize("how", [in_one_run, in_order, late])
def test_a_week_is_compared_with_the_week_before_however_that_came(tmp_path: Path, how: Callable[[Path], None]) -> None:
    """Without Sunday's night there are 3 pairs of nights, with it 4."""
    how(tmp_path)
    week = the_week(tmp_path)
    assert (week["steps_mean"], week["steps_mean_change"]) == (1500.0, 500.0)
    assert week["sleep_regularity_pairs"] == 4


def change_records(lake: Path, monday: date, steps: int) -> None:
    """Other steps in a week's published records, as if the week had been computed from them wrongly."""
    file = lake / f"processed/records/garmin_dailies/date={monday}/part-00000.parquet"
    pl.read_parquet(file, hive_partitioning=False).with_columns(pl.lit(steps).alias("steps")).write_parquet(file)


def rebuild(lake: Path, monday: date) -> list[str]:
    """The weeks that a rebuild of one week replaced a file of."""
    return run_lake(lake, user_map=USER_MAP, rebuild=(monday, monday)).weeks


def test_a_rebuild_reaches_the_week_that_is_compared_with_the_one_rebuilt(tmp_path: Path) -> None:
    in_one_run(tmp_path)
    change_records(tmp_path, MONDAY - timedelta(days=7), steps=1200)
    assert rebuild(tmp_path, MONDAY - timedelta(days=7)) == ["2026-W45", "2026-W46"]
    assert the_week(tmp_path)["steps_mean_change"] == 300.0


def test_a_rebuild_reaches_the_questionnaire_of_the_week_after_the_next(tmp_path: Path) -> None:
    deliver(tmp_path, "a.jsonl", [a_survey(2), a_day(-12, 100)])
    change_records(tmp_path, MONDAY - timedelta(days=14), steps=700)
    assert rebuild(tmp_path, MONDAY - timedelta(days=14)) == ["2026-W44", "2026-W46"]
    assert windows(tmp_path) == [(date(2026, 11, 11), 50.0, 700.0, 1)]


def test_a_rebuild_leaves_a_week_alone_whose_records_are_not_there(tmp_path: Path) -> None:
    """Its days could not be made again."""
    in_one_run(tmp_path)
    change_records(tmp_path, MONDAY - timedelta(days=7), steps=1200)
    shutil.rmtree(tmp_path / f"processed/records/garmin_dailies/date={MONDAY}")
    shutil.rmtree(tmp_path / f"processed/records/garmin_sleeps/date={MONDAY}")
    assert rebuild(tmp_path, MONDAY - timedelta(days=7)) == ["2026-W45"]
    assert the_week(tmp_path)["steps_mean_change"] == 500.0


def test_a_backfill_reaches_the_week_that_is_compared_with_the_one_it_read(tmp_path: Path) -> None:
    deliver(tmp_path, "a.jsonl", THIS_WEEK)
    write_lines(tmp_path, "2026-11-09", [record for of, record in LAST_WEEK if of == "daily"], name="old.jsonl")
    run_lake(tmp_path, user_map=USER_MAP, backfill=(MONDAY, MONDAY))
    assert the_week(tmp_path)["steps_mean_change"] == 500.0


def windows(lake: Path) -> list[tuple[Any, ...]]:
    """Questionnaires of the week, their score, and the steps of their window with how many days they are of."""
    return published(lake, "survey_windows").select("day", "whoqol_physical_t100", "steps_mean", "steps_days").rows()


def test_a_late_day_of_the_fortnight_reaches_the_window(tmp_path: Path) -> None:
    deliver(tmp_path, "a.jsonl", [a_survey(2), a_day(-1, 200)])
    deliver(tmp_path, "b.jsonl", [a_day(-12, 100), a_day(-13, 9)])
    assert windows(tmp_path) == [(date(2026, 11, 11), 50.0, 150.0, 2)]


def test_a_questionnaire_taken_back_leaves_no_row(tmp_path: Path) -> None:
    deliver(tmp_path, "a.jsonl", [a_survey(2)])
    deliver(tmp_path, "b.jsonl", [a_survey(2, dict.fromkeys(ANSWERS, 0), submitted="22:00")])
    assert windows(tmp_path) == []


def test_an_open_week_has_no_windows_yet(tmp_path: Path) -> None:
    deliver(tmp_path, "a.jsonl", [a_survey(2), a_survey(7)])
    assert {path.parent.name for path in (tmp_path / "processed/survey_windows").rglob("*.parquet")} == {
        "date=2026-11-09"
    }


ALL = (
    [a_day(day, 1000 + 37 * day) for day in range(-21, 7)]
    + [a_night(day, later=(day % 5) * 30) for day in range(-14, 7)]
    + [a_survey(day) for day in (-14, -1, 2, 6)]
)


@pytest.mark.acceptance
@PROPERTY
@given(st.lists(st.integers(0, 2), min_size=len(ALL), max_size=len(ALL)), st.integers(-3, 0))
def test_any_split_of_weeks_into_runs_publishes_the_same_bytes(runs: list[int], again: int) -> None:
    def files(work: Callable[[Path], None]) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as folder:
            work(Path(folder))
            return published_files(Path(folder), *(f"processed/{of}" for of in ("daily", "weekly", "survey_windows")))

    def at_once(lake: Path) -> None:
        deliver(lake, "a.jsonl", ALL)

    def run_by_run(lake: Path) -> None:
        for number in range(3):
            chosen = [one for one, run in zip(ALL, runs, strict=True) if run == number]
            with split(buckets=number + 1):
                deliver(lake, f"{number}.jsonl", chosen)
        week = MONDAY + timedelta(weeks=again)
        run_lake(lake, user_map=USER_MAP, rebuild=(week, week))

    assert files(at_once) == files(run_by_run)
