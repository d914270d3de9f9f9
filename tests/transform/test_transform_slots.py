"""A delivery replaces its whole slot: rows of an older delivery go, whatever they are about."""

from typing import Any

from .builders import Row, contract_of, merged, utc

EPOCHS = """
source: wrist
record: epochs
key: [start_seconds, activity]
slot: [start_seconds]
source_timestamp: start_seconds
fields:
  start_seconds: {path: start, type: epoch_seconds, description: Start of the slot.}
  activity: {path: activity, type: code, description: What was done.}
  steps: {path: steps, type: integer, description: Steps.}
daily: {steps: {value: steps, over: sum}}
"""
EARLY, LATE = utc("2026-11-10 08:00"), utc("2026-11-10 09:00")


def an_epoch(activity: str, steps: int, **fields: Any) -> Row:
    return {"start_seconds": 1_794_160_000, "activity": activity, "steps": steps, "received_at": EARLY} | fields


def left(*batches: list[Row]) -> list[tuple[str, str, int]]:
    rows = merged(contract_of(EPOCHS), *batches).records
    return [tuple(row) for row in rows.select("user_id", "activity", "steps").iter_rows()]


def test_a_slot_has_one_row_per_activity_of_its_last_delivery() -> None:
    first = [an_epoch("SEDENTARY", 0), an_epoch("WALKING", 80), an_epoch("RUNNING", 30)]
    again = [an_epoch("SEDENTARY", 0, received_at=LATE), an_epoch("WALKING", 95, received_at=LATE)]
    expected = [("p1", "SEDENTARY", 0), ("p1", "WALKING", 95)]
    assert left(first + again) == left(first, again) == left(again, first) == left(first, again, first) == expected


def test_other_slots_and_other_users_are_not_replaced() -> None:
    first = [an_epoch("WALKING", 80), an_epoch("WALKING", 70, user_id="p2")]
    later = [an_epoch("RUNNING", 9, received_at=LATE, start_seconds=1_794_160_900)]
    assert left(first, later) == [("p1", "WALKING", 80), ("p1", "RUNNING", 9), ("p2", "WALKING", 70)]


def test_rows_of_a_replaced_slot_count_as_superseded() -> None:
    first = [an_epoch("WALKING", 80), an_epoch("RUNNING", 30)]
    again = [an_epoch("SEDENTARY", 0, received_at=LATE, object_index=1)]
    counts = merged(contract_of(EPOCHS), first + again).kept.sort("object_index")
    assert counts.rows() == [(0, 2, 0), (1, 1, 1)]
