"""Values with their unit beside them are stored in one unit, and plausible values may depend on what was measured."""

import json
from dataclasses import replace
from typing import Any

import pytest

from .feed import CONTRACTS, Row, feed
from .wild import WILD, contract

SAMPLE = contract(
    "sample",
    {
        "at": {"path": "at", "type": "epoch_seconds"},
        "kind": {"path": "type", "type": "code"},
        "value": {
            "path": "value", "type": "number", "units": "meta.unit", "sentinels": [-1, 0],
            "ranges_by": {"field": "kind", "ranges": {"HeartRate": [25, 240], "BodyMass": [20, 350]}},
        },
        "whole": {"path": "whole", "type": "integer", "units": "meta.unit"},
    },
)  # fmt: skip
WITH_UNITS = replace(WILD, sources=(SAMPLE,), units=CONTRACTS.units)


def fed(value: object, unit: object, kind: str | None = None, **raw: Any) -> Row:
    document = {"who": "u1", "at": 1_794_150_000, "type": kind, "value": value, "meta": {"unit": unit}, **raw}
    return feed(json.dumps(document).encode(), "wild_sample", contracts=WITH_UNITS).row


@pytest.mark.parametrize(
    ("value", "unit", "stored"),
    [
        (1_500, "m", 1_500), (1.5, "km", 1_500), (150, "cm", 1.5), (1, "mi", 1_609.344), (10, "ft", 3.048), (10, "yd", 9.144), (10, "in", 0.254),
        (250, "kcal", 250), (250, "Cal", 250), (250, "cal", 0.25), (418.4, "kJ", 100), (4_184, "J", 1),
        (30, "min", 1_800), (42.5, "s", 42.5), (42.5, "ms", 0.0425), (1.5, "hr", 5_400),
        (60, "count/min", 60), (1.25, "count/s", 75), (60, "bpm", 60),
        (36.5, "degC", 36.5), (98.6, "degF", 37), (212, "degF", 100), (300, "K", 26.85),
        (70, "kg", 70), (70_500, "g", 70.5), (150, "lb", 68.0388555), (10, "st", 63.5029318), (16, "oz", 0.45359237),
        (120, "mmHg", 120), (16, "kPa", 120.0098521353),
        (90, "mg/dL", 90), (5, "mmol<180.1558800000541>/L", 90.07794), (5, "mmol/L", 90.07794),
        (0.25, "L", 250), (250, "mL", 250), (8, "fl_oz_us", 236.5882365),
        (1.4, "m/s", 1.4), (3.6, "km/hr", 1), (1, "mi/hr", 0.44704),
        (0.97, "%", 0.97), (72.5, "dBASPL", 72.5),
        (42, "mL/min·kg", 42), (42, "ml/(kg*min)", 42), (42, "mL/(kg·min)", 42), (7, " count ", 7), ("1.5", "km", 1_500),
    ],
)  # fmt: skip
def test_a_value_is_stored_in_the_one_unit_of_its_quantity(value: object, unit: str, stored: float) -> None:
    row = fed(value, unit)
    assert (row["value"], row["value_issues"]) == (pytest.approx(stored, rel=1e-9), None)


def test_a_value_in_the_stored_unit_keeps_every_digit() -> None:
    assert fed(0.1 + 0.2, "m")["value"] == 0.1 + 0.2


@pytest.mark.parametrize("unit", ["furlong", "M", "KG", "", None, 5, {"unit": "m"}])
def test_an_unknown_or_missing_unit_leaves_no_value(unit: object) -> None:
    row = fed(5, unit)
    assert (row["value"], row["value_issues"]) == (None, ["value: 5 unknown_unit"])


@pytest.mark.parametrize(
    ("value", "unit", "issue"),
    [
        ("five", "m", "value: string wrong_type"),
        (-1, "km", "value: -1 sentinel"),
        (0, "furlong", "value: 0 sentinel"),
        (1e300, "mi", "value: 1e+300 too_large"),
        (10**301, "mi", "value: integer of more than 40 digits too_large"),
    ],
)
def test_what_is_no_value_is_told_before_its_unit(value: object, unit: str, issue: str) -> None:
    row = fed(value, unit)
    assert (row["value"], row["value_issues"]) == (None, [issue])


def test_a_sentinel_is_the_vendors_number_not_the_stored_one() -> None:
    assert fed(32, "degF")["value"] == 0


@pytest.mark.parametrize(("whole", "unit", "stored"), [(2, "km", 2_000), (2.5, "km", 2_500), (250, "cm", None)])
def test_a_whole_number_stays_whole_or_is_none(whole: object, unit: str, stored: int | None) -> None:
    assert fed(1, "m", meta={"unit": unit}, whole=whole)["whole"] == stored


@pytest.mark.parametrize(
    ("kind", "value", "unit", "stored"),
    [
        ("HeartRate", 300, "count/min", None),
        ("HeartRate", 240, "count/min", 240),
        ("BodyMass", 300, "kg", 300),
        ("BodyMass", 30, "lb", None),
        ("BodyMass", 770, "lb", 349.2661249),
        ("StepCount", 9_999, "count", 9_999),
        (None, 9_999, "count", 9_999),
    ],
)
def test_plausible_values_depend_on_what_was_measured(
    kind: str | None, value: float, unit: str, stored: float | None
) -> None:
    row = fed(value, unit, kind)
    assert row["value"] == (None if stored is None else pytest.approx(stored))
    assert [issue.rpartition(" ")[2] for issue in row["value_issues"] or ()] == ["out_of_range"] * (stored is None)


def test_the_place_of_a_unit_is_a_known_field() -> None:
    document = json.dumps({"who": "u1", "at": 1_794_150_000, "value": 1, "meta": {"unit": "m", "novel": 1}})
    issues = feed(document.encode(), "wild_sample", contracts=WITH_UNITS).issues
    assert issues == {("wild_sample", "meta.novel", "unknown_field"): 1}
