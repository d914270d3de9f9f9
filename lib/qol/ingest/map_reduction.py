"""Sample maps of many lines reduced together: plain ones as arrays of numbers, all others one by one."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, cast

import msgspec
import numpy as np
import polars as pl

from qol.contracts.fields import Field, SampleRule
from qol.ingest.column_values import COLUMN_TYPES
from qol.ingest.convert import IssueError
from qol.ingest.decoder_types import DECODE_ERRORS, MAX_CLEAN_SAMPLE, map_type
from qol.ingest.plain_samples import HUNDREDTHS, Array, PlainSamples, read_plain
from qol.ingest.sample_reduction import Number, by_offset, reduce_valid

#: Bytes of text that are read together, so that the arrays stay in the processor's cache.
PIECE_BYTES = 2**18
#: A whole mean times its scale, which is exact as a float below.
_MAX_EXACT = 2**53
#: Above what `mean` of samples up to 1 is off when it sums floats.
_FLOAT_ERROR = 2**-50


class MapReducer:
    """Reduces the maps at one path to the values of all fields that read it."""

    def __init__(self, specs: Sequence[Field]) -> None:
        """`specs` have one meaning: the same range and states."""
        self._specs = [(spec, spec.samples) for spec in specs if spec.samples is not None]
        self._minutes = {spec.name: _minutes_of(spec, rule) for spec, rule in self._specs}
        rule = self._specs[0][1]
        self._decoder = msgspec.json.Decoder(map_type(rule))
        self._low = -math.inf if rule.states_low is None or rule.low is None else rule.low
        lowest = rule.low if rule.states_low is None else rule.states_low
        self._clean = -math.inf if lowest is None else lowest, math.inf if rule.high is None else rule.high

    def reduce(self, maps: Sequence[Any]) -> tuple[dict[str, pl.Series], pl.Series]:
        """Values by field, null without a valid sample, and whether each map is clean.

        Maps are None, dictionaries, or `msgspec.Raw` from a line without backslashes.
        """
        results = {spec.name: _Result(spec, len(maps)) for spec, _ in self._specs}
        kinds = set(map(type, maps))
        clean = np.array([samples is None for samples in maps])
        texts: Sequence[Any] = maps
        if msgspec.Raw in kinds:
            texts = [bytes(samples) if isinstance(samples, msgspec.Raw) else samples for samples in maps]
            for places, piece in _pieces(texts):
                clean[places] = self._keep(read_plain(piece), np.array(places), results)
        if dict in kinds:
            places = [place for place, samples in enumerate(texts) if samples and isinstance(samples, dict)]
            if places and (decoded := self._decoded([texts[place] for place in places])):
                clean[places] = self._keep(decoded, np.array(places), results)
        for place in np.flatnonzero(~clean).tolist():
            clean[place] = self._keep_one(texts[place], place, results)
        return {name: result.series() for name, result in results.items()}, pl.Series(clean)

    def _decoded(self, maps: Sequence[dict[str, Number]]) -> PlainSamples | None:
        """The samples of maps as arrays; None unless all are numbers whose order does not matter."""
        samples = list(chain.from_iterable(map(dict.values, maps)))
        kinds = set(map(type, samples))
        if not kinds <= {int, float} or any(rule.reduce == "last" for _, rule in self._specs):
            return None
        first = np.cumsum([0, *map(len, maps)])[:-1]
        if float not in kinds:
            return PlainSamples(np.array(samples, np.int64), 1, first, np.ones(len(maps), bool))
        values = np.array(samples, np.float64)
        numbers = np.rint(values * HUNDREDTHS).astype(np.int64)
        return PlainSamples(numbers, HUNDREDTHS, first, np.logical_and.reduceat(numbers / HUNDREDTHS == values, first))

    def _keep(self, samples: PlainSamples, places: Array, results: Mapping[str, "_Result"]) -> Array:
        """Put what plain maps give at their places; which of them are plain and clean."""
        low, high = self._clean
        clean: Array = samples.plain & (np.minimum.reduceat(samples.numbers, samples.first) / samples.scale >= low)
        clean &= np.maximum.reduceat(samples.numbers, samples.first) / samples.scale <= high
        kept = None if self._low <= low else samples.values() >= self._low
        for spec, rule in self._specs:
            values, known, sure = _reduce(spec, rule, samples, kept, self._minutes[spec.name])
            clean &= ~known | (sure & _are_usable(spec, values))
            results[spec.name].put(places[clean], values[clean], known[clean])
        return clean

    def _keep_one(self, samples: Any, place: int, results: Mapping[str, "_Result"]) -> bool:
        try:
            found = self._decoder.decode(samples) if isinstance(samples, bytes) else samples
        except DECODE_ERRORS:
            return False
        ordered = cast("list[Number]", by_offset(found or {}))
        valid = [value for value in ordered if value >= self._low]
        try:
            values = [(spec, reduce_valid(spec, rule, valid)) for spec, rule in self._specs]
        except IssueError:
            return False
        for spec, value in values:
            results[spec.name].put(place, value or 0, value is not None)
        return True


class _Result:
    """A column that is filled place by place."""

    def __init__(self, spec: Field, size: int) -> None:
        self._type = COLUMN_TYPES[spec.type]
        self._values = np.zeros(size, np.int64 if self._type == pl.Int64 else np.float64)
        self._known = np.zeros(size, bool)

    def put(self, places: Any, values: Any, known: Any) -> None:
        self._values[places] = values
        self._known[places] = known

    def series(self) -> pl.Series:
        return pl.Series(self._values, dtype=self._type).set(pl.Series(~self._known), None)


def _pieces(texts: Sequence[Any]) -> Iterator[tuple[list[int], list[bytes]]]:
    """Texts that may be plain with their places, in pieces of about PIECE_BYTES."""
    places: list[int] = []
    piece: list[bytes] = []
    size = 0
    for place, text in enumerate(texts):
        if not isinstance(text, bytes) or not text.startswith(b'{"'):
            continue
        places.append(place)
        piece.append(text)
        size += len(text)
        if size >= PIECE_BYTES:
            yield places, piece
            places, piece, size = [], [], 0
    if piece:
        yield places, piece


def _reduce(
    spec: Field, rule: SampleRule, samples: PlainSamples, kept: Array | None, minutes_of: Callable[[int], float]
) -> tuple[Array, Array, Array | bool]:
    """As `reduce_valid`: values of maps, which have any, and which are surely the same; all samples count without `kept`.

    `minutes_of` gives the minutes of a number of samples.
    """
    first, scale = samples.first, samples.scale
    counts = (
        np.diff(first, append=len(samples.numbers)) if kept is None else np.add.reduceat(kept, first, dtype=np.int64)
    )
    if rule.reduce == "count":
        return counts, counts > 0, True
    if rule.reduce == "minutes":
        minutes = [minutes_of(inside) for inside in _count_within(rule, samples, kept).tolist()]
        return np.array(minutes), counts > 0, True
    found, is_mean = _of_maps(rule.reduce, samples, kept), rule.reduce == "mean"
    divisors = scale * (counts.clip(1) if is_mean else np.ones_like(counts))
    decimals = spec.decimals if spec.type == "number" or is_mean else 0
    if scale == 1:
        return _means(found, divisors, decimals) if is_mean else found, counts > 0, True
    if decimals is None or rule.reduce == "sum":
        return found / divisors, counts > 0, rule.reduce not in {"mean", "sum"}
    largest = int(np.abs(samples.numbers).max()) / scale
    return _means(found, divisors, decimals), counts > 0, _round_alike(found, divisors, decimals, largest)


def _of_maps(reduce: str, samples: PlainSamples, kept: Array | None) -> Array:
    """The sum of each map's samples (for a mean too), or its smallest, largest or last one; times their scale."""
    numbers, first, beyond = samples.numbers, samples.first, (MAX_CLEAN_SAMPLE + 1) * samples.scale
    if reduce == "min":
        return np.minimum.reduceat(_if_kept(kept, numbers, beyond), first)
    if reduce == "max":
        return np.maximum.reduceat(_if_kept(kept, numbers, -beyond), first)
    if reduce == "last":
        found: Array = numbers[np.maximum.reduceat(_if_kept(kept, np.arange(len(numbers)), 0), first)]
        return found
    return np.add.reduceat(_if_kept(kept, numbers, 0), first)


def _count_within(rule: SampleRule, samples: PlainSamples, kept: Array | None) -> Array:
    """How many of each map's samples are within the rule's limits."""
    low, high = rule.within or (-math.inf, math.inf)
    values = samples.values()
    return np.add.reduceat(_if_kept(kept, (values >= low) & (values <= high), 0), samples.first, dtype=np.int64)


def _minutes_of(spec: Field, rule: SampleRule) -> Callable[[int], float]:
    """Minutes of a number of samples as `reduce_valid` gives them; whether the field can have them is left open."""
    counted, anything = rule.changed(within=None), spec.changed(range=None, sentinels=())
    return cache(lambda count: reduce_valid(anything, counted, range(count)) or 0.0)


def _if_kept(kept: Array | None, values: Array, otherwise: int) -> Array:
    return values if kept is None else np.where(kept, values, otherwise)


def _round_alike(totals: Array, divisors: Array, decimals: int, largest: float) -> Array | bool:
    """Which means are so far from a half of the last decimal that the floats of samples up to `largest` do not matter."""
    scale: int = 10**decimals
    if int(np.abs(totals).max()) * scale >= 2**63:
        return False
    rest = np.abs(totals) * scale % divisors / divisors
    return np.abs(rest - 0.5) > largest * scale * _FLOAT_ERROR


def _are_usable(spec: Field, values: Array) -> Array:
    """Which values the field can have, as `require_usable` decides."""
    low, high = -math.inf if spec.low is None else spec.low, math.inf if spec.high is None else spec.high
    usable: Array = (values >= low) & (values <= high)
    return usable & ~np.isin(values, spec.sentinels) if spec.sentinels else usable


def _means(totals: Array, counts: Array, decimals: int | None) -> Array:
    """As `mean` of whole samples."""
    if decimals is None:
        return totals / counts
    scale: int = 10**decimals
    largest = int(np.abs(totals).max())
    if (
        2 * scale * largest + int(counts.max()) >= 2**63
        or scale * int((np.abs(totals) // counts).max() + 1) > _MAX_EXACT
    ):
        totals, counts = totals.astype(object), counts.astype(object)
    sizes = (2 * np.abs(totals) * scale + counts) // (2 * counts) / scale
    return np.where(totals >= 0, sizes, -sizes).astype(np.float64)
