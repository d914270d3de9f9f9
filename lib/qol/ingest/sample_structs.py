"""Objects among samples: which of them a rule reads, and the moments and stretches of time they tell."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from qol.contracts.fields import SampleRule
from qol.contracts.interval_union import union
from qol.contracts.raw_values import identifier, safe_get
from qol.ingest.convert import EARLIEST, MILLISECONDS_FROM, to_number
from qol.ingest.times import parse_seconds

Interval = tuple[int, int]


def has_samples(rule: SampleRule, value: object) -> bool:
    """Whether a value is a map of samples, or a list of them where the rule does not choose by a map's keys; empty ones are."""
    return isinstance(value, dict) or (isinstance(value, list) and not (rule.keys and value))


def structs_of(rule: SampleRule, samples: Mapping[str, Any] | list[object]) -> list[Mapping[str, Any]]:
    """The objects in a list, or in the lists below a map's keys that the rule reads; one that is a sample itself, alone."""
    if isinstance(samples, Mapping) and rule.of in samples and not rule.keys:
        found = [samples]
    else:
        lists = (
            [samples] if isinstance(samples, list) else [samples[k] for k in samples if not rule.keys or k in rule.keys]
        )
        found = [item for group in lists if isinstance(group, list) for item in group if isinstance(item, dict)]
    only = rule.only
    return found if only is None else [item for item in found if identifier(safe_get(item, only.path)) in only.values]


def moment(value: object) -> int | None:
    """Unix time in whole seconds, of a number (milliseconds too) or of a text with its offset; None for anything else."""
    number = to_number(value)
    if number is None:
        return parse_seconds(value) if isinstance(value, str) else None
    if not EARLIEST <= number < 1000 * MILLISECONDS_FROM:
        return None
    return int(number // (1000 if number >= MILLISECONDS_FROM else 1))


def stretches(rule: SampleRule, samples: Mapping[str, Any] | list[object]) -> tuple[list[Interval], int]:
    """Start and end, in Unix time, of the objects that the rule reads, and the number of objects without usable ones."""
    found = [_stretch(rule, struct) for struct in structs_of(rule, samples)]
    return [stretch for stretch in found if stretch is not None], found.count(None)


def minutes_of(found: list[Interval]) -> float:
    """Minutes that one or more stretches cover, those that overlap counted once."""
    begin, end = union(*np.array(found, np.int64).T)
    return float((end - begin).sum()) / 60


def _stretch(rule: SampleRule, struct: Mapping[str, Any]) -> Interval | None:
    first, last = struct.get(rule.start or ""), struct.get(rule.end or "")
    if type(first) is int and type(last) is int and 0 <= first <= last < MILLISECONDS_FROM:  # the usual case
        return first, last
    start, end = moment(first), moment(last)
    return None if start is None or end is None or end < start else (start, end)
