"""Strict JSON: what RFC 8259 refuses is rejected and what it allows is read, by both readers and in any place."""

import pytest

from qol.ingest.clean_lines import LEARN_AFTER
from qol.ingest.parse import RejectedError, is_deep, parse_line

from .feed import Fed, both_readers, daily, feed, lines

REFUSED = [
    # numbers
    b"01", b"-01", b"+1", b".5", b"-.5", b"1.", b"1.e3", b"1e", b"1e+", b"1eE2", b"0x1F", b"1_000", b"1 000", b"--1",
    b"-", b"1.2.3", b"0.3e", b"-2.", b"2.e-3", b"1,5", b"NaN", b"-NaN", b"Infinity", b"-Infinity", b"inf", b"1e400",
    b"\xef\xbc\x91",
    # literals
    b"True", b"nul", b"nulll", b"tru", b"undefined", b"None", b"TRUE",
    # texts
    b'"', b"'a'", b'"a', b'a"', b'"\\x41"', b'"\\a"', b'"\\u12"', b'"\\u12G4"', b'"\\ud800"', b'"\\udc00"',
    b'"\\ud800\\u0041"', b'"\\ud83d\\ud83d"', b'"\\udc00\\ud800"', b'"\t"', b'"\x00"', b'"\x1f"', b'"\r"', b'"\\"', b'"\\\\""',
    b'"\xff"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xe3\x81"', b'"\xf4\x90\x80\x80"',
    # lists
    b"[", b"]", b"[1", b"[1,]", b"[,1]", b"[,]", b"[1,,2]", b"[1 2]", b"[1:2]", b"[1}", b"[1]]", b"(1)",
    # objects
    b"{", b"}", b'{"a"}', b'{"a":}', b'{"a":1', b'{"a":1,}', b'{,"a":1}', b"{a:1}", b"{'a':1}", b"{1:1}", b'{"a" 1}',
    b'{"a":1 "b":2}', b'{"a"::1}', b'{"a":1,,"b":2}', b'{"a":1}}', b'{"a":1]', b"{null:1}", b'{"\\ud800":1}', b'{"\xff":1}',
    # around
    b"1 2", b"1//x", b"1/**/", b"#1", b"1;", b"\xef\xbb\xbf1", b"1\x00", b"\x0c1", b"\xc2\xa01", b"\x0b1",
]  # fmt: skip
ALLOWED = [
    b"0", b"-0", b"0.0", b"-0.0", b"1", b"-1", b"12", b"1.5", b"1e3", b"1E3", b"1e+3", b"1e-3", b"0e0", b"0E+1", b"1.0e10",
    b"-1.5E-7", b"5e-324", b"1e-400", b"1.7976931348623157e308", b"123456789012345678901234567890",
    b"0.1000000000000000055511151231257827021181583404541015625",
    b"true", b"false", b"null",
    b'""', b'"a"', b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', b'"\\u0041"', b'"\\u00e9\\uFFFF"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\\u2028"',
    b'"\x7f"', b'"\xc3\xa9"', b'"\xe3\x81\x82"', b'"\xf0\x9f\x98\x80"', b'"\xef\xbb\xbf"', b'"\xef\xbf\xbf"', b'"\xf4\x8f\xbf\xbf"', b'"a/b"', b'"[{"',
    b"[]", b"[ ]", b"[1]", b"[1, 2]", b"[[],{}]", b"[null]", b" [1] ", b"\t1\r",
    b"{}", b"{ }", b'{"a":1}', b'{"":0}', b'{"a":1,"a":2}', b'{"a":{"b":[1]}}', b'{"\\u0000":1}', b'{"a" : 1 , "b":2 }', b'{"\xe6\x97\xa5":1}',
]  # fmt: skip


NOT_READ = (["not_json"], ["not_utf8"])


def in_a_field(text: bytes) -> bytes:
    """The text as the value of a field that no contract names."""
    return daily()[:-1] + b',"novel":' + text + b"}"


def test_an_integer_of_more_digits_than_python_converts_is_read_and_what_is_no_number_refused() -> None:
    vast = b"9" * 4_301
    document = b'{"a":"' + vast + b'","b":[' + vast + b'],"c":0.' + vast + b"}"
    assert parse_line(document) == {"a": vast.decode(), "b": [10**4_300 - 1], "c": 1.0}
    for refused in (b"0" + vast, vast + b"x", vast + b".", b"1e" + vast):
        with pytest.raises(RejectedError):
            parse_line(refused)


def learned(*last: bytes) -> Fed:
    """What the columnar reader makes of records with such texts, when it has learned their field."""
    return feed(lines(*[in_a_field(b"1")] * LEARN_AFTER, *map(in_a_field, last)), fast=True)


def test_refused_as_a_line() -> None:
    assert [text for text in REFUSED if feed(lines(b"{}", text)).verdicts[1:2] not in NOT_READ] == []


@both_readers
def test_refused_inside_a_record(fast: bool) -> None:
    assert [text for text in REFUSED if feed(in_a_field(text), fast=fast).verdicts[:1] not in NOT_READ] == []


def test_refused_in_a_field_the_columnar_reader_has_learned() -> None:
    found = {text: learned(text, text).tally for text in REFUSED}
    assert [text for text, of in found.items() if (of["records"], of["rejected"]) != (LEARN_AFTER, 2)] == []


def test_allowed_as_a_line() -> None:
    no_record = {"not_an_object", "missing_key"}
    assert [text for text in ALLOWED if not set(feed(lines(text)).verdicts) <= no_record] == []


@both_readers
def test_allowed_inside_a_record(fast: bool) -> None:
    assert [text for text in ALLOWED if feed(in_a_field(text), fast=fast).tally["records"] != 1] == []


def test_allowed_in_a_field_the_columnar_reader_has_learned() -> None:
    assert [text for text in ALLOWED if learned(text).tally["records"] != LEARN_AFTER + 1] == []


def test_integers_keep_every_digit() -> None:
    assert parse_line(b"123456789012345678901234567890") == 123_456_789_012_345_678_901_234_567_890


def test_a_reject_says_nothing_of_the_line() -> None:
    with pytest.raises(RejectedError) as caught:
        parse_line(b'{"name":"Taro Yamada",}')
    error = caught.value
    assert (error.reason, error.message, str(error)) == ("not_json", "not one valid JSON document", "not_json")
    assert (error.__cause__, error.__suppress_context__) == (None, True)


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        (b"[" * 100 + b"]" * 100, False),
        (b"[" * 101 + b"]" * 101, True),
        (b'{"a":' * 101, True),
        (b"[]" * 500, False),
        (b'{"a":"' + b"[" * 500 + b'"}', False),
        (b'{"a":"\\"' + b"[" * 500 + b'"}', False),
        (b'{"a":"\\\\"' + b"[" * 101, True),
        (b'{"' + b"[" * 500, False),
    ],
)
def test_levels_are_counted_outside_texts(text: bytes, deep: bool) -> None:
    assert is_deep(text) is deep
