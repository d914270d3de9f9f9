"""The values in a JSON text as they stand there, without parsing them, so that the sender's bytes are kept.

Only strings, brackets and commas are read, so a value with a mistake inside is found like any other. Nothing recurses;
the time grows with the bytes.
"""

import re
from collections.abc import Iterator

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
#: Everything up to the next bracket, and that bracket.
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+[\[\]{}]', re.DOTALL)
_PLAIN = re.compile(rb'[^,\[\]{}"]++')
_CLOSES = {ord("}"): ord("{"), ord("]"): ord("[")}


class BrokenTextError(Exception):
    """When a string or bracket does not end, or a comma is missing."""


def skip_space(text: bytes, at: int) -> int:
    """The first position from `at` that is not white space."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def value_end(text: bytes, at: int) -> int:
    """The end of the value that begins at `at`; BrokenTextError when it has none."""
    if text[at : at + 1] in (b"{", b"["):
        return _bracket_end(text, at)
    pattern = _STRING if text[at : at + 1] == b'"' else _PLAIN
    found = pattern.match(text, at)
    if found is None:
        raise BrokenTextError
    return found.end()


def _bracket_end(text: bytes, at: int) -> int:
    opened = bytearray()
    while found := _TO_BRACKET.match(text, at):
        at = found.end()
        bracket = text[at - 1]
        if bracket in b"{[":
            opened.append(bracket)
        elif opened.pop() != _CLOSES[bracket]:
            break
        elif not opened:
            return at
    raise BrokenTextError


def member_spans(text: bytes, at: int) -> Iterator[tuple[int, int, int, int]]:
    """Start and end of the key (with its quotes) and of the value of each member of the object that begins at `at`."""
    start = _first(text, at, b"}")
    while start:
        key_end = value_end(text, start)
        colon = skip_space(text, key_end)
        if text[start : start + 1] != b'"' or text[colon : colon + 1] != b":":
            raise BrokenTextError
        value = skip_space(text, colon + 1)
        end = value_end(text, value)
        yield start, key_end, value, end
        start = _next(text, end, b"}")


def element_spans(text: bytes, at: int = 0) -> Iterator[tuple[int, int]]:
    """Start and end of each element of the array that begins at `at`."""
    start = _first(text, at, b"]")
    while start:
        end = value_end(text, start)
        yield start, end
        start = _next(text, end, b"]")


def _first(text: bytes, at: int, closing: bytes) -> int:
    """The start of the first part; 0 without parts."""
    at = skip_space(text, at + 1)
    return 0 if text[at : at + 1] == closing else at


def _next(text: bytes, end: int, closing: bytes) -> int:
    """The start of the part after the one that ends at `end`; 0 when that was the last."""
    at = skip_space(text, end)
    mark = text[at : at + 1]
    if mark not in (b",", closing) or not mark:
        raise BrokenTextError
    return 0 if mark == closing else skip_space(text, at + 1)
