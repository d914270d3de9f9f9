"""Sample faults: each kind does what its name says, and each kind is in the lake."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest

from qol_dev.sample import faults

from .conftest import Lake, content

EXPECTED: dict[Callable[..., bytes], bytes] = {
    faults.truncated_json: b'{"userId":"u","calendarDate":"2026-11-09","startTimeInSeconds":1794150000,'
    b'"startTimeOffsetInSeconds":32400',
    faults.scalar_line: b"42",
    faults.missing_user_id: b'{"calendarDate":"2026-11-09","startTimeInSeconds":1794150000,'
    b'"startTimeOffsetInSeconds":32400,"steps":7,"_received_at":"2026-11-10T01:00:00.000Z"}',
    faults.missing_start_and_date: b'{"userId":"u","startTimeOffsetInSeconds":32400,"steps":7,'
    b'"_received_at":"2026-11-10T01:00:00.000Z"}',
    faults.unknown_envelope: b'{"wellnessMoments":[{"userId":"u","calendarDate":"2026-11-09",'
    b'"startTimeInSeconds":1794150000,"startTimeOffsetInSeconds":32400,"steps":7}],'
    b'"_received_at":"2026-11-10T01:00:00.000Z"}',
}

CHANGED: dict[Callable[..., bytes], bytes] = {
    faults.bom_inside: b'\xef\xbb\xbf{"userId"',
    faults.two_objects: b'Z"}{"userId"',
    faults.trailing_text: b'Z"} OK',
    faults.nul_byte: b'Z"}\x00',
    faults.crlf_line: b'Z"}\r',
    faults.blank_line: b'\n{"userId"',
    faults.invalid_utf8: b'"Montre d\xe9j\xe0 vu"',
    faults.lone_surrogate: b'"watch \\ud83d"',
    faults.deep_nesting: b"[" * 101,
    faults.not_a_number: b'"distanceInMeters":NaN',
    faults.infinity: b'"distanceInMeters":Infinity',
    faults.huge_exponent: b'"distanceInMeters":1e400',
    faults.beyond_int64: b'"steps":1180591620717411303424',
    faults.duplicate_keys: b'{"steps":1,"userId":"u","calendarDate":"2026-11-09"',
    faults.before_2010: b'"calendarDate":"2009-12-31","startTimeInSeconds":1262185200',
    faults.beyond_arrival: b'"calendarDate":"2026-12-10","startTimeInSeconds":1796828400',
    faults.impossible_date: b'"calendarDate":"2026-02-30","startTimeInSeconds":1794150000',
    faults.start_in_milliseconds: b'"startTimeInSeconds":1794150000000',
    faults.number_as_string: b'"steps":"7"',
    faults.integer_as_decimal: b'"restingHeartRateInBeatsPerMinute":72.0',
    faults.wrong_type: b'"steps":{"total":7}',
    faults.out_of_range: b'"steps":250000',
    faults.sentinel: b'"averageStressLevel":-1,"restingHeartRateInBeatsPerMinute":0',
    faults.unknown_extra_field: b'"readinessHint":{"level":3',
}


def daily() -> dict[str, object]:
    return {
        "userId": "u",
        "calendarDate": "2026-11-09",
        "startTimeInSeconds": 1_794_150_000,
        "startTimeOffsetInSeconds": 32_400,
        "steps": 7,
        "_received_at": "2026-11-10T01:00:00.000Z",
    }


def test_every_kind_has_its_expected_bytes_here() -> None:
    assert {f.__name__ for f in faults.LINE_FAULTS} == {f.__name__ for f in (*EXPECTED, *CHANGED)}


@pytest.mark.parametrize("fault", EXPECTED, ids=lambda f: f.__name__)
def test_the_whole_line_is(fault: Callable[..., bytes]) -> None:
    assert fault(daily()) == EXPECTED[fault]


@pytest.mark.parametrize("fault", CHANGED, ids=lambda f: f.__name__)
def test_the_line_holds(fault: Callable[..., bytes]) -> None:
    assert CHANGED[fault] in fault(daily())


def test_a_lake_of_two_thousand_lines_has_every_kind(lake: Lake) -> None:
    assert lake.summary.lines > 2_000
    kinds = {f.__name__ for f in faults.LINE_FAULTS} | {"bom_at_object_start", "truncated_gzip_object"}
    assert set(lake.summary.faults) == kinds
    assert min(lake.summary.faults.values()) == 1


def test_bad_lines_stay_rare(lake: Lake) -> None:
    assert sum(lake.summary.faults.values()) <= max(31, lake.summary.lines // 900)


def test_one_object_begins_with_a_byte_order_mark(lake: Lake) -> None:
    assert sum(content(path).startswith(b"\xef\xbb\xbf") for path in lake.objects()) == 1


def test_one_packed_object_breaks_off(lake: Lake) -> None:
    (broken,) = lake.root.glob("raw/garmin/*/date=*/*-again.jsonl.gz")
    with pytest.raises(EOFError):
        gzip.decompress(broken.read_bytes())


def test_faults_in_the_lake_can_be_found_again(lake: Lake) -> None:
    everything = b"".join(content(path) for path in lake.objects())
    for trace in (b"\n42\n", b"}\r\n", b"\x00", b"}{", b"[" * 101, b"NaN", b"1e400", b'"2026-02-30"', b'"steps":1,'):
        assert trace in everything
