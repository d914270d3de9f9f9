"""Bad lines: each kind does what its name says."""

import pytest

from qol_dev.sample.mishaps import LINE_FAULTS, broken

HEAD = b'{"userId":"u","calendarDate":"2026-11-09","startTimeInSeconds":1794150000,"startTimeOffsetInSeconds":32400,'
WHOLE = HEAD + b'"steps":7,"_received_at":"2026-11-10T01:00:00.000Z"}'
DAILY = {
    "userId": "u",
    "calendarDate": "2026-11-09",
    "startTimeInSeconds": 1_794_150_000,
    "startTimeOffsetInSeconds": 32_400,
    "steps": 7,
    "_received_at": "2026-11-10T01:00:00.000Z",
}
EXPECTED = {
    "truncated_json": HEAD[:-1],
    "scalar_line": b"42",
    "two_objects": WHOLE * 2,
    "trailing_text": WHOLE + b" OK",
    "nul_byte": WHOLE + b"\x00",
    "bom_inside": b"\xef\xbb\xbf" + WHOLE,
    "blank_line": b"\n" + WHOLE,
    "crlf_line": WHOLE + b"\r",
    "duplicate_keys": b'{"steps":1,' + WHOLE[1:],
    "missing_user_id": WHOLE.replace(b'"userId":"u",', b""),
    "missing_start_and_date": b'{"userId":"u","startTimeOffsetInSeconds":32400,"steps":7,"_received_at":"2026-11-10T01:00:00.000Z"}',
    "unknown_envelope": b'{"wellnessMoments":[' + WHOLE + b"]}",
    "invalid_utf8": WHOLE[:-1] + b',"deviceName":"Montre d\xe9j\xe0 vu"}',
    "lone_surrogate": WHOLE[:-1] + b',"deviceName":"watch \\ud83d"}',
    "deep_nesting": WHOLE[:-1] + b',"extra":' + b"[" * 120 + b"]" * 120 + b"}",
    "unknown_extra_field": WHOLE[:-1] + b',"readinessHint":{"level":3,"text":"new in the next release"}}',
    "not_a_number": WHOLE[:-1] + b',"distanceInMeters":NaN}',
    "infinity": WHOLE[:-1] + b',"distanceInMeters":Infinity}',
    "huge_exponent": WHOLE[:-1] + b',"distanceInMeters":1e400}',
    "beyond_int64": WHOLE.replace(b'"steps":7', b'"steps":1180591620717411303424'),
    "before_2010": WHOLE.replace(b"2026-11-09", b"2009-12-31").replace(b"1794150000", b"1262185200"),
    "beyond_arrival": WHOLE.replace(b"2026-11-09", b"2096-12-31").replace(b"1794150000", b"4007718000"),
    "impossible_date": WHOLE.replace(b"2026-11-09", b"2026-02-30"),
    "start_in_milliseconds": WHOLE.replace(b"1794150000", b"1794150000000"),
    "number_as_string": WHOLE.replace(b'"steps":7', b'"steps":"8123"'),
    "integer_as_decimal": WHOLE[:-1] + b',"restingHeartRateInBeatsPerMinute":72.0}',
    "wrong_type": WHOLE.replace(b'"steps":7', b'"steps":{"total":7}'),
    "out_of_range": WHOLE.replace(b'"steps":7', b'"steps":250000'),
    "sentinel": WHOLE[:-1] + b',"averageStressLevel":-1,"restingHeartRateInBeatsPerMinute":0}',
}


def test_every_kind_has_its_expected_bytes_here() -> None:
    assert set(LINE_FAULTS) == set(EXPECTED)


@pytest.mark.parametrize("fault", EXPECTED)
def test_the_line_is(fault: str) -> None:
    assert broken(fault, DAILY) == EXPECTED[fault]
