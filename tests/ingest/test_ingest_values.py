"""One raw value becomes one typed value, or null with an issue that says why and shows no text."""

from __future__ import annotations

from typing import Any

import pytest

from qol.contracts.raw_values import identifier, parse_day, safe_get
from qol.contracts.reasons import ISSUE_REASONS
from qol.contracts.source_model import Field, FieldType
from qol.ingest.convert import IssueError, convert, shown, to_number
from qol.ingest.times import parse_instant


def field(kind: FieldType, **rest: Any) -> Field:
    return Field("f", (("f",),), kind, "d", **rest)


def converted(spec: Field, value: object) -> object:
    return convert(spec, value, lambda text: f"hash of {text}")


def issue(spec: Field, value: object) -> str:
    with pytest.raises(IssueError) as caught:
        converted(spec, value)
    assert str(caught.value).split()[-1] in ISSUE_REASONS
    return str(caught.value)


@pytest.mark.parametrize(
    ("node", "path", "value"),
    [
        ({"a": {"b": 1}}, ["a", "b"], 1),
        ({"a": {"b": None}}, ["a", "b"], None),
        ({"a": {"b": 0}}, ["a", "b"], 0),
        ({"a": {}}, ["a", "b"], None),
        ({"a": None}, ["a", "b"], None),
        ({"a": [1]}, ["a", "0"], None),
        ({"a": "text"}, ["a", "b", "c"], None),
        ({"A": 1}, ["a"], None),
        ([], ["a"], None),
        (None, ["a"], None),
        ({"a": 1}, [], {"a": 1}),
    ],
)
def test_safe_get_gives_the_value_or_none_and_never_raises(node: object, path: list[str], value: object) -> None:
    assert safe_get(node, path) == value


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (72, 72), (72.0, 72), ("72", 72), ("72.0", 72), (" 72 ", 72), ("1e3", 1000), ("-1.50E+1", -15), ("007", 7),
        (72.5, 72.5), ("72.5", 72.5), ("0.1", 0.1), ("1e-3", 0.001), ("-0.0", 0), (-0.0, 0),
        ("9007199254740993", 9_007_199_254_740_993), ("1e400", 10**400),
        (True, None), (False, None), ("", None), (" ", None), ("+1", None), (".5", None), ("5.", None), ("1e", None),
        ("NaN", None), ("Infinity", None), ("0x1", None), ("1_0", None), ("1,5", None), ("9" * 401, None), ("1e1000", None),
        (None, None), ([1], None), ({}, None),
    ],
)  # fmt: skip
def test_a_number_is_read_in_every_honest_spelling(value: object, number: object) -> None:
    found = to_number(value)
    assert (found, type(found)) == (number, type(number))


INTEGER = field("integer", low=-10, high=100_000, sentinels=(-1, 99_999))


@pytest.mark.parametrize(
    ("value", "result"), [(0, 0), (-10, -10), (100_000, 100_000), ("5", 5), (5.0, 5), (1e3, 1_000)]
)
def test_an_integer_in_its_range_is_kept(value: object, result: int) -> None:
    assert converted(INTEGER, value) == result


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-11, "-11 out_of_range"),
        (100_001, "100001 out_of_range"),
        ("100001", "string out_of_range"),
        (-1, "-1 sentinel"),
        (-1.0, "-1.0 sentinel"),
        ("99999", "string sentinel"),
        (5.5, "5.5 wrong_type"),
        ("5.5", "string wrong_type"),
        (True, "boolean wrong_type"),
        ([5], "array wrong_type"),
        ({}, "object wrong_type"),
        (12_345_678, "integer of 8 digits out_of_range"),
        (2**63, "integer of 19 digits too_large"),
        (-(2**63) - 1, "integer of 19 digits too_large"),
        (10**60, "integer of more than 40 digits too_large"),
        (1.25e20, "1.25e+20 too_large"),
    ],
)
def test_an_integer_that_cannot_be_used_says_why(value: object, text: str) -> None:
    assert issue(INTEGER, value) == text


def test_an_integer_without_a_range_may_fill_64_bits() -> None:
    assert [converted(field("integer"), value) for value in (2**63 - 1, -(2**63))] == [2**63 - 1, -(2**63)]


NUMBER = field("number", low=0, high=250_000, sentinels=(-99,))


@pytest.mark.parametrize(("value", "result"), [(0, 0.0), (0.5, 0.5), ("250000.0", 250_000.0), (3, 3.0)])
def test_a_number_in_its_range_is_kept_as_a_double(value: object, result: float) -> None:
    found = converted(NUMBER, value)
    assert (found, type(found)) == (result, float)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.1, "-0.1 out_of_range"),
        (250_000.25, "number out_of_range"),
        (-99, "-99 sentinel"),
        (1e300, "1e+300 too_large"),
        (10**400, "integer of more than 40 digits too_large"),
        ("1e999", "string too_large"),
        (False, "boolean wrong_type"),
        ("far", "string wrong_type"),
    ],
)
def test_a_number_that_cannot_be_used_says_why(value: object, text: str) -> None:
    assert issue(NUMBER, value) == text


EPOCH = field("epoch_seconds", low=1_262_304_000, high=4_102_444_800)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(1_794_150_000, 1_794_150_000), ("1794150000", 1_794_150_000), (1_794_150_000.999, 1_794_150_000)],
)
def test_a_time_is_whole_seconds(value: object, seconds: int) -> None:
    assert converted(EPOCH, value) == seconds


@pytest.mark.parametrize("value", [1_794_150_000_000, "1794150000999", 1_794_150_000_500.5])
def test_a_time_in_milliseconds_is_converted_and_named(value: object) -> None:
    with pytest.raises(IssueError, match="^milliseconds$") as caught:
        converted(EPOCH, value)
    assert caught.value.kept == 1_794_150_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 out_of_range"),
        (-522_802, "-522802 out_of_range"),
        (1_000, "1000 out_of_range"),
        (100_000_000_000, "integer of 12 digits out_of_range"),
        (1_794_150_000_000_000, "integer of 16 digits too_large"),
        (-99_999_999_999, "integer of 11 digits too_large"),
        (1e300, "1e+300 too_large"),
        ("yesterday", "string wrong_type"),
        (True, "boolean wrong_type"),
    ],
)
def test_a_time_that_cannot_be_used_says_why(value: object, text: str) -> None:
    assert issue(EPOCH, value) == text


@pytest.mark.parametrize("value", [True, False])
def test_a_flag_is_a_flag(value: bool) -> None:
    assert converted(field("boolean"), value) is value


@pytest.mark.parametrize(
    ("value", "flag"), [("true", True), ("True", True), (" TRUE ", True), ("false", False), ("FALSE", False)]
)
def test_a_flag_may_come_as_its_text(value: str, flag: bool) -> None:
    assert converted(field("boolean"), value) is flag


@pytest.mark.parametrize(
    ("value", "text"),
    [("yes", "string wrong_type"), ("1", "string wrong_type"), ("", "string wrong_type"), (1, "1 wrong_type"), (0, "0 wrong_type"), ([], "array wrong_type")],
)  # fmt: skip
def test_nothing_else_is_a_flag(value: object, text: str) -> None:
    assert issue(field("boolean"), value) == text


@pytest.mark.parametrize(
    ("value", "days"),
    [("1970-01-01", 0), ("2026-11-09", 20_766), (" 2026-11-09 ", 20_766), ("2024-02-29", 19_782)],
)
def test_a_date_is_days_since_1970(value: str, days: int) -> None:
    assert converted(field("date"), value) == days


@pytest.mark.parametrize(
    "value",
    ["2026-02-30", "2026-13-01", "2025-02-29", "20261109", "2026-W46-1", "2026-11-09T00:00:00", "09.11.2026", ""],
)
def test_a_date_no_calendar_has_is_an_issue_without_the_text(value: str) -> None:
    assert issue(field("date"), value) == "invalid_date"
    assert parse_day(value) is None


def test_a_date_that_is_no_text_is_an_issue() -> None:
    assert issue(field("date"), 20_261_109) == "integer of 8 digits wrong_type"


@pytest.mark.parametrize(
    ("value", "code"), [("GOOD", "GOOD"), (" a.b-c_1\n", "a.b-c_1"), (7, "7"), ("x" * 64, "x" * 64)]
)
def test_a_code_is_a_short_token(value: object, code: str) -> None:
    assert converted(field("code"), value) == code


@pytest.mark.parametrize("value", ["", " ", "two words", "x" * 65, "日本", "a@b.org", "a/b", "a\nb"])
def test_other_text_is_no_code(value: str) -> None:
    assert issue(field("code"), value) == "string not_a_code"


@pytest.mark.parametrize(
    ("value", "text"), [(True, "boolean wrong_type"), (1.5, "1.5 wrong_type"), ([], "array wrong_type")]
)
def test_a_value_that_is_no_text_is_no_code(value: object, text: str) -> None:
    assert issue(field("code"), value) == text


def test_a_code_is_in_upper_case_where_the_contract_says_so() -> None:
    assert [converted(field("code", uppercase=u), "Calm_awake") for u in (True, False)] == ["CALM_AWAKE", "Calm_awake"]


def test_words_of_a_code_are_joined_where_the_contract_says_so() -> None:
    kind = field("code", uppercase=True, join_words=True)
    values = ["Traditional Strength Training", " Pool  Swim ", "RUNNING", "x" * 31 + " " + "y" * 32]
    joined = ["TRADITIONAL_STRENGTH_TRAINING", "POOL_SWIM", "RUNNING", "X" * 31 + "_" + "Y" * 32]
    assert [converted(kind, value) for value in values] == joined


@pytest.mark.parametrize(
    "value", ["", " ", "with Bob (again)", "日本 語", "x" * 32 + " " + "y" * 32, "two\nlines", "two\twords"]
)
def test_joined_words_are_a_short_token_as_any_code(value: str) -> None:
    assert issue(field("code", join_words=True), value) == "string not_a_code"


def test_a_document_id_is_only_ever_its_hash() -> None:
    hashed = [converted(field("document_id"), value) for value in (" x-1 ", "x-1", 98_765_432_109_876_543_210)]
    assert hashed == ["hash of x-1", "hash of x-1", "hash of 98765432109876543210"]


@pytest.mark.parametrize(
    ("value", "text"), [("", "string wrong_type"), (1.0, "1.0 wrong_type"), (True, "boolean wrong_type")]
)
def test_a_value_that_is_no_id_is_no_document_id(value: object, text: str) -> None:
    assert issue(field("document_id"), value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("u1", "u1"), (" u1 ", "u1"), (7, "7"), (10**30, "1" + "0" * 30), (-7, "-7"), ("", None), ("\t", None), (7.0, None), (True, None), (None, None), (["u1"], None)],
)  # fmt: skip
def test_an_id_is_text_or_the_digits_of_an_integer(value: object, text: str | None) -> None:
    assert identifier(value) == text


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1971-01-01T00:00:00Z", 31_536_000_000_000),
        ("2026-11-10T01:00:00Z", 1_794_272_400_000_000),
        ("2026-11-10T10:00:00+09:00", 1_794_272_400_000_000),
        (" 2026-11-10T01:00:00.000001Z ", 1_794_272_400_000_001),
        ("2026-11-09T19:30:00-05:30", 1_794_272_400_000_000),
    ],
)
def test_a_time_of_receipt_is_iso_8601_with_its_offset(text: str, microseconds: int) -> None:
    assert parse_instant(text) == microseconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-10T01:00:00",
        "2026-11-10",
        "",
        "soon",
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
    ],
)
def test_anything_else_is_no_time_of_receipt(text: str) -> None:
    assert parse_instant(text) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9_999_999, "9999999"), (10_000_000, "integer of 8 digits"), (-9_999_999, "-9999999"), (10**39, "integer of 40 digits"), (-(10**40), "integer of more than 40 digits"),
        (0.25, "0.25"), (-123.4567, "-123.4567"), (123.45678, "number"), (1e-7, "1e-07"),
        ("Taro Yamada", "string"), ("1", "string"), (True, "boolean"), ({"a": 1}, "object"), ([1], "array"), (None, "null"),
    ],
)  # fmt: skip
def test_an_issue_shows_small_numbers_and_of_all_else_the_type(value: object, text: str) -> None:
    assert shown(value) == text
