"""Which intervals overlap or touch, and what is left when those are joined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qol.contracts.interval_union import chain_numbers, union, union_by_row


def joined(*intervals: tuple[int, int]) -> list[tuple[int, int]]:
    start, end = np.array(intervals, np.int64).reshape(-1, 2).T
    return list(zip(*(edge.tolist() for edge in union(start, end)), strict=True))


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ([], []),
        ([(5, 7)], [(5, 7)]),
        ([(5, 7), (0, 3)], [(0, 3), (5, 7)]),
        ([(3, 5), (0, 3)], [(0, 5)]),
        ([(0, 9), (2, 3), (4, 10)], [(0, 10)]),
    ],
    ids=["none", "one", "apart", "touching", "one inside another"],
)
def test_a_union_is_sorted_and_its_intervals_are_apart(
    intervals: list[tuple[int, int]], expected: list[tuple[int, int]]
) -> None:
    assert joined(*intervals) == expected


@given(st.lists(st.tuples(st.integers(-20, 40), st.integers(1, 9)), max_size=12))
def test_a_union_covers_the_minutes_that_any_interval_covers(lengths: list[tuple[int, int]]) -> None:
    minutes = {minute for start, length in lengths for minute in range(start, start + length)}
    starts = sorted(minute for minute in minutes if minute - 1 not in minutes)
    ends = sorted(minute + 1 for minute in minutes if minute + 1 not in minutes)
    found = joined(*[(start, start + length) for start, length in lengths])
    assert found == list(zip(starts, ends, strict=True))


def test_intervals_of_two_rows_are_never_joined() -> None:
    row, start, end = np.array([(1, -2, 3), (0, 5, 9), (0, -2, 6), (1, 3, 4), (3, 0, 9)], np.int64).T
    found = zip(*(values.tolist() for values in union_by_row(row, start, end)), strict=True)
    assert list(found) == [(0, -2, 9), (1, -2, 4), (3, 0, 9)]


@pytest.mark.parametrize(
    ("gap", "numbers"), [(-1, [0, 0, 1, 2]), (0, [0, 0, 0, 1]), (1, [0, 0, 0, 1]), (2, [0, 0, 0, 0])]
)
def test_intervals_at_most_a_gap_apart_are_of_one_chain(gap: int, numbers: list[int]) -> None:
    start, end = np.array([(0, 9), (1, 3), (9, 10), (12, 13)], np.int64).T
    assert chain_numbers(start, end, gap=gap).tolist() == numbers
