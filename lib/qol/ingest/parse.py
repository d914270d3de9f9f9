"""Strict JSON: a line is one valid JSON document, or it is rejected with a reason from a closed set."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

#: Keys of a page: when it was received, and its documents.
RECEIVED_AT = "_received_at"
PAGE_KEY = "data"
MAX_DEPTH = 100
#: A whole string, an unfinished one to the end, so that brackets inside do not count; never backtracks.
STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?')
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
#: Python converts no more digits to an integer; the pattern finds longer integers outside strings, without point or exponent.
_MAX_INT_DIGITS = 4_300
_LONG_INTEGERS = re.compile(STRING.pattern + rb"|(?<![0-9.eE+-])-?[0-9]{%d,}+(?![.eE])" % (_MAX_INT_DIGITS + 1))
_EXACT = msgspec.json.Decoder(float_hook=Decimal)
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


class Reason(StrEnum):
    """Why an item is rejected; the closed set whose meanings `qol.contracts.reasons` gives."""

    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    LINE_TOO_LONG = "line_too_long"
    TOO_DEEP = "too_deep"
    TRUNCATED_OBJECT = "truncated_object"
    UNKNOWN_RECORD = "unknown_record"
    MISSING_KEY = "missing_key"
    MISSING_DAY = "missing_day"
    DAY_OUT_OF_RANGE = "day_out_of_range"
    DAY_TOO_OLD = "day_too_old"
    NO_PERSON = "no_person"


class RejectedError(Exception):
    """When an item cannot become a record; carries the reason and a sentence without any raw value."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        self.message = message
        super().__init__(reason)


def parse_line(line: bytes, *, exact: bool = False) -> Any:
    """The JSON document on a line, integers of any size exact, the last of duplicate keys.

    `exact` gives numbers with a point as decimals with all their digits, which takes longer.
    RejectedError: not_utf8, not_json or too_deep.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as err:
        raise RejectedError(Reason.NOT_UTF8, f"byte {err.start + 1} is not UTF-8") from None
    if text.startswith(BOM):
        raise RejectedError(Reason.NOT_JSON, "a byte order mark is allowed only at the start of an object")
    if is_deep(line):
        raise RejectedError(Reason.TOO_DEEP, f"nests deeper than {MAX_DEPTH} levels")
    try:
        return _decoded(line, exact=exact)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, ArithmeticError):
        raise RejectedError(Reason.NOT_JSON, "not one valid JSON document") from None


def _decoded(line: bytes, *, exact: bool) -> Any:
    """The document; an integer of thousands of digits is cut, and stays too large for any field."""
    decode = _EXACT.decode if exact else msgspec.json.decode
    try:
        return decode(line)
    except msgspec.ValidationError:
        return decode(_LONG_INTEGERS.sub(lambda m: m[0] if m[0].startswith(b'"') else m[0][:_MAX_INT_DIGITS], line))


def is_deep(line: bytes) -> bool:
    """Whether brackets nest deeper than allowed; cheap for lines with few brackets."""
    if line.count(b"{") + line.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    for bracket in STRING.sub(b"", line).translate(None, NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False
