"""One raw value to one typed value: numbers also as texts, everything that does not convert null with an issue."""

import math
import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal

from qol.contracts.code_words import bare, plain_code
from qol.contracts.fields import Field
from qol.contracts.raw_values import CODE, OTHER, identifier, is_zone, parse_day
from qol.contracts.units import Unit
from qol.ingest.times import parse_offset, parse_seconds

_BLANKS = re.compile(" +")
#: A code of a vocabulary that no contract lists: more digits, or a longer word, may be an id.
_WORDS = re.compile(r"(?!(?:\D*\d){3})[A-Za-z0-9]{0,24}(?:[_.-]+[A-Za-z0-9]{0,24})*")
_NO_CODE = re.compile(r"[^A-Za-z0-9_.-]+")
NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")
INT64 = 2**63
MILLISECONDS_FROM = 100_000_000_000
#: Unix time that every calendar in use here can show.
EARLIEST = -60_000_000_000
MAX_SHOWN_DIGITS = 7
MAX_DIGITS = 400
#: No larger number is taken, so that none becomes infinite.
MAX_NUMBER = 10.0**300
DECIMAL_PLACES = 18
#: How near a number has to be to a whole one to be it, of its size: far less than any sensor resolves.
NEARLY = 1e-9
_WIDE = Context(prec=60)
_FLAGS: Mapping[str, bool] = {"true": True, "false": False}

#: Hashes a vendor's document id; the caller has the key.
HashDocument = Callable[[str], str]


class IssueError(Exception):
    """When a value is not usable; the text is the issue, and `kept` the value that is used instead."""

    def __init__(self, text: str, kept: object = None) -> None:
        self.kept = kept
        super().__init__(text)


def shown(value: object) -> str:
    """A value as an issue may show it: numbers of few digits themselves, all else by its JSON type."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        if abs(value) >= 10**40:
            return "integer of more than 40 digits"
        digits = len(str(abs(value)))
        return str(value) if digits <= MAX_SHOWN_DIGITS else f"integer of {digits} digits"
    if isinstance(value, float | Decimal):
        text = repr(float(value))
        digits = len(text.lstrip("-").replace(".", ""))
        return text if math.isfinite(float(value)) and digits <= MAX_SHOWN_DIGITS else "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "null"


def to_number(value: object) -> int | float | None:
    """A JSON number or a numeric string as a number, whole values as int; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        value = Decimal(value.strip()) if NUMBER.fullmatch(value.strip()) else None
    elif isinstance(value, Decimal) and value and value.adjusted() >= MAX_DIGITS:
        return None  # a JSON number of more digits than a text may have is not written out either
    if not isinstance(value, Decimal):
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def require_number(value: object) -> int | float:
    """As `to_number`; IssueError `wrong_type` for anything that is not a number."""
    number = to_number(value)
    if number is None:
        raise _issue(value, "wrong_type")
    return number


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _issue(value, "wrong_type")
    return value.strip()


def _issue(value: object, reason: str, kept: object = None) -> IssueError:
    return IssueError(f"{shown(value)} {reason}", kept)


def convert(field: Field, value: object, hash_document: HashDocument) -> object:
    """The typed value of a declared field.

    IssueError with `<value> <reason>`: sentinel, out_of_range, wrong_type, too_large, not_a_code, invalid_date,
    invalid_time, invalid_zone; with a value in `kept`: milliseconds (the seconds), unknown_code.
    """
    return _CONVERTERS[field.type](field, value, hash_document)


def in_stored_unit(field: Field, value: object, unit: object, units: Mapping[str, Unit]) -> int | float:
    """The number in the unit that is stored; the vendor's sentinels are recognised before the conversion.

    IssueError: wrong_type, sentinel, too_large, unknown_unit (also for a missing unit, unless it may be).
    """
    number = require_number(value)
    if number in field.sentinels:
        raise _issue(value, "sentinel")
    if abs(number) >= MAX_NUMBER:
        raise _issue(value, "too_large")
    if unit is None and field.unit_may_be_missing:
        return number
    known = units.get(unit.strip()) if isinstance(unit, str) else None
    if known is None:
        raise _issue(value, "unknown_unit")
    return known.converted(number)


def require_usable(field: Field, value: object, number: float | Decimal) -> float | Decimal:
    """The number of a raw value; IssueError `sentinel` or `out_of_range` where the field cannot have it."""
    if number in field.sentinels:
        raise _issue(value, "sentinel")
    too_low = field.low is not None and number < field.low
    if too_low or (field.high is not None and number > field.high):
        raise _issue(value, "out_of_range")
    return number


def _integer(field: Field, value: object, _: HashDocument) -> int:
    number = require_number(value)
    # A conversion of units before ours leaves 128.99999999999997.
    if (
        isinstance(number, float)
        and abs(number) < INT64
        and math.isclose(number, round(number), rel_tol=NEARLY, abs_tol=NEARLY)
    ):
        number = round(number)
    if not isinstance(number, int):
        raise _issue(value, "wrong_type")
    if not -INT64 <= number < INT64:
        raise _issue(value, "too_large")
    return int(require_usable(field, value, number))


def _number(field: Field, value: object, _: HashDocument) -> float:
    number = require_number(value)
    if abs(number) >= MAX_NUMBER:
        raise _issue(value, "too_large")
    # Adding 0.0 makes the -0.0 of a text such as "-1e-999" the 0 it is.
    return float(require_usable(field, value, number)) + 0.0


def _decimal(field: Field, value: object, _: HashDocument) -> Decimal:
    """Every digit as it stands on the line; a number that would lose one in decimal(38,18) is too large."""
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        exact = Decimal(value.strip())
    elif isinstance(value, float | int | Decimal) and not isinstance(value, bool):
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    else:
        raise _issue(value, "wrong_type")
    exact = exact or Decimal(0)
    if exact.adjusted() >= 38 - DECIMAL_PLACES:
        raise _issue(value, "too_large")
    stored = exact.quantize(Decimal(1).scaleb(-DECIMAL_PLACES), context=_WIDE)
    if stored != exact:
        raise _issue(value, "too_large")
    require_usable(field, value, exact)
    return stored


def _epoch_seconds(field: Field, value: object, _: HashDocument) -> int:
    number = require_number(value)
    if not EARLIEST <= number < 1000 * MILLISECONDS_FROM:
        raise _issue(value, "too_large")
    seconds = int(number // 1)
    if seconds < MILLISECONDS_FROM:
        return int(require_usable(field, value, seconds))
    seconds //= 1000
    require_usable(field, value, seconds)
    raise IssueError("milliseconds", kept=seconds)


def _boolean(_field: Field, value: object, _: HashDocument) -> bool:
    """A JSON true or false, or its text in any case, which questionnaires and forms send."""
    flag = _FLAGS.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(flag, bool):
        raise _issue(value, "wrong_type")
    return flag


def _date(_field: Field, value: object, _: HashDocument) -> int:
    days = parse_day(_text(value))
    if days is None:
        raise IssueError("invalid_date")
    return days


def _instant(field: Field, value: object, _: HashDocument) -> int:
    seconds = parse_seconds(_text(value))
    if seconds is None:
        raise IssueError("invalid_time")
    return int(require_usable(field, value, seconds))


def _utc_offset(_field: Field, value: object, _: HashDocument) -> int | None:
    text = _text(value)
    seconds = parse_offset(text)
    if seconds is None:
        raise IssueError("invalid_time")
    return None if text.endswith("Z") else seconds  # "Z" gives the moment and no local time (RFC 9557, 2)


def _time_zone(_field: Field, value: object, _: HashDocument) -> str:
    text = _text(value)
    if not is_zone(text):
        raise IssueError("invalid_zone")
    return text


def _code(field: Field, value: object, _: HashDocument) -> str | None:
    if field.classes:
        return _class(field, value)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise _issue(value, "wrong_type")
    text = str(value).strip()
    if field.known:
        if bare(text) not in field.known:
            raise _issue(value, "unknown_code", kept=OTHER)
        text = _NO_CODE.sub("_", text)
    if field.join_words:
        text = _BLANKS.sub("_", text)
    text = text.upper() if field.uppercase else text
    if field.staged and plain_code(text) not in field.staged:
        raise _issue(value, "unknown_code", kept=OTHER)
    if not CODE.fullmatch(text) or not (field.known or field.staged or _WORDS.fullmatch(text)):
        raise IssueError("string not_a_code")
    return text


def _class(field: Field, value: object) -> str | None:
    if not isinstance(value, str | int | float | Decimal):
        raise _issue(value, "wrong_type")
    text = str(value)
    if not text.strip():
        return None
    found = field.classes.class_of(text)
    if found is None and field.closed:
        raise _issue(value, "unknown_code", kept=OTHER)
    return found or OTHER


def _document_id(_field: Field, value: object, hash_document: HashDocument) -> str:
    text = identifier(value)
    if text is None:
        raise _issue(value, "wrong_type")
    return hash_document(text)


_CONVERTERS: Mapping[str, Callable[[Field, object, HashDocument], object]] = {
    "integer": _integer,
    "number": _number,
    "epoch_seconds": _epoch_seconds,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "code": _code,
    "document_id": _document_id,
    "instant": _instant,
    "utc_offset": _utc_offset,
    "time_zone": _time_zone,
}
