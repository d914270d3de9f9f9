"""Formulas over the published values of two weeks."""

import polars as pl

from qol.formulas.registry import Rule, Week, weekly_formula


@weekly_formula(
    text="the published `aggregate` minus that of the week before",
    reads=("a number",), words=("aggregate",), gives=None, over="weeks", is_plain=False,
)  # fmt: skip
def change(rule: Rule, _: Week) -> pl.Expr:
    """The week's column minus that of the week before, which has `:before` behind its name."""
    column = f"{rule.of[0]}_{rule.aggregate}"
    return pl.col(column) - pl.col(f"{column}:before")
