"""Intervals of a record, from structs or from a text of one character per step, as minutes of its local day."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from qol.contracts.fields import Field, SampleRule
from qol.contracts.interval_union import union
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


def day_minutes(found: Iterable[Interval], midnight: int) -> tuple[list[int] | None, int]:
    """Pairs of whole minutes after a Unix time, sorted and joined where they touch; and the number of those too far away.

    Both ends are floored, so that consecutive intervals still touch; an interval without a whole minute is dropped.
    """
    pairs = [((start - midnight) // 60, (end - midnight) // 60) for start, end in found]
    near = [pair for pair in pairs if pair[0] >= EARLIEST_MINUTE and pair[1] <= LATEST_MINUTE]
    lasting = np.array([pair for pair in near if pair[0] < pair[1]], np.int64).reshape(-1, 2)
    edges = np.stack(union(*lasting.T), axis=1).reshape(-1)
    return edges.tolist() or None, len(pairs) - len(near)


def _of_text(rule: SampleRule, text: str, start: int | None) -> list[Interval]:
    if start is None or rule.characters is None:
        return []
    runs = re.finditer(f"[{re.escape(rule.characters)}]+", text)
    return [
        (start + round(run.start() * rule.seconds_each), start + round(run.end() * rule.seconds_each)) for run in runs
    ]


def interval_minutes(
    spec: Field, value: object, row: Mapping[str, Any], home: str
) -> tuple[list[int] | None, str | None]:
    """An intervals field's value for a row whose `day` is known, and the issue when some of it was not usable.

    Local time is that of the row's start, or of the first interval in the zone `home` when the row has no start.
    """
    rule = spec.samples
    found = parse_intervals(rule, value, row[rule.start_field] if rule.start_field else None) if rule else None
    if found is None:
        return None, "wrong_type"
    usable, invalid = found
    if not usable:
        return None, _issue(invalid)
    offset = row["utc_offset_seconds"]
    if offset is None:
        offset = zone_offset(home, min(usable)[0])
    minutes, outside = day_minutes(usable, row["day"] * DAY_SECONDS - offset)
    return minutes, _issue(invalid + outside)


def _issue(count: int) -> str | None:
    return f"{count} samples out_of_range" if count else None
