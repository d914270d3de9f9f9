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
        "length": {"path": ["new.qty", "old.qty"], "type": "number", "units": ["new.units", "old.units"]},
        "pressure": {"path": "pressure.qty", "type": "number", "units": "pressure.units", "unit_may_be_missing": True, "range": [50, 300]},
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
    ("whole", "stored"),
    [(61.999999999999993, 62), (128.99999999999997, 129), (82.00000000000001, 82), ("61.999999999999993", 62), (1e-12, 0), (61.9999, None), (0.5, None)],
)  # fmt: skip
def test_what_a_conversion_left_beside_a_whole_number_is_that_number(whole: object, stored: int | None) -> None:
    assert fed(1, "m", whole=whole)["whole"] == stored


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ({"new": {"qty": 2, "units": "km"}}, 2_000),
        ({"old": {"qty": 2, "units": "m"}}, 2),
        ({"new": {"qty": 2, "units": "km"}, "old": {"qty": 2, "units": "m"}}, 2_000),
        ({"new": {"qty": 2}, "old": {"qty": 3, "units": "m"}}, 3),
    ],
)
def test_every_place_of_a_value_has_its_own_unit(raw: dict[str, Any], stored: float) -> None:
    assert fed(1, "m", **raw)["length"] == stored


@pytest.mark.parametrize(
    ("value", "unit", "stored"),
    [(129, "mmHg", 129), (17.2, "kPa", 129.01), (12.9, "cmHg", 129), (5.1, "inHg", 129.54), (129, None, 129), (17.2, None, None), (129, "bar", None)],
)  # fmt: skip
def test_a_pressure_without_its_unit_may_be_in_the_stored_one(value: float, unit: str | None, stored: float) -> None:
    assert fed(1, "m", pressure={"qty": value, "units": unit})["pressure"] == (
        stored and pytest.approx(stored, abs=0.005)
    )


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


TIMED = contract(
    "timed",
    {
        "at": {"path": "at", "type": "epoch_seconds"},
        "until": {"path": "until", "type": "epoch_seconds"},
        "kind": {"path": "type", "type": "code"},
        "value": {
            "path": "value", "type": "number",
            "ranges_by": {
                "field": "kind", "ranges": {"Steps": [0, 100_000], "HeartRate": [25, 240]},
                "per_minute": {"start": "at", "end": "until", "highest": {"Steps": 300}},
            },
        },
    },
)  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "most"),
    [(86_399, 100_000), (3 * 86_400, 300_000), (25_200, 100_000), (600, 3_000), (60, 300), (2, 300), (0, 18_000), (None, 18_000), (-5, 18_000)],
)  # fmt: skip
def test_what_is_plausible_of_a_quantity_follows_from_the_time_it_took(seconds: int | None, most: int) -> None:
    """A shorter sample counts as a minute, an instant as an hour, and no day may have more than a day's most."""
    until = None if seconds is None else 1_794_150_000 + seconds
    base = {"who": "u1", "at": 1_794_150_000, "until": until, "type": "Steps"}
    rows = [
        feed(json.dumps({**base, "value": value}).encode(), "wild_timed", contracts=replace(WILD, sources=(TIMED,))).row
        for value in (most, most + 1)
    ]
    assert [row["value"] for row in rows] == [most, None]
    assert rows[1]["value_issues"][0].endswith(" out_of_range")


def test_a_code_without_a_rate_has_its_range_whatever_the_time() -> None:
    raw = {"who": "u1", "at": 1_794_150_000, "until": 1_794_236_400, "type": "HeartRate", "value": 241}
    row = feed(json.dumps(raw).encode(), "wild_timed", contracts=replace(WILD, sources=(TIMED,))).row
    assert (row["value"], row["value_issues"]) == (None, ["value: 241 out_of_range"])
