from datetime import date
from typing import Any

import polars as pl
import pytest

from qol.contracts.columns import record_columns
from qol.ingest.results import row_schema
from qol.transform.merge import key_columns, merge, sorted_places, to_records
from tests.builders import CONTRACTS

from .builders import Row, a_day, a_night, delivered, merged, monday, records, utc

ORDERS = pytest.mark.parametrize("order", [1, -1], ids=["in this order", "the other way round"])


def only(name: str, *batches: list[Row]) -> dict[str, Any]:
    """The one record that is left after the batches."""
    (row,) = merged(name, *batches).records.to_dicts()
    return row


def in_every_way(name: str, rows: list[Row]) -> list[dict[str, Any]]:
    """What is left of two rows: in one run and in two, in both orders."""
    first, second = rows
    return [only(name, rows), only(name, rows[::-1]), only(name, [first], [second]), only(name, [second], [first])]


def a_version(steps: int | None, received: str | None, seconds: int | None = 86_400, **fields: Any) -> Row:
    """A version of the day 2026-11-09."""
    at = None if received is None else utc(received)
    return a_day("2026-11-09", steps=steps, duration_seconds=seconds, received_at=at) | fields


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        (a_version(9000, "2026-11-10 01:00"), a_version(4000, "2026-11-11 01:00", 43_200)),
        (a_version(8990, "2026-11-10 01:00:00.000001"), a_version(9000, "2026-11-10 01:00")),
        (a_version(10, "2026-11-10 01:00", 60), a_version(9000, "2026-11-11 01:00", None)),
        (a_version(1, "2026-11-10 00:00:01"), a_version(2, None, arrival_date=date(2026, 11, 10))),
        (a_version(2, None, arrival_date=date(2026, 11, 11)), a_version(1, "2026-11-10 23:59:59")),
        (a_version(1, "2026-11-11 00:00:01"), a_version(2, None, arrival_date=date(2026, 11, 11))),
        (a_version(4001, None, raw_object="z"), a_version(4000, None, raw_object="a")),
        (a_version(1, None, raw_object="z"), a_version(None, None, hr_sample_count=200, raw_object="a")),
    ],
    ids=[
        "the longest, also after a late retry",
        "of the same length the one received last",
        "a known length",
        "received after the arrival day of one without stamp began",
        "without stamp, arrived the day after",
        "received after the next arrival day began",
        "nothing else tells them apart: the fuller count",
        "a known count before none",
    ],
)
def test_of_two_versions_of_a_day_the_same_one_is_left_however_they_come(winner: Row, loser: Row) -> None:
    assert [row["steps"] for row in in_every_way("dailies", [winner, loser])] == [winner["steps"]] * 4


def a_document(steps: int, updated: str | None, **fields: Any) -> Row:
    """Oura's activity of 2026-11-09, with or without its update stamp."""
    stamp = None if updated is None else int(utc(updated).timestamp())
    return {"day": "2026-11-09", "calendar_date": date(2026, 11, 9), "steps": steps, "meta_updated_at": stamp} | fields


@pytest.mark.parametrize(
    ("received", "winner"),
    [
        ({"received_at": utc("2026-11-10 02:59:59")}, 1),
        ({"received_at": utc("2026-11-10 03:00:01")}, 2),
        ({"arrival_date": date(2026, 11, 10)}, 1),
        ({"arrival_date": date(2026, 11, 11)}, 2),
    ],
    ids=["received before", "received after", "on the day of", "the day after"],
)
def test_a_document_without_update_stamp_counts_as_updated_when_it_was_received(
    received: dict[str, Any], winner: int
) -> None:
    stamped = a_document(1, "2026-11-10 03:00", received_at=utc("2026-11-12 05:00"))
    unstamped = a_document(2, None, **received)
    found = in_every_way("oura_daily_activity", [stamped, unstamped])
    assert [row["steps"] for row in found] == [winner] * 4


def test_of_documents_updated_in_one_second_the_one_received_last_wins() -> None:
    early, late = (a_document(n, "2026-11-10 03:00", received_at=utc(f"2026-11-10 0{n}:00")) for n in (5, 6))
    assert [row["steps"] for row in in_every_way("oura_daily_activity", [early, late])] == [6] * 4


@pytest.mark.parametrize(
    ("name", "readings"),
    [
        ("healthkit_health_auto_export", [{"metric": "step_count", "time_seconds": 9, "value": n} for n in (1.0, 2.0, 9.0)]),
        ("oura_sleep", [{"document_id": "d", "total_sleep_duration": n, "bedtime_end": 9_999 - n} for n in (1, 2, 9)]),
        ("garmin_epochs", [{"start_time_seconds": 9, "duration_seconds": n, "steps": 10 - n} for n in (1, 2, 9)]),
        ("healthkit_workouts", [{"start_seconds": 9, "end_seconds": n, "energy_kcal": 10.0 - n} for n in (1, 2, 9)]),
    ],
)  # fmt: skip
def test_without_stamps_the_fullest_of_a_days_readings_is_left(name: str, readings: list[Row]) -> None:
    low, middle, full = ({"day": "2026-11-09", "raw_object": f"{n}"} | row for n, row in enumerate(readings))
    for order in ([low, middle, full], [full, low, middle], [middle, full, low]):
        assert only(name, order) == only(name, *[[row] for row in order]) == only(name, [full])


def test_a_field_of_intervals_settles_a_tie_too() -> None:
    stretches = {"a": [0, 5], "b": [0, 9], "c": None}
    nights = [
        a_night("2026-11-10", "2026-11-09 23:00", 400, asleep_intervals=pairs, raw_object=name)
        for name, pairs in stretches.items()
    ]
    for order in (nights, nights[::-1]):
        assert only("sleeps", order)["asleep_intervals"] == [0, 9]


def test_records_that_differ_only_in_what_was_noted_about_them_give_the_same_one_in_any_order() -> None:
    clean = a_day("2026-11-09", raw_object="a")
    noted = a_day("2026-11-09", raw_object="z", value_issues=["steps: string wrong_type"])
    left = [row["value_issues"] for row in in_every_way("dailies", [clean, noted])]
    assert left == [["steps: string wrong_type"]] * 4


def test_equal_records_keep_the_smallest_place() -> None:
    places = [("b", 1), ("a", 12), ("a", 3)]
    rows = [a_day("2026-11-09", steps=1, raw_object=name, line_number=line) for name, line in places]
    for order in (rows, rows[::-1]):
        row = only("dailies", order)
        assert (row["raw_object"], row["line_number"]) == ("a", 3)
        row = only("dailies", *[[row] for row in order])
        assert (row["raw_object"], row["line_number"]) == ("a", 3)


def test_what_came_and_what_won_is_counted_per_object() -> None:
    rows = [
        a_day("2026-11-09", steps=1, duration_seconds=100, object_index=4, raw_object="a"),
        a_day("2026-11-09", steps=2, duration_seconds=200, object_index=7, raw_object="b"),
        a_day("2026-11-10", steps=3, object_index=4, raw_object="a", line_number=2),
        a_day("2026-11-10", steps=3, object_index=7, raw_object="b", line_number=2),
    ]
    assert sorted(merged("dailies", rows).kept.rows()) == [(4, 2, 1), (7, 2, 1)]


def test_a_replay_changes_nothing_and_counts_as_kept() -> None:
    rows = [a_day("2026-11-09", steps=1), a_day("2026-11-10", steps=2, line_number=2)]
    once, again = merged("dailies", rows), merged("dailies", rows, rows)
    assert again.records.equals(once.records)
    assert again.kept.rows() == once.kept.rows() == [(0, 2, 2)]


def test_a_replay_of_what_a_run_did_not_publish_counts_as_superseded() -> None:
    lines = [a_day("2026-11-09", steps=1, raw_object=name, object_index=number) for number, name in enumerate("ab")]
    outcome = merged("dailies", lines, [lines[1]])
    assert outcome.records["raw_object"].to_list() == ["a"]
    assert outcome.kept.rows() == [(1, 1, 0)]


def test_a_line_that_holds_the_same_record_twice_gives_one_and_supersedes_one() -> None:
    outcome = merged("dailies", [a_day("2026-11-09", steps=1)] * 2)
    assert outcome.records.height == 1
    assert outcome.kept.rows() == [(0, 2, 1)]


@ORDERS
@pytest.mark.parametrize("count", [2, 500])
def test_a_line_that_holds_versions_nothing_tells_apart_gives_the_same_one_in_any_order(order: int, count: int) -> None:
    line = [a_day("2026-11-09", steps=steps) for steps in range(count)][::order]
    assert only("dailies", line)["steps"] == count - 1
    assert only("dailies", line, line)["steps"] == count - 1


@pytest.mark.parametrize(
    ("old", "new"), [(None, 7), (7, None), (900, 7)], ids=["a new column", "now refused", "mended"]
)
def test_a_line_that_is_read_again_under_a_changed_contract_replaces_its_old_row(old: Any, new: Any) -> None:
    row = a_day("2026-11-09", steps=9000, raw_object="a")
    outcome = merged("dailies", [row | {"floors": new}], start=records("dailies", [row | {"floors": old}]))
    assert outcome.records["floors"].to_list() == [new]
    assert outcome.kept.rows() == [(0, 1, 1)]


def test_a_line_of_a_duplicate_that_is_read_again_under_a_changed_contract_replaces_its_old_row() -> None:
    twice = [a_day("2026-11-09", raw_object=name, object_index=number) for number, name in enumerate("ab")]
    before = [row | {"steps": 60_000} for row in twice]
    now = [row | {"steps": None} for row in twice]
    outcome = merged("dailies", now, start=merged("dailies", before).records.drop("week"))
    assert outcome.records["raw_object", "steps"].rows() == [("a", None)]


def test_a_key_whose_day_moved_to_another_week_is_a_record_of_each_week() -> None:
    sunday = a_day("2026-11-15", steps=1, start_time_seconds=1_794_700_000)
    moved = a_day("2026-11-16", steps=2, start_time_seconds=1_794_700_000)
    within = a_day("2026-11-14", steps=3, start_time_seconds=1_794_700_000, received_at=utc("2026-11-17 00:00"))
    left = merged("dailies", [sunday], [moved], [within]).records
    assert left.select("week", "steps").rows() == [(monday("2026-11-14"), 3), (monday("2026-11-16"), 2)]


def test_two_users_never_share_a_record() -> None:
    rows = [a_day("2026-11-09", steps=n, user_id=user) for n, user in enumerate(("p2", "p1"))]
    assert merged("dailies", rows).records.select("user_id", "steps").rows() == [("p1", 1), ("p2", 0)]


def test_an_absent_code_in_a_key_is_a_value_of_its_own() -> None:
    bed = "2026-11-09 23:00"
    nights = [a_night("2026-11-10", bed, 400, validation) for validation in (None, "MANUAL", None)]
    assert merged("sleeps", nights).records["validation"].to_list() == ["MANUAL", None]


def test_records_are_sorted_by_user_week_and_key() -> None:
    rows = [
        a_day(day, user_id=user, start_time_seconds=start)
        for user in ("p2", "p1")
        for day, start in (("2026-11-16", 5), ("2026-11-10", 9), ("2026-11-09", 7))
    ]
    left = merged("dailies", rows).records
    assert left["user_id"].to_list() == ["p1"] * 3 + ["p2"] * 3
    assert left["start_time_seconds"].to_list() == [7, 9, 5] * 2


def test_without_new_rows_the_published_ones_stay_as_they_are() -> None:
    published = records("dailies", [a_day("2026-11-09", steps=1), a_day("2026-11-10", steps=2)])
    outcome = merged("dailies", [], start=published)
    assert outcome.records.drop("week").equals(published)
    assert outcome.kept.height == 0


@pytest.mark.parametrize("contract", CONTRACTS.sources, ids=lambda c: c.name)
def test_nothing_merges_to_nothing(contract: Any) -> None:
    nothing = delivered(contract.name, [])
    names = [column.name for column in record_columns(contract)]
    for published in (None, records(contract.name, [])):
        outcome = merge(nothing, published, contract)
        assert outcome.records.shape == (0, len(names) + 1)
        assert outcome.kept.height == 0


def ingested(name: str, **row: Any) -> pl.DataFrame:
    """One row as an ingest task gives it: days and times as integers."""
    schema = row_schema(CONTRACTS.by_name[f"garmin_{name}"])
    return pl.DataFrame({column: [row.get(column)] for column in schema}, schema=schema)


def as_record(name: str, offsets: dict[str, list[int]] | None = None, **row: Any) -> dict[str, Any]:
    """The record row of an ingest row of the second of two objects."""
    places = dict.fromkeys(("object_index", "range_start", "lines_before"), pl.Int64)
    rows = ingested(name, object_index=1, **({"line_number": 3, "range_start": 0} | row))
    contract = CONTRACTS.by_name[f"garmin_{name}"]
    frame = to_records(rows, contract, pl.Series(["hash-a", "hash-b"]), pl.DataFrame(offsets or {}, schema=places))
    return frame.to_dicts()[0]


def test_days_and_times_become_real_ones_and_the_place_names_the_object() -> None:
    row = as_record(
        "userMetrics", day=20_766, calendar_date=20_766, arrival_date=20_767, received_at=1_794_268_800_000_000
    )
    assert row["day"] == row["calendar_date"] == utc("2026-11-09").date()
    assert row["arrival_date"] == utc("2026-11-10").date()
    assert row["received_at"] == utc("2026-11-10 00:00")
    assert row["source_timestamp"] is None
    assert (row["raw_object"], row["line_number"]) == ("hash-b", 3)


def test_the_record_key_shows_the_values_of_the_key() -> None:
    assert as_record("userMetrics", calendar_date=20_766)["record_key"] == "2026-11-09"
    night: dict[str, Any] = {"start_time_seconds": 1_794_231_000, "duration_seconds": 26_280}
    assert as_record("sleeps", validation="DEVICE", **night)["record_key"] == "1794231000|26280|DEVICE"
    assert as_record("sleeps", **night)["record_key"] == "1794231000|26280|"


def test_lines_count_from_the_start_of_an_object_that_was_split() -> None:
    offsets = {"object_index": [0, 1], "range_start": [500, 500], "lines_before": [11, 40]}
    assert as_record("hrv", offsets, range_start=500)["line_number"] == 43
    assert as_record("hrv", offsets, range_start=0)["line_number"] == 3


def a_workout(number: int, uuid: str | None, start: int = 1_794_178_963, **fields: Any) -> Row:
    return {"uuid": uuid, "start_seconds": start, "workout_type": "OTHER", "step_count": number} | fields


@pytest.mark.parametrize(
    ("workouts", "left"),
    [
        ([a_workout(1, "a"), a_workout(2, "b")], [1, 2]),
        ([a_workout(1, "a"), a_workout(2, "a", start=1_794_179_000, workout_type="WALKING")], [2]),
        ([a_workout(1, None, name_hash="walk"), a_workout(2, None, name_hash="swim")], [1, 2]),
        ([a_workout(1, None, name_hash="walk"), a_workout(2, None, name_hash="walk")], [2]),
        ([a_workout(1, None, workout_type="WALKING"), a_workout(2, None, workout_type="WALKING")], [2]),
        ([a_workout(1, "a"), a_workout(2, None)], [1, 2]),
    ],
    ids=[
        "two ids",
        "one id",
        "two names without id",
        "one name without id",
        "one kind without id",
        "with and without id",
    ],
)
def test_a_workout_is_known_by_its_id_else_by_start_kind_and_name(workouts: list[Row], left: list[int]) -> None:
    stamped = [{**row, "received_at": utc(f"2026-11-10 0{n}:00")} for n, row in enumerate(workouts)]
    for batches in ([stamped], [stamped[::-1]], [[row] for row in stamped], [[row] for row in stamped[::-1]]):
        records = merged("healthkit_workouts", *batches).records
        assert sorted(records["step_count"]) == left


def test_the_key_of_a_workout_has_only_what_names_it() -> None:
    """Either its id, or start, kind and hash of its name."""
    contract = CONTRACTS.by_name["healthkit_workouts"]
    rows = pl.DataFrame([a_workout(1, "a", name_hash="n"), a_workout(2, None, name_hash="n")])
    keys = rows.select(**key_columns(contract)).rows()
    assert keys == [("a", None, None, None), (None, 1_794_178_963, "OTHER", "n")]


@pytest.mark.parametrize(
    ("columns", "places"),
    [
        ([([3, None, -(2**62), 2**62, 3, 3], False), (["b", "a", "a", "a", None, "a"], True)], [2, 0, 5, 4, 3, 1]),
        (
            [([True, None, False, True, False, None], True), ([1.5, -2.0, 0.0, None, -1e300, 7.0], False)],
            [0, 3, 4, 2, 1, 5],
        ),
        ([([date(2026, 11, 9), date(1960, 1, 1), None], True), ([1, 1, 1], False)], [0, 1, 2]),
        ([([2**61, 0, 2**61], False), ([0, 2**61, 5], False), ([1, 1, 0], True)], [1, 0, 2]),
        ([([2**61, 0, 2**61, 0], False), ([2**61, 1, 0, 5], False)], [1, 3, 2, 0]),
        ([([n % 2 for n in range(200)], False)], [*range(0, 200, 2), *range(1, 200, 2)]),
    ],
    ids=[
        "whole numbers far apart and texts",
        "flags and decimals",
        "dates",
        "more than one number holds",
        "two ties of more than one number",
        "equal rows",
    ],
)
def test_rows_are_sorted_by_columns_of_any_type_each_up_or_down_nulls_last(
    columns: list[tuple[list[Any], bool]], places: list[int]
) -> None:
    assert sorted_places([(pl.Series(values), falls) for values, falls in columns]).tolist() == places
