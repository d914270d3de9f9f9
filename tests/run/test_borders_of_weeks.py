"""Sunday and Monday: what lasts over the border of two weeks, or moved across it, counts once, however it was delivered."""

import random
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.builders import published_files, run_lake, split, write_lines
from tests.effort import examples

pytestmark = pytest.mark.usefixtures("no_gate", "edge")
SUNDAY, MONDAY = date(2026, 11, 8), date(2026, 11, 9)
#: The Mondays of their weeks, 2026-W45 and 2026-W46.
BEFORE, AFTER = date(2026, 11, 2), MONDAY
FOLDERS = {
    "night": "raw/oura/sleep",
    "sample": "raw/healthkit/measurements",
    "bucket": "raw/healthkit/health_auto_export",
    "activity": "raw/oura/daily_activity",
    "score": "raw/oura/daily_sleep",
    "fitness": "raw/garmin/userMetrics",
}

Delivery = tuple[str, dict[str, Any]]


def a_night(day: date, updated: str, asleep: int = 25_200, document: str = "a") -> Delivery:
    """An Oura document of the night from Sunday to Monday, told on a day."""
    times = {"bedtime_start": "2026-11-08T23:00:00+09:00", "bedtime_end": "2026-11-09T07:00:00+09:00"}
    head = {"user_id": "u1", "id": document, "day": f"{day}", "type": "long_sleep", "meta": {"updated_at": updated}}
    return "night", head | times | {"time_in_bed": 28_800, "total_sleep_duration": asleep}


def steps(start: str, end: str, value: float, device: str = "iPhone16,1", uuid: str = "a") -> Delivery:
    """Steps between two times of November 2026 in Tokyo, such as `08T23:30`."""
    times = {"start": f"2026-11-{start}:00+09:00", "end": f"2026-11-{end}:00+09:00"}
    one = {"uuid": uuid, "type": "HKQuantityTypeIdentifierStepCount", "value": value, "unit": "count"}
    return "sample", {"user_id": "u1", "measurements": [one | times | {"device": {"model": device}}]}


def buckets(source: str, *rows: tuple[str, float]) -> Delivery:
    """Steps that the app for exports posts together: local times of November 2026 with their offset, such as `08 23:00:00 +0900`."""
    data = [{"date": f"2026-11-{at}", "qty": value, "source": source} for at, value in rows]
    return "bucket", {"user_id": "u1", "data": {"metrics": [{"name": "step_count", "units": "count", "data": data}]}}


def deleted(uuid: str) -> Delivery:
    return "sample", {"user_id": "u1", "deleted": [{"uuid": uuid}]}


def deliver(lake: Path, *runs: Sequence[Delivery], **how: Any) -> list[list[str]]:
    """One run for the deliveries of each; the weeks that each replaced a file of."""
    weeks = []
    for number, arrived in enumerate(runs):
        for kind, folder in FOLDERS.items():
            lines = [record for of, record in arrived if of == kind]
            if lines:
                write_lines(lake, "2026-11-17", lines, folder=folder, name=f"{number}-{len(arrived)}.jsonl")
        weeks.append(run_lake(lake, **how).weeks)
    return weeks


def daily(lake: Path, *columns: str) -> list[tuple[Any, ...]]:
    """Days of both weeks with some columns."""
    files = sorted((lake / "processed/daily").rglob("*.parquet"))
    return [row for file in files for row in pl.read_parquet(file).select("day", *columns).iter_rows()]


MOVED = [a_night(SUNDAY, "2026-11-09T01:00:00Z", 20_000), a_night(MONDAY, "2026-11-10T01:00:00Z")]


@pytest.mark.parametrize("runs", [[MOVED], [MOVED[:1], MOVED[1:]], [MOVED[1:], MOVED[:1]]], ids=["1", "2", "late"])
def test_a_document_that_moved_to_monday_counts_there_only(tmp_path: Path, runs: list[list[Delivery]]) -> None:
    deliver(tmp_path, *runs)
    assert daily(tmp_path, "sleep_minutes") == [(MONDAY, 420.0)]
    stored = pl.read_parquet(sorted((tmp_path / "processed/records/oura_sleep").rglob("*.parquet")))
    assert sorted(stored["day"]) == [SUNDAY, MONDAY]


def of_a_day(kind: str, day: str, received: str, document: str = "a") -> Delivery:
    """A document of November 2026 whose key is its day, received at an hour of the 17th."""
    field = {"activity": "steps", "score": "score", "fitness": "vo2Max"}[kind]
    ids = {"userId": "u1", "summaryId": document, "calendarDate": f"2026-11-{day}"}
    if kind != "fitness":
        ids = {"user_id": "u1", "id": document, "day": f"2026-11-{day}"}
    return kind, {**ids, field: 50, "_received_at": f"2026-11-17T{received}:00:00Z"}


@pytest.mark.parametrize(
    ("kind", "first", "then", "at_once", "order"),
    [
        ("activity", "08", "09", False, [0, 1]),
        ("activity", "09", "08", False, [1, 0]),
        ("score", "08", "09", True, [1, 0]),
        ("score", "10", "11", False, [1, 0]),
        ("fitness", "10", "11", True, [0, 1]),
        ("fitness", "08", "09", False, [1, 0]),
    ],
)
def test_a_document_whose_key_is_its_day_counts_once_when_it_moves(
    tmp_path: Path, kind: str, first: str, then: str, at_once: bool, order: list[int]
) -> None:
    versions = [of_a_day(kind, first, "01"), of_a_day(kind, then, "02")]
    others = [of_a_day(kind, "12", "01", "b"), of_a_day(kind, "13", "02", "c")]
    arrived = [versions[number] for number in order]
    deliver(tmp_path, *([[*arrived, *others]] if at_once else [[one] for one in (*arrived, *others)]))
    column = {"activity": "steps", "score": "sleep_score", "fitness": "vo2max"}[kind]
    assert daily(tmp_path, column) == [(date(2026, 11, int(day)), 50) for day in (then, "12", "13")]


def test_documents_without_an_id_are_told_apart_by_their_day(tmp_path: Path) -> None:
    nameless = [
        (kind, record | {"id": None}) for kind, record in (of_a_day("activity", d, "01") for d in ("08", "09", "10"))
    ]
    deliver(tmp_path, nameless)
    assert len(daily(tmp_path, "steps")) == 3


def test_a_document_that_moved_back_to_sunday_counts_there_only(tmp_path: Path) -> None:
    back = a_night(SUNDAY, "2026-11-11T01:00:00Z", 18_000)
    assert deliver(tmp_path, MOVED[1:], [back]) == [["2026-W46"], ["2026-W45", "2026-W46"]]
    assert daily(tmp_path, "sleep_minutes") == [(SUNDAY, 300.0)]


def test_other_documents_and_other_users_of_the_border_stay(tmp_path: Path) -> None:
    kind, other = a_night(SUNDAY, "2026-11-09T01:00:00Z", 20_000)
    deliver(tmp_path, [MOVED[1], (kind, other | {"user_id": "u2"})])
    assert daily(tmp_path, "sleep_minutes") == [(SUNDAY, 333.3333333333), (MONDAY, 420.0)]


def test_a_backfill_of_the_document_that_moved_reaches_the_week_it_left(tmp_path: Path) -> None:
    deliver(tmp_path, MOVED[:1])
    write_lines(tmp_path, "2026-10-01", [], folder=FOLDERS["night"])
    deliver(tmp_path, MOVED[1:], backfill=(date(2026, 11, 17), date(2026, 11, 17)))
    assert daily(tmp_path, "sleep_minutes") == [(MONDAY, 420.0)]


def test_a_walk_over_midnight_of_sunday_gives_the_next_week_a_day_before_it_has_a_record(tmp_path: Path) -> None:
    assert deliver(tmp_path, [steps("08T23:30", "09T00:30", 600)]) == [["2026-W45", "2026-W46"]]
    assert daily(tmp_path, "steps") == [(SUNDAY, 300), (MONDAY, 300)]
    assert not list((tmp_path / "processed/records/healthkit_measurements").glob(f"date={AFTER}"))
    weekly = pl.read_parquet(tmp_path / f"processed/weekly/date={AFTER}/part-00000.parquet")
    assert weekly["days_observed"].to_list() == [1]


def test_a_week_whose_only_day_is_of_the_week_before_can_be_rebuilt(tmp_path: Path) -> None:
    deliver(tmp_path, [steps("08T23:30", "09T00:30", 600)])
    again = run_lake(tmp_path, rebuild=(AFTER, AFTER))
    assert (again.status, again.weeks) == ("nothing_to_do", [])


def test_a_week_whose_only_day_came_from_a_deleted_walk_is_emptied(tmp_path: Path) -> None:
    deliver(tmp_path, [steps("08T23:30", "09T00:30", 600)], [deleted("a")])
    assert daily(tmp_path, "steps") == []
    assert pl.read_parquet(tmp_path / f"processed/weekly/date={AFTER}/part-00000.parquet").is_empty()


@pytest.mark.parametrize("first", [0, 1])
def test_a_watch_on_monday_takes_its_time_from_the_phones_walk_of_sunday(tmp_path: Path, first: int) -> None:
    walks = [steps("08T23:30", "09T00:30", 600), steps("09T00:00", "09T00:15", 100, "Watch6,1", "b")]
    deliver(tmp_path, [walks[first]], [walks[1 - first]])
    assert daily(tmp_path, "steps", "dropped_overlap_minutes") == [(SUNDAY, 300, 0.0), (MONDAY, 250, 15.0)]


def near_the_border(seed: int) -> list[Delivery]:
    """Documents, walks and deletions from Friday to Tuesday, of few ids."""
    choose = random.Random(seed)
    given = []
    for number in range(14):
        day, hour = choose.choice(["06", "07", "08", "09", "10"]), choose.randrange(24)
        stamp = f"2026-11-17T{choose.randrange(3):02d}:00:00Z"
        kind = choose.randrange(9)
        if kind > 5:
            device, offset = choose.choice(["Watch", "iPhone"]), choose.choice(["+0900", "-0500"])
            clock = choose.choice([f"{hour:02d}:%02d", "00:00", f"{hour:02d}:00", "23:%02d"])
            minutes = sorted(choose.sample(range(0, 60, 5), choose.choice([1, 3]))) if "%" in clock else [0]
            rows = [(f"{day} {clock % m if '%' in clock else clock}:00 {offset}", 10.0 * hour + m) for m in minutes]
            one = buckets(device, *rows)
        elif kind < 2:
            one = a_night(date(2026, 11, int(day)), stamp, 3600 * (hour % 8), choose.choice("ab"))
        elif kind < 5:
            end = f"{int(day) + choose.choice([0, 1, 2]):02d}T{hour:02d}:45"
            one = steps(f"{day}T{hour:02d}:15", end, 60 * hour, choose.choice(["Watch6,1", "iPhone16,1"]), f"w{number}")
        else:
            one = deleted(f"w{choose.randrange(14)}")
        given.append((one[0], one[1] | {"_received_at": stamp}))
    return given


def files_of(work: Callable[[Path], object]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        work(Path(folder))
        return published_files(Path(folder), "processed/daily", "processed/weekly")


@settings(
    max_examples=examples(2, 20),
    phases=[Phase.explicit, Phase.generate],  # shrinking whole runs takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 2), min_size=14, max_size=14))
def test_any_split_into_runs_publishes_the_same_days_and_weeks(seed: int, runs: list[int]) -> None:
    given = near_the_border(seed)

    def run_by_run(lake: Path) -> None:
        for number in (0, 1, 2):
            with split(buckets=number + 1):
                deliver(lake, [one for one, run in zip(given, runs, strict=True) if run == number])

    assert files_of(run_by_run) == files_of(lambda lake: deliver(lake, given))
