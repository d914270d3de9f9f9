"""One raw value becomes one typed value, or null with an issue that says why and shows no text."""

from typing import Any

import pytest

from qol.contracts.fields import Field, FieldType
from qol.contracts.raw_values import identifier, safe_get
from qol.contracts.reasons import ISSUE_REASONS
from qol.ingest.convert import IssueError, convert, shown, to_number
from qol.ingest.times import parse_instant


def field(kind: FieldType, **rest: Any) -> Field:
    return Field(name="f", paths=(("f",),), type=kind, description="d", **rest)


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


NO_DATES = ["2026-02-30", "2026-13-01", "2025-02-29", "20261109", "2026-W46-1", "2026-11-09T00:00:00", "09.11.2026", ""]
INTEGER = field("integer", range=(-10, 100_000), sentinels=(-1, 99_999))
NUMBER = field("number", range=(0, 250_000), sentinels=(-99,))
EPOCH = field("epoch_seconds", range=(1_262_304_000, 4_102_444_800))
BOOLEAN, DATE, CODE, DOCUMENT_ID = field("boolean"), field("date"), field("code"), field("document_id")


@pytest.mark.parametrize(
    ("spec", "values", "result"),
    [
        (INTEGER, [0], 0),
        (INTEGER, [-10], -10),
        (INTEGER, [100_000], 100_000),
        (INTEGER, ["5", 5.0], 5),
        (INTEGER, [1e3], 1_000),
        (field("integer"), [2**63 - 1], 2**63 - 1),
        (field("integer"), [-(2**63)], -(2**63)),
        (NUMBER, [0], 0.0),
        (NUMBER, [0.5], 0.5),
        (NUMBER, ["250000.0"], 250_000.0),
        (NUMBER, [3], 3.0),
        (EPOCH, [1_794_150_000, "1794150000", 1_794_150_000.999], 1_794_150_000),
        (BOOLEAN, [True, "true", "True", " TRUE "], True),
        (BOOLEAN, [False, "false", "FALSE"], False),
        (DATE, ["1970-01-01"], 0),
        (DATE, ["2026-11-09", " 2026-11-09 "], 20_766),
        (DATE, ["2024-02-29"], 19_782),
        (CODE, ["GOOD"], "GOOD"),
        (CODE, [" a.b-c_1\n"], "a.b-c_1"),
        (CODE, [7], "7"),
        (CODE, ["x" * 24], "x" * 24),
        (DOCUMENT_ID, [" x-1 ", "x-1"], "hash of x-1"),
        (DOCUMENT_ID, [98_765_432_109_876_543_210], "hash of 98765432109876543210"),
    ],
)
def test_a_usable_value_has_the_type_of_its_field(spec: Field, values: list[object], result: object) -> None:
    found = [converted(spec, value) for value in values]
    assert (found, {type(value) for value in found}) == ([result] * len(values), {type(result)})


@pytest.mark.parametrize(
    ("spec", "value", "text"),
    [
        (INTEGER, -11, "-11 out_of_range"),
        (INTEGER, 100_001, "100001 out_of_range"),
        (INTEGER, "100001", "string out_of_range"),
        (INTEGER, -1, "-1 sentinel"),
        (INTEGER, -1.0, "-1.0 sentinel"),
        (INTEGER, "99999", "string sentinel"),
        (INTEGER, 5.5, "5.5 wrong_type"),
        (INTEGER, "5.5", "string wrong_type"),
        (INTEGER, True, "boolean wrong_type"),
        (INTEGER, [5], "array wrong_type"),
        (INTEGER, {}, "object wrong_type"),
        (INTEGER, 12_345_678, "integer of 8 digits out_of_range"),
        (INTEGER, 2**63, "integer of 19 digits too_large"),
        (INTEGER, -(2**63) - 1, "integer of 19 digits too_large"),
        (INTEGER, 10**60, "integer of more than 40 digits too_large"),
        (INTEGER, 1.25e20, "1.25e+20 too_large"),
        (NUMBER, -0.1, "-0.1 out_of_range"),
        (NUMBER, 250_000.25, "number out_of_range"),
        (NUMBER, -99, "-99 sentinel"),
        (NUMBER, 1e300, "1e+300 too_large"),
        (NUMBER, 10**400, "integer of more than 40 digits too_large"),
        (NUMBER, "1e999", "string too_large"),
        (NUMBER, False, "boolean wrong_type"),
        (NUMBER, "far", "string wrong_type"),
        (EPOCH, 0, "0 out_of_range"),
        (EPOCH, -522_802, "-522802 out_of_range"),
        (EPOCH, 1_000, "1000 out_of_range"),
        (EPOCH, 100_000_000_000, "integer of 12 digits out_of_range"),
        (EPOCH, 1_794_150_000_000_000, "integer of 16 digits too_large"),
        (EPOCH, -99_999_999_999, "integer of 11 digits too_large"),
        (EPOCH, 1e300, "1e+300 too_large"),
        (EPOCH, "yesterday", "string wrong_type"),
        (EPOCH, True, "boolean wrong_type"),
        *((BOOLEAN, text, "string wrong_type") for text in ("yes", "1", "")),
        (BOOLEAN, 1, "1 wrong_type"),
        (BOOLEAN, 0, "0 wrong_type"),
        (BOOLEAN, [], "array wrong_type"),
        *((DATE, text, "invalid_date") for text in NO_DATES),
        (DATE, 20_261_109, "integer of 8 digits wrong_type"),
        *(
            (CODE, text, "string not_a_code")
            for text in ("", " ", "two words", "x" * 65, "日本", "a@b.org", "a/b", "a\nb")
        ),
        (CODE, True, "boolean wrong_type"),
        (CODE, 1.5, "1.5 wrong_type"),
        (CODE, [], "array wrong_type"),
        (DOCUMENT_ID, "", "string wrong_type"),
        (DOCUMENT_ID, 1.0, "1.0 wrong_type"),
        (DOCUMENT_ID, True, "boolean wrong_type"),
    ],
)
def test_a_value_that_is_not_usable_says_why_without_its_text(spec: Field, value: object, text: str) -> None:
    assert issue(spec, value) == text


@pytest.mark.parametrize("value", [1_794_150_000_000, "1794150000999", 1_794_150_000_500.5])
def test_a_time_in_milliseconds_is_converted_and_named(value: object) -> None:
    with pytest.raises(IssueError, match="^milliseconds$") as caught:
        converted(EPOCH, value)
    assert caught.value.kept == 1_794_150_000


def test_a_code_is_in_upper_case_where_the_contract_says_so() -> None:
    assert [converted(field("code", uppercase=u), "Calm_awake") for u in (True, False)] == ["CALM_AWAKE", "Calm_awake"]


@pytest.mark.parametrize("value", ["x" * 25, "CNRY00012", "a_b_111", 471, "GOOD_" + "x" * 25, "d3315b1072421d0d"])
def test_what_may_be_an_id_is_no_code_of_an_open_vocabulary(value: object) -> None:
    assert issue(CODE, value) == "string not_a_code"


def test_words_of_a_code_are_joined_where_the_contract_says_so() -> None:
    kind = field("code", uppercase=True, join_words=True)
    values = ["Traditional Strength Training", " Pool  Swim ", "RUNNING", "x" * 24 + " " + "y" * 24]
    joined = ["TRADITIONAL_STRENGTH_TRAINING", "POOL_SWIM", "RUNNING", "X" * 24 + "_" + "Y" * 24]
    assert [converted(kind, value) for value in values] == joined


@pytest.mark.parametrize(
    "value", ["", " ", "with Bob (again)", "日本 語", "x" * 32 + " " + "y" * 32, "two\nlines", "two\twords"]
)
def test_joined_words_are_a_short_token_as_any_code(value: str) -> None:
    assert issue(field("code", join_words=True), value) == "string not_a_code"


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
    ("value", "text"),
    [
        (9_999_999, "9999999"), (10_000_000, "integer of 8 digits"), (-9_999_999, "-9999999"), (10**39, "integer of 40 digits"), (-(10**40), "integer of more than 40 digits"),
        (0.25, "0.25"), (-123.4567, "-123.4567"), (123.45678, "number"), (1e-7, "1e-07"),
        ("Taro Yamada", "string"), ("1", "string"), (True, "boolean"), ({"a": 1}, "object"), ([1], "array"), (None, "null"),
    ],
)  # fmt: skip
def test_an_issue_shows_small_numbers_and_of_all_else_the_type(value: object, text: str) -> None:
    assert shown(value) == text
