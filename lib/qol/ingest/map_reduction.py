"""Sample maps of many lines reduced together: plain ones as arrays of numbers, all others one by one.

A plain map is written without blanks, its keys are whole offsets that rise, and its samples have at most eight digits, two
of them decimals. That is how devices send them, some thousand samples a day, so no Python object is made for a sample.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from qol.contracts.fields import Field, SampleRule
from qol.ingest.column_values import COLUMN_TYPES
from qol.ingest.convert import IssueError
from qol.ingest.decoder_types import DECODE_ERRORS, MAX_CLEAN_SAMPLE, map_type
from qol.ingest.sample_reduction import Number, by_offset, reduce_valid

#: Bytes of text that are read together, so that the arrays stay in the processor's cache.
PIECE_BYTES = 2**18
#: A number is read as the eight bytes before its end.
MAX_DIGITS = 8
_MINUS, _POINT = ord("-"), ord(".")
_ZEROS = np.uint64(0x3030303030303030)
#: The last bytes of a word, by how many: the first byte of a text is a word's lowest.
_LAST = np.array([0, *((2**64 - 1) ^ (2 ** (64 - 8 * n) - 1) for n in range(1, MAX_DIGITS + 1)), 0], np.uint64)
_BYTE = np.uint64(8)
#: A whole mean times its scale, which is exact as a float below.
_MAX_EXACT = 2**53

Array = NDArray[Any]


class MapReducer:
    """Reduces the maps at one path to the values of all fields that read it."""

    def __init__(self, specs: Sequence[Field]) -> None:
        """`specs` have one meaning: the same range and states."""
        self._specs = [(spec, spec.samples) for spec in specs if spec.samples is not None]
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
        texts: list[Any] = [bytes(samples) if isinstance(samples, msgspec.Raw) else samples for samples in maps]
        clean = np.array([samples is None for samples in texts])
        for places, piece in _pieces(texts):
            clean[places] = self._keep(read_plain(piece), np.array(places), results)
        places = [place for place, samples in enumerate(texts) if isinstance(samples, dict) and samples]
        if places and (decoded := self._decoded([texts[place] for place in places])):
            clean[places] = self._keep(decoded, np.array(places), results)
        for place in np.flatnonzero(~clean).tolist():
            clean[place] = self._keep_one(texts[place], place, results)
        return {name: result.series() for name, result in results.items()}, pl.Series(clean)

    def _decoded(self, maps: Sequence[dict[str, Number]]) -> "PlainSamples | None":
        """The samples of maps as arrays; None unless all are whole numbers whose order does not matter."""
        samples = list(chain.from_iterable(map(dict.values, maps)))
        if set(map(type, samples)) != {int} or any(rule.reduce == "last" for _, rule in self._specs):
            return None
        first = np.cumsum([0, *map(len, maps)])[:-1]
        numbers = np.array(samples, np.int64)
        return PlainSamples(numbers, None, first, np.ones(len(maps), bool))

    def _keep(self, samples: "PlainSamples", places: Array, results: Mapping[str, "_Result"]) -> Array:
        """Put what plain maps give at their places; which of them are plain and clean."""
        numbers, first = samples.numbers, samples.first
        whole = np.ones(len(first), bool)
        if samples.scales is not None:
            whole = np.maximum.reduceat(samples.scales, first) == 1
            numbers = numbers / samples.scales
        low, high = self._clean
        clean: Array = samples.plain & (np.minimum.reduceat(numbers, first) >= low)
        clean &= np.maximum.reduceat(numbers, first) <= high
        kept = None if self._low <= low else numbers >= self._low
        for spec, rule in self._specs:
            values, known = _reduce_whole(spec, rule, samples, kept)
            clean &= ~(known & whole) | _are_usable(spec, values)
            results[spec.name].put(places[clean & whole], values[clean & whole], known[clean & whole])
        ends = np.append(first[1:], len(numbers))
        for place in np.flatnonzero(clean & ~whole).tolist():
            found = numbers[first[place] : ends[place]]
            clean[place] = self._keep_list(found[found >= self._low].tolist(), int(places[place]), results)
        return clean

    def _keep_one(self, samples: Any, place: int, results: Mapping[str, "_Result"]) -> bool:
        try:
            found = self._decoder.decode(samples) if isinstance(samples, bytes) else samples
        except DECODE_ERRORS:
            return False
        ordered = cast("list[Number]", by_offset(found or {}))
        return self._keep_list([value for value in ordered if value >= self._low], place, results)

    def _keep_list(self, valid: list[Number], place: int, results: Mapping[str, "_Result"]) -> bool:
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


@dataclass(frozen=True)
class PlainSamples:
    """The samples of maps one after the other: whole `numbers` over `scales`, if any has a decimal point.

    Per map: the place of its first sample, and whether it is plain.
    """

    numbers: Array
    scales: Array | None
    first: Array
    plain: Array


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


def read_plain(texts: Sequence[bytes]) -> PlainSamples:
    """The samples of JSON objects, each with at least one key; not those of maps that are not plain.

    The texts are valid JSON without backslashes: digits from a colon to the next comma and quote are a number.
    """
    sizes = np.array([len(text) for text in texts])
    text = b"".join([bytes(MAX_DIGITS), *texts, bytes(MAX_DIGITS)])
    characters = np.frombuffer(text, np.uint8)[MAX_DIGITS:]
    words: Array = np.ndarray((len(text) - 7,), "<u8", text, strides=(1,))  # by where they end
    ends = np.cumsum(sizes)
    quotes = np.flatnonzero(characters == ord('"'))
    opening, closing = quotes[::2], quotes[1::2]
    first = np.searchsorted(opening, ends - sizes)
    last = np.append(first[1:], len(opening)) - 1
    value_ends = np.append(opening[1:], 0) - 1
    value_ends[last] = ends - 1
    keys, odd = _digits(words[closing], closing - opening - 1)
    keys = keys.byteswap()
    falling = np.empty(len(keys), bool)
    np.less_equal(keys[1:], keys[:-1], out=falling[1:])
    falling[first] = False
    odd |= falling
    starts, negative = closing + 2, None
    if b"-" in text:
        negative = characters[starts] == _MINUS
        starts += negative
    numbers, scales, odd_values = _numbers(characters, words, starts, value_ends, b"." in text)
    if negative is not None:
        odd |= negative & (numbers == 0)
        numbers = np.where(negative, -numbers, numbers)
    odd |= odd_values
    return PlainSamples(numbers, scales, first, ~np.logical_or.reduceat(odd, first))


def _numbers(
    characters: Array, words: Array, starts: Array, ends: Array, has_points: bool
) -> tuple[Array, Array | None, Array]:
    """Numbers without their decimal point, the powers of ten to divide them by, and which texts are no numbers."""
    texts, lengths, scales = words[ends], ends - starts, None
    if has_points:
        scales = np.ones(len(starts), np.int64)
        for decimals in (1, 2):
            dotted = np.flatnonzero(characters[ends - decimals - 1] == _POINT)
            scales[dotted] = 10**decimals
            after = _LAST[decimals]
            texts[dotted] = (texts[dotted] & after) | ((texts[dotted] << _BYTE) & ~after)
            lengths[dotted] -= 1
    digits, odd = _digits(texts, lengths)
    return _value(digits), scales, odd


def _digits(texts: Array, lengths: Array) -> tuple[Array, Array]:
    """The last digits of words, zeros before them, and which have another character there, or none or too many."""
    kept = _LAST[lengths.clip(0, MAX_DIGITS + 1)]
    digits = (texts ^ _ZEROS) & kept
    above_nine = (digits + np.uint64(0x7676767676767676)) | digits
    return digits, ((above_nine & np.uint64(0x8080808080808080)) != 0) | (kept == 0)


def _value(digits: Array) -> Array:
    """The number of eight digits, the first in the lowest byte: pairs, then fours, then all (Lemire)."""
    for factor, shift, mask in (
        (2561, 8, 0x00FF00FF00FF00FF),
        (6553601, 16, 0x0000FFFF0000FFFF),
        (42949672960001, 32, 0x00000000FFFFFFFF),
    ):
        digits = ((digits * np.uint64(factor)) >> np.uint64(shift)) & np.uint64(mask)
    return digits.astype(np.int64)


def _reduce_whole(spec: Field, rule: SampleRule, samples: PlainSamples, kept: Array | None) -> tuple[Array, Array]:
    """As `reduce_valid`, for maps of whole numbers: their values, and which have any; all samples count without `kept`."""
    numbers, first = samples.numbers, samples.first
    counts = np.diff(first, append=len(numbers)) if kept is None else np.add.reduceat(kept, first, dtype=np.int64)

    def of_kept(values: Array, otherwise: int) -> Array:
        return values if kept is None else np.where(kept, values, otherwise)

    if rule.reduce == "count":
        values = counts
    elif rule.reduce == "mean":
        values = _means(np.add.reduceat(of_kept(numbers, 0), first), counts, spec.decimals)
    elif rule.reduce == "sum":
        values = np.add.reduceat(of_kept(numbers, 0), first)
    elif rule.reduce == "min":
        values = np.minimum.reduceat(of_kept(numbers, MAX_CLEAN_SAMPLE + 1), first)
    elif rule.reduce == "max":
        values = np.maximum.reduceat(of_kept(numbers, -MAX_CLEAN_SAMPLE - 1), first)
    elif rule.reduce == "last":
        values = numbers[np.maximum.reduceat(of_kept(np.arange(len(numbers)), 0), first)]
    else:
        low, high = rule.within or (-math.inf, math.inf)
        inside = of_kept((numbers >= low) & (numbers <= high), 0)
        different, which = np.unique(np.add.reduceat(inside, first, dtype=np.int64), return_inverse=True)
        counted, anything = rule.changed(within=None), spec.changed(range=None, sentinels=())
        values = np.array([reduce_valid(anything, counted, range(count)) or 0.0 for count in different.tolist()])[which]
    return values, counts > 0


def _are_usable(spec: Field, values: Array) -> Array:
    """Which values the field can have, as `require_usable` decides."""
    low, high = -math.inf if spec.low is None else spec.low, math.inf if spec.high is None else spec.high
    usable: Array = (values >= low) & (values <= high)
    return usable & ~np.isin(values, spec.sentinels) if spec.sentinels else usable


def _means(totals: Array, counts: Array, decimals: int | None) -> Array:
    """As `mean` of whole samples; zero without any."""
    counts = counts.clip(1)
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
