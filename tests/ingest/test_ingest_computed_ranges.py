"""A computed value outside its range is null, and the record says so as it does of a field."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from qol.transform.derived import with_derived

from .feed import Fed, both_readers, feed
from .wild import AT, WILD, contract

SCALES = contract(
    "scales",
    {**AT, "on": {"path": "on", "type": "date"}, "weight": {"path": "w", "type": "integer"}, "tenths": {"path": "e", "type": "integer"}},
    parameters={"least": {"value": 20, "description": "d"}},
    derived={
        "per_kg": "CASE WHEN on > DATE '2026-01-01' THEN 1000 END",
        "weight_kg": {"value": "weight / per_kg", "unit": "kg", "range": [20, 350]},
        "above": {"value": "weight_kg - least", "range": [0, 100]},
    },
)  # fmt: skip


def fed(fast: bool, **raw: Any) -> Fed:
    text = json.dumps({"who": "u1", "at": 1_794_150_000, "on": "2026-11-09", **raw}).encode()
    return feed(text, "wild_scales", contracts=replace(WILD, sources=(SCALES,)), fast=fast)


@both_readers
@pytest.mark.parametrize(
    ("weight", "issues"),
    [
        (75_450, None),
        (20_000, None),
        (None, None),
        (75_450_000, ["derived.weight_kg: 75450.0 out_of_range"]),
        (150_000, ["derived.above: 130.0 out_of_range"]),
    ],
)
def test_a_computed_value_out_of_its_range_is_an_issue(fast: bool, weight: Any, issues: Any) -> None:
    found = fed(fast, w=weight)
    assert found.row["value_issues"] == issues
    assert sum(found.issues.values()) == len(issues or ())


@both_readers
def test_issues_of_computed_values_stand_after_those_of_fields_and_are_counted(fast: bool) -> None:
    found = fed(fast, w=1, e="x")
    assert found.row["value_issues"] == ["e: string wrong_type", "derived.weight_kg: 0.001 out_of_range"]
    assert found.issues["wild_scales", "derived.weight_kg", "out_of_range"] == 1


def test_it_is_null_for_all_that_reads_it() -> None:
    records = pl.DataFrame({"weight": [75_450, 75_450_000], "on": [date(2026, 11, 9)] * 2})
    assert with_derived(SCALES, records).select("weight_kg", "above").rows() == [(75.45, 55.45), (None, None)]
