"""Unions of intervals on one axis: the one place that decides which of them overlap or touch."""

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]


def chain_numbers(start: Whole, end: Whole, *, gap: int = 0) -> Whole:
    """The chain of each interval, numbered from 0: intervals at most `gap` apart are of one chain.

    The intervals are sorted by start, in one unit with `gap`. With a gap of 0 those that touch are of one chain, with -1
    only those that overlap.
    """
    reach = np.maximum.accumulate(end)
    is_next = start[1:] > reach[:-1] + gap
    return np.cumsum(np.concatenate(([False], is_next)))[: start.size]


def union(start: Whole, end: Whole) -> tuple[Whole, Whole]:
    """Intervals in any order as their union: sorted starts and ends, those that overlap or touch as one."""
    order = np.argsort(start, kind="stable")
    start, end = start[order], end[order]
    first = np.flatnonzero(np.diff(chain_numbers(start, end), prepend=-1))
    return start[first], np.maximum.reduceat(end, first)


def union_by_row(row: Whole, start: Whole, end: Whole) -> tuple[Whole, Whole, Whole]:
    """As `union`, of each row's intervals apart: rows in rising order, each with its sorted starts and ends."""
    if not row.size:
        return row, start, end
    low = start.min()
    length = end.max() - low + 1  # so that no row touches the next
    begin, finish = union(row * length + start - low, row * length + end - low)
    row = begin // length
    return row, begin - row * length + low, finish - row * length + low
