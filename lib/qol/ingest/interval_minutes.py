"""Intervals of a record, from structs or from a text of one character per step, as minutes of its local day."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np

from qol.contracts.fields import Field, SampleRule
from qol.contracts.interval_union import union_by_row
from qol.ingest.local_day import DAY_SECONDS, zone_offset
from qol.ingest.sample_structs import Interval, has_samples, stretches

#: Minutes before and after the day's local midnight that an interval may cover: two days to each side.
EARLIEST_MINUTE, LATEST_MINUTE = -2_880, 2_880


def parse_intervals(rule: SampleRule, value: object, text_start: int | None) -> tuple[list[Interval], int] | None:
    """Intervals in Unix time, and the number of invalid ones; None when the value has another type than the rule says.

    `text_start` is the start of the first character of a text; without it a text gives no intervals.
    """
    if rule.characters is not None:
        return (_of_text(rule, value, text_start), 0) if isinstance(value, str) else None
    if not isinstance(value, dict | list) or not has_samples(rule, value):
        return None
    return stretches(rule, value)


def day_minutes(
    found: Sequence[Sequence[Interval]], midnights: Sequence[int]
) -> Iterator[tuple[list[int] | None, int]]:
    """For each of many days pairs of whole minutes after its midnight, a Unix time; and the number of those too far away.

    Pairs are sorted and joined where they touch. Both ends are floored, so that consecutive intervals still touch; an
    interval without a whole minute is dropped.
    """
    days = np.repeat(np.arange(len(found)), [len(each) for each in found])
    ends = np.array(list(chain.from_iterable(found)), np.int64).reshape(-1, 2)
    start, end = ((ends - np.array(midnights, np.int64)[days, None]) // 60).T
    near = (start >= EARLIEST_MINUTE) & (end <= LATEST_MINUTE)
    kept = near & (start < end)
    of_day, *joined = union_by_row(days[kept], start[kept], end[kept])
    minutes = np.stack(joined, axis=1).reshape(-1).tolist()
    places = 2 * np.searchsorted(of_day, np.arange(len(found) + 1))
    outside = np.bincount(days[~near], minlength=len(found)).tolist()
    return zip((minutes[first:last] or None for first, last in pairwise(places.tolist())), outside, strict=True)


def _of_text(rule: SampleRule, text: str, start: int | None) -> list[Interval]:
    if start is None or rule.characters is None:
        return []
    runs = re.finditer(f"[{re.escape(rule.characters)}]+", text)
    return [
        (start + round(run.start() * rule.seconds_each), start + round(run.end() * rule.seconds_each)) for run in runs
    ]


def interval_minutes(
    spec: Field, values: Sequence[object], rows: Sequence[Mapping[str, Any]], homes: Sequence[str]
) -> list[tuple[list[int] | None, str | None]]:
    """An intervals field's values for rows whose `day` is known, each with an issue when some of it was not usable.

    Local time is that of the row's start, or of the first interval in the zone of `homes` when the row has no start.
    """
    rule = spec.samples
    invalid: list[int | None] = [None] * len(values)
    minutes: list[list[int] | None] = [None] * len(values)
    usable: dict[int, list[Interval]] = {}
    midnights: list[int] = []
    for place, (value, row, home) in enumerate(zip(values, rows, homes, strict=True)):
        found = parse_intervals(rule, value, row[rule.start_field] if rule.start_field else None) if rule else None
        if found is None:
            continue
        intervals, invalid[place] = found
        if intervals:
            offset = row["utc_offset_seconds"]
            offset = zone_offset(home, min(intervals)[0]) if offset is None else offset
            usable[place] = intervals
            midnights.append(row["day"] * DAY_SECONDS - offset)
    for place, (found_minutes, outside) in zip(usable, day_minutes(list(usable.values()), midnights), strict=True):
        minutes[place] = found_minutes
        invalid[place] = (invalid[place] or 0) + outside
    return list(zip(minutes, map(_issue, invalid), strict=True))


def _issue(invalid: int | None) -> str | None:
    if invalid is None:
        return "wrong_type"
    return f"{invalid} samples out_of_range" if invalid else None
