"""Exact decimals: the digits on the line are the digits in the table, or there is no value."""

from dataclasses import replace
from decimal import Decimal

import pytest

from qol.ingest.parse import RejectedError, parse_line

from .feed import Fed, feed
from .wild import WILD, contract

PRICE = contract(
    "price",
    {
        "at": {"path": "at", "type": "epoch_seconds"},
        "usd": {"path": "usd", "type": "decimal", "range": [0, 10**20], "sentinels": [0]},
    },
)
PLAIN = contract(
    "plain",
    {
        "at": {"path": "at", "type": "epoch_seconds"},
        "qty": {"path": "qty", "type": "number"},
        "mean": {"path": "samples", "type": "number", "decimals": 2, "samples": {"reduce": "mean"}},
        "steps": {"path": "steps", "type": "integer"},
    },
)
EXACT = replace(WILD, sources=(PRICE, PLAIN))


def fed(members: str, record: str = "price", head: str = '"who":"u1","at":1794150000.0') -> Fed:
    return feed(f"{{{head},{members}}}".encode(), f"wild_{record}", contracts=EXACT)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("0.1", "0.1"),
        ("1e-8", "0.00000001"),
        ('"0.000000000000000001"', "0.000000000000000001"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
        ("99999999999999999999", "99999999999999999999"),
        ("1.5000000000000000000000", "1.5"),
        ('" 42 "', "42"),
    ],
)
def test_every_digit_on_the_line_is_stored(text: str, stored: str) -> None:
    assert str(Decimal(fed(f'"usd":{text}').row["usd"]).normalize()) == str(Decimal(stored).normalize())


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("0.0000000000000000001", "usd: 1e-19 too_large"),
        ("100000000000000000000", "usd: integer of 21 digits too_large"),
        ("1e400", "usd: number too_large"),
        ("1e-400", "usd: 0.0 too_large"),
        ("-0.5", "usd: -0.5 out_of_range"),
        ("-0.0", "usd: -0.0 sentinel"),
        ('"0,5"', "usd: string wrong_type"),
        ("true", "usd: boolean wrong_type"),
        ("[1.5]", "usd: array wrong_type"),
    ],
)
def test_what_loses_a_digit_is_no_value(text: str, issue: str) -> None:
    row = fed(f'"usd":{text}').row
    assert (row["usd"], row["value_issues"]) == (None, [issue])


@pytest.mark.parametrize(
    ("text", "stored"), [("0.1", 0.1), ("2.675", 2.675), ("5", 5.0), ("1e22", 1e22), ("1e-400", 0.0), ("1e400", None)]
)
def test_other_numbers_of_such_a_source_are_what_they_are_elsewhere(text: str, stored: float | None) -> None:
    assert fed(f'"qty":{text}', "plain").row["qty"] == stored


def test_a_number_of_more_digits_than_a_text_may_have_is_never_written_out() -> None:
    assert fed('"qty":1e400', "plain").row["value_issues"] == ["qty: number wrong_type"]


def test_whole_numbers_and_samples_with_a_point_stay_what_they_are() -> None:
    row = fed('"steps":72.0,"samples":{"0":60.5,"15":61}', "plain").row
    assert (row["at"], row["steps"], row["mean"]) == (1_794_150_000, 72, 60.75)


def test_a_rejected_item_keeps_its_digits() -> None:
    result = feed(b'[{"who":"u1","usd":0.10},{"who":"u1","usd":1e-8}]', "wild_price", contracts=EXACT)
    assert [reject["raw"] for reject in result.rejects] == [b'{"who":"***","usd":0.10}', b'{"who":"***","usd":1E-8}']


def test_a_number_beyond_all_decimals_is_not_json() -> None:
    with pytest.raises(RejectedError) as caught:
        parse_line(b'{"usd":1e99999999999999999999}', exact=True)
    assert caught.value.reason == "not_json"


def test_only_who_asks_gets_decimals() -> None:
    assert type(parse_line(b"0.5")) is float
    assert parse_line(b"0.50", exact=True).as_tuple() == Decimal("0.50").as_tuple()
