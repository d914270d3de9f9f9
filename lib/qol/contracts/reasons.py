"""Reason codes with their meaning: why a value became null, why an item was rejected."""

from collections.abc import Mapping

#: Why a value of a kept record became null or was corrected; stands last in a value issue.
ISSUE_REASONS: Mapping[str, str] = {
    "sentinel": "The vendor's number for 'no value'.",
    "out_of_range": "A number outside the field's plausible range.",
    "wrong_type": "A value of another JSON type than the field's.",
    "too_large": "A number that the column's type cannot hold.",
    "invalid_date": "Text that is not a calendar date.",
    "invalid_time": "Text that is not a time with an offset from UTC.",
    "invalid_zone": "Text that is not an IANA time zone.",
    "unknown_unit": "A number whose unit is missing or not in schemas/units.yaml.",
    "milliseconds": "A Unix time in milliseconds; kept, converted to seconds.",
    "not_a_code": "Text that is not a token of at most 64 letters, digits, '_', '.' and '-'.",
}

#: Why an item is rejected and kept in quarantine.
REJECT_REASONS: Mapping[str, str] = {
    "not_utf8": "The line holds bytes that are not UTF-8.",
    "not_json": "The line is not one valid JSON document (RFC 8259; no NaN, no lone surrogate, nothing after it).",
    "not_an_object": "The line, or an element of its list, is not a JSON object.",
    "line_too_long": "The line is longer than 16 MiB.",
    "too_deep": "The line nests deeper than 100 levels.",
    "truncated_object": "The compressed object cannot be decompressed from this place on: it is truncated, or not gzip; later lines are lost.",
    "unknown_record": "The envelope key names no record type that has a contract.",
    "missing_key": "The user or a key field of the record is missing or not usable.",
    "missing_day": "The record's day is missing and cannot be derived.",
    "day_out_of_range": "The record's day is before 2010-01-01 or more than one day after its arrival.",
    "no_person": "The user map gives the device to no user on the record's day; complete the map, then backfill the arrival day.",
}
