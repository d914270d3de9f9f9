"""Maps and lists of samples reduced to one value of a field; the samples themselves are not stored."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import cast

from qol.contracts.fields import MOMENTS, Field, SampleRule
from qol.ingest.convert import require_usable, to_number
from qol.ingest.sample_structs import has_samples, minutes_of, moment, stretches, structs_of

Number = int | float

#: The largest valid sample, above any time in milliseconds; no sum of a line's samples exceeds 64 bits.
MAX_SAMPLE = 2**41
#: Stands for a sample that is no moment; not a number, so that it is counted.
NO_NUMBER = ""


def reduce_samples(field: Field, samples: object) -> tuple[Number | None, int]:
    """The field's value from raw samples, and the number of invalid samples.

    Samples are a map offset -> value, a list, or lists of structs below a map when the rule says `of`. State codes
    (`states_low`..-1) and nulls are left out without being counted. No valid sample gives null, for a count too.
    IssueError `<value> out_of_range` or `<value> sentinel` for a value that the field cannot have.
    """
    rule = field.samples
    if rule is None or not isinstance(samples, dict | list) or not has_samples(rule, samples):
        return None, 0 if samples is None else 1
    if rule.start is not None:
        found, invalid = stretches(rule, samples)
        return (_as_stored(field, minutes_of(found)) if found else None), invalid
    raw = [raw for raw in _raw_values(rule, samples) if raw is not None]
    if field.type in MOMENTS:
        raw = [NO_NUMBER if (seconds := moment(value)) is None else seconds for value in raw]
    values, invalid = valid_values(rule, raw)
    return reduce_valid(field, rule, values), invalid


def reduce_valid(field: Field, rule: SampleRule, values: Collection[Number]) -> Number | None:
    """The field's value from valid samples in order of their offsets; null without any.

    IssueError `<value> out_of_range` or `<value> sentinel` for a value that the field cannot have.
    """
    if not values:
        return None
    if rule.within is not None:
        low, high = rule.within
        values = [v for v in values if low <= v <= high]
    if rule.reduce == "mean":
        return _checked(field, mean(values, field.decimals))
    return _as_stored(field, _REDUCERS[rule.reduce](values, rule))


def _as_stored(field: Field, value: Number | Decimal) -> Number:
    if field.type != "number":
        return _checked(field, int(_rounded(value, 0)))
    return _checked(field, float(value) if field.decimals is None else _rounded(value, field.decimals))


def _checked(field: Field, value: Number) -> Number:
    require_usable(field, value, value)
    return value


def valid_values(rule: SampleRule, raw: list[object]) -> tuple[list[Number], int]:
    """Samples within the rule's range, and the number of those that are neither that nor a declared state code."""
    low = -MAX_SAMPLE if rule.low is None else max(rule.low, -MAX_SAMPLE)
    high = MAX_SAMPLE if rule.high is None else min(rule.high, MAX_SAMPLE)
    if set(map(type, raw)) <= {int}:  # the usual case: thousands of plain samples
        plain = cast("list[int]", raw)
        whole: list[Number] = [v for v in plain if low <= v <= high]
        below = min(0, low)
        states = [] if rule.states_low is None else [v for v in plain if rule.states_low <= v < below]
        return whole, len(plain) - len(whole) - len(states)
    values: list[Number] = []
    invalid = 0
    for item in raw:
        number = to_number(item)
        if number is None:
            invalid += 1
        elif low <= number <= high:
            values.append(number)
        elif rule.states_low is None or not rule.states_low <= number < 0:
            invalid += 1
    return values, invalid


def by_offset(samples: Mapping[str, object]) -> list[object]:
    """Values of a map in numeric order of their keys; JSON objects have no order and their keys are strings."""
    plain = "" not in samples and "".join(samples).isdecimal() and max(map(len, samples)) < 20
    return [samples[key] for key in sorted(sorted(samples), key=int if plain else _offset)]


def _offset(key: str) -> Number:
    number = to_number(key)
    return -1 if number is None else number


def _raw_values(rule: SampleRule, samples: Mapping[str, object] | list[object]) -> Iterable[object]:
    if rule.of is None:
        if isinstance(samples, list):
            return samples
        return by_offset(samples) if rule.reduce == "last" else samples.values()
    return [item[rule.of] for item in structs_of(rule, samples) if item.get(rule.of) is not None]


def mean(values: Collection[Number], decimals: int | None) -> float:
    """Mean of samples in any order, halves away from zero: whole samples in whole numbers, others exactly summed."""
    total, count = sum(values), len(values)
    if decimals is None:
        return math.fsum(values) / count
    if isinstance(total, float):
        return _rounded(Decimal(math.fsum(values)) / count, decimals)
    scale: int = 10**decimals
    size = (2 * abs(total) * scale + count) // (2 * count) / scale
    return size if total >= 0 else -size


def _rounded(value: Number | Decimal, decimals: int) -> float:
    # Adding 0.0 makes a -0.0 the 0 it is.
    return float(Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)) + 0.0


def _sum(values: Collection[Number], _: SampleRule) -> Number:
    total = sum(values)
    return math.fsum(values) if isinstance(total, float) else total


_REDUCERS: Mapping[str, Callable[[Collection[Number], SampleRule], Number | Decimal]] = {
    "count": lambda values, _: len(values),
    "min": lambda values, _: min(values),
    "max": lambda values, _: max(values),
    "sum": _sum,
    "last": lambda values, _: list(values)[-1],
    "minutes": lambda values, rule: len(values) * rule.seconds_each / 60,
}
