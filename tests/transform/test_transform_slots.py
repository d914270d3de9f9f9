"""A delivery replaces its whole slot: rows of an older delivery go, whatever they are about."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .builders import Row, utc
from .inline import contract_of, merged_of, the_day_of
from .test_transform_any_order import as_bytes

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
VERSIONED = "version: [steps]"
EARLY, LATE = utc("2026-11-10 08:00"), utc("2026-11-10 09:00")


def an_epoch(activity: str, steps: int, **fields: Any) -> Row:
    return {"start_seconds": 1_794_160_000, "activity": activity, "steps": steps, "received_at": EARLY} | fields


def left(*batches: list[Row]) -> list[tuple[str, str, int]]:
    rows = merged_of(contract_of(EPOCHS), *batches).records
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
    counts = merged_of(contract_of(EPOCHS), first + again).kept.sort("object_index")
    assert counts.rows() == [(0, 2, 0), (1, 1, 1)]


def test_a_day_counts_a_slot_once() -> None:
    contract = contract_of(EPOCHS)
    first = [an_epoch("WALKING", 80), an_epoch("RUNNING", 30)]
    rows = merged_of(contract, first, [an_epoch("WALKING", 95, received_at=LATE)]).records
    assert the_day_of(contract, rows.drop("week").to_dicts())["steps"] == 95


epochs = st.builds(
    an_epoch,
    st.sampled_from(["SEDENTARY", "WALKING", "RUNNING"]),
    st.integers(0, 3),
    start_seconds=st.sampled_from([1_794_160_000, 1_794_160_900]),
    user_id=st.sampled_from(["p1", "p2"]),
    received_at=st.sampled_from([None, EARLY, LATE]),
    raw_object=st.sampled_from("ab"),
    line_number=st.integers(1, 3),
)


@pytest.mark.parametrize("version", ["", VERSIONED])
@settings(max_examples=40)
@given(st.lists(epochs, min_size=1, max_size=10), st.data())
def test_any_order_split_and_repetition_of_deliveries_leaves_the_same_rows(
    version: str, rows: list[Row], data: st.DataObject
) -> None:
    contract = contract_of(EPOCHS, version or "{}")
    order = data.draw(st.permutations(rows + data.draw(st.lists(st.sampled_from(rows), max_size=5))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), max_size=3)))
    batches = [order[start:stop] for start, stop in pairwise([0, *cuts, len(order)])]
    at_once, in_pieces = merged_of(contract, rows).records, merged_of(contract, *batches).records
    assert as_bytes(in_pieces) == as_bytes(at_once)
