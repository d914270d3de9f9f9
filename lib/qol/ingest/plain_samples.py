"""Sample maps as devices send them, as arrays of numbers: no Python object is made for a sample.

A plain map is written without blanks, its keys are whole offsets that rise, and its samples have at most eight digits, two
of them decimals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Samples with decimals are whole numbers of these.
HUNDREDTHS = 100
#: A number is read as the eight bytes before its end.
MAX_DIGITS = 8
_MINUS, _POINT = ord("-"), ord(".")
_ZEROS = np.uint64(0x3030303030303030)
#: The last bytes of a word, by how many: the first byte of a text is a word's lowest.
_LAST = np.array([0, *((2**64 - 1) ^ (2 ** (64 - 8 * n) - 1) for n in range(1, MAX_DIGITS + 1)), 0], np.uint64)
_BYTE = np.uint64(8)

Array = NDArray[Any]


@dataclass(frozen=True)
class PlainSamples:
    """The samples of maps one after the other: whole `numbers` over `scale`, which is 1 or HUNDREDTHS.

    Per map: the place of its first sample, and whether it is plain.
    """

    numbers: Array
    scale: int
    first: Array
    plain: Array

    def values(self) -> Array:
        """The samples themselves."""
        return self.numbers if self.scale == 1 else self.numbers / self.scale


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
    numbers, scale, odd_values = _numbers(characters, words, starts, value_ends, b"." in text)
    if negative is not None:
        odd |= negative & (numbers == 0)
        numbers = np.where(negative, -numbers, numbers)
    odd |= odd_values
    return PlainSamples(numbers, scale, first, ~np.logical_or.reduceat(odd, first))


def _numbers(characters: Array, words: Array, starts: Array, ends: Array, has_points: bool) -> tuple[Array, int, Array]:
    """Whole numbers, what to divide them by, and which texts are no numbers."""
    texts, lengths = words[ends], ends - starts
    units = np.full(len(starts), HUNDREDTHS if has_points else 1)
    if has_points:
        for decimals in (1, 2):
            dotted = np.flatnonzero(characters[ends - decimals - 1] == _POINT)
            units[dotted] = HUNDREDTHS // 10**decimals
            after = _LAST[decimals]
            texts[dotted] = (texts[dotted] & after) | ((texts[dotted] << _BYTE) & ~after)
            lengths[dotted] -= 1
    digits, odd = _digits(texts, lengths)
    return _value(digits) * units, HUNDREDTHS if has_points else 1, odd


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
