"""Weekly formulas over days written out."""

from typing import Any

import polars as pl
import pytest

from qol.contracts.weekly import Derived
from qol.formulas import FORMULAS
from qol.formulas.registry import ANY_WEEK


def value(days: list[Any], **words: Any) -> object:
    rule = Derived(name="c", group="g", of=("m",), unit="u", description="d", **words)
    rows = pl.DataFrame({"user_id": ["P1"] * len(days), "m": days})
    formula = FORMULAS[rule.formula]
    return rows.group_by("user_id").agg(c=formula.column(rule, ANY_WEEK)).select(formula.published(rule))["c"][0]


@pytest.mark.parametrize(
    ("days", "mean"),
    [([1, 9, None, 5, 7], 7.0), ([4.0, 8.0, 6.5], 6.166667), ([9, 1, None], None), ([0, 0, 0, 0], 0.0)],
)
def test_the_mean_of_the_three_best_days_needs_three(days: list[Any], mean: object) -> None:
    assert value(days, formula="mean_of_best", best_days=3) == mean


@pytest.mark.parametrize(
    ("nights", "stability"),
    [
        ([[-60, 420], [-60, 420]], 1.0),
        # Two hours of 24 with 60 minutes, each on one of two nights: (24 x 7200 - 120²) / (24 x 2 x 7200 - 120²).
        ([[0, 60], [60, 120]], 0.478261),
        ([[-30, 30, 40, 50], [-30, 30, 40, 50], None], 1.0),
        ([[-900, -700, 700, 900], [-900, -700, 700, 900]], 1.0),
        ([[-720, 720], [-720, 720]], None),
        ([[0, 60], None], None),
    ],
)
def test_interdaily_stability_is_1_where_all_nights_are_alike(nights: list[Any], stability: object) -> None:
    typed = pl.Series(nights, dtype=pl.List(pl.Int32)).to_list()
    assert value(typed, formula="interdaily_stability") == stability


def test_every_formula_says_what_it_is_and_reads() -> None:
    assert [name for name, formula in FORMULAS.items() if not (formula.text and formula.reads)] == []
    assert FORMULAS["free_corrected"].reads == ("a time of day", "a quantity")
