"""The values in a JSON text as they stand there, without parsing them, so that the sender's bytes are kept.

Only strings, brackets and commas are read, so a value with a mistake inside is found like any other. Nothing recurses;
the time grows with the bytes.
"""

import re

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
