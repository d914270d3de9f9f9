"""A reading that comes again under another id counts once."""

from datetime import date
from itertools import permutations

import pytest

from .builders import MEASUREMENTS, Row, contract_of, days_of, picked, the_day_of, utc

VERSION = "version: [revision]"
REVISION = "  revision: {path: revision, type: integer, description: Version.}\n"
DAILY = """
same: [kind, start_seconds, end_seconds, value, app]
daily:
  floors: {value: value, over: sum, where: "kind = 'FLOORS'"}
  mean_hr_bpm: {value: value, over: mean, where: "kind = 'HEART'"}
"""
CONTRACT = contract_of(MEASUREMENTS + REVISION, VERSION, DAILY)


def a_floor(uuid: str, **fields: object) -> Row:
    """A flight of stairs at one instant."""
    return {"uuid": uuid, "kind": "FLOORS", "start_seconds": 60, "end_seconds": 60, "value": 1.0, "app": "a"} | fields


def test_a_reading_under_two_ids_is_one_in_sums_and_in_means() -> None:
    heart = [a_floor(f"h{n}", kind="HEART", value=value) for n, value in enumerate((60.0, 60.0, 90.0))]
    assert picked(the_day_of(CONTRACT, [a_floor("a"), a_floor("b"), *heart]), "floors", "mean_hr_bpm") == (1, 75.0)


@pytest.mark.parametrize(
    "other",
    [{"start_seconds": 59}, {"end_seconds": 61}, {"value": 1.5}, {"app": "b"}, {"app": None}, {"user_id": "p2"}],
)
def test_readings_that_differ_in_anything_are_two(other: Row) -> None:
    rows = days_of(CONTRACT, [a_floor("a"), a_floor("b") | other])
    assert sum(row["floors"] for row in rows) == (2.5 if "value" in other else 2)


def test_readings_without_a_value_for_one_of_the_fields_are_equal_in_it() -> None:
    assert the_day_of(CONTRACT, [a_floor("a", app=None), a_floor("b", app=None)])["floors"] == 1


def test_of_equal_readings_the_highest_version_stays_then_the_one_received_first_then_the_first_by_key() -> None:
    """They differ in their day, because the second came with the clock of another place."""
    monday, tuesday, wednesday = (date(2026, 11, day) for day in (9, 10, 11))
    early, late = utc("2026-11-12 01:00"), utc("2026-11-12 02:00")
    rows = [
        a_floor("c", day=monday, received_at=early),
        a_floor("b", day=tuesday, received_at=late, revision=2),
        a_floor("a", day=wednesday, received_at=late),
    ]
    for order in permutations(rows):
        assert [row["day"] for row in days_of(CONTRACT, order) if row["floors"]] == [tuesday]
    for order in permutations([rows[0], rows[2], a_floor("0", day=tuesday, received_at=early)]):
        assert [row["day"] for row in days_of(CONTRACT, order) if row["floors"]] == [tuesday]
